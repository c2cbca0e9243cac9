"""What becomes of a trace's runs when more of its spans are known: who is new, who says other things, who is none.

A run of the trace is recorded anew as a whole: what its spans say now takes the place of what they said before.
"""

from collections.abc import Iterable
from datetime import datetime

from ..ingest.check import problems
from ..ingest.recording import Accepted, Recording
from ..ingest.run_input import RunInput, RunKeyInput
from ..ingest.writer import Outcome, Says
from .batch import Refusals
from .run import run_input
from .span_state import Key
from .trace import Trace


class Revision:
    """Of the traces that one transaction writes."""

    def __init__(self, now: datetime, refusals: Refusals) -> None:
        self._now = now
        self.refusals = refusals
        self._accepted: list[Accepted] = []
        self._says: list[Says] = []
        self._of: list[Key] = []
        self._withdrawn: list[RunKeyInput] = []

    def begin(self, key: Key, runs: Iterable[RunInput]) -> None:
        """Enter the runs of a trace of which nothing was kept.

        A run of it that was recorded all the same stays as it is: more spans than these were known then.
        """
        for run in runs:
            self._add(key, run, Says.NOTHING)

    def go_on(self, key: Key, before: Trace, after: Trace, *, is_rest: bool) -> None:
        """Enter what has changed; nothing that is recorded changes where the kept spans are a rest."""
        recorded = {_key(run): run for run in runs_of(key, before)}
        for run in runs_of(key, after):
            known = recorded.pop(_key(run), None)
            if known != run:
                self._add(key, run, Says.NOTHING if known is None or is_rest else Says.ALL)
        if not is_rest:
            self._withdrawn.extend(recorded)

    async def record(self, recording: Recording) -> set[Key]:
        """Record all of it; gives the traces of which a run had been recorded from spans that are not kept."""
        if not self._accepted and not self._withdrawn:
            return set()
        written = await recording.write(self._accepted, self._now, says=self._says, withdrawn=self._withdrawn)
        told = zip(self._of, self._says, written.outcomes, strict=True)
        return {key for key, says, outcome in told if says is Says.NOTHING and outcome is Outcome.UNCHANGED}

    def _add(self, key: Key, run: RunInput, says: Says) -> None:
        if faults := problems(run, self._now):
            self.refusals.add(f"a run is not recorded: {faults[0].path} {faults[0].message}")
            return
        self._accepted.append(Accepted(len(self._accepted), run, None))
        self._says.append(says)
        self._of.append(key)


def runs_of(key: Key, trace: Trace) -> list[RunInput]:
    project, trace_id = key
    return [run_input(run, trace.runs, project=project, trace_id=trace_id) for run in trace.runs]


def _key(run: RunInput) -> RunKeyInput:
    assert run.external_id is not None  # noqa: S101 - every run of a trace has one
    return RunKeyInput(agent=run.agent, external_id=run.external_id, project=run.project)
