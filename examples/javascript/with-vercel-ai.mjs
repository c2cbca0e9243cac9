/* Records what an agent of the Vercel AI SDK does by the SDK's own OpenTelemetry integration.

    npm install
    export OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:8765
    export OTEL_RESOURCE_ATTRIBUTES=service.version=1.4.0
    node with-vercel-ai.mjs

Two runs of the agent `weather` arrive: one that called the tool `temperature` and succeeded, with the model, the
tokens of both its calls and what they cost; and one that failed with its model. The models are the SDK's mocks. */

import { OpenTelemetry } from "@ai-sdk/otel";
import { NodeSDK } from "@opentelemetry/sdk-node";
import { ToolLoopAgent, registerTelemetry, tool } from "ai";
import { MockLanguageModelV4 } from "ai/test";
import { z } from "zod";

const tracing = new NodeSDK();
tracing.start();
registerTelemetry(new OpenTelemetry());

const temperature = tool({
  description: "The temperature in a city.",
  inputSchema: z.object({ city: z.string() }),
  execute: async ({ city }) => `21 degrees in ${city}`,
});

const weather = (model) =>
  new ToolLoopAgent({ model, tools: { temperature }, telemetry: { functionId: "weather" } });

const call = { type: "tool-call", toolCallId: "call_1", toolName: "temperature", input: '{"city": "Oslo"}' };
const says = { type: "text", text: "It is 21 degrees in Oslo." };
const answers = [
  { content: [call], finishReason: { unified: "tool-calls" }, usage: used(50, 0, 10), warnings: [] },
  { content: [says], finishReason: { unified: "stop" }, usage: used(80, 40, 20), warnings: [] },
];
const mock = { provider: "openai.chat", modelId: "gpt-5-mini" };
const works = new MockLanguageModelV4({ ...mock, doGenerate: async () => answers.shift() });
const breaks = new MockLanguageModelV4({
  ...mock,
  doGenerate: async () => {
    throw new Error("The model is overloaded.");
  },
});

function used(input, cached, output) {
  return { inputTokens: { total: input, cacheRead: cached }, outputTokens: { total: output } };
}

const question = { prompt: "How warm is it in Oslo?" };
console.log((await weather(works).generate(question)).text);
await weather(breaks)
  .generate(question)
  .catch((error) => console.log(error.message));
await tracing.shutdown();
