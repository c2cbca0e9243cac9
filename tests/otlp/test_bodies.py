"""Traces that come whole in one body, and the same in pieces: it comes to the same."""

from collections.abc import Sequence

import httpx2
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from formicary.db import Database

from .fixtures import post, recorded
from .spans import ERROR, agent, body, chain, chat, span, tool


def spans_of(trace: int) -> list[Span]:
    """A trace of two runs; each trace is a little different."""
    name = f"agent {trace % 2}"
    spans = [
        chain(1, at=trace, status=ERROR, message="boom"),
        agent(2, 1, at=trace + 0.1, agent=name),
        agent(3, 2, at=trace + 0.2, agent=name, session__id=f"s {trace}"),
        chat(4, 3, at=trace + 0.3, tokens=(trace, 1), gen_ai__provider__name="openai"),
        chat(5, 4, at=trace + 0.4, tokens=(trace, 2), gen_ai__response__model="m-2"),
        tool(6, 2, at=trace + 0.5),
        agent(7, 6, at=trace + 0.6, agent="inner"),
        chat(8, 7, at=trace + 0.7, operation__cost=0.25),
        span(9, 7, at=trace + 0.8),
    ]
    for one in spans:
        one.trace_id = trace.to_bytes(16, "big")
    return spans


TRACES = [spans_of(trace) for trace in (1, 2, 3)]
SPANS = [one for spans in TRACES for one in spans]


@given(
    st.permutations(SPANS),
    st.lists(st.integers(1, len(SPANS) - 1), max_size=5),
    st.lists(st.sampled_from(SPANS), max_size=5),
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_traces_in_one_body_and_in_pieces_give_the_same_runs(
    client: httpx2.AsyncClient, db: Database, order: Sequence[Span], cuts: Sequence[int], again: Sequence[Span]
) -> None:
    await db.execute("TRUNCATE otlp_trace, run, run_key, run_batch, rollup_stale")
    await post(client, *(body(*spans) for spans in TRACES))
    whole = await recorded(client)
    assert len(whole) == 2 * len(TRACES)
    await db.execute("TRUNCATE otlp_trace, run, run_key, run_batch, rollup_stale")
    ends = [*sorted(set(cuts)), len(order)]
    for begin, end in zip([0, *ends], ends, strict=False):
        await post(client, body(*order[begin:end]))
    assert await recorded(client) == whole
    await post(client, body(*again))
    assert await recorded(client) == whole
