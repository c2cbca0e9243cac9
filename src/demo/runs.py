"""The sample runs as inputs, such as a client would send them. The same seed gives the same runs before `now`."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

import msgspec

from ..ingest.run_input import RunInput, RunKeyInput, StatusName
from .arrivals import arrivals
from .cast import AGENTS, BY_NAME, Agent, Version
from .faults import Fault
from .incidents import CANCELLED, Conditions, conditions

USERS = 400
SCORE_STEP = 0.02
FIRST_SCORE = 0.5


def sample_runs(now: datetime, seed: int) -> list[RunInput]:
    """All runs, the oldest first."""
    storyteller = _Storyteller(now, Random(seed))
    runs = [run for agent in AGENTS for run in storyteller.past(agent)]
    runs.sort(key=lambda run: run.started_at or now)
    return [*_scored(runs), *(run for agent in AGENTS for run in storyteller.present(agent))]


def _scored(runs: Iterable[RunInput]) -> Iterator[RunInput]:
    """Each run with the score that its agent has after it: an average of what runs were worth, the last ones most."""
    scores: dict[str, float] = {}
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


@dataclass(frozen=True, slots=True)
class _Outcome:
    status: StatusName
    own_ms: float
    fault: Fault | None = None


class _Storyteller:
    def __init__(self, now: datetime, rng: Random) -> None:
        self._now = now
        self._rng = rng

    def past(self, agent: Agent) -> Iterator[RunInput]:
        """The runs that have ended: those the agent made by itself, and all that they called."""
        for hours_ago in arrivals(agent.runs_per_day, self._rng):
            if hours_ago >= agent.retired_hours_ago:
                runs = self._runs(agent, hours_ago, self._origin(agent, hours_ago))
                if _ended_by(self._now, runs):
                    yield from runs

    def present(self, agent: Agent) -> Iterator[RunInput]:
        """What runs at the moment, and what waits to be run."""
        seconds = agent.versions[-1].seconds
        for _ in range(agent.running):
            started = self._now - timedelta(seconds=self._rng.uniform(0.1, 0.9) * seconds)
            yield self._unfinished(agent, "RUNNING", started - timedelta(seconds=2), started)
        for _ in range(agent.queued):
            yield self._unfinished(agent, "QUEUED", self._now - timedelta(seconds=self._rng.uniform(3, 90)), None)

    def _runs(self, agent: Agent, hours_ago: float, origin: _Origin) -> list[RunInput]:
        """A run, and after it those that it called, each waited for."""
        version = agent.version_at(hours_ago)
        around = conditions(agent, version, hours_ago)
        outcome = self._outcome(version, around)
        key = RunKeyInput(agent.name, self._hex(16), agent.project)
        started = self._now - timedelta(hours=hours_ago)
        called = self._called(agent, hours_ago, origin, key)
        waited_ms = sum(run.duration_ms or 0 for run in called if run.parent is key)
        run = self._finished(agent, version, around, outcome, origin, key.external_id, started, waited_ms)
        return [run, *called]

    def _called(self, agent: Agent, hours_ago: float, origin: _Origin, key: RunKeyInput) -> list[RunInput]:
        runs: list[RunInput] = []
        for name, share in agent.calls.items():
            if self._rng.random() < share:
                hours_ago -= self._rng.uniform(0.2, 0.6) / 3600
                call = _Origin(
                    agent.name, origin.trace_id, origin.session_id, origin.user_id, origin.task_id, parent=key
                )
                called = self._runs(BY_NAME[name], max(hours_ago, 0), call)
                hours_ago -= (called[0].duration_ms or 0) / 3_600_000
                runs += called
        return runs

    def _outcome(self, version: Version, around: Conditions) -> _Outcome:
        rng = self._rng
        own_ms = 1000 * version.seconds * around.slowness * rng.lognormvariate(0, 0.45)
        if rng.random() < around.failing:
            fault = rng.choice(around.faults)
            ms = own_ms if fault.seconds is None else 1000 * fault.seconds * rng.uniform(1, 1.04)
            return _Outcome(fault.status, ms, fault)
        if rng.random() < CANCELLED:
            return _Outcome("CANCELLED", own_ms * rng.random())
        return _Outcome("SUCCEEDED", own_ms)

    def _finished(
        self,
        agent: Agent,
        version: Version,
        around: Conditions,
        outcome: _Outcome,
        origin: _Origin,
        external_id: str,
        started: datetime,
        waited_ms: float,
    ) -> RunInput:
        rng = self._rng
        good = outcome.status == "SUCCEEDED"
        input_tokens = int(agent.input_tokens * around.tokens * rng.lognormvariate(0, 0.35))
        output_tokens = int(agent.output_tokens * rng.lognormvariate(0, 0.4)) if good else 0
        files = int(rng.expovariate(1 / agent.files_per_run)) if good and agent.files_per_run else 0
        duration_ms = float(round(outcome.own_ms + waited_ms))
        tools = rng.choices(agent.tools, k=rng.randint(1, len(agent.tools)))
        return RunInput(
            agent=agent.name,
            project=agent.project,
            version=version.name,
            external_id=external_id,
            status=outcome.status,
            queued_at=started - timedelta(milliseconds=rng.randint(5, 4000)),
            started_at=started,
            ended_at=started + timedelta(milliseconds=duration_ms),
            duration_ms=duration_ms,
            model=version.model,
            provider=agent.provider,
            models=[version.model],
            tools=tools,
            input_tokens=input_tokens,
            output_tokens=output_tokens,
            cached_input_tokens=int(input_tokens * rng.uniform(0.1, 0.7)),
            time_to_first_token_ms=round(outcome.own_ms * rng.uniform(0.1, 0.3)) if good else None,
            error_type=outcome.fault and outcome.fault.type,
            error_message=outcome.fault and outcome.fault.text(version.model, rng),
            initiator=origin.initiator,
            task_id=origin.task_id,
            trace_id=origin.trace_id,
            span_id=self._hex(16),
            parent=origin.parent,
            session_id=origin.session_id,
            user_id=origin.user_id,
            input_length=input_tokens * 4,
            output_length=output_tokens * 4,
            files_created=files // 3,
            files_modified=files - files // 3,
            messages=1 + int(rng.expovariate(1.2)),
            metadata={"deployment": version.deployment, "attempt": 1 + (rng.random() < 0.05)},
        )

    def _unfinished(
        self, agent: Agent, status: StatusName, queued_at: datetime, started_at: datetime | None
    ) -> RunInput:
        version = agent.versions[-1]
        origin = self._origin(agent, 0)
        return RunInput(
            agent=agent.name,
            project=agent.project,
            version=version.name,
            external_id=self._hex(16),
            status=status,
            queued_at=queued_at,
            started_at=started_at,
            model=version.model,
            provider=agent.provider,
            initiator=origin.initiator,
            task_id=origin.task_id,
            trace_id=origin.trace_id,
            span_id=self._hex(16),
            session_id=origin.session_id,
            user_id=origin.user_id,
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
