"""What needs a person's attention: each finding as a sentence with its evidence, and a link to what it is about."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from formicary.models.run import RunStatus
from formicary.resolvers import attention
from formicary.resolvers.attention import (
    FailingAgent,
    Finding,
    FirstError,
    Outage,
    SilentAgent,
    Spending,
    WorseVersion,
)
from formicary.resolvers.attention_sql import LOOKBACK
from formicary.resolvers.ranges import LONGEST, ResolvedRange
from formicary.resolvers.spans import DAY, HOUR

from .figure_charts import FINAL
from .formats import duration, money, number, percent
from .panels import Panel
from .place import Place
from .visit import Visit

FAILED = (RunStatus.FAILED, RunStatus.TIMED_OUT)

SHOWN = 6
"""So many are shown at once, the others when they are asked for."""

MOST_SILENT = 3
"""When more agents are silent than these, that is one finding: it is likely not the agents' doing."""


class Level(StrEnum):
    """How bad it is: a colour, a sign and a word."""

    POOR = "poor"
    FAIR = "fair"
    OVER = "over"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """`at` is when it was seen last, or ended; None for what goes on. `during` is when it was, if that is known.

    `runs` are so many as the list at `href` has, where the evidence says how many these are.
    """

    level: Level
    title: str
    evidence: str
    href: str
    at: datetime | None
    during: ResolvedRange | None = None
    runs: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttentionContext:
    """`days` is how far back was looked, `urgent` how many notices are not over."""

    notices: list[Notice]
    shown: int
    days: int
    urgent: int


async def read(visit: Visit) -> AttentionContext:
    findings = await attention.read(visit.database, visit.scope, visit.now, project=visit.place.project)
    notices = written(findings, visit.place, visit.now)
    return AttentionContext(
        notices=notices,
        shown=SHOWN,
        days=LOOKBACK // DAY,
        urgent=sum(1 for notice in notices if notice.level is not Level.OVER),
    )


def title(context: AttentionContext) -> str:
    return f"({context.urgent}) Overview" if context.urgent else "Overview"


def written(findings: Sequence[Finding], place: Place, now: datetime) -> list[Notice]:
    silent = [finding for finding in findings if isinstance(finding, SilentAgent)]
    if len(silent) <= MOST_SILENT:
        return [_notice(finding, place, now) for finding in findings]
    others = [finding for finding in findings if not isinstance(finding, SilentAgent)]
    return [*(_notice(finding, place, now) for finding in others), _all_silent(silent, place)]


def _notice(finding: Finding, place: Place, now: datetime) -> Notice:
    match finding:
        case FailingAgent():
            return _failing(finding, place, now)
        case WorseVersion():
            return _worse(finding, place, now)
        case Outage():
            return _outage(finding, place)
        case Spending():
            return _spending(finding, place)
        case FirstError():
            return _first_error(finding, place, now)
        case SilentAgent():
            return _silent(finding, place)


def _failing(finding: FailingAgent, place: Place, now: datetime) -> Notice:
    error = ": ".join(filter(None, (finding.error_type, finding.message)))
    return Notice(
        level=Level.POOR,
        title=f"{finding.agent} is failing",
        evidence=f"{number(finding.failures)} runs in a row failed" + (f", the last of {error}" if error else ""),
        href=place.during(finding.since or now - LONGEST, now, agent_id=finding.agent_id, status=FAILED),
        at=finding.at,
        runs=finding.failures,
    )


def _worse(finding: WorseVersion, place: Place, now: datetime) -> Notice:
    failed, before = percent(finding.error_rate), percent(finding.error_rate_before)
    fails = f"{failed} of {number(finding.finished)} runs failed, {before} before"
    slower = f"median {duration(finding.p50_ms)}, {duration(finding.p50_ms_before)} before"
    said = [fails] * finding.fails_more + [slower] * (finding.p50_ms is not None)
    return Notice(
        level=Level.POOR if finding.fails_more else Level.FAIR,
        title=f"{finding.agent} {finding.version} is worse than {finding.before}",
        evidence=" · ".join(said),
        href=place.during(
            finding.since, now, version_id=finding.version_id, status=FAILED if finding.fails_more else FINAL
        ),
        at=None,
        runs=finding.failed if finding.fails_more else finding.finished,
    )


def _outage(finding: Outage, place: Place) -> Notice:
    usual = percent(finding.usual)
    failed = f"{number(finding.failed)} of {number(finding.finished)} runs failed"
    return Notice(
        level=Level.POOR if finding.goes_on else Level.OVER,
        title=f"{finding.provider} {'has' if finding.goes_on else 'had'} an outage",
        evidence=f"{failed}, usually {usual}:",
        href=place.during(finding.from_, finding.to, provider=finding.provider, status=FAILED),
        runs=finding.failed,
        at=None if finding.goes_on else finding.to,
        during=ResolvedRange(finding.from_, finding.to),
    )


def _spending(finding: Spending, place: Place) -> Notice:
    times = finding.cost / finding.usual if finding.usual else Decimal(0)
    return Notice(
        level=Level.FAIR if finding.goes_on else Level.OVER,
        title=f"{finding.agent} {'costs' if finding.goes_on else 'cost'} {times:.0f} times its usual",
        evidence=f"{money(finding.cost)}, usually {money(round(finding.usual, 2))} for so many runs:",
        href=place.during(finding.from_, finding.to, agent_id=finding.agent_id),
        at=None if finding.goes_on else finding.to,
        during=ResolvedRange(finding.from_, finding.to),
    )


def _first_error(finding: FirstError, place: Place, now: datetime) -> Notice:
    error = ": ".join(filter(None, (finding.error_type, finding.message)))
    return Notice(
        level=Level.FAIR,
        title=f"New error in {finding.agent}",
        evidence=f"{number(finding.runs)} runs failed of {error}",
        href=place.during(
            finding.first_at,
            now,
            agent_id=finding.agent_id,
            error_type=finding.error_type,
            fingerprint=finding.fingerprint,
            status=FAILED,
        ),
        runs=finding.runs,
        at=finding.last_at,
    )


def _silent(finding: SilentAgent, place: Place) -> Notice:
    longest = finding.longest // HOUR
    return Notice(
        level=Level.FAIR,
        title=f"{finding.agent} is silent",
        evidence=f"In the week before, it was never longer than {number(longest)} h without a run",
        href=place.to(f"/agents/{finding.agent_id}"),
        at=finding.since,
    )


def _all_silent(findings: Sequence[SilentAgent], place: Place) -> Notice:
    return Notice(
        level=Level.FAIR,
        title=f"{number(len(findings))} agents are silent",
        evidence="No runs of them arrive: " + ", ".join(finding.agent for finding in findings),
        href=place.to("/agents"),
        at=max(finding.since for finding in findings),
    )


ATTENTION = Panel(name="attention", template="overview_attention.html", read=read, title=title, lasts=10)
