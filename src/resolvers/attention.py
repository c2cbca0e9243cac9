"""What needs a person's attention, ranked: what goes on now comes first, and of that what is worst.

The rules, each by figures of the last seven days whatever range is looked at (the thresholds are named here and in
attention_sql.py):

- An agent is failing while its status is ERROR: its last three finished runs or more failed.
- A version is worse than the one before it of its agent, if it came within 14 days and, by its runs of the last 24
  hours against all runs of the one before (30 finished ones each): its error rate is twice as high, by five points and
  beyond chance; or average and median duration are 1.5 times as long (then medians are told, of 14 days before).
- A provider has an outage in hours in which more than 20 % of its runs failed, five at least, three times its usual
  part and beyond chance, and so that the hour of a project stands out. Other agents than the one that failed most have
  to be struck too, or it may be that agent's doing; where no other uses the provider, it must not be found otherwise.
- Spending of an agent is high in hours in which its runs, three at least, cost three times what they usually do and a
  dollar at least, where that raises what a run of the project costs by 15 %.
- An error is new if an agent that is known for three days has it for the first time in the last 24 hours, three times.
- An agent is silent that ran in 24 different hours of the week before its last run and is now without one for three
  hours and for twice as long as it ever was in that week.

Nothing is said of disabled agents. Hours that follow one another are one finding; of several such stretches the
worst is told.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import groupby
from math import sqrt
from typing import TypeVar

from ..db import Database
from ..rollups.histogram import BOUNDS, Histogram
from .attention_sql import (
    OUTAGE_RATE,
    SILENT_FOR,
    STATEMENT,
    WORSE_LATENCY,
    AgentHour,
    Failing,
    NewError,
    Pause,
    ProviderHour,
    Row,
    Successor,
    decode,
)
from .metrics import rate
from .scope import Scope
from .spans import HOUR

WORSE_TIMES = 2.0
WORSE_POINTS = 0.05
"""So many times the error rate of the version before, and so much more at least."""

OUTAGE_TIMES = 3.0
"""So many times the usual part of a provider's runs fails in an outage."""

CERTAIN = 4.0
"""Standard deviations that failures lie above what was to be expected: less may be chance."""

SILENT_TIMES = 2.0
"""So many times its longest pause makes an agent silent."""

GOES_ON = 2 * HOUR
"""An hour that began within this time may still go on."""


@dataclass(frozen=True, slots=True)
class FailingAgent:
    """`failures` in a row since its last success, which started at `since` (None: it never had one)."""

    agent_id: int
    agent: str
    failures: int
    since: datetime | None
    at: datetime | None
    error_type: str | None
    message: str | None


@dataclass(frozen=True, slots=True)
class WorseVersion:
    """Its runs since `since` beside those of the version before. The medians are None where they are no worse."""

    agent_id: int
    agent: str
    version_id: int
    version: str
    before: str
    since: datetime
    finished: int
    failed: int
    error_rate: float
    error_rate_before: float
    fails_more: bool
    p50_ms: float | None
    p50_ms_before: float | None


@dataclass(frozen=True, slots=True)
class Outage:
    """From hour to hour, `finished` runs of a provider of which `failed` failed; `usual` is the part that does."""

    provider: str
    from_: datetime
    to: datetime
    finished: int
    failed: int
    usual: float
    goes_on: bool


@dataclass(frozen=True, slots=True)
class Spending:
    """From hour to hour, what an agent's runs cost and what they usually would have cost, USD."""

    agent_id: int
    agent: str
    from_: datetime
    to: datetime
    cost: Decimal
    usual: Decimal
    goes_on: bool


@dataclass(frozen=True, slots=True)
class FirstError:
    """A kind of error that an agent has for the first time (see rollups/fingerprint.py)."""

    agent_id: int
    agent: str
    error_type: str
    fingerprint: str
    message: str
    runs: int
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True)
class SilentAgent:
    """Without a run since `since`, where `longest` was the longest pause of the week before."""

    agent_id: int
    agent: str
    since: datetime
    longest: timedelta


Finding = FailingAgent | WorseVersion | Outage | Spending | FirstError | SilentAgent

H = TypeVar("H", ProviderHour, AgentHour)


async def read(db: Database, scope: Scope, now: datetime, *, project: str | None = None) -> list[Finding]:
    """What the rules find among all agents in the scope, or those of one project; the most urgent first."""
    projects = None if scope is None else sorted(scope)
    found = [decode(*row) for row in await db.fetch(STATEMENT, now, projects, project, BOUNDS)]
    return sorted(_findings(found, now), key=_urgency)


def _findings(rows: Sequence[Row], now: datetime) -> Iterable[Finding]:
    for row in rows:
        match row:
            case Failing():
                yield FailingAgent(
                    row.agent_id, row.agent, row.failures, row.since, row.at, row.error_type, row.message
                )
            case Successor():
                yield from _worse(row)
            case NewError():
                yield _first(row)
            case Pause():
                yield from _silent(row, now)
            case ProviderHour() | AgentHour():
                pass
    yield from _outages([row for row in rows if isinstance(row, ProviderHour)], now, _at_fault(rows))
    yield from _spending([row for row in rows if isinstance(row, AgentHour)], now)


