"""Records the runs of a Strands agent by its own OpenTelemetry instrumentation.

    pip install -r requirements.txt
    export OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:8765
    export OTEL_RESOURCE_ATTRIBUTES=service.version=1.4.0
    python with_strands.py

Two runs of the agent `weather` arrive: one that called the tool `temperature` and succeeded, with the model, the
tokens of both its calls and what they cost; and one that failed, since there is no model of that name. Without an
OPENAI_API_KEY a stand-in answers.
"""

from openai import NotFoundError
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from strands import Agent, tool
from strands.models.openai import OpenAIModel

import stand_in

tracing = TracerProvider()
tracing.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(tracing)


@tool
def temperature(city: str) -> str:
    """The temperature in a city."""
    return f"21 degrees in {city}"


def weather(model: str) -> Agent:
    return Agent(OpenAIModel(model_id=model), name="weather", tools=[temperature], callback_handler=None)


stand_in.start()
print(weather("gpt-5-mini")("How warm is it in Oslo?"), end="")
try:
    weather("no-such-model")("How warm is it in Oslo?")
except NotFoundError as error:
    print(error)
