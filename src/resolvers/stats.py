"""The figures at the top of a dashboard, each with its change against a stretch of time that it compares with."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from ..db import Database
from . import figures
from .change import StatTrend, change
from .figures import Figures
from .formats import duration, money, number
from .metrics import Metrics
from .question import Dimension, Question, Wants
from .ranges import ResolvedRange
from .run_filter import RunFilter
from .scope import Scope
from .spans import DAY, HOUR, WEEK, floor


@dataclass(frozen=True, slots=True)
class Stat:
    """One figure: `value` and `change` are for people, `raw` is the figure itself, 0 where it is unknown."""

    key: str
    title: str
    value: str
    change: str
    trend: StatTrend
    icon: str
    raw: float


async def dashboard(db: Database, scope: Scope, now: datetime, project: str | None = None) -> list[Stat]:
    """Of all agents in the scope, or those of one project; days are those of UTC.

    A day that goes on is compared with the day before up to the same time: against the whole of it every morning
    would look like a decline.
    """

    async def read(since: datetime, until: datetime, by: Dimension | None, *, previous: bool = False) -> Figures:
        question = Question(ResolvedRange(since, until), RunFilter(project=project), by, wants=Wants(previous=previous))
        return await figures.read(db, scope, question)

    midnight = floor(now, DAY)
    week = await read(now - WEEK, now, Dimension.AGENT, previous=True)
    hour = (await read(now - HOUR, now, None, previous=True)).metrics()
    today = (await read(midnight, now, None)).metrics()
    yesterday = (await read(midnight - DAY, now - DAY, None)).metrics()
    return [
        _stat("active_agents", "Active agents", "bot", _agents(week), _agents(week.previous), _count, in_share=False),
        _stat("runs_today", "Runs today", "play", Decimal(today.runs), Decimal(yesterday.runs), _count),
        _stat("average_response_time", "Average response time", "clock", _wait(hour), _wait(hour.previous), _time),
        _stat("cost_today", "Cost today", "dollar-sign", today.cost.total, yesterday.cost.total, money),
    ]


def _stat(
    key: str,
    title: str,
    icon: str,
    now: Decimal | None,
    before: Decimal | None,
    write: Callable[[Decimal | None], str],
    *,
    in_share: bool = True,
) -> Stat:
    text, trend = change(now, before, write, in_share=in_share)
    return Stat(key, title, write(now), text, trend, icon, float(now or 0))


def _agents(week: Figures | None) -> Decimal:
    """How many agents a run of which started in the week."""
    return Decimal(sum(1 for sums in week.groups.values() if sums.runs) if week else 0)


def _wait(hour: Metrics | None) -> Decimal | None:
    """Milliseconds that a run took on average."""
    return None if hour is None or hour.latency is None else Decimal(hour.latency.average_ms)


def _count(value: Decimal | None) -> str:
    return number(None if value is None else int(value))


def _time(value: Decimal | None) -> str:
    return duration(None if value is None else float(value))
