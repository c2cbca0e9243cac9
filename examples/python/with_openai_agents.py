"""Records the runs of an agent of the OpenAI Agents SDK by OpenInference's instrumentation.

    pip install -r requirements.txt
    export OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:8765
    export OTEL_RESOURCE_ATTRIBUTES=service.version=1.4.0
    python with_openai_agents.py

Two runs of the agent `weather` arrive: one that called the tool `temperature` and succeeded, with the model, the
tokens of both its calls and what they cost; and one that failed, since there is no model of that name. Without an
OPENAI_API_KEY a stand-in answers.
"""

from agents import Agent, RunConfig, Runner, function_tool
from openai import NotFoundError
from openinference.instrumentation.openai_agents import OpenAIAgentsInstrumentor
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

import stand_in

tracing = TracerProvider()
tracing.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
OpenAIAgentsInstrumentor().instrument(tracer_provider=tracing)


@function_tool
def temperature(city: str) -> str:
    return f"21 degrees in {city}"


weather = Agent(name="weather", model="gpt-5-mini", tools=[temperature])

stand_in.start()
print(Runner.run_sync(weather, "How warm is it in Oslo?").final_output)
try:
    Runner.run_sync(weather, "How warm is it in Oslo?", run_config=RunConfig(model="no-such-model"))
except NotFoundError as error:
    print(error)
