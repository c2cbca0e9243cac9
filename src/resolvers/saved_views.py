"""Addresses of the dashboard that somebody gave a name: reading, saving and dropping them."""

from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from ..auth import Access, Principal
from ..db import Database
from ..errors import BadInputError, NotFoundError

LONGEST_NAME = 80
MOST = 100
"""Views that one key may have."""

MOST_ID = 2**63 - 1

AROUND = """
    SELECT (
            SELECT coalesce(array_agg(p.slug ORDER BY p.slug COLLATE "C"), '{}') FROM project p
            WHERE $1::bigint[] IS NULL OR p.id = ANY($1)
        ) AS slugs,
        v.id, v.name, v.path, v.is_shared, v.is_own, v.is_own OR $3 AS can_drop
    FROM (VALUES (1)) AS once (row)
    LEFT JOIN (
        SELECT s.id, s.name, s.path, s.is_shared, s.key_id IS NOT DISTINCT FROM $2 AS is_own
        FROM saved_view s LEFT JOIN api_key k ON k.id = s.key_id
        WHERE s.key_id IS NOT DISTINCT FROM $2
            OR s.is_shared
                AND ($1::bigint[] IS NULL OR k.project_ids IS NULL OR k.project_ids <@ to_jsonb($1::bigint[]))
    ) v ON true
    ORDER BY lower(v.name), v.id
    LIMIT 500"""

SAVE = """
    INSERT INTO saved_view (key_id, name, path, is_shared)
    SELECT $1, $2, $3, $4
    WHERE (SELECT count(*) FROM saved_view WHERE key_id IS NOT DISTINCT FROM $1 AND name <> $2) < $5
    ON CONFLICT (key_id, name) DO UPDATE SET path = excluded.path, is_shared = excluded.is_shared
    RETURNING id"""

DROP = """
    DELETE FROM saved_view
    WHERE id = $1 AND (key_id IS NOT DISTINCT FROM $2 OR is_shared AND $3)
    RETURNING id"""


@dataclass(frozen=True, slots=True)
class SavedView:
    """`is_own` is whether the asking key saved it, `can_drop` whether it may drop it."""

    id: int
    name: str
    path: str
    is_shared: bool
    is_own: bool
    can_drop: bool

    @property
    def project(self) -> str | None:
        return parse_qs(urlsplit(self.path).query).get("project", [None])[-1]


async def with_projects(db: Database, principal: Principal) -> tuple[list[str], list[SavedView]]:
    """The slugs of all visible projects, and one's own views and those that are shared, by name, in one statement.

    A key that is bound to projects sees no view of others: neither one whose address names one, nor one that was
    shared by a key which is bound to others.
    """
    scope = principal.project_ids
    may_drop = principal.may(Access.EVERYWHERE)
    rows = await db.fetch(AROUND, None if scope is None else sorted(scope), principal.key_id, may_drop)
    slugs: list[str] = rows[0]["slugs"]
    views = [SavedView(*view) for _, *view in rows if view[0] is not None]
    return slugs, [view for view in views if scope is None or view.is_own or view.project in (None, *slugs)]


async def save(db: Database, principal: Principal, name: str, path: str, *, is_shared: bool) -> None:
    """Under a name that the same key has used before, the new address takes the old one's place.

    What is saved on a server that runs open is shared. Raises BadInputError.
    """
    name = " ".join(name.split())
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise BadInputError(f"name: {name[:100]!r} is not a text of 1 to {LONGEST_NAME} characters.")
    shared = is_shared or principal.key_id is None
    if not await db.write(SAVE, principal.key_id, name, path, shared, MOST):
        raise BadInputError(f"name: there are {MOST} saved views already; delete one of them first.")


async def drop(db: Database, principal: Principal, id_: int) -> None:
    """One's own, or for whoever may do everything a shared one. Raises NotFoundError."""
    if id_ > MOST_ID or not await db.write(DROP, id_, principal.key_id, principal.may(Access.EVERYWHERE)):
        raise NotFoundError("There is no such saved view, or it is not yours.")
