"""Which spans are runs, and what each run is told to be: rule by rule."""

import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from formicary.ingest.run_input import RunInput
from formicary.otlp import protobuf_body
from formicary.otlp.batch import Batch
from formicary.otlp.run import run_input
from formicary.otlp.trace import read_trace

from .spans import ERROR, Value, agent, chain, chat, request, span, tool


def runs(*spans: Span, released: bool = False, **resource: Value) -> list[RunInput]:
    """The runs of one trace, in order of their start."""
    batch = Batch(datetime.now(UTC))
    protobuf_body.read(request(*spans, **resource).SerializeToString(), batch)
    assert not batch.refusals.spans
    (((_, trace_id), kept),) = batch.traces.items()
    trace = read_trace(kept.values(), released=released)
    return [run_input(run, trace.runs, project="default", trace_id=trace_id) for run in trace.runs]


def only(found: Sequence[RunInput]) -> RunInput:
    (run,) = found
    return run


def tokens(run: RunInput) -> tuple[int | None, int | None]:
    return run.input_tokens, run.output_tokens


def test_an_agent_reached_through_a_tool_is_a_run_of_its_own_even_of_the_same_name() -> None:
    outer, inner = runs(agent(1), tool(2, 1, at=0.1), agent(3, 2, at=0.2), chat(4, 3, at=0.3))
    assert (outer.agent, inner.agent) == ("scout", "scout")
    assert inner.parent is not None
    assert inner.parent.external_id == outer.external_id
    assert (tokens(outer), tokens(inner)) == ((None, None), (10, 2))


def test_an_agent_directly_inside_one_of_the_same_name_is_the_same_run() -> None:
    run = only(runs(agent(1), chain(2, 1), agent(3, 2), chat(4, 3)))
    assert tokens(run) == (10, 2)
    assert run.span_id == f"{1:016x}"


def test_an_agent_of_another_name_between_two_of_one_name_keeps_them_apart() -> None:
    found = runs(agent(1), agent(2, 1, agent="b", at=0.1), agent(3, 2, at=0.2))
    assert [run.agent for run in found] == ["scout", "b", "scout"]


def test_leaf_calls_are_summed_and_a_call_around_another_is_not() -> None:
    run = only(runs(agent(1), chat(2, 1, tokens=(100, 50)), chat(3, 2), chat(4, 1, tokens=(1, 1))))
    assert tokens(run) == (11, 3)


def test_the_own_total_counts_only_where_no_call_is_known() -> None:
    own: dict[str, Any] = {"gen_ai__usage__input_tokens": 70, "gen_ai__aggregated_usage__output_tokens": 7}
    assert tokens(only(runs(agent(1, **own)))) == (70, 7)
    assert tokens(only(runs(agent(1, **own), chat(2, 1, tokens=None)))) == (None, None)
    assert tokens(only(runs(agent(1, **own), chat(2, 1)))) == (10, 2)


def test_the_own_total_may_be_on_the_second_span_of_a_run() -> None:
    assert tokens(only(runs(agent(1), agent(2, 1, gen_ai__usage__input_tokens=5)))) == (5, None)


def test_of_several_further_spans_of_a_run_the_one_that_started_first_says_what_it_used() -> None:
    further = [agent(number, 1, at=number, gen_ai__usage__input_tokens=number) for number in (2, 3, 4)]
    assert {tokens(only(runs(agent(1), *some))) for some in permutations(further)} == {(2, None)}


def test_two_names_of_one_number_are_one_number() -> None:
    run = only(runs(agent(1), chat(2, 1, gen_ai__usage__prompt_tokens=10, llm__token_count__prompt=10)))
    assert run.input_tokens == 10


def test_making_an_agent_is_no_run_whatever_else_it_says() -> None:
    made = span(1, gen_ai__operation__name="create_agent", openinference__span__kind="AGENT", gen_ai__agent__name="a")
    assert runs(made) == []


