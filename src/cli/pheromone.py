"""`formicary pheromone explain`: how an agent came to its score."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .key import aligned
from .options import database_options, read_settings

if TYPE_CHECKING:
    from ..config import Settings
    from ..resolvers.agents import Agent
    from ..rollups.pheromone import Account
    from ..rollups.pheromone_formula import Formula, Step

EPILOG = """\b
A line an hour with finished runs, cancelled ones aside, of UTC. IDLE is the number of hours without any since
the line before, and BEFORE what they have left of its score. DURATION and COST are how the succeeded runs
compare with the agent's medians of the seven days before: 0.5 is as always, more is quicker or cheaper. AFTER
is the score at the end of the hour. docs/pheromone.md has the formula.

\b
Examples:
  formicary pheromone explain planner
  formicary pheromone explain planner --project checkout --days 7
"""

HEADER = (
    "HOUR", "IDLE", "BEFORE", "RUNS", "SUCCEEDED", "DURATION", "MEDIAN MS", "COST", "MEDIAN USD", "QUALITY", "AFTER",
)  # fmt: skip


@click.group()
def pheromone() -> None:
    """See how pheromone scores come about."""


@pheromone.command(epilog=EPILOG)
@click.argument("agent")
@click.option("--project", default="default", show_default=True, metavar="SLUG", help="The agent's project.")
@click.option("--days", type=click.IntRange(1, 90), default=1, show_default=True, help="Of how many days up to now.")
@database_options
def explain(agent: str, project: str, days: int, database_url: str | None, data_dir: Path | None) -> None:
    """Show the terms of an agent's score, hour by hour."""
    import asyncio

    from ..logs import start_logging

    settings = read_settings(database_url=database_url, data_dir=data_dir)
    start_logging(settings)
    for line in asyncio.run(_explain(settings, project, agent, days, datetime.now(UTC))):
        click.echo(line)


async def _explain(settings: "Settings", project: str, name: str, days: int, now: datetime) -> list[str]:
    """The lines. Raises NotFoundError for an agent that is not known."""
    from ..errors import NotFoundError
    from ..resolvers import agents
    from ..resolvers.pheromone_history import first_hour
    from ..rollups.pheromone import account
    from ..rollups.pheromone_formula import Formula
    from .database import open_database

    formula = Formula.of(settings)
    async with open_database(settings) as database:
        agent = await agents.by_name(database, None, project, name)
        if agent is None:
            raise NotFoundError(f"there is no agent {name!r} in the project {project!r}")
        found = await account(database, formula, agent.id, first_hour(days, now))
    if not found.steps:
        return [_headline(agent, found), f"No run of the last {days * 24} hours counts."]
    return [_headline(agent, found), *_terms(formula), *aligned([HEADER, *map(_row, found.steps)])]


def _headline(agent: "Agent", account: "Account") -> str:
    score = f"{agent.name} has the score {agent.pheromone_score:.4f}"
    if account.reported_at is None:
        return f"{score}, computed from its runs; none has reported one."
    return f"{score}, reported at {account.reported_at:%Y-%m-%d %H:%MZ}; from then on nothing is computed."


def _terms(formula: "Formula") -> Iterable[str]:
    outcome, duration, cost = formula.outcome_weight, formula.duration_weight, formula.cost_weight
    yield (
        f"quality = succeeded / runs * ({outcome:g} + {duration:g} * duration + {cost:g} * cost)"
        " / (the weights of what is known)"
    )
    yield f"after = quality + (before - quality) * (1 - {formula.rate:g}) ^ runs"
    yield f"before = 0.5 + (after - 0.5) * 0.5 ^ (idle hours / {formula.half_life.total_seconds() / 3600:g})"
    yield ""


def _row(step: "Step") -> Sequence[str]:
    hour, computed = step.hour, step.quality is not None
    return (
        f"{hour.starts_at:%Y-%m-%d %H:%MZ}",
        f"{step.idle.total_seconds() / 3600:g}",
        f"{step.before:.4f}",
        str(hour.runs),
        str(hour.succeeded),
        _number(hour.duration, ".3f", known=computed),
        _number(hour.median_duration_ms, ".0f", known=computed),
        _number(hour.cost, ".3f", known=computed),
        _number(hour.median_cost, ".6f", known=computed),
        "reported" if step.quality is None else f"{step.quality:.4f}",
        f"{step.score:.4f}",
    )


def _number(value: float | None, form: str, *, known: bool) -> str:
    return format(value, form) if known and value is not None else "-"
