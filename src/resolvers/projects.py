"""Projects: reading them, and what they are called."""

from dataclasses import dataclass
from datetime import datetime

from ..db import Database
from .page import Order, Page, PageArgs
from .scope import Scope
from .statement import Statement


@dataclass(frozen=True, slots=True)
class Project:
    id: int
    slug: str
    name: str
    created_at: datetime


COLUMNS = "p.id, p.slug, p.name, p.created_at"
BY_SLUG: Order[Project] = Order(
    "SLUG", 'p.slug COLLATE "C"', "text", lambda project: project.slug, str, id_column="p.id"
)


async def page(db: Database, scope: Scope, args: PageArgs) -> Page[Project]:
    """Projects by slug."""
    statement = _visible(scope)
    args.bounds(statement, BY_SLUG)
    rows = await db.fetch(
        f"SELECT {COLUMNS} FROM project p {statement.where_clause}"
        f" ORDER BY {BY_SLUG.by(backward=args.backward)} LIMIT {args.size + 1}",
        *statement.args,
    )
    return Page.of([Project(*row) for row in rows], args, BY_SLUG, lambda project: project.id)


async def count(db: Database, scope: Scope) -> int:
    statement = _visible(scope)
    return int(await db.fetchval(f"SELECT count(*) FROM project p {statement.where_clause}", *statement.args))


async def by_ids(db: Database, scope: Scope, ids: list[int]) -> list[Project | None]:
    """Projects in the order of their ids; None for those that do not exist in the scope."""
    statement = _visible(scope)
    statement.where("p.id = ANY({}::bigint[])", ids)
    rows = await db.fetch(f"SELECT {COLUMNS} FROM project p {statement.where_clause}", *statement.args)
    found = {row["id"]: Project(*row) for row in rows}
    return [found.get(id_) for id_ in ids]


async def slugs(db: Database, scope: Scope) -> list[str]:
    """The slugs of all visible projects, in order."""
    statement = _visible(scope)
    rows = await db.fetch(
        f"SELECT p.slug FROM project p {statement.where_clause} ORDER BY {BY_SLUG.expression}", *statement.args
    )
    return [row["slug"] for row in rows]


def _visible(scope: Scope) -> Statement:
    statement = Statement()
    statement.within("p.id", scope)
    return statement
