"""The dataloaders of one request: siblings that ask for the same kind of thing are answered by one statement.

Each load opens its own short session, since sibling fields run at the same time.
"""

from collections.abc import Awaitable, Callable, Coroutine, Hashable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from strawberry.dataloader import DataLoader

from ..db import Database
from . import (
    agents,
    error_groups,
    figures,
    lifetimes,
    model_prices,
    pheromone_history,
    projects,
    run_page,
    runs,
    trends,
    versions,
)
from .agents import Agent, AgentFilter
from .error_groups import ErrorGroup, WhichErrors
from .figures import Figures
from .lifetimes import Lifetime
from .model_prices import ModelPrice
from .page import Page, PageArgs
from .pheromone_history import Kept, PheromoneKey
from .projects import Project
from .question import Dimension, Question
from .ranges import ResolvedRange
from .run_filter import RunFilter
from .runs import Run
from .scope import Scope
from .trends import Trend
from .versions import AgentVersion

T = TypeVar("T")
K = TypeVar(
    "K",
    "RunsKey",
    "RunCountKey",
    "AgentsKey",
    "AgentCountKey",
    "VersionsKey",
    "FiguresKey",
    "ErrorsKey",
    "TrendKey",
    "LifetimeKey",
)


class RunsKey(NamedTuple):
    """A page of the runs of one owner; `column` is `agent_id` or `version_id`."""

    column: str
    owner_id: int
    args: PageArgs
    where: RunFilter
    order: str
    descending: bool


class RunCountKey(NamedTuple):
    """How many runs one owner has; `column` is `agent_id` or `version_id`."""

    column: str
    owner_id: int
    where: RunFilter


class AgentsKey(NamedTuple):
    """A page of the agents of one project."""

    owner_id: int
    args: PageArgs
    where: AgentFilter
    order: str
    descending: bool


class AgentCountKey(NamedTuple):
    """How many agents one project has."""

    owner_id: int
    where: AgentFilter


class VersionsKey(NamedTuple):
    """A page of the versions of one agent."""

    owner_id: int
    args: PageArgs


class FiguresKey(NamedTuple):
    """What is asked of the figures of one owner; `owned_by` says of which kind it is."""

    owner_id: int
    owned_by: Dimension
    question: Question


class ErrorsKey(NamedTuple):
    """The most frequent errors of one agent or version."""

    owner_id: int
    which: WhichErrors


class TrendKey(NamedTuple):
    """The trend of one agent."""

    owner_id: int
    range: ResolvedRange


class LifetimeKey(NamedTuple):
    """The figures of all time of one agent or version, as of a moment."""

    owner_id: int
    owned_by: Dimension
    now: datetime


class Loaders:
    """One registry a request."""

    def __init__(self, db: Database, scope: Scope) -> None:
        self.project = DataLoader[int, Project | None](lambda ids: projects.by_ids(db, scope, ids))
        self.agent = DataLoader[int, Agent | None](lambda ids: agents.by_ids(db, scope, ids))
        self.version = DataLoader[int, AgentVersion | None](lambda ids: versions.by_ids(db, scope, ids))
        self.version_by_name = DataLoader[tuple[int, str], AgentVersion | None](
            lambda keys: versions.by_names(db, scope, keys)
        )
        self.latest_version = DataLoader[int, AgentVersion | None](lambda ids: versions.latest(db, scope, ids))
        self.version_count = DataLoader[int, int](lambda ids: versions.counts(db, ids))
        self.run = DataLoader[tuple[int, int], Run | None](lambda keys: runs.by_ids(db, scope, keys))
        self.run_by_external_id = DataLoader[tuple[int, str], Run | None](
            lambda keys: runs.by_external_ids(db, scope, keys)
        )
        self.model_price = DataLoader[str, ModelPrice | None](lambda keys: model_prices.by_keys(db, keys))
        self.pheromone = DataLoader[PheromoneKey, list[Kept]](lambda keys: pheromone_history.kept(db, keys))

        def load_runs(key: RunsKey, owners: list[int]) -> Awaitable[list[Page[Run]]]:
            order = runs.ordered(key.order, descending=key.descending)
            return run_page.pages(db, scope, key.column, owners, key.args, key.where, order)

        def load_run_counts(key: RunCountKey, owners: list[int]) -> Awaitable[list[int]]:
            return run_page.counts(db, scope, key.column, owners, key.where)

        def load_agents(key: AgentsKey, owners: list[int]) -> Awaitable[list[Page[Agent]]]:
            order = agents.ordered(key.order, descending=key.descending)
            return agents.pages(db, scope, owners, key.args, key.where, order)

        def load_agent_counts(key: AgentCountKey, owners: list[int]) -> Awaitable[list[int]]:
            return agents.counts(db, scope, owners, key.where)

        def load_versions(key: VersionsKey, owners: list[int]) -> Awaitable[list[Page[AgentVersion]]]:
            return versions.pages(db, scope, owners, key.args)

        def load_figures(key: FiguresKey, owners: list[int]) -> Awaitable[list[Figures]]:
            question = replace(key.question, within=key.owned_by, owners=tuple(owners))
            return figures.read_each(db, scope, question, owners)

        def load_errors(key: ErrorsKey, owners: list[int]) -> Awaitable[list[list[ErrorGroup]]]:
            return error_groups.frequent_of(db, scope, key.which, owners)

        def load_trends(key: TrendKey, owners: list[int]) -> Awaitable[list[Trend]]:
            return trends.of_agents(db, scope, key.range, owners)

        def load_lifetimes(key: LifetimeKey, owners: list[int]) -> Awaitable[list[Lifetime]]:
            return lifetimes.of_owners(db, scope, key.now, key.owned_by, owners)

        self.runs = DataLoader[RunsKey, Page[Run]](_by_owner(load_runs))
        self.run_count = DataLoader[RunCountKey, int](_by_owner(load_run_counts))
        self.agents = DataLoader[AgentsKey, Page[Agent]](_by_owner(load_agents))
        self.agent_count = DataLoader[AgentCountKey, int](_by_owner(load_agent_counts))
        self.versions = DataLoader[VersionsKey, Page[AgentVersion]](_by_owner(load_versions))
        self.figures = DataLoader[FiguresKey, Figures](_by_owner(load_figures))
        self.errors = DataLoader[ErrorsKey, list[ErrorGroup]](_by_owner(load_errors))
        self.trend = DataLoader[TrendKey, Trend](_by_owner(load_trends))
        self.lifetime = DataLoader[LifetimeKey, Lifetime](_by_owner(load_lifetimes))


def _by_owner(
    load_same: Callable[[K, list[int]], Awaitable[list[T]]],
) -> Callable[[list[K]], Coroutine[Any, Any, list[T]]]:
    """A load function for keys of many owners: keys that differ in nothing but their owner are loaded together."""

    async def load(keys: list[K]) -> list[T]:
        found: dict[K, T] = {}
        for same in _groups(keys):
            loaded = await load_same(same[0], [key.owner_id for key in same])
            found |= dict(zip(same, loaded, strict=True))
        return [found[key] for key in keys]

    return load


def _groups(keys: Sequence[K]) -> list[list[K]]:
    groups: dict[Hashable, list[K]] = {}
    for key in keys:
        groups.setdefault(key._replace(owner_id=0), []).append(key)
    return list(groups.values())
