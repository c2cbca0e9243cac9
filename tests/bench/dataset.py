"""Millions of runs in a migrated, otherwise empty database: made by the server, indexed afterwards.

The n-th run is a function of n and the seed. Ids rise with time, as they do when runs are recorded as they happen.
"""

import asyncio
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import asyncpg

from . import population as p

CONNECTIONS = 2
BULK = "SET maintenance_work_mem = '1GB'; SET synchronous_commit = off; SET max_parallel_maintenance_workers = 1"
SLICES = 8

DRAWS = [
    "agent",
    "version",
    "status",
    "duration",
    "model",
    "tools",
    "tool",
    "input",
    "output",
    "error",
    "number",
    "initiator",
    "session",
    "caller",
    "region",
    "rare",
]

PROJECTS = """
    INSERT INTO project (slug, name) SELECT slug, slug FROM unnest({projects}) AS p (slug)
    ON CONFLICT ON CONSTRAINT project_slug_key DO NOTHING"""

AGENTS = """
    INSERT INTO agent (id, project_id, name, display_name, created_at)
    SELECT n, p.id, 'agent-' || lpad(n::text, 3, '0'), 'Agent ' || n, {since}
    FROM generate_series(1, {agents}) AS n
    JOIN project p ON p.slug = ({projects})[n % {project_count} + 1];
    SELECT setval(pg_get_serial_sequence('agent', 'id'), {agents})"""

AGENT_VERSIONS = """
    INSERT INTO agent_version (id, agent_id, version, created_at)
    SELECT (a.id - 1) * {versions} + v + 1, a.id, '1.0.' || v, {since}
    FROM agent a, generate_series(0, {versions} - 1) AS v;
    SELECT setval(pg_get_serial_sequence('agent_version', 'id'), {agents} * {versions})"""

RUNS = """
    INSERT INTO run (
        agent_id, id, started_at, project_id, version_id, recorded_at, ended_at, duration_ms,
        input_tokens, output_tokens, total_tokens, input_length, output_length, messages, status, cost_source, cost,
        external_id, model, provider, tools, error_type, error_message, initiator, task_id, trace_id, span_id,
        session_id, user_id, metadata)
    SELECT
        agent, n, started_at, a.project_id, (agent - 1) * {versions} + version + 1,
        started_at + make_interval(secs => duration / 1000.0),
        CASE WHEN status >= 2 THEN started_at + make_interval(secs => duration / 1000.0) END,
        CASE WHEN status >= 2 THEN duration END,
        input, output, input + output, input * 4, output * 4, 1 + input % 4, status, 0,
        round((input * {input_usd} + output * {output_usd}) / 1e6, 6),
        'run-' || n,
        CASE WHEN rare < {rare} THEN 'rare-model' ELSE ({models})[model] END,
        CASE WHEN rare < {rare} THEN 'rare-provider' ELSE ({providers})[model] END,
        CASE WHEN rare < {rare} THEN '["rare-tool"]' WHEN tools > 0 THEN
            to_jsonb(({tools})[tool:least(tool + tools - 1, {tool_count})]) END,
        CASE WHEN status IN (3, 5) THEN
            CASE WHEN rare < 20 * {rare} THEN 'RareError' ELSE ({error_types})[error] END END,
        CASE WHEN status IN (3, 5) THEN
            CASE WHEN rare < 20 * {rare} THEN 'rarely seen' ELSE format(({error_texts})[error], number) END END,
        CASE WHEN rare < {rare} THEN 'rare-initiator' ELSE ({initiators})[initiator] END,
        'task-' || n / {runs_per_task},
        md5('trace' || n), left(md5('span' || n), 16),
        'session-' || session,
        'user-' || caller,
        jsonb_build_object('region', ({regions})[region], 'attempt', 1)
    FROM (
        SELECT n, started_at,
            least({agents}, floor(power({agents} + 1, u.agent))::int) AS agent,
            least({versions} - 1, greatest(0, floor({versions} * n::float8 / {runs} + 0.4 * u.version - 0.2)))::int
                AS version,
            CASE
                WHEN n > {finished} THEN CASE WHEN u.status < 0.3 THEN 0 ELSE 1 END
                WHEN u.status < {succeeded} THEN 2 WHEN u.status < {failed} THEN 3
                WHEN u.status < {timed_out} THEN 5 ELSE 4 END AS status,
            ({least_ms} * power({most_ms} / {least_ms}, u.duration))::bigint AS duration,
            least({model_count}, floor(power({model_count} + 1, u.model))::int) AS model,
            floor(u.tools * 4)::int AS tools,
            least({tool_count}, floor(power({tool_count} + 1, u.tool))::int) AS tool,
            ({least_input} * power({most_input} / {least_input}, u.input))::bigint AS input,
            ({least_output} * power({most_output} / {least_output}, u.output))::bigint AS output,
            least({error_type_count}, floor(power({error_type_count} + 1, u.error))::int) AS error,
            floor(u.number * 30000)::int AS number,
            least({initiator_count}, floor(power({initiator_count} + 1, u.initiator))::int) AS initiator,
            n / {runs_per_session} / 50 * 50 + floor(u.session * 50)::int AS session,
            floor(power({users} + 1, u.caller))::int AS caller,
            floor(u.region * {region_count})::int + 1 AS region,
            u.rare
        FROM generate_series({low}::bigint, {high}) AS n,
            LATERAL (SELECT {until} - make_interval(secs => ({runs} - n) * {seconds_apart}) AS started_at) t,
            LATERAL (SELECT {draws}) u
    ) drawn
    JOIN agent a ON a.id = agent"""

