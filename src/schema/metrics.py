"""Figures in the API."""

from collections.abc import Callable, Collection
from dataclasses import replace
from functools import cache
from typing import Annotated, Any

import strawberry

from ..errors import BadInputError
from ..resolvers import figures, metrics
from ..resolvers.loaders import FiguresKey
from ..resolvers.question import Dimension, Question, Source, Wants
from .context import Info
from .lookahead import selected
from .run_inputs import RunFilter, TimeRange, resolver_filter, time_range
from .scalars import BigInt, DateTime, Decimal

MOST_SLOTS = 200

WhichRange = Annotated[
    TimeRange | None, strawberry.argument(description="When the runs started; in the last 24 hours if left out.")
]
WhichRuns = Annotated[
    RunFilter | None,
    strawberry.argument(
        description="Which runs; all if left out. Where its own `range` is given too, what lies within both."
    ),
]

_PARTS = {
    **dict.fromkeys((f"latency.p{rank}Ms" for rank in (50, 75, 90, 95, 99)), "durations"),
    "latency.quantileMs": "durations",
    "latency.histogram": "durations",
    "distinctUsers": "people",
    "distinctSessions": "people",
    "averagePheromone": "pheromone",
}
_SUMS: dict[str, Collection[str]] = {
    "messages": ("messages",),
    "latency": metrics.OF_LATENCY,
    "tokens": ("input_tokens", "output_tokens", "total_tokens", "token_runs"),
    "cost": ("cost", "estimated_runs", "unknown_runs"),
    "filesCreated": ("files_created",),
    "filesModified": ("files_modified",),
}
"""By what is selected of Metrics, the sums behind it."""


def wants(info: Info, below: str = "") -> Wants:
    """What of the figures is asked for; they are found below that path of the field, such as `metrics.`."""
    return _wants(selected(info, *_paths(below)), below)


@cache
def _wants(found: frozenset[str], below: str) -> Wants:
    names = {path.removeprefix(below).removeprefix("previous.") for path in found}
    parts = {_PARTS[name] for name in names if name in _PARTS}
    sums = frozenset(column for name in names for column in _SUMS.get(name, ()))
    return Wants(**dict.fromkeys(parts, True), previous=f"{below}previous" in found, sums=sums)


@cache
def _paths(below: str) -> tuple[str, ...]:
    names = (*_PARTS, *_SUMS)
    return (f"{below}previous", *(f"{below}{before}{name}" for before in ("", "previous.") for name in names))


def ask(info: Info, range_: TimeRange | None, where: RunFilter | None, below: str = "") -> Question:
    """What the arguments of a field ask. Raises BadInputError."""
    filter_ = resolver_filter(where)
    resolved = figures.question_range(time_range(range_), filter_, info.context.now)
    return Question(resolved, replace(filter_, range=None) if filter_.range else filter_, wants=wants(info, below))


async def read_metrics(
    info: Info,
    range: WhichRange = None,  # noqa: A002
    filter: WhichRuns = None,  # noqa: A002
    source: Annotated[Source, strawberry.argument(description="Where the figures come from.")] = Source.AUTO,
) -> Any:
    question = replace(ask(info, range, filter), source=source)
    found = await figures.read(info.context.db, info.context.scope, question)
    return found.metrics()


def metrics_of(owner: Dimension) -> Callable[..., Any]:
    """The resolver of the figures of an agent or a version; of siblings all together."""

    async def metrics_of(
        root: strawberry.Parent[Any],
        info: Info,
        range: WhichRange = None,  # noqa: A002
        filter: WhichRuns = None,  # noqa: A002
    ) -> Any:
        key = FiguresKey(root.id, owner, ask(info, range, filter))
        return (await info.context.loaders.figures.load(key)).metrics()

    return metrics_of


async def _quantile(
    root: strawberry.Parent[metrics.Latency],
    q: Annotated[float, strawberry.argument(description="Which one, 0 to 1: 0.5 is the median.")],
) -> float:
    if not 0 <= q <= 1:
        raise BadInputError(f"q: {q:g} is not between 0 and 1.")
    return root.quantile_ms(q)


async def _histogram(
    root: strawberry.Parent[metrics.Latency],
    buckets: Annotated[int | None, strawberry.argument(description=f"At most so many parts, 1 to {MOST_SLOTS}.")] = 24,
) -> Any:
    most = 24 if buckets is None else buckets
    if not 1 <= most <= MOST_SLOTS:
        raise BadInputError(f"buckets: {most} is not between 1 and {MOST_SLOTS}.")
    return root.histogram(most)


@strawberry.type(description="A range of time as it was understood, in UTC.")
class ResolvedRange:
    from_: DateTime = strawberry.field(
        name="from",
        description="The start, included; moved back to the full hour where runs of before it have been dropped.",
    )
    to: DateTime = strawberry.field(description="The end, not included; likewise.")


