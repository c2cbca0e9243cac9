"""Records the runs of a LangGraph agent by OpenInference's instrumentation of LangChain.

    pip install -r requirements.txt
    export OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:8765
    export OTEL_RESOURCE_ATTRIBUTES=service.version=1.4.0
    python with_langgraph.py

Two runs of the agent `weather` arrive: one that called the tool `temperature` and succeeded, with the model, the
tokens of both its calls and what they cost; and one that failed, since there is no model of that name. Without an
OPENAI_API_KEY a stand-in answers.
"""

from langchain.agents import create_agent
from openai import NotFoundError
from openinference.instrumentation.langchain import LangChainInstrumentor
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

import stand_in

tracing = TracerProvider()
tracing.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
LangChainInstrumentor().instrument(tracer_provider=tracing)


def temperature(city: str) -> str:
    """The temperature in a city."""
    return f"21 degrees in {city}"


def ask(model: str) -> str:
    weather = create_agent(model, tools=[temperature], name="weather")
    answer = weather.invoke({"messages": [{"role": "user", "content": "How warm is it in Oslo?"}]})
    return answer["messages"][-1].content


stand_in.start()
print(ask("openai:gpt-5-mini"))
try:
    ask("openai:no-such-model")
except NotFoundError as error:
    print(error)
