"""Breakdowns: the figures of each value of a dimension, those of the most runs first."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ..errors import BadInputError
from ..models.run import RunStatus
from .figures import Figures
from .loaders import Loaders
from .metrics import Metrics, rate
from .question import Dimension, Key

MOST_ROWS = 1_000
DEFAULT_ROWS = 20


class Name(NamedTuple):
    """What a key is called, and the agent and version that it stands for."""

    text: str
    agent_id: int | None = None
    version_id: int | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """`share` is that of the runs of all rows, also of those beyond the first so many."""

    name: Name
    share: float
    metrics: Metrics

    @property
    def key(self) -> str:
        return self.name.text

    @property
    def agent_id(self) -> int | None:
        return self.name.agent_id

    @property
    def version_id(self) -> int | None:
        return self.name.version_id


def size(first: int | None) -> int:
    """How many rows are asked for. Raises BadInputError."""
    if first is None:
        return DEFAULT_ROWS
    if not 1 <= first <= MOST_ROWS:
        raise BadInputError(f"first: {first} is not between 1 and {MOST_ROWS}.")
    return first


async def rows(loaders: Loaders, figures: Figures, by: Dimension, first: int) -> list[Row]:
    """The first rows by their runs, and by their names where these are equal. The figures are by the dimension."""
    runs = {key: sums.runs for (key, _), sums in figures.groups.items()}
    total = sum(runs.values())
    chosen = _candidates(runs, first)
    found = await names(loaders, by, chosen)
    named = sorted(zip(chosen, found, strict=True), key=lambda each: (-runs[each[0]], each[1].text, each[0]))
    return [Row(name, rate(runs[key], total) or 0.0, figures.metrics(key)) for key, name in named[:first]]


def _candidates(runs: dict[Key, int], first: int) -> list[Key]:
    """The keys that may be among the first: of those that have as many runs as the last one, all."""
    least = sorted(runs.values(), reverse=True)[:first][-1:]
    return [key for key, number in runs.items() if [number] >= least]


async def names(loaders: Loaders, by: Dimension, keys: Sequence[Key]) -> list[Name]:
    """What the keys of a dimension are called, in their order."""
    ids = [int(key) for key in keys if isinstance(key, int)]
    match by:
        case Dimension.AGENT:
            agents = await loaders.agent.load_many(ids)
            return [Name(agent.name if agent else "", id_) for agent, id_ in zip(agents, ids, strict=True)]
        case Dimension.VERSION:
            versions = await loaders.version.load_many(ids)
            return [
                Name(version.version, version.agent_id, id_) if version else Name("", None, id_)
                for version, id_ in zip(versions, ids, strict=True)
            ]
        case Dimension.PROJECT:
            projects = await loaders.project.load_many(ids)
            return [Name(project.slug if project else "") for project in projects]
        case Dimension.STATUS:
            return [Name(RunStatus(id_).name) for id_ in ids]
        case Dimension.MODEL | Dimension.PROVIDER | Dimension.ERROR_TYPE | Dimension.INITIATOR:
            return [Name(str(key)) for key in keys]