def _urgency(finding: Finding) -> tuple[int, float]:
    """Less comes first."""
    match finding:
        case FailingAgent():
            return 0, -finding.failures
        case Outage():
            return 1 if finding.goes_on else 6, -finding.to.timestamp()
        case WorseVersion():
            return 2, -finding.error_rate
        case Spending():
            return 3 if finding.goes_on else 7, -finding.to.timestamp()
        case SilentAgent():
            return 4, finding.since.timestamp()
        case FirstError():
            return 5, -finding.runs


def _worse(row: Successor) -> Iterable[WorseVersion]:
    now, before = rate(row.failed, row.finished) or 0.0, rate(row.failed_before, row.finished_before) or 0.0
    fails_more = (
        now > max(WORSE_TIMES * before, before + WORSE_POINTS)
        and _deviations(row.failed, row.finished, before) > CERTAIN
    )
    medians = _medians(row)
    if fails_more or medians:
        p50_ms, p50_ms_before = medians or (None, None)
        yield WorseVersion(
            agent_id=row.agent_id,
            agent=row.agent,
            version_id=row.version_id,
            version=row.version,
            before=row.before,
            since=row.since,
            finished=row.finished,
            failed=row.failed,
            error_rate=now,
            error_rate_before=before,
            fails_more=fails_more,
            p50_ms=p50_ms,
            p50_ms_before=p50_ms_before,
        )


def _medians(row: Successor) -> tuple[float, float] | None:
    """Milliseconds now and before, if it is slower."""
    if not row.durations or not row.durations_before:
        return None
    now, before = (Histogram.of_entries(entries).quantile(0.5) for entries in (row.durations, row.durations_before))
    return (now, before) if now > WORSE_LATENCY * before else None


def _first(row: NewError) -> FirstError:
    return FirstError(
        agent_id=row.agent_id,
        agent=row.agent,
        error_type=row.error_type,
        fingerprint=row.fingerprint,
        message=row.message,
        runs=row.runs,
        first_at=row.first_at,
        last_at=row.last_at,
    )


def _silent(row: Pause, now: datetime) -> Iterable[SilentAgent]:
    longest = timedelta(hours=row.longest)
    if now - row.since > max(SILENT_FOR, SILENT_TIMES * longest):
        yield SilentAgent(row.agent_id, row.agent, row.since, longest)


def _at_fault(rows: Iterable[Row]) -> set[int]:
    """The agents that fail by themselves."""
    worse = {
        row.agent_id for row in rows if isinstance(row, Successor) and any(each.fails_more for each in _worse(row))
    }
    return worse | {row.agent_id for row in rows if isinstance(row, Failing)}


def _outages(hours: Iterable[ProviderHour], now: datetime, at_fault: Collection[int]) -> Iterable[Outage]:
    struck = sorted(
        (hour for hour in hours if _is_outage(hour, at_fault)), key=lambda hour: (hour.provider, hour.starts_at)
    )
    for provider, of_provider in groupby(struck, key=lambda hour: hour.provider):
        worst = max(_stretches(list(of_provider)), key=lambda stretch: sum(hour.failed for hour in stretch))
        yield Outage(
            provider=provider,
            from_=worst[0].starts_at,
            to=worst[-1].starts_at + HOUR,
            finished=sum(hour.finished for hour in worst),
            failed=sum(hour.failed for hour in worst),
            usual=worst[0].usual,
            goes_on=now - worst[-1].starts_at < GOES_ON,
        )


def _is_outage(hour: ProviderHour, at_fault: Collection[int]) -> bool:
    others_too = hour.other_failed > OUTAGE_RATE * hour.other_finished
    return (
        hour.failed > OUTAGE_TIMES * hour.usual * hour.finished
        and _deviations(hour.failed, hour.finished, hour.usual) > CERTAIN
        and (others_too or (hour.agents == 1 and hour.agent_id not in at_fault))
    )


def _spending(hours: Iterable[AgentHour], now: datetime) -> Iterable[Spending]:
    by_agent = sorted(hours, key=lambda hour: (hour.agent_id, hour.starts_at))
    for agent_id, of_agent in groupby(by_agent, key=lambda hour: hour.agent_id):
        worst = max(_stretches(list(of_agent)), key=lambda stretch: sum(hour.cost for hour in stretch))
        yield Spending(
            agent_id=agent_id,
            agent=worst[0].agent,
            from_=worst[0].starts_at,
            to=worst[-1].starts_at + HOUR,
            cost=sum((hour.cost for hour in worst), Decimal(0)),
            usual=sum((hour.usual for hour in worst), Decimal(0)),
            goes_on=now - worst[-1].starts_at < GOES_ON,
        )


def _stretches(hours: Sequence[H]) -> list[list[H]]:
    """The hours, in their order, in parts that follow one another without a gap."""
    places = enumerate(hours)
    return [[hour for _, hour in part] for _, part in groupby(places, key=lambda p: p[1].starts_at - p[0] * HOUR)]


def _deviations(failed: int, finished: int, usual: float) -> float:
    """How many standard deviations failures lie above what is usual; with one more of each, so that none is certain."""
    usual = min(max(usual, 1 / (finished + 2)), 1 - 1 / (finished + 2))
    return (failed - finished * usual) / sqrt(finished * usual * (1 - usual))