KEYS = """
    INSERT INTO run_key (agent_id, external_id, run_id, started_at)
    SELECT agent_id, external_id, id, started_at FROM run"""

STATES = """
    INSERT INTO agent_state (agent_id, last_active_at, last_started_at, last_success_at)
    SELECT agent_id, max(recorded_at), max(started_at), max(started_at) FILTER (WHERE status = 2)
    FROM run GROUP BY agent_id;
    INSERT INTO agent_state (agent_id) SELECT id FROM agent ON CONFLICT DO NOTHING;
    INSERT INTO version_state (agent_id, version_id, last_seen_at)
    SELECT agent_id, version_id, max(recorded_at) FROM run GROUP BY agent_id, version_id;
    SELECT setval('run_id_seq', ({runs} / 1000 + 1) * 1000 + 1)"""

CONSTRAINTS = """
    SELECT c.conrelid::regclass::text, c.conname, pg_get_constraintdef(c.oid)
    FROM pg_constraint c WHERE c.contype = 'p' AND c.conrelid IN ('run'::regclass, 'run_key'::regclass)"""

PLAIN_INDEXES = """
    SELECT
        (SELECT string_agg(a.attname, '_' ORDER BY a.attnum) FROM pg_attribute a WHERE a.attrelid = i.indexrelid),
        string_agg(i.indexrelid::regclass::text, ', '),
        string_agg(replace(pg_get_indexdef(i.indexrelid), ' ON ONLY ', ' ON '), '; ')
    FROM pg_index i WHERE i.indrelid = 'run'::regclass AND NOT i.indisprimary
    GROUP BY 1"""
"""By their columns, of which PostgreSQL makes the names of the partitions' indexes: two at once would collide."""


class Indexes(NamedTuple):
    """How to make them again."""

    constraints: list[str]
    plain: list[str]


async def load(dsn: str, runs: int, *, seed: int = 1, until: datetime | None = None) -> float:
    """Fill the database with `runs` runs that started in the month before `until`; gives the seconds it took."""
    begun = time.perf_counter()
    connections = [await asyncpg.connect(dsn) for _ in range(CONNECTIONS)]
    try:
        for connection in connections:
            await connection.execute(BULK)
        await _fill(connections, runs, _values(runs, seed, until or datetime.now(UTC)))
    finally:
        for connection in connections:
            await connection.close()
    return time.perf_counter() - begun


