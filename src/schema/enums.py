"""The enums of the API, each value with what it means."""

from enum import Enum, EnumMeta
from typing import TypeVar

import strawberry

from ..models.run import CostSource, RunStatus
from ..resolvers.agents import AgentStatus
from ..resolvers.change import StatTrend
from ..resolvers.question import Dimension, Source
from ..resolvers.spans import Bucket
from ..resolvers.trends import Trend

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
    RUNS = "RUNS"
    ERROR_RATE = "ERROR_RATE"
    COST = "COST"


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
        AgentOrderField.RUNS: "All its finished runs ever, as far as they are folded, which takes seconds.",
        AgentOrderField.ERROR_RATE: "Failed over succeeded and failed, of the same runs. Without any it counts as less "
        "than 0.",
        AgentOrderField.COST: "What the same runs cost.",
    },
)
described(
    Bucket,
    "The steps of a history, in UTC.",
    {
        Bucket.MINUTE: "Minutes. They are read from the runs.",
        Bucket.HOUR: "Hours.",
        Bucket.DAY: "Days, from midnight UTC.",
        Bucket.WEEK: "Weeks, from Monday, midnight UTC.",
    },
)
described(
    Dimension,
    "What figures can be broken down by.",
    {
        Dimension.AGENT: "The agent; the key is its name.",
        Dimension.VERSION: "The version of an agent; the key is its name.",
        Dimension.MODEL: "The model asked; the key is empty where a run states none.",
        Dimension.PROVIDER: "The model's provider; the key is empty where a run states none.",
        Dimension.STATUS: "The status.",
        Dimension.ERROR_TYPE: "The class of error of the runs that state one, failed or timed out; the key is empty "
        "for failed and timed out runs that state none.",
        Dimension.INITIATOR: "Who or what started the run; the key is empty where it states none. Read from the runs.",
        Dimension.PROJECT: "The project; the key is its slug.",
    },
)
described(
    Source,
    "Where figures come from. All three say the same of what they have; percentiles are exact in REALTIME.",
    {
        Source.AUTO: "What is stored and, for runs that are not folded into it yet, the runs: right to the last run.",
        Source.STORED: "What is stored alone: runs that ended in the last moments may be missing.",
        Source.REALTIME: "The runs alone, which is slower; those that were dropped cannot be read any more.",
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
described(
    Trend,
    "How the success rate of the second half of some runs stands to that of the first.",
    {
        Trend.IMPROVING: "More than 5 points of per cent above.",
        Trend.STABLE: "At most 5 points above or below.",
        Trend.DECLINING: "More than 5 points below.",
        Trend.INSUFFICIENT_DATA: "There are fewer than 10 runs.",
        Trend.NO_DATA: "There are no runs.",
    },
)
described(
    StatTrend,
    "Which way a figure went. Whether that is good depends on the figure.",
    {
        StatTrend.UP: "It is greater than before.",
        StatTrend.DOWN: "It is less than before.",
        StatTrend.FLAT: "It is the same, or there is nothing to compare it with.",
    },
)
