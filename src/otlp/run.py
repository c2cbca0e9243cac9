"""From a run's spans to what is recorded of it: the counting rule.

Tokens, cached tokens and cost are the sums over the leaf inference spans of the run; what the run's own span says it
used in all counts only where no inference span is there, for it repeats the same tokens or leaves some out. What no
span says stays unknown.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TypeVar

from ..ingest.check import MAX_ITEMS
from ..ingest.run_input import UNVERSIONED, RunInput, RunKeyInput
from ..ingest.scalars import Money
from . import aliases
from .batch import EPOCH
from .facts import Read, amount, count, first_token, provider, text
from .span import Span, Status
from .trace import Run, failing_wrapper

T = TypeVar("T")

_ERROR = Status.ERROR


def run_input(run: Run, runs: Sequence[Run], *, project: str, trace_id: bytes) -> RunInput:
    """The run as it is recorded; its external id is `<trace id>-<span id>`. `runs` are all of the trace."""
    span, calls, trace = run.span, run.inferences, trace_id.hex()
    failure = failure_of(run, runs)
    models = _texts(calls, aliases.MODEL)
    return RunInput(
        agent=run.name,
        project=project,
        version=text(span, aliases.VERSION) or UNVERSIONED,
        external_id=external_id(trace, run.span),
        status="SUCCEEDED" if failure is None else "FAILED",
        started_at=instant(span.started),
        ended_at=instant(span.ended) if span.ended else None,
        model=models[0] if models else text(span, aliases.MODEL),
        provider=first((*calls, span), aliases.PROVIDER, provider),
        models=list(dict.fromkeys(models))[:MAX_ITEMS] or None,
        tools=_texts(run.tools, aliases.TOOL)[:MAX_ITEMS] or None,
        input_tokens=_tokens(run, aliases.INPUT_TOKENS, aliases.OWN_INPUT_TOKENS),
        output_tokens=_tokens(run, aliases.OUTPUT_TOKENS, aliases.OWN_OUTPUT_TOKENS),
        cached_input_tokens=_tokens(run, aliases.CACHED_TOKENS, aliases.OWN_CACHED_TOKENS),
        time_to_first_token_ms=first((*calls, span), aliases.FIRST_TOKEN, first_token),
        cost=_cost(run),
        error_type=None if failure is None else text(failure, aliases.ERROR_TYPE),
        error_message=None if failure is None else text(failure, aliases.ERROR_MESSAGE) or failure.message,
        trace_id=trace,
        span_id=span.id.hex(),
        parent=None if run.parent is None else _key(run.parent, project, trace),
        session_id=text(span, aliases.SESSION),
        user_id=text(span, aliases.USER),
    )


def failure_of(run: Run, runs: Iterable[Run]) -> Span | None:
    """The span whose error is the run's; None: it has succeeded."""
    return run.span if run.span.status == _ERROR else failing_wrapper(run, runs)


def external_id(trace: str, span: Span) -> str:
    return f"{trace}-{span.id.hex()}"


def instant(nanoseconds: int) -> datetime:
    """Cut to microseconds, which is what PostgreSQL keeps."""
    return EPOCH + timedelta(microseconds=nanoseconds // 1000)


def first(spans: Iterable[Span], names: Iterable[str], read: Read[T]) -> T | None:
    for span in spans:
        value = read(span, names)
        if value is not None:
            return value
    return None


def _texts(spans: Iterable[Span], names: Iterable[str]) -> list[str]:
    return [value for span in spans if (value := text(span, names)) is not None]


def _key(run: Run, project: str, trace: str) -> RunKeyInput:
    return RunKeyInput(agent=run.name, external_id=external_id(trace, run.span), project=project)


def _tokens(run: Run, names: Iterable[str], own_names: Iterable[str]) -> int | None:
    if not run.inferences:
        return first(run.spans, own_names, count)
    counts = [number for leaf in run.leaves if (number := count(leaf, names)) is not None]
    return sum(counts) if counts else None


def _cost(run: Run) -> Money | None:
    """Unknown, and so estimated, where only some of the calls that used tokens say what they cost."""
    cost: Decimal | None
    if not run.inferences:
        cost = first(run.spans, aliases.COST, amount)
        return None if cost is None else Money(cost)
    costs = []
    for leaf in run.leaves:
        cost = amount(leaf, aliases.COST)
        if cost is not None:
            costs.append(cost)
        elif count(leaf, aliases.OUTPUT_TOKENS) is not None:
            return None
    return Money(sum(costs)) if costs else None