@pytest.mark.parametrize("wrapper", [chain(1, name="flow"), agent(1, agent=None, name="flow")])
def test_a_wrapper_is_a_run_only_where_no_agent_is_below(wrapper: Span) -> None:
    assert only(runs(wrapper, chat(2, 1))).agent == "flow"
    assert only(runs(wrapper, chain(2, 1), chat(3, 2))).agent == "flow"
    assert only(runs(wrapper, chain(2, 1), agent(3, 2), chat(4, 3))).agent == "scout"


def test_a_wrapper_below_what_is_neither_is_the_outermost_one() -> None:
    assert only(runs(span(1, name="POST /ask"), chain(2, 1, name="flow"), chain(3, 2), chat(4, 3))).agent == "flow"


def test_a_nameless_agent_below_a_chain_stands_for_both() -> None:
    assert only(runs(chain(1, name="flow"), agent(2, 1, agent=None, name="worker"), chat(3, 2))).agent == "worker"


def test_of_agents_without_names_the_outermost_is_the_run() -> None:
    inner = [agent(3, 2, agent=None, name="inner"), chat(4, 3), chat(5, 2)]
    run = only(runs(chain(1, name="flow"), agent(2, 1, agent=None, name="outer"), *inner))
    assert (run.agent, tokens(run)) == ("outer", (20, 4))


def test_beside_a_named_agent_under_one_wrapper_a_nameless_one_is_no_run() -> None:
    assert only(runs(chain(1), agent(2, 1, agent=None, name="inner"), chat(3, 2), agent(4, 1))).agent == "scout"


def test_a_name_is_believed_on_an_agent_only() -> None:
    run = only(runs(chain(1, name="flow"), chat(2, 1, gen_ai__agent__name="placeholder")))
    assert run.agent == "flow"


def test_calls_alone_are_no_run() -> None:
    assert runs(chat(1, None), tool(2, 1)) == []


def of_langchain(id: int, parent: int | None, agent: str, **fields: Any) -> Span:  # noqa: A002
    return chain(id, parent, metadata=json.dumps({"lc_agent_name": agent}), **fields)


def test_a_chain_under_the_name_of_langchains_agent_is_that_agent() -> None:
    spans = [of_langchain(2, 1, "scout", name="scout"), of_langchain(3, 2, "scout", name="model"), chat(4, 3)]
    called = [tool(5, 3, at=0.1), of_langchain(6, 5, "helper", name="helper", at=0.2), chat(7, 6)]
    outer, inner = runs(chain(1, name="graph"), *spans, *called)
    assert (outer.agent, tokens(outer), inner.agent, tokens(inner)) == ("scout", (10, 2), "helper", (10, 2))
    assert inner.parent is not None
    assert inner.parent.external_id == outer.external_id


def test_the_error_of_the_wrapper_is_the_runs_where_nothing_else_says_how_it_ended() -> None:
    failed = chain(1, status=ERROR, message="boom", error__type="Boom")
    run = only(runs(failed, agent(2, 1)))
    assert (run.status, run.error_type, run.error_message) == ("FAILED", "Boom", "boom")
    assert only(runs(failed, agent(2, 1, status=1))).status == "SUCCEEDED"
    first, second = runs(failed, agent(2, 1, agent="a"), agent(3, 1, agent="b", status=ERROR, at=0.1))
    assert (first.status, second.status) == ("SUCCEEDED", "FAILED")


def test_a_failed_call_fails_no_run() -> None:
    run = only(runs(agent(1), chat(2, 1, status=ERROR), tool(3, 1, status=ERROR, message="no")))
    assert (run.status, run.error_type, run.error_message) == ("SUCCEEDED", None, None)


def test_the_error_is_from_the_last_exception_else_from_the_status() -> None:
    failed = agent(1, status=ERROR, message="status")
    assert only(runs(failed)).error_message == "status"
    failed.events.add(name="exception")
    for text in ("first", "last"):
        failed.events.add(name="exception").CopyFrom(span(9, exception={"type": "T", "message": text}).events[0])
    run = only(runs(failed))
    assert (run.error_type, run.error_message) == ("T", "last")


