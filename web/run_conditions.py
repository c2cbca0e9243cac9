"""The conditions of a list of runs as the address has them, valid or not: each can be taken away."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import QueryParams

from formicary.resolvers.loaders import Loaders

from .chip import Chip
from .place import WITHOUT, Place
from .run_query import FIELDS, READING

NOT_STATED = "not stated"


@dataclass(frozen=True, slots=True)
class Condition:
    """A parameter that narrows the list, with one of its values."""

    name: str
    value: str

    @property
    def label(self) -> str:
        """What it is about, for a person."""
        name = self.value if self.name == WITHOUT else self.name
        return FIELDS[name].label if name in FIELDS else name

    @property
    def known(self) -> Any | None:
        """The value as it is meant; None for one that is not allowed."""
        try:
            return FIELDS[self.name].read(self.value)
        except READING:
            return None

    @property
    def text(self) -> str:
        """The value for a person; as it stands where it is not allowed."""
        if self.name == WITHOUT:
            return NOT_STATED
        known = self.known
        return self.value if known is None else FIELDS[self.name].write(known)

    def href_without(self, place: Place) -> str:
        others = [value for value in place.params.getlist(self.name) if value != self.value]
        return place.here(**{self.name: others})

    def params_without(self, params: QueryParams) -> QueryParams:
        return QueryParams([pair for pair in params.multi_items() if pair != (self.name, self.value)])


def conditions(place: Place) -> list[Condition]:
    pairs = dict.fromkeys(place.params.multi_items())
    return [Condition(name, value) for name, value in pairs if value and (name in FIELDS or name == WITHOUT)]


async def chips(place: Place, loaders: Loaders) -> list[Chip]:
    found = conditions(place)
    names = await _agent_names(found, loaders) | await _version_names(found, loaders)
    return [Chip(each.label, names.get(each, each.text), each.href_without(place)) for each in found]


async def _agent_names(found: Sequence[Condition], loaders: Loaders) -> dict[Condition, str]:
    by_id = _by_id(found, "agent_id")
    agents = await loaders.agent.load_many(by_id.values())
    return {each: agent.display_name for each, agent in zip(by_id, agents, strict=True) if agent}


async def _version_names(found: Sequence[Condition], loaders: Loaders) -> dict[Condition, str]:
    by_id = _by_id(found, "version_id")
    versions = await loaders.version.load_many(by_id.values())
    return {each: version.version for each, version in zip(by_id, versions, strict=True) if version}


def _by_id(found: Sequence[Condition], name: str) -> dict[Condition, int]:
    """Those of a field that holds ids, with the ids."""
    return {each: id_ for each in found if each.name == name and (id_ := each.known) is not None}
