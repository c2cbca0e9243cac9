"""Records the runs of an agent of the OpenAI Agents SDK by Formicary's recorder, without OpenTelemetry.

    pip install formicary -r requirements.txt
    export FORMICARY_URL=http://127.0.0.1:8765
    python with_recorder.py

Two runs of the agent `weather` arrive: one that succeeded, with the model, its tokens and what they cost; and one
that failed, since there is no model of that name. Without an OPENAI_API_KEY a stand-in answers.
"""

import os

from agents import Agent, RunConfig, Runner, function_tool, set_tracing_disabled
from openai import NotFoundError

import stand_in
from formicary.client import Recorder, current_run

recorder = Recorder(os.environ["FORMICARY_URL"], os.environ.get("FORMICARY_KEY"), version="1.4.0")
set_tracing_disabled(True)  # else the SDK sends its traces to OpenAI


@function_tool
def temperature(city: str) -> str:
    current_run().tool("temperature")
    return f"21 degrees in {city}"


weather = Agent(name="weather", model="gpt-5-mini", tools=[temperature])


@recorder.record("weather", provider="openai")
def ask(question: str, model: str = "gpt-5-mini") -> str:
    current_run().set(model=model)
    result = Runner.run_sync(weather, question, run_config=RunConfig(model=model))
    current_run().usage(result)
    return result.final_output


stand_in.start()
print(ask("How warm is it in Oslo?"))
try:
    ask("How warm is it in Oslo?", model="no-such-model")
except NotFoundError as error:
    print(error)
