"""Making, listing and revoking API keys."""

from collections.abc import Sequence

import orjson
from sqlmodel import col, select

from ..db import Database
from ..errors import NotFoundError
from ..models.api_key import ApiKey, Role
from . import secret

INSERT = """
INSERT INTO api_key (name, prefix, hash, role, project_ids)
VALUES ($1, $2, $3, $4, $5)
"""

REVOKE = """
UPDATE api_key
SET revoked_at = coalesce(revoked_at, now())
WHERE prefix = $1 OR id::text = $1
RETURNING id
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
    await db.execute(INSERT, name, secret.prefix(key), secret.digest(key), role, encoded)
    [stored] = await db.select(select(ApiKey).where(ApiKey.hash == secret.digest(key)))
    return stored, key


async def list_keys(db: Database) -> list[ApiKey]:
    """All keys, oldest first, the revoked ones too."""
    return await db.select(select(ApiKey).order_by(col(ApiKey.id)))


async def find_key(db: Database, prefix: str) -> ApiKey | None:
    return next(iter(await db.select(select(ApiKey).where(ApiKey.prefix == prefix))), None)


async def revoke_key(db: Database, which: str) -> ApiKey:
    """End the key of this prefix or id, or this very key, for good. Revoked twice, it keeps its first time.

    Raises NotFoundError.
    """
    which = secret.prefix(which) or which
    ids = [row["id"] for row in await db.write(REVOKE, which)]
    revoked = await db.select(select(ApiKey).where(col(ApiKey.id).in_(ids)))
    if not revoked:
        raise NotFoundError(f"There is no API key with the prefix or id {which!r}.")
    return revoked[0]


async def any_key_exists(db: Database, *, even_revoked: bool = False) -> bool:
    return bool(await db.fetchval(ANY_KEY, even_revoked))


async def _project_ids(db: Database, slugs: Sequence[str]) -> list[int]:
    ids = {row["slug"]: row["id"] for row in await db.fetch(PROJECTS, list(slugs))}
    missing = [slug for slug in slugs if slug not in ids]
    if missing:
        raise NotFoundError(f"There is no project {', '.join(map(repr, missing))}.")
    return sorted(ids.values())
