"""The API keys there are, with the projects that each is bound to by name."""

from dataclasses import dataclass
from datetime import datetime

from ..db import Database

LIST = """
    SELECT k.id, k.name, k.prefix, k.role, k.created_at, k.last_used_at, k.revoked_at,
        CASE WHEN k.project_ids IS NOT NULL THEN coalesce((
            SELECT array_agg(p.slug ORDER BY p.slug COLLATE "C") FROM project p WHERE k.project_ids @> to_jsonb(p.id)
        ), '{}') END AS projects
    FROM api_key k
    ORDER BY k.revoked_at IS NOT NULL, k.id DESC"""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """`projects` are slugs, None where the key holds for all. `prefix` is the public part of the key."""

    id: int
    name: str
    prefix: str
    role: str
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None
    projects: list[str] | None


async def all_keys(db: Database) -> list[ApiKey]:
    """Those that can be used before those that are revoked, the newest first."""
    return [ApiKey(*row) for row in await db.fetch(LIST)]