def test_the_first_call_that_names_a_model_and_a_provider_gives_both() -> None:
    first = chat(3, 1, at=0.2, gen_ai__response__model="m-2", gen_ai__system="s-2")
    second = chat(2, 1, at=0.4, gen_ai__request__model="m-3", gen_ai__provider__name="p-3")
    run = only(runs(agent(1, gen_ai__request__model="m-0", gen_ai__system="s-0"), second, first))
    assert (run.model, run.provider, run.models) == ("m-1", "s-2", ["m-1", "m-3"])
    assert only(runs(agent(1, gen_ai__request__model="m-0", gen_ai__system="s-0"))).model == "m-0"


def test_a_framework_is_no_provider() -> None:
    call = chat(2, 1, gen_ai__system="strands-agents")
    assert only(runs(agent(1, gen_ai__system="strands-agents"), call)).provider is None
    both = chat(2, 1, gen_ai__system="strands-agents", llm__provider="openai")
    assert only(runs(agent(1), both)).provider == "openai"


def test_tools_come_in_the_order_of_their_start_and_those_without_a_name_are_none() -> None:
    nameless = span(5, 1, openinference__span__kind="TOOL")
    run = only(runs(agent(1), tool(2, 1, tool="b", at=0.5), tool(3, 1, tool="a", at=0.1), nameless))
    assert run.tools == ["a", "b"]


def test_cost_is_summed_exactly_and_left_to_an_estimate_where_a_call_does_not_tell_it() -> None:
    calls = [chat(2, 1, operation__cost=1.095e-05), chat(3, 1, operation__cost=1.485e-05)]
    assert only(runs(agent(1), *calls)).cost == Decimal("0.0000258")
    assert only(runs(agent(1), *calls, chat(4, 1))).cost is None
    assert only(runs(agent(1), *calls, chat(4, 1, tokens=None))).cost == Decimal("0.0000258")
    assert only(runs(agent(1, llm__cost__total=0.5))).cost == Decimal("0.5")


@pytest.mark.parametrize(
    ("given", "milliseconds"),
    [
        ({"gen_ai__response__time_to_first_chunk": 0.25}, 250),
        ({"gen_ai__client__operation__time_to_first_chunk": 0.25}, 250),
        ({"gen_ai__server__time_to_first_token": 0.25}, 250),
        ({"gen_ai__server__time_to_first_token": 250}, 250),
        ({"ai__response__msToFirstChunk": 250.0}, 250),
    ],
)
def test_the_time_to_the_first_token_is_kept_in_milliseconds(given: dict[str, Any], milliseconds: float) -> None:
    assert only(runs(agent(1), chat(2, 1, **given))).time_to_first_token_ms == milliseconds


def test_cached_tokens_are_summed() -> None:
    calls = [
        chat(2, 1, gen_ai__usage__cache_read__input_tokens=4),
        chat(3, 1, llm__token_count__prompt_details__cache_read=3),
    ]
    assert only(runs(agent(1), *calls)).cached_input_tokens == 7


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1, 1.5, "many", "", 10**13, True])
def test_what_is_no_count_is_not_counted(value: Value) -> None:
    call = chat(2, 1, tokens=None, gen_ai__usage__input_tokens=value, gen_ai__usage__prompt_tokens="12")
    assert tokens(only(runs(agent(1), call))) == (12, None)


def test_the_version_is_the_agents_else_the_services() -> None:
    assert only(runs(agent(1), service__version="2")).version == "2"
    assert only(runs(agent(1, gen_ai__agent__version="3"), service__version="2")).version == "3"
    assert only(runs(agent(1))).version == "unversioned"


def test_what_is_below_a_span_without_its_parent_is_held_back_until_it_is_released() -> None:
    spans = [agent(2, 1), chat(3, 2), agent(4, 2, agent="b", at=0.1)]
    assert runs(*spans) == []
    first, second = runs(*spans, released=True)
    assert (first.agent, second.agent, first.parent) == ("scout", "b", None)


def test_a_span_that_is_its_own_parent_has_none() -> None:
    assert only(runs(agent(1, 1))).parent is None


def test_a_parent_whose_id_is_all_zeros_is_none() -> None:
    assert only(runs(agent(1, 0), chat(2, 1))).input_tokens == 10


