"""The sample runs as inputs, such as a client would send them. The same seed gives the same runs before `now`."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Self

import msgspec

from ..ingest.run_input import RunInput, RunKeyInput, StatusName
from .arrivals import DAYS, arrivals
from .cast import AGENTS, BY_NAME, Agent, Version
from .faults import Fault
from .incidents import CANCELLED, Conditions, conditions

USERS = 400
HOUR_MS = 3_600_000
SCORE_STEP = 0.02
FIRST_SCORE = 0.5


def sample_days(now: datetime, seed: int) -> Iterator[list[RunInput]]:
    """The runs of each of the `DAYS`, the oldest first."""
    storyteller = _Storyteller(now, Random(seed))  # noqa: S311 - the same for a seed is what is wanted
    scores: dict[str, float] = {}
    for days_ago in reversed(range(DAYS)):
        runs = [run for agent in AGENTS for run in storyteller.past(agent, days_ago)]
        runs.sort(key=lambda run: run.started_at or now)
        scored = list(_scored(runs, scores))
        unfinished = [run for agent in AGENTS for run in storyteller.present(agent)] if days_ago == 0 else []
        yield scored + unfinished


def _scored(runs: Iterable[RunInput], scores: dict[str, float]) -> Iterator[RunInput]:
    """Each run with the score that its agent has after it: an average of what runs were worth, the last ones most."""
    for run in runs:
        score = scores.get(run.agent, FIRST_SCORE)
        if run.status != "CANCELLED":
            worth = BY_NAME[run.agent].quality if run.status == "SUCCEEDED" else 0.0
            score += SCORE_STEP * (worth - score)
        scores[run.agent] = score
        yield msgspec.structs.replace(run, pheromone_score=round(score, 4))


@dataclass(frozen=True, slots=True)
class _Origin:
    """What a run has from whoever started it."""

    initiator: str
    trace_id: str
    session_id: str
    user_id: str
    task_id: str | None
    parent: RunKeyInput | None = None

    @classmethod
    def call(cls, caller: RunInput) -> Self:
        key = RunKeyInput(caller.agent, str(caller.external_id), caller.project)
        user, session = str(caller.user_id), str(caller.session_id)
        return cls(caller.agent, str(caller.trace_id), session, user, caller.task_id, key)


@dataclass(frozen=True, slots=True)
class _Outcome:
    """How a run ends, after how much work of its own."""

    status: StatusName
    own_ms: float
    input_tokens: int
    output_tokens: int = 0
    fault: Fault | None = None


class _Storyteller:
    def __init__(self, now: datetime, rng: Random) -> None:
        self._now = now
        self._rng = rng

    def past(self, agent: Agent, days_ago: int) -> Iterator[RunInput]:
        """The runs of a day that have ended: those the agent made by itself, and all that they called."""
        for hours_ago in arrivals(agent.runs_per_day, days_ago, self._rng):
            if hours_ago >= agent.retired_hours_ago:
                runs = self._runs(agent, hours_ago, self._origin(agent, hours_ago))
                if _ended_by(self._now, runs):
                    yield from runs

    def present(self, agent: Agent) -> Iterator[RunInput]:
        """What runs at the moment, and what waits to be run."""
        version = agent.versions[-1]
        for status in (*["RUNNING"] * agent.running, *["QUEUED"] * agent.queued):
            begun = self._run(agent, version, self._origin(agent, 0))
            queued_at = self._now - timedelta(seconds=self._rng.uniform(0.2, 1) * version.seconds)
            started_at = queued_at + timedelta(milliseconds=40) if status == "RUNNING" else None
            yield msgspec.structs.replace(begun, status=status, queued_at=queued_at, started_at=started_at)

    def _runs(self, agent: Agent, hours_ago: float, origin: _Origin) -> list[RunInput]:
        """A run, and after it those that it called, each waited for."""
        version = agent.version_at(hours_ago)
        begun = self._run(agent, version, origin)
        outcome = self._outcome(agent, version, conditions(agent, version, hours_ago))
        called, waited_ms = self._called(agent, begun, hours_ago)
        started = self._now - timedelta(hours=hours_ago)
        return [self._end(agent, begun, outcome, started, outcome.own_ms + waited_ms), *called]

    def _called(self, agent: Agent, caller: RunInput, hours_ago: float) -> tuple[list[RunInput], float]:
        """All runs that come of a run's calls, and the milliseconds for which it waited."""
        runs: list[RunInput] = []
        waited_ms = 0.0
        for name, share in agent.calls.items():
            if self._rng.random() < share:
                started = hours_ago - (waited_ms + self._rng.uniform(200, 600)) / HOUR_MS
                called = self._runs(BY_NAME[name], max(started, 0), _Origin.call(caller))
                waited_ms += called[0].duration_ms or 0
                runs += called
        return runs, waited_ms

    def _outcome(self, agent: Agent, version: Version, around: Conditions) -> _Outcome:
        rng = self._rng
        own_ms = 1000 * version.seconds * around.slowness * rng.lognormvariate(0, 0.45)
        input_tokens = int(agent.input_tokens * around.tokens * rng.lognormvariate(0, 0.35))
        if rng.random() < around.failing:
            fault = rng.choice(around.faults)
            ms = own_ms if fault.seconds is None else 1000 * fault.seconds * rng.uniform(1, 1.04)
            return _Outcome(fault.status, ms, input_tokens, fault=fault)
        if rng.random() < CANCELLED:
            return _Outcome("CANCELLED", own_ms * rng.random(), input_tokens)
        return _Outcome("SUCCEEDED", own_ms, input_tokens, int(agent.output_tokens * rng.lognormvariate(0, 0.4)))

    def _run(self, agent: Agent, version: Version, origin: _Origin) -> RunInput:
        """A run of which nothing is known yet but who makes it, and for whom."""
        return RunInput(
            agent=agent.name,
            project=agent.project,
            version=version.name,
            external_id=self._hex(16),
            model=version.model,
            provider=agent.provider,
            initiator=origin.initiator,
            task_id=origin.task_id,
            trace_id=origin.trace_id,
            span_id=self._hex(16),
            parent=origin.parent,
            session_id=origin.session_id,
            user_id=origin.user_id,
            metadata={"deployment": version.deployment, "region": agent.cluster},
        )

    def _end(self, agent: Agent, begun: RunInput, outcome: _Outcome, started: datetime, duration_ms: float) -> RunInput:
        rng = self._rng
        good = outcome.status == "SUCCEEDED"
        files = int(rng.expovariate(1 / agent.files_per_run)) if good and agent.files_per_run else 0
        fault = outcome.fault
        return msgspec.structs.replace(
            begun,
            status=outcome.status,
            queued_at=started - timedelta(milliseconds=rng.randint(5, 4000)),
            started_at=started,
            ended_at=started + timedelta(milliseconds=round(duration_ms)),
            duration_ms=float(round(duration_ms)),
            models=[begun.model],
            tools=rng.choices(agent.tools, k=rng.randint(1, len(agent.tools))),
            input_tokens=outcome.input_tokens,
            output_tokens=outcome.output_tokens,
            cached_input_tokens=int(outcome.input_tokens * rng.uniform(0.1, 0.7)),
            time_to_first_token_ms=outcome.own_ms * rng.uniform(0.1, 0.3) if good else None,
            error_type=fault.type if fault else None,
            error_message=fault.text(str(begun.model), rng) if fault else None,
            input_length=outcome.input_tokens * 4,
            output_length=outcome.output_tokens * 4,
            files_created=files // 3,
            files_modified=files - files // 3,
            messages=1 + int(rng.expovariate(1.2)),
        )

    def _origin(self, agent: Agent, hours_ago: float) -> _Origin:
        """A user's runs of the same two hours are one session; few users make most of the runs."""
        rng = self._rng
        user = int(USERS * rng.random() ** 2.5)
        return _Origin(
            initiator=rng.choice(agent.initiators),
            trace_id=self._hex(32),
            session_id=f"session-{user:03}-{int(hours_ago // 2):03}",
            user_id=f"user-{user:03}",
            task_id=f"{agent.task_prefix}{rng.randint(1000, 9999)}" if agent.task_prefix else None,
        )

    def _hex(self, digits: int) -> str:
        return f"{self._rng.getrandbits(4 * digits):0{digits}x}"


def _ended_by(now: datetime, runs: Iterable[RunInput]) -> bool:
    return all(run.ended_at is not None and run.ended_at <= now for run in runs)
