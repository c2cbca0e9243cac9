"""The API: where it is, how to ask it, and the keys for it."""

from dataclasses import dataclass, replace
from functools import partial
from http import HTTPStatus

from starlette.datastructures import ImmutableMultiDict
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from formicary.auth import Access, create_key, revoke_key
from formicary.errors import BadInputError, ForbiddenError
from formicary.models import Role
from formicary.resolvers import api_keys, projects
from formicary.resolvers.api_keys import ApiKey

from . import rendering
from .api_examples import EXAMPLES, Example
from .api_snippets import Snippet, snippets
from .form import read_form
from .pages import Page, Pages
from .visit import Visit

LONGEST_NAME = 80

ROLES = {
    Role.READ: "Reads everything: the dashboard, queries, /metrics",
    Role.INGEST: "Records runs and reads back what it recorded",
    Role.ADMIN: "Does everything, also makes keys",
}


@dataclass(frozen=True, slots=True)
class MadeKey:
    """A key that was made just now, with its text, which is shown this once."""

    name: str
    role: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiContext:
    """`keys` is None for whoever may not manage them, and then `why_not` says why.

    `is_open` is whether this server asks nobody for a key now; `is_first` whether the key `made` is its first.
    """

    endpoint: str
    snippets: list[Snippet]
    examples: tuple[Example, ...]
    keys: list[ApiKey] | None
    why_not: str
    projects: list[str]
    roles: dict[Role, str]
    made: MadeKey | None
    is_open: bool
    is_first: bool


async def context(visit: Visit) -> ApiContext:
    return await _context(visit)


PAGE = Page(path="/api", template="api.html", title="API", nav="api", read=context, has_period=False, has_project=False)


def routes(pages: Pages) -> list[Route]:
    async def create(visit: Visit) -> Response:
        made = await _create(visit, await read_form(visit.request))
        return await pages.show(replace(PAGE, read=partial(_context, made=made)), visit)

    return [
        pages.route(PAGE.path, create, method="POST", access=Access.EVERYWHERE),
        pages.route("/api/keys/{id}/revoke", _revoke, method="POST", access=Access.EVERYWHERE),
    ]


async def _context(visit: Visit, made: MadeKey | None = None) -> ApiContext:
    why_not = _why_not(visit)
    keys = None if why_not else await api_keys.all_keys(visit.database)
    endpoint = f"{visit.request.base_url}graphql"
    is_open = visit.principal.key_id is None
    return ApiContext(
        endpoint=endpoint,
        snippets=snippets(str(visit.request.base_url), with_key=not is_open),
        examples=EXAMPLES,
        keys=keys,
        why_not=why_not,
        projects=[] if keys is None else await projects.slugs(visit.database, visit.scope),
        roles=ROLES,
        made=made,
        is_open=is_open,
        is_first=keys is not None and len(keys) == 1,
    )


def _why_not(visit: Visit) -> str:
    try:
        visit.principal.require(Access.EVERYWHERE, "Managing API keys")
    except ForbiddenError as error:
        return error.message
    return ""


async def _create(visit: Visit, form: "ImmutableMultiDict[str, str]") -> MadeKey:
    name, role = form.get("name", "").strip(), form.get("role", "")
    if len(name) > LONGEST_NAME:
        raise BadInputError(f"name: has {len(name)} characters; at most {LONGEST_NAME} are allowed.")
    if not name.isprintable():
        raise BadInputError(f"name: {name!r} has characters that cannot be shown.")
    if role not in list(Role):
        raise BadInputError(f"role: {role[:40]!r} is none of {', '.join(Role)}.")
    key, text = await create_key(visit.database, role=Role(role), projects=form.getlist("project"), name=name)
    return MadeKey(key.name or key.prefix, key.role, text)


async def _revoke(visit: Visit) -> Response:
    await revoke_key(visit.database, visit.request.path_params["id"])
    return RedirectResponse(f"{PAGE.path}#keys", HTTPStatus.SEE_OTHER, rendering.SECURITY_HEADERS)
