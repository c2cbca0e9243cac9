"""Recording runs: the mutation that scripts send by the thousand."""

from dataclasses import dataclass
from typing import Annotated, Any

import strawberry

from ..errors import BadInputError, Problem
from ..ingest.recorder import Recorded
from ..ingest.run_input import MAX_BATCH, RecordRunsInput, RunInput, RunKeyInput
from ..resolvers import runs
from .context import Context, Info
from .run import Run
from .struct_input import struct_input

struct_input(RunKeyInput, "The caller's name for a run of its own; it may not have been recorded yet.")
struct_input(RunInput, "One run as its caller knows it.")
RecordRuns = struct_input(
    RecordRunsInput, "At most 10,000 runs. A bad run is rejected by itself; the others are recorded."
)


@strawberry.type(description="What was wrong with an input, and where.")
class InputProblem:
    path: str = strawberry.field(description="The field, such as `endedAt` or `tools[3]`.")
    code: str = strawberry.field(description="A code to branch on, such as `NEGATIVE` or `CONTRADICTION`.")
    message: str = strawberry.field(description="What is wrong and what is allowed, for a person.")


@strawberry.type(description="An input that was not taken.")
class InvalidInput:
    message: str = strawberry.field(description="All problems in one sentence.")
    problems: list[InputProblem] = strawberry.field(description="Each fault of the input.")


@strawberry.type(description="A run that was not recorded.")
class RejectedRun:
    index: int = strawberry.field(description="Its place in the input, from 0.")
    problems: list[InputProblem] = strawberry.field(description="Each fault of it.")


@dataclass(frozen=True, slots=True)
class Answer:
    """What the payload reads."""

    recorded_runs: Recorded
    context: Context

    @property
    def received(self) -> int:
        return self.recorded_runs.received

    @property
    def recorded(self) -> int:
        return self.recorded_runs.recorded

    @property
    def updated(self) -> int:
        return self.recorded_runs.updated

    @property
    def unchanged(self) -> int:
        return self.recorded_runs.unchanged

    @property
    def rejected(self) -> list[RejectedRun]:
        return [
            RejectedRun(index=rejected.index, problems=problems(rejected.problems))
            for rejected in self.recorded_runs.rejected
        ]


async def _runs(root: strawberry.Parent[Answer]) -> Any:
    return [None if row is None else runs.of_row(row) for row in root.recorded_runs.rows]


@strawberry.type(
    description="What became of a batch; committed. `recorded + updated + unchanged + rejected = received`, always."
)
class RecordRunsPayload:
    received: int = strawberry.field(description="How many runs the input had.")
    recorded: int = strawberry.field(description="How many are new.")
    updated: int = strawberry.field(description="How many were known and said something new.")
    unchanged: int = strawberry.field(description="How many were known and said nothing new.")
    rejected: list[RejectedRun] = strawberry.field(description="Those that were not recorded, and why.")
    runs: list[Run | None] = strawberry.field(
        resolver=_runs, description="In the order of the input, rejected ones null."
    )


async def record_runs(
    info: Info,
    input: Annotated[RecordRuns, strawberry.argument(description="The runs.")],  # type: ignore[valid-type]  # noqa: A002
) -> Any:
    batch: RecordRunsInput = input
    if len(batch.runs) > MAX_BATCH:
        raise BadInputError(f"input.runs: has {len(batch.runs)} runs; at most {MAX_BATCH} are allowed in one batch.")
    context = info.context
    return Answer(await context.recorder.record(batch.runs, context.scope), context)


def problems(found: list[Problem]) -> list[InputProblem]:
    return [InputProblem(path=problem.path, code=problem.code, message=problem.message) for problem in found]
