"""Request bodies: runs as a script would send them, with the 18 fields that it knows."""

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from . import population as p

MUTATION = (
    "mutation Record($input: RecordRunsInput!) { recordRuns(input: $input) "
    "{ received recorded updated unchanged rejected { index } } }"
)
BODY = b'{"query":%b,"operationName":"Record","variables":{"input":{"runs":[%b]}}}'


def runs(count: int, *, seed: int = 1, until: datetime | None = None, span: timedelta = p.SPAN) -> list[dict[str, Any]]:
    """Runs of the time before `until`, a month, the oldest first, without their external ids."""
    draw = random.Random(seed)
    until = until or datetime.now(UTC)
    return [_run(draw, until - span * (1 - number / count)) for number in range(count)]


def bodies(runs_: Sequence[dict[str, Any]], size: int, mark: str) -> list[bytes]:
    """Requests of `size` runs each; `mark` makes their external ids new."""
    encode = msgspec.json.encode
    texts = [encode({"externalId": f"{mark}-{number}", **run}) for number, run in enumerate(runs_)]
    query = encode(MUTATION)
    return [BODY % (query, b",".join(texts[at : at + size])) for at in range(0, len(texts) - size + 1, size)]


def _run(draw: random.Random, started: datetime) -> dict[str, Any]:
    agent = _ranked(draw, p.AGENTS) + 1
    provider, model = p.MODELS[_ranked(draw, len(p.MODELS))]
    duration = timedelta(milliseconds=_between(draw, p.DURATION_MS))
    number = int(started.timestamp() * 1000)
    input_tokens = _between(draw, p.INPUT_TOKENS)
    output_tokens = _between(draw, p.OUTPUT_TOKENS)
    run: dict[str, Any] = {
        "agent": p.agent_name(agent),
        "project": p.project_of(agent),
        "version": p.version_name(_ranked(draw, p.VERSIONS)),
        "status": draw.choices(list(p.SHARES), list(p.SHARES.values()))[0],
        "startedAt": _instant(started),
        "endedAt": _instant(started + duration),
        "model": model,
        "provider": provider,
        "inputTokens": input_tokens,
        "outputTokens": output_tokens,
        "cost": _usd(input_tokens, output_tokens),
        "initiator": p.INITIATORS[_ranked(draw, len(p.INITIATORS))],
        "taskId": f"task-{number // 60_000}",
        "traceId": f"{draw.getrandbits(128):032x}",
        "sessionId": f"session-{draw.randrange(p.USERS)}",
        "userId": f"user-{_ranked(draw, p.USERS)}",
        "metadata": {"region": draw.choice(p.REGIONS), "attempt": 1},
    }
    return run | dict(_sometimes(draw, run["status"]))


def _sometimes(draw: random.Random, status: str) -> Iterator[tuple[str, Any]]:
    if count := draw.randrange(4):
        first = _ranked(draw, len(p.TOOLS))
        yield "tools", list(p.TOOLS[first : first + count])
    if status in {"FAILED", "TIMED_OUT"}:
        type_, message = p.ERRORS[_ranked(draw, len(p.ERRORS))]
        yield "errorType", type_
        yield "errorMessage", message.format(draw.randrange(30_000))


def _ranked(draw: random.Random, count: int) -> int:
    """From 0: a small number far oftener than a great one."""
    return min(count - 1, int((count + 1) ** draw.random()) - 1)


def _between(draw: random.Random, bounds: tuple[int, int]) -> int:
    low, high = bounds
    return int(low * (high / low) ** draw.random())


def _usd(input_tokens: int, output_tokens: int) -> str:
    of_input, of_output = p.USD_PER_MILLION_TOKENS
    return f"{(input_tokens * of_input + output_tokens * of_output) / 1e6:.6f}"


def _instant(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
