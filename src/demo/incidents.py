"""What goes wrong in the sample data, and when: hours are counted back from the moment it ends."""

from dataclasses import dataclass

from .cast import Agent, Version
from .faults import OF_OUTAGE, OF_PROVIDER, Fault

OUTAGE_PROVIDER = "gcp.gemini"
OUTAGE_HOURS = (46.0, 50.0)
OUTAGE_FAILING = 0.9

SPIKE_AGENT = "market-researcher"
SPIKE_HOURS = (20.0, 27.0)
SPIKE_TOKENS = 9

DEGRADED_SLOWNESS = 5.0
CANCELLED = 0.006


@dataclass(frozen=True, slots=True)
class Conditions:
    """Under which a run is made: the share that fails, in which ways, and factors of its length and tokens."""

    failing: float
    faults: tuple[Fault, ...]
    slowness: float = 1.0
    tokens: float = 1.0


def conditions(agent: Agent, version: Version, hours_ago: float) -> Conditions:
    if agent.provider == OUTAGE_PROVIDER and _within(OUTAGE_HOURS, hours_ago):
        return Conditions(OUTAGE_FAILING, OF_OUTAGE, slowness=4)
    if version.degrades:
        decay = 1 - hours_ago / (version.days_ago * 24)
        failing = version.failing + (1 - version.failing) * decay
        return Conditions(failing, agent.faults, slowness=1 + DEGRADED_SLOWNESS * decay**2)
    tokens = SPIKE_TOKENS if agent.name == SPIKE_AGENT and _within(SPIKE_HOURS, hours_ago) else 1
    return Conditions(version.failing, agent.faults + OF_PROVIDER[agent.provider], tokens=tokens)


def _within(hours: tuple[float, float], hours_ago: float) -> bool:
    last, first = hours
    return last <= hours_ago < first
