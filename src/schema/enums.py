"""The enums of the API, each value with what it means."""

from enum import Enum, EnumMeta
from typing import TypeVar

import strawberry

from ..models.run import CostSource, RunStatus
from ..resolvers.agents import AgentStatus

E = TypeVar("E", bound=EnumMeta)


def described(enum: E, description: str, values: dict[Enum, str]) -> E:
    """Make an enum part of the API; each of its values must be described."""
    registered: E = strawberry.enum(enum, description=description)
    for value in registered.__strawberry_definition__.values:  # type: ignore[attr-defined]
        value.description = values[enum[value.name]]
    return registered


class Direction(Enum):
    ASC = "ASC"
    DESC = "DESC"


class AgentOrderField(Enum):
    NAME = "NAME"
    PHEROMONE_SCORE = "PHEROMONE_SCORE"
    LAST_ACTIVE = "LAST_ACTIVE"
    CREATED = "CREATED"


class RunOrderField(Enum):
    STARTED = "STARTED"
    DURATION = "DURATION"
    COST = "COST"
    TOKENS = "TOKENS"


described(
    AgentStatus,
    "How an agent stands: the first of DISABLED, ERROR, BUSY that holds, else IDLE.",
    {
        AgentStatus.DISABLED: "Switched off by `updateAgent`.",
        AgentStatus.ERROR: "Three or more runs in a row failed.",
        AgentStatus.BUSY: "A run of it that started in the last 24 hours is running.",
        AgentStatus.IDLE: "None of the others.",
    },
)
described(
    RunStatus,
    "The life of a run: QUEUED and RUNNING are unfinished, the others final.",
    {
        RunStatus.QUEUED: "Waiting to start.",
        RunStatus.RUNNING: "Started and not ended.",
        RunStatus.SUCCEEDED: "Ended with what was asked of it.",
        RunStatus.FAILED: "Ended with an error.",
        RunStatus.CANCELLED: "Stopped by somebody; counts neither as success nor as failure.",
        RunStatus.TIMED_OUT: "Stopped because it took too long; counts as failed.",
    },
)
described(
    CostSource,
    "Where a run's cost comes from.",
    {
        CostSource.REPORTED: "The caller gave it.",
        CostSource.ESTIMATED: "Computed from the tokens and a price of the model on the run's day.",
        CostSource.UNKNOWN: "Neither given nor computable; the cost is null.",
    },
)
described(
    Direction,
    "Which way a list is sorted.",
    {Direction.ASC: "The smallest, earliest or first first.", Direction.DESC: "The greatest, latest or last first."},
)
described(
    AgentOrderField,
    "What agents can be sorted by.",
    {
        AgentOrderField.NAME: "The name, by code point.",
        AgentOrderField.PHEROMONE_SCORE: "The pheromone score.",
        AgentOrderField.LAST_ACTIVE: "When it was last active; never counts as the earliest.",
        AgentOrderField.CREATED: "When it was first registered.",
    },
)
described(
    RunOrderField,
    "What runs can be sorted by. An unknown value counts as smaller than any known one.",
    {
        RunOrderField.STARTED: "When the run started.",
        RunOrderField.DURATION: "How long it took.",
        RunOrderField.COST: "What it cost.",
        RunOrderField.TOKENS: "How many tokens it used in total.",
    },
)
