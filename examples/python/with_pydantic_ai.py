"""Records the runs of a pydantic-ai agent by its own OpenTelemetry instrumentation.

    pip install -r requirements.txt
    export OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:8765
    export OTEL_RESOURCE_ATTRIBUTES=service.version=1.4.0
    python with_pydantic_ai.py

Two runs of the agent `weather` arrive: one that called the tool `temperature` and succeeded, with the model, the
tokens of both its calls and what they cost; and one that failed, since there is no model of that name. Without an
OPENAI_API_KEY a stand-in answers.
"""

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from pydantic_ai import Agent
from pydantic_ai.exceptions import ModelHTTPError

import stand_in

tracing = TracerProvider()
tracing.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(tracing)
Agent.instrument_all()

stand_in.start()
weather = Agent("openai:gpt-5-mini", name="weather")


@weather.tool_plain
def temperature(city: str) -> str:
    return f"21 degrees in {city}"


print(weather.run_sync("How warm is it in Oslo?").output)
try:
    weather.run_sync("How warm is it in Oslo?", model="openai:no-such-model")
except ModelHTTPError as error:
    print(error)
