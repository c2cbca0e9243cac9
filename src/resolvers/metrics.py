"""What every figure means. Cards, GraphQL, exports, Prometheus and alerts all take their figures from here."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Context, Decimal
from functools import cached_property, partial, reduce
from typing import Any, NamedTuple

from ..rollups.histogram import Histogram, Slot, common_slots
from .durations import Durations, TotalDurations
from .ranges import ResolvedRange

_HOUR = timedelta(hours=1)

TEN_DIGITS = Context(prec=10)
ALL_DIGITS = Context(prec=2_000)


class Sums(NamedTuple):
    """What adds up over runs, however they are grouped. Times are in milliseconds, money in USD.

    `timed_runs` are the succeeded and failed runs with a duration, and `duration_ms` is theirs; `token_runs` those
    whose total of tokens is known. `durations` are None if they were not asked for, as `users` and `sessions`. A
    tuple, since a history of many agents makes thousands.
    """

    runs: int = 0
    succeeded: int = 0
    failed: int = 0
    cancelled: int = 0
    messages: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    total_tokens: int = 0
    token_runs: int = 0
    cost: Decimal = Decimal(0)
    estimated_runs: int = 0
    unknown_runs: int = 0
    files_created: int = 0
    files_modified: int = 0
    timed_runs: int = 0
    duration_ms: int = 0
    min_duration_ms: int | None = None
    max_duration_ms: int | None = None
    durations: Durations | None = None
    users: int | None = None
    sessions: int | None = None


NOTHING = Sums()

OF_LATENCY = frozenset({"timed_runs", "duration_ms", "min_duration_ms", "max_duration_ms"})
"""The sums that latency takes."""

_WHOLE_NUMBERS = tuple(name for name in Sums._fields[: Sums._fields.index("min_duration_ms")] if name != "cost")


def total(parts: Iterable[Sums]) -> Sums:
    """Of runs that were told apart, by time for instance. Without users and sessions, which do not add up.

    What was not asked for is None in all parts, and in their total.
    """
    parts = list(parts)
    if not parts:
        return NOTHING
    durations = [part.durations for part in parts if part.durations]
    least, most = (
        [ms for part in parts if (ms := getattr(part, name)) is not None]
        for name in ("min_duration_ms", "max_duration_ms")
    )
    return Sums(
        **{name: _added([getattr(part, name) for part in parts], sum) for name in _WHOLE_NUMBERS},
        cost=_added([part.cost for part in parts], partial(reduce, ALL_DIGITS.add)),
        min_duration_ms=min(least, default=None),
        max_duration_ms=max(most, default=None),
        durations=TotalDurations(durations) if durations else None,
    )


def _added(values: Sequence[Any], add: Callable[[Sequence[Any]], Any]) -> Any:
    return None if values[0] is None else add(values)


@dataclass(frozen=True)
class Latency:
    """Milliseconds over the succeeded and failed runs that have a duration, at least one."""

    sums: Sums

    @property
    def average_ms(self) -> float:
        return self.sums.duration_ms / self.sums.timed_runs

    @property
    def min_ms(self) -> float:
        return float(self.sums.min_duration_ms or 0)

    @property
    def max_ms(self) -> float:
        return float(self.sums.max_duration_ms or 0)

    @property
    def p50_ms(self) -> float:
        return self.quantile_ms(0.5)

    @property
    def p75_ms(self) -> float:
        return self.quantile_ms(0.75)

    @property
    def p90_ms(self) -> float:
        return self.quantile_ms(0.9)

    @property
    def p95_ms(self) -> float:
        return self.quantile_ms(0.95)

    @property
    def p99_ms(self) -> float:
        return self.quantile_ms(0.99)

    def quantile_ms(self, q: float) -> float:
        """The nearest-rank quantile, 0 <= q <= 1: the least duration that a part `q` of the runs does not exceed."""
        if q >= 1:
            return self.max_ms
        return min(max(self._histogram.quantile(q), self.min_ms), self.max_ms) if q > 0 else self.min_ms

    def histogram(self, buckets: int) -> list[Slot]:
        """How the durations are spread, in at most `buckets` adjoining parts that grow like a power."""
        return self._histogram.slots(buckets)

    @property
    def _histogram(self) -> Histogram:
        if self.sums.durations is None:
            raise LookupError("these figures were read without their durations")
        return self.sums.durations.histogram


def common_histograms(latencies: Sequence[Latency | None], buckets: int) -> list[list[Slot]]:
    """How each one's durations are spread, in the same at most `buckets` parts; all empty where there are none."""
    return common_slots([each._histogram if each else Histogram.of_entries(()) for each in latencies], buckets)


@dataclass(frozen=True, slots=True)
class Tokens:
    sums: Sums

    @property
    def input(self) -> int:
        return self.sums.input_tokens

    @property
    def output(self) -> int:
        return self.sums.output_tokens

    @property
    def total(self) -> int:
        return self.sums.total_tokens

    @property
    def per_run(self) -> float | None:
        """`total` over the runs whose total is known."""
        return rate(self.sums.total_tokens, self.sums.token_runs)


@dataclass(frozen=True, slots=True)
class Cost:
    """USD. `total` is of the runs whose cost is known, and `per_run` its average over these, to ten digits."""

    sums: Sums

    @property
    def total(self) -> Decimal:
        return self.sums.cost

    @property
    def per_run(self) -> Decimal | None:
        known = self.sums.runs - self.sums.unknown_runs
        return TEN_DIGITS.divide(self.sums.cost, Decimal(known)) if known else None

    @property
    def estimated_runs(self) -> int:
        return self.sums.estimated_runs

    @property
    def unknown_runs(self) -> int:
        return self.sums.unknown_runs


@dataclass(frozen=True)
class Metrics:
    """The figures of the runs that started in a range. A rate of nothing is None."""

    range: ResolvedRange
    sums: Sums
    average_pheromone: float | None = None
    previous: "Metrics | None" = None

    @property
    def runs(self) -> int:
        return self.sums.runs

    @property
    def succeeded(self) -> int:
        return self.sums.succeeded

    @property
    def failed(self) -> int:
        """FAILED and TIMED_OUT."""
        return self.sums.failed

    @property
    def cancelled(self) -> int:
        return self.sums.cancelled

    @property
    def unfinished(self) -> int:
        """QUEUED and RUNNING."""
        sums = self.sums
        return sums.runs - sums.succeeded - sums.failed - sums.cancelled

    @property
    def messages(self) -> int:
        return self.sums.messages

    @property
    def success_rate(self) -> float | None:
        return rate(self.sums.succeeded, self.sums.succeeded + self.sums.failed)

    @property
    def error_rate(self) -> float | None:
        return rate(self.sums.failed, self.sums.succeeded + self.sums.failed)

    @cached_property
    def latency(self) -> Latency | None:
        return Latency(self.sums) if self.sums.timed_runs else None

    @property
    def tokens(self) -> Tokens:
        return Tokens(self.sums)

    @property
    def cost(self) -> Cost:
        return Cost(self.sums)

    @property
    def files_created(self) -> int:
        return self.sums.files_created

    @property
    def files_modified(self) -> int:
        return self.sums.files_modified

    @property
    def distinct_users(self) -> int:
        return self.sums.users or 0

    @property
    def distinct_sessions(self) -> int:
        return self.sums.sessions or 0

    @property
    def throughput_per_hour(self) -> float:
        """Runs over the hours of the range."""
        return rate(self.sums.runs, (self.range.to - self.range.from_) / _HOUR) or 0.0


def rate(part: float, whole: float) -> float | None:
    return part / whole if whole else None
