"""Making, listing and revoking API keys."""

from collections.abc import Sequence
from typing import Any

import asyncpg
import orjson

from ..db import Database
from ..errors import NotFoundError
from ..models.api_key import ApiKey, Role
from . import secret

COLUMNS = "id, name, prefix, hash, role, project_ids, created_at, last_used_at, revoked_at"

INSERT = f"""
INSERT INTO api_key (name, prefix, hash, role, project_ids)
VALUES ($1, $2, $3, $4, $5)
RETURNING {COLUMNS}
"""

LIST = f"""
SELECT {COLUMNS}
FROM api_key
ORDER BY id
"""

BY_PREFIX = f"""
SELECT {COLUMNS}
FROM api_key
WHERE prefix = $1
"""

REVOKE = f"""
UPDATE api_key
SET revoked_at = coalesce(revoked_at, now())
WHERE prefix = $1 OR id::text = $1
RETURNING {COLUMNS}
"""

ANY_KEY = """
SELECT EXISTS (SELECT FROM api_key WHERE revoked_at IS NULL OR $1)
"""

PROJECTS = """
SELECT slug, id
FROM project
WHERE slug = ANY ($1)
"""


async def create_key(
    db: Database, *, role: Role, projects: Sequence[str] | None = None, name: str = ""
) -> tuple[ApiKey, str]:
    """Make a key, bound to the projects of these slugs if any are given.

    The second value is the key itself. It is kept nowhere: this is the only time that it can be shown.
    Raises NotFoundError for a project that does not exist.
    """
    key = secret.make()
    project_ids = await _project_ids(db, projects) if projects else None
    encoded = None if project_ids is None else orjson.dumps(project_ids).decode()
    async with db.transaction() as connection:
        row = await connection.fetchrow(INSERT, name, secret.prefix(key), secret.digest(key), role, encoded)
    return _api_key(row), key


async def list_keys(db: Database) -> list[ApiKey]:
    """All keys, oldest first, the revoked ones too."""
    return [_api_key(row) for row in await db.fetch(LIST)]


async def find_key(db: Database, prefix: str) -> ApiKey | None:
    row = await db.fetchrow(BY_PREFIX, prefix)
    return None if row is None else _api_key(row)


async def revoke_key(db: Database, which: str) -> ApiKey:
    """End the key of this prefix or id, or this very key, for good. Revoked twice, it keeps its first time.

    Raises NotFoundError.
    """
    which = secret.prefix(which) or which
    async with db.transaction() as connection:
        row = await connection.fetchrow(REVOKE, which)
    if row is None:
        raise NotFoundError(f"There is no API key with the prefix or id {which!r}.")
    return _api_key(row)


async def any_key_exists(db: Database, *, even_revoked: bool = False) -> bool:
    return bool(await db.fetchval(ANY_KEY, even_revoked))


async def _project_ids(db: Database, slugs: Sequence[str]) -> list[int]:
    ids = {row["slug"]: row["id"] for row in await db.fetch(PROJECTS, list(slugs))}
    missing = [slug for slug in slugs if slug not in ids]
    if missing:
        raise NotFoundError(f"There is no project {', '.join(map(repr, missing))}.")
    return sorted(ids.values())


def _api_key(row: asyncpg.Record) -> ApiKey:
    fields: dict[str, Any] = dict(row)
    project_ids = fields.pop("project_ids")
    return ApiKey(**fields, project_ids=None if project_ids is None else orjson.loads(project_ids))
