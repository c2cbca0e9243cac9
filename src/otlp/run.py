"""From a run's spans to what is recorded of it: the counting rule.

Tokens, cached tokens and cost are the sums over the leaf inference spans of the run; what the run's own span says it
used in all counts only where no inference span is there, for it repeats the same tokens or leaves some out. What no
span says stays unknown.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TypeVar

from ..ingest.check import MAX_ITEMS
from ..ingest.run_input import UNVERSIONED, RunInput, RunKeyInput, StatusName
from ..ingest.scalars import Money
from . import aliases
from .batch import EPOCH
from .facts import Fact, amount, count, first_token, text
from .span import Span, Status
from .trace import Node, Run, failing_wrapper

T = TypeVar("T", int, Decimal)
V = TypeVar("V")

NANOSECONDS = 1_000
STATUS_MESSAGE = "the status message"


@dataclass(frozen=True, slots=True)
class Account:
    """What a run's spans say of it, each with where that is from. `failure` is the span whose error is the run's."""

    failure: Span | None
    error_type: Fact[str] | None
    error_message: Fact[str] | None
    version: Fact[str] | None
    session: Fact[str] | None
    user: Fact[str] | None
    model: Fact[str] | None
    models: Sequence[str]
    provider: Fact[str] | None
    input_tokens: Fact[int] | None
    output_tokens: Fact[int] | None
    cached_tokens: Fact[int] | None
    cost: Fact[Decimal] | None
    first_token_ms: Fact[float] | None
    tools: Sequence[str]


def account(run: Run, runs: Iterable[Run]) -> Account:
    """`runs` are all runs of the trace."""
    span = run.node.span
    calls = [node.span for node in run.inferences]
    leaves = [node.span for node in run.inferences if not node.inference_below]
    failure = span if span.status == Status.ERROR else failing_wrapper(run, runs)
    models = [fact for call in calls if (fact := text(call, aliases.MODEL)) is not None]
    return Account(
        failure=failure,
        error_type=None if failure is None else text(failure, aliases.ERROR_TYPE),
        error_message=None if failure is None else _error_message(failure),
        version=text(span, aliases.VERSION),
        session=text(span, aliases.SESSION),
        user=text(span, aliases.USER),
        model=models[0] if models else text(span, aliases.MODEL),
        models=list(dict.fromkeys(fact.value for fact in models)),
        provider=_first(calls, lambda call: text(call, aliases.PROVIDER)) or text(span, aliases.PROVIDER),
        input_tokens=_tokens(run, leaves, aliases.INPUT_TOKENS, aliases.OWN_INPUT_TOKENS),
        output_tokens=_tokens(run, leaves, aliases.OUTPUT_TOKENS, aliases.OWN_OUTPUT_TOKENS),
        cached_tokens=_tokens(run, leaves, aliases.CACHED_TOKENS, aliases.OWN_CACHED_TOKENS),
        cost=_cost(run, leaves),
        first_token_ms=_first(calls, first_token) or first_token(span),
        tools=[fact.value for tool in run.tools if (fact := text(tool, aliases.TOOL)) is not None],
    )


def run_input(run: Run, runs: Iterable[Run], *, project: str, trace_id: bytes) -> RunInput:
    """The run as it is recorded; its external id is `<trace id>-<span id>`."""
    span, said, trace = run.node.span, account(run, runs), trace_id.hex()
    status: StatusName = "SUCCEEDED" if said.failure is None else "FAILED"
    return RunInput(
        agent=run.name.value,
        project=project,
        version=UNVERSIONED if said.version is None else said.version.value,
        external_id=external_id(trace, run.node),
        status=status,
        started_at=instant(span.started),
        ended_at=instant(span.ended) if span.ended else None,
        model=_value(said.model),
        provider=_value(said.provider),
        models=list(said.models[:MAX_ITEMS]) or None,
        tools=list(said.tools[:MAX_ITEMS]) or None,
        input_tokens=_value(said.input_tokens),
        output_tokens=_value(said.output_tokens),
        cached_input_tokens=_value(said.cached_tokens),
        time_to_first_token_ms=_value(said.first_token_ms),
        cost=None if said.cost is None else Money(said.cost.value),
        error_type=_value(said.error_type),
        error_message=_value(said.error_message),
        trace_id=trace,
        span_id=span.id.hex(),
        parent=_parent(run, project, trace),
        session_id=_value(said.session),
        user_id=_value(said.user),
    )


def external_id(trace: str, node: Node) -> str:
    return f"{trace}-{node.span.id.hex()}"


def instant(nanoseconds: int) -> datetime:
    """Cut to microseconds, which is what PostgreSQL keeps."""
    return EPOCH + timedelta(microseconds=nanoseconds // NANOSECONDS)


def _parent(run: Run, project: str, trace: str) -> RunKeyInput | None:
    parent = run.parent
    if parent is None:
        return None
    return RunKeyInput(agent=parent.name.value, external_id=external_id(trace, parent.node), project=project)


def _value(fact: Fact[V] | None) -> V | None:
    return None if fact is None else fact.value


def _first(spans: Iterable[Span], read: Callable[[Span], Fact[V] | None]) -> Fact[V] | None:
    return next((fact for span in spans if (fact := read(span)) is not None), None)


def _error_message(span: Span) -> Fact[str] | None:
    return text(span, aliases.ERROR_MESSAGE) or (Fact(span.message, STATUS_MESSAGE) if span.message.strip() else None)


def _tokens(run: Run, leaves: Sequence[Span], names: Iterable[str], own_names: Iterable[str]) -> Fact[int] | None:
    if run.inferences:
        return _sum([fact for leaf in leaves if (fact := count(leaf, names)) is not None])
    return _first(run.spans, lambda span: count(span, own_names))


def _cost(run: Run, leaves: Sequence[Span]) -> Fact[Decimal] | None:
    """Unknown, and so estimated, where only some of the calls that used tokens say what they cost."""
    if not run.inferences:
        return _first(run.spans, lambda span: amount(span, aliases.COST))
    costs = [(amount(leaf, aliases.COST), leaf) for leaf in leaves]
    if any(cost is None and count(leaf, aliases.OUTPUT_TOKENS) is not None for cost, leaf in costs):
        return None
    return _sum([cost for cost, _ in costs if cost is not None])


def _sum(facts: Sequence[Fact[T]]) -> Fact[T] | None:
    if not facts:
        return None
    if len(facts) == 1:
        return facts[0]
    total = facts[0].value
    for fact in facts[1:]:
        total += fact.value
    return Fact(total, f"{' + '.join(dict.fromkeys(fact.source for fact in facts))} of {len(facts)} model calls")
