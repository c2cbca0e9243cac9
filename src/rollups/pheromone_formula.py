"""The pheromone score of an agent as a function of its hours; docs/pheromone.md says it in words.

Runs deposit and idle time evaporates, as on the trails of ant colony optimisation (M. Dorigo, T. Stützle, "Ant
Colony Optimization", MIT Press 2004, chapter 1). Only here the trail fades to a middle and not to nothing, since an
agent that did nothing is neither good nor bad.

Nothing depends on when or in which order runs arrive: hours go in, and the score after each comes out.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from ..config import Settings
from ..models.agent import FIRST_PHEROMONE_SCORE

HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Hour:
    """The final runs of an agent that started in one hour, cancelled ones aside.

    `duration` and `cost` are means over the succeeded runs of which they are known: median / (median + value), from 1
    for nothing at all through 1/2 at the median towards 0. They are None where no run or no median is known.
    `reported` is the mean of the scores that runs of the hour have reported, if any.
    """

    starts_at: datetime
    runs: int
    succeeded: int
    duration: float | None = None
    cost: float | None = None
    median_duration_ms: float | None = None
    median_cost: float | None = None
    reported: float | None = None


@dataclass(frozen=True, slots=True)
class Start:
    """What was before the hours in question.

    `score` is the one at the end of the hour that starts at `at`, the last one with runs; None where there was none.
    `reported`: that one was reported, so nothing is computed any more. `given_from` on, `given` is the score, unless
    runs report one: somebody has set it.
    """

    score: float = FIRST_PHEROMONE_SCORE
    at: datetime | None = None
    reported: bool = False
    given: float | None = None
    given_from: datetime | None = None

    def gives(self, starts_at: datetime) -> bool:
        return self.given_from is not None and starts_at >= self.given_from


@dataclass(frozen=True, slots=True)
class Step:
    """What an hour made of the score.

    `before` is what the time since the last hour with runs, `idle`, has left of it. `quality` is None where the score
    was reported.
    """

    hour: Hour
    idle: timedelta
    before: float
    quality: float | None
    score: float


@dataclass(frozen=True, slots=True)
class Formula:
    outcome_weight: float
    duration_weight: float
    cost_weight: float
    rate: float
    half_life: timedelta

    @classmethod
    def of(cls, settings: Settings) -> Self:
        return cls(
            outcome_weight=settings.pheromone_outcome_weight,
            duration_weight=settings.pheromone_duration_weight,
            cost_weight=settings.pheromone_cost_weight,
            rate=settings.pheromone_rate,
            half_life=timedelta(days=settings.pheromone_half_life),
        )

    def quality(self, hour: Hour) -> float:
        """How good the runs of an hour were on average, 0 to 1: the part that succeeded, times how well those did.

        Raises ZeroDivisionError where there are no runs.
        """
        terms = [(self.outcome_weight, 1.0)]
        terms += [(self.duration_weight, hour.duration)] if hour.duration is not None else []
        terms += [(self.cost_weight, hour.cost)] if hour.cost is not None else []
        of_successes = sum(weight * term for weight, term in terms) / sum(weight for weight, _ in terms)
        return hour.succeeded / hour.runs * of_successes

    def deposited(self, score: float, quality: float, runs: int) -> float:
        """After `runs` runs of one quality: what is left of the distance to it when each takes away a part `rate`."""
        return float(quality + (score - quality) * (1 - self.rate) ** runs)

    def evaporated(self, score: float, idle: timedelta) -> float:
        """What time leaves of a score; nothing changes where none has passed."""
        if idle <= timedelta(0):
            return score
        left = 0.5 ** (idle / self.half_life)
        return float(FIRST_PHEROMONE_SCORE + (score - FIRST_PHEROMONE_SCORE) * left)

    def steps(self, start: Start, hours: Iterable[Hour]) -> Iterator[Step]:
        """What the hours, in order of time, make of the score."""
        score, at, reported = start.score, start.at, start.reported
        for hour in hours:
            idle = hour.starts_at - at - HOUR if at is not None and not reported else timedelta(0)
            before, quality = self.evaporated(score, idle), None
            if hour.reported is not None:
                score, reported = hour.reported, True
            elif start.gives(hour.starts_at) and start.given is not None:
                score, reported = start.given, True
            elif reported:
                score = before
            else:
                quality = self.quality(hour)
                score = self.deposited(before, quality, hour.runs)
            yield Step(hour, idle, before, quality, score)
            at = hour.starts_at


DEFAULT_FORMULA = Formula.of(Settings.model_construct())
"""By the settings' defaults, whatever the environment says."""