def test_spans_in_a_circle_are_held_back_and_then_begin_with_the_one_that_started_first() -> None:
    circle = [agent(1, 3, at=0.1), agent(2, 1, agent="b", at=0.0), chain(3, 2, at=0.2), chat(4, 3)]
    assert runs(*circle) == []
    first, second = runs(*circle, released=True)
    assert (first.agent, second.agent) == ("b", "scout")
    assert second.parent is not None
    assert second.parent.external_id == first.external_id
    assert (tokens(first), tokens(second)) == ((10, 2), (None, None))


def test_a_trace_of_any_depth_is_read() -> None:
    deep = [chain(n, n - 1) for n in range(2, 9_000)]
    assert tokens(only(runs(agent(1), *deep, chat(9_000, 8_999)))) == (10, 2)


def test_a_trace_that_was_read_is_gone_without_the_garbage_collector() -> None:
    """Nodes are hidden from it, so what leads back to itself would stay for good."""
    circle = [agent(8, 9, at=0.1), chain(9, 8, at=0.2)]
    nested = [chain(1), agent(2, 1, agent=None), agent(3, 2), tool(4, 3), agent(5, 4), chat(6, 5), chat(7, 6)]
    batch = Batch(datetime.now(UTC))
    protobuf_body.read(request(*nested, *circle, chain(10), chain(11, 10)).SerializeToString(), batch)
    (kept,) = batch.traces.values()
    before = [sys.getrefcount(one) for one in kept.values()]
    for released in (False, True):
        assert len(read_trace(kept.values(), released=released).runs) == (4 if released else 3)
        assert [sys.getrefcount(one) for one in kept.values()] == before


def test_names_and_messages_are_cut_and_hold_nothing_that_cannot_be_stored() -> None:
    run = only(runs(agent(1, agent="a\0" + "b" * 500, status=ERROR, message="c" * 5_000)))
    assert run.agent == "a\N{REPLACEMENT CHARACTER}" + "b" * 198
    assert run.error_message == "c" * 1_000


OTHER_GENERATIONS = [
    (
        "OpenLLMetry",
        [
            span(1, traceloop__span__kind="workflow", traceloop__entity__name="flow"),
            span(2, 1, traceloop__span__kind="agent", traceloop__entity__name="scout"),
            span(
                3,
                2,
                llm__request__type="chat",
                gen_ai__system="OpenAI",
                gen_ai__request__model="m",
                gen_ai__usage__prompt_tokens=10,
                gen_ai__usage__completion_tokens=2,
            ),
            span(4, 2, traceloop__span__kind="tool", traceloop__entity__name="lookup"),
        ],
    ),
    (
        "pydantic-ai before it named operations",
        [
            span(1, name="agent run", agent_name="scout", model_name="m"),
            chat(2, 1, gen_ai__request__model="m"),
            span(3, 1, name="running tool", gen_ai__tool__name="lookup", gen_ai__tool__call__id="c"),
        ],
    ),
    (
        "Vercel AI SDK",
        [
            span(1, ai__operationId="ai.generateText", ai__telemetry__functionId="scout"),
            span(
                2,
                1,
                ai__operationId="ai.generateText.doGenerate",
                ai__model__id="m",
                ai__usage__promptTokens=10,
                ai__usage__completionTokens=2,
            ),
            span(3, 1, ai__operationId="ai.toolCall", ai__toolCall__name="lookup"),
        ],
    ),
    (
        "OpenTelemetry before it named operations",
        [
            agent(1),
            span(2, 1, gen_ai__request__model="m", gen_ai__usage__prompt_tokens=10, gen_ai__usage__completion_tokens=2),
            tool(3, 1),
        ],
    ),
]


@pytest.mark.parametrize(
    "spans", [spans for _, spans in OTHER_GENERATIONS], ids=[name for name, _ in OTHER_GENERATIONS]
)
def test_every_convention_says_the_same(spans: list[Span]) -> None:
    run = only(runs(*spans))
    assert (run.agent, run.model, tokens(run), run.tools) == ("scout", "m", (10, 2), ["lookup"])