async def _fill(connections: Sequence[asyncpg.Connection], runs: int, values: dict[str, object]) -> None:
    first = connections[0]
    for statement in (PROJECTS, AGENTS, AGENT_VERSIONS):
        await first.execute(statement.format_map(values))
    indexes = await _drop_indexes(first)
    inserts = [RUNS.format_map(values | {"low": low, "high": high}) for low, high in _slices(runs)]
    await _execute_all(connections, inserts)
    await _execute_all(connections, [KEYS, *indexes.plain])
    for constraint in indexes.constraints:
        await first.execute(constraint)
    await _execute_all(connections, [STATES.format_map(values), "ANALYZE run_key", "ANALYZE run"])


def _slices(runs: int) -> list[tuple[int, int]]:
    step = -(-runs // SLICES)
    return [(low, min(low + step - 1, runs)) for low in range(1, runs + 1, step)]


async def _execute_all(connections: Sequence[asyncpg.Connection], statements: Iterable[str]) -> None:
    """Run the statements, in their order, each on whichever connection is free."""
    waiting = iter(statements)

    async def work(connection: asyncpg.Connection) -> None:
        for statement in waiting:
            await connection.execute(statement)

    await asyncio.gather(*(work(connection) for connection in connections))


async def _drop_indexes(connection: asyncpg.Connection) -> Indexes:
    constraints, plain = [], []
    for table, name, definition in await connection.fetch(CONSTRAINTS):
        await connection.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
        constraints.append(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}")
    for _, names, definitions in await connection.fetch(PLAIN_INDEXES):
        await connection.execute(f"DROP INDEX {names}")
        plain.append(definitions)
    return Indexes(constraints, plain)


def _values(runs: int, seed: int, until: datetime) -> dict[str, object]:
    """What the statements leave open."""
    texts = {
        "projects": p.PROJECTS,
        "providers": [provider for provider, _ in p.MODELS],
        "models": [model for _, model in p.MODELS],
        "tools": p.TOOLS,
        "error_types": [type_ for type_, _ in p.ERRORS],
        "error_texts": [text.replace("{}", "%s") for _, text in p.ERRORS],
        "initiators": p.INITIATORS,
        "regions": p.REGIONS,
    }
    counts = {f"{name.removesuffix('s')}_count": len(values) for name, values in texts.items()}
    arrays = {name: _array(values) for name, values in texts.items()}
    return arrays | counts | _shares() | {
        "runs": runs,
        "until": f"'{until.isoformat()}'::timestamptz",
        "since": f"'{(until - p.SPAN).isoformat()}'::timestamptz",
        "seconds_apart": p.SPAN.total_seconds() / runs,
        "finished": round(runs * (1 - p.UNFINISHED_SHARE)),
        "draws": ", ".join(_draw(name, seed * len(DRAWS) + place) for place, name in enumerate(DRAWS)),
    }  # fmt: skip


def _shares() -> dict[str, object]:
    return {
        "agents": p.AGENTS,
        "versions": p.VERSIONS,
        "users": p.USERS,
        "runs_per_session": p.RUNS_PER_SESSION,
        "runs_per_task": p.RUNS_PER_TASK,
        "rare": f"{1 / p.RARE_ONE_IN:.9f}",
        "succeeded": p.SHARES["SUCCEEDED"],
        "failed": p.SHARES["SUCCEEDED"] + p.SHARES["FAILED"],
        "timed_out": 1 - p.SHARES["CANCELLED"],
        "least_ms": float(p.DURATION_MS[0]),
        "most_ms": float(p.DURATION_MS[1]),
        "least_input": float(p.INPUT_TOKENS[0]),
        "most_input": float(p.INPUT_TOKENS[1]),
        "least_output": float(p.OUTPUT_TOKENS[0]),
        "most_output": float(p.OUTPUT_TOKENS[1]),
        "input_usd": p.USD_PER_MILLION_TOKENS[0],
        "output_usd": p.USD_PER_MILLION_TOKENS[1],
    }


def _array(values: Iterable[str]) -> str:
    return "ARRAY[" + ", ".join(f"'{value}'" for value in values) + "]"


def _draw(name: str, salt: int) -> str:
    """A number in [0, 1) that depends on n and the salt only."""
    return f"(hashint8extended(n, {salt}) & 2147483647) / 2147483648.0::float8 AS {name}"