@strawberry.type(description="A part of the spread of durations.")
class LatencyBucket:
    low: float = strawberry.field(name="fromMs", description="Milliseconds; the part begins above.")
    high: float = strawberry.field(name="toMs", description="Milliseconds; the part ends here, included.")
    count: BigInt = strawberry.field(description="How many durations lie in it. Exact.")


def _percentile(rank: int) -> Any:
    return strawberry.field(
        description=f"Milliseconds that {rank} % of the runs do not exceed. Nearest-rank; at most 1 % off."
    )


@strawberry.type(
    description="How long runs took, in milliseconds: those that succeeded, failed or timed out and have a duration. "
    "Percentiles are nearest-rank, so one of the durations itself or at most 1 % off it; the others are exact."
)
class Latency:
    average_ms: float = strawberry.field(description="The mean, in milliseconds. Exact.")
    min_ms: float = strawberry.field(description="The shortest, in milliseconds. Exact.")
    max_ms: float = strawberry.field(description="The longest, in milliseconds. Exact.")
    p50_ms: float = _percentile(50)
    p75_ms: float = _percentile(75)
    p90_ms: float = _percentile(90)
    p95_ms: float = _percentile(95)
    p99_ms: float = _percentile(99)
    quantile_ms: float = strawberry.field(
        resolver=_quantile,
        description="Milliseconds that a part `q` of the runs does not exceed: the shortest for 0, the longest for 1. "
        "Nearest-rank; at most 1 % off.",
    )
    histogram: list[LatencyBucket] = strawberry.field(
        resolver=_histogram,
        description="How the durations are spread, from the shortest to the longest, in parts that adjoin and grow.",
    )


@strawberry.type(description="Tokens of the runs, where they are known.")
class Tokens:
    input: BigInt = strawberry.field(description="Tokens of all prompts.")
    output: BigInt = strawberry.field(description="Tokens of all answers.")
    total: BigInt = strawberry.field(description="Of each run as it was reported, else its input plus output.")
    per_run: float | None = strawberry.field(
        description="`total` over the runs whose total is known; null where there is none."
    )


@strawberry.type(description="What the runs cost, in USD.")
class Cost:
    total: Decimal = strawberry.field(description="USD of the runs whose cost is known. Exact.")
    per_run: Decimal | None = strawberry.field(
        description="`total` over the runs whose cost is known, to ten significant digits; null where there is none."
    )
    estimated_runs: BigInt = strawberry.field(
        description="Runs whose cost was computed from their tokens and the price of their model."
    )
    unknown_runs: BigInt = strawberry.field(description="Runs whose cost is unknown; they add nothing to `total`.")


@strawberry.type(
    description="Figures of the runs that started in a range. Rates are 0 to 1; what is undefined for no runs is null, "
    "never 0."
)
class Metrics:
    range: ResolvedRange = strawberry.field(description="The range that the figures are of.")
    runs: BigInt = strawberry.field(description="succeeded + failed + cancelled + unfinished")
    succeeded: BigInt = strawberry.field(description="SUCCEEDED runs.")
    failed: BigInt = strawberry.field(description="FAILED and TIMED_OUT runs.")
    cancelled: BigInt = strawberry.field(description="CANCELLED runs.")
    unfinished: BigInt = strawberry.field(description="QUEUED and RUNNING runs, as of now.")
    messages: BigInt = strawberry.field(description="Messages that the runs processed.")
    success_rate: float | None = strawberry.field(
        description="succeeded / (succeeded + failed), 0 to 1; null where both are 0."
    )
    error_rate: float | None = strawberry.field(
        description="failed / (succeeded + failed), 0 to 1; null where both are 0."
    )
    latency: Latency | None = strawberry.field(
        description="How long runs took; null where none that succeeded or failed has a duration."
    )
    tokens: Tokens = strawberry.field(description="Tokens used.")
    cost: Cost = strawberry.field(description="What the runs cost.")
    files_created: BigInt = strawberry.field(description="Files that the runs created.")
    files_modified: BigInt = strawberry.field(description="Files that the runs modified.")
    distinct_users: BigInt = strawberry.field(description="Different `userId`s of the runs.")
    distinct_sessions: BigInt = strawberry.field(description="Different `sessionId`s of the runs.")
    throughput_per_hour: float = strawberry.field(description="Runs over the hours of the range; 0 for an empty range.")
    average_pheromone: float | None = strawberry.field(
        description="The mean of the agents' pheromone scores, 0 to 1. Each agent that ran counts the same, by the "
        "mean of its scores in the hours that the range touches, weighted by its finished runs in them. An agent's as "
        "a whole, so null where runs are narrowed or broken down by anything but project and agent, by the minute, "
        "and where no hour has a score."
    )
    previous: "Metrics | None" = strawberry.field(
        description="The same figures for the range of equal length just before; in a history, for the bucket before "
        "(the same part of it where the range cuts the bucket). Null within `previous`, and where it takes "
        "runs that have been dropped."
    )
