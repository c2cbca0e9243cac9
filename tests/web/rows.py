"""Rows for pages to show."""

from datetime import UTC, datetime, timedelta
from typing import Any

from formicary.db import Database

INSERT_PROJECT = """
INSERT INTO project (slug, name) VALUES ($1, $1)
ON CONFLICT (slug) DO UPDATE SET name = excluded.name
RETURNING id
"""
INSERT_AGENT = """
INSERT INTO agent (project_id, name, display_name, focus_type, disabled) VALUES ($1, $2, $3, $4, $5)
RETURNING id
"""


def seconds_ago(seconds: float) -> datetime:
    return datetime.now(UTC) - timedelta(seconds=seconds)


async def insert_agent(
    db: Database,
    name: str = "reader",
    *,
    project: str = "default",
    display_name: str | None = None,
    focus_type: str | None = None,
    disabled: bool = False,
    version: str | None = None,
    **state: Any,
) -> int:
    """An agent; `state` are columns of agent_state."""
    project_id = await db.fetchval(INSERT_PROJECT, project)
    agent_id: int = await db.fetchval(INSERT_AGENT, project_id, name, display_name, focus_type, disabled)
    if version is not None:
        await db.execute("INSERT INTO agent_version (agent_id, version) VALUES ($1, $2)", agent_id, version)
    if state:
        columns = ", ".join(["agent_id", *state])
        values = ", ".join(f"${i}" for i in range(1, len(state) + 2))
        await db.execute(f"INSERT INTO agent_state ({columns}) VALUES ({values})", agent_id, *state.values())
    return agent_id


async def insert_failing_agent(db: Database, name: str = "broken", **overrides: Any) -> int:
    failing: dict[str, Any] = {
        "pheromone_score": 0.2,
        "consecutive_failures": 4,
        "last_active_at": seconds_ago(90),
        "last_error_at": seconds_ago(90),
        "last_error_run_id": 1,
        "last_error_type": "TimeoutError",
        "last_error_message": "the model did not answer within 30,000 ms",
    }
    return await insert_agent(db, name, **failing | overrides)
