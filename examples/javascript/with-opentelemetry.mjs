/* Records an agent that is written without a framework: three kinds of spans, as OpenTelemetry's conventions have them.

    npm install
    export OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:8765
    export OTEL_RESOURCE_ATTRIBUTES=service.version=1.4.0
    node with-opentelemetry.mjs

Two runs of the agent `weather` arrive: one that called the tool `temperature` and succeeded, with the model, the
tokens of both its calls and what they cost; and one that failed with its model, which is a stand-in here. */

import { SpanStatusCode, trace } from "@opentelemetry/api";
import { NodeSDK } from "@opentelemetry/sdk-node";

const tracing = new NodeSDK();
tracing.start();
const tracer = trace.getTracer("weather");

/** Do some work in a span, which fails when the work does. */
function inSpan(operation, name, attributes, work) {
  const all = { "gen_ai.operation.name": operation, ...attributes };
  return tracer.startActiveSpan(`${operation} ${name}`, { attributes: all }, async (span) => {
    try {
      return await work(span);
    } catch (error) {
      span.recordException(error);
      span.setStatus({ code: SpanStatusCode.ERROR, message: error.message });
      throw error;
    } finally {
      span.end();
    }
  });
}

function chat(model, messages) {
  const request = { "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-5-mini" };
  return inSpan("chat", "gpt-5-mini", request, async (span) => {
    const { usage, ...answer } = await model(messages);
    span.setAttributes({
      "gen_ai.usage.input_tokens": usage.input,
      "gen_ai.usage.output_tokens": usage.output,
      "gen_ai.usage.cache_read.input_tokens": usage.cached,
    });
    return answer;
  });
}

function temperature(city) {
  return inSpan("execute_tool", "temperature", { "gen_ai.tool.name": "temperature" }, () => `21 degrees in ${city}`);
}

function weather(model, question) {
  return inSpan("invoke_agent", "weather", { "gen_ai.agent.name": "weather" }, async () => {
    const { city } = await chat(model, [question]);
    const { text } = await chat(model, [question, await temperature(city)]);
    return text;
  });
}

async function works(messages) {
  return messages.length === 1
    ? { city: "Oslo", usage: { input: 50, cached: 0, output: 10 } }
    : { text: "It is 21 degrees in Oslo.", usage: { input: 80, cached: 40, output: 20 } };
}

async function breaks() {
  throw new Error("The model is overloaded.");
}

const question = "How warm is it in Oslo?";
console.log(await weather(works, question));
await weather(breaks, question).catch((error) => console.log(error.message));
await tracing.shutdown();
