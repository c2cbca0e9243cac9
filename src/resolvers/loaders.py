"""The dataloaders of one request: siblings that ask for the same kind of thing are answered by one statement.

Each load opens its own short session, since sibling fields run at the same time.
"""

from collections.abc import Callable, Hashable, Sequence
from typing import NamedTuple, TypeVar

from strawberry.dataloader import DataLoader

from ..db import Database
from . import agents, projects, runs, versions
from .agents import Agent
from .page import Page, PageArgs
from .projects import Project
from .run_filter import RunFilter
from .runs import Run
from .scope import Scope
from .versions import AgentVersion

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)


class RunsKey(NamedTuple):
    """A page of the runs of one owner; `column` is `agent_id` or `version_id`."""

    column: str
    owner_id: int
    args: PageArgs
    where: RunFilter
    order: str
    descending: bool


class VersionsKey(NamedTuple):
    """A page of the versions of one agent."""

    agent_id: int
    args: PageArgs


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

        async def load_runs(keys: list[RunsKey]) -> list[Page[Run]]:
            found: dict[RunsKey, Page[Run]] = {}
            for same in _groups(keys, lambda key: key._replace(owner_id=0)):
                key = same[0]
                owners = [key.owner_id for key in same]
                order = runs.ordered(key.order, descending=key.descending)
                pages = await runs.pages(db, scope, key.column, owners, key.args, key.where, order)
                found |= dict(zip(same, pages, strict=True))
            return [found[key] for key in keys]

        async def load_versions(keys: list[VersionsKey]) -> list[Page[AgentVersion]]:
            found: dict[VersionsKey, Page[AgentVersion]] = {}
            for same in _groups(keys, lambda key: key.args):
                pages = await versions.pages(db, scope, [key.agent_id for key in same], same[0].args)
                found |= dict(zip(same, pages, strict=True))
            return [found[key] for key in keys]

        self.runs = DataLoader[RunsKey, Page[Run]](load_runs)
        self.versions = DataLoader[VersionsKey, Page[AgentVersion]](load_versions)


def _groups(keys: Sequence[K], by: Callable[[K], Hashable]) -> list[list[K]]:
    groups: dict[Hashable, list[K]] = {}
    for key in keys:
        groups.setdefault(by(key), []).append(key)
    return list(groups.values())
