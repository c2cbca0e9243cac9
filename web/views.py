"""Saving the address of a page under a name, and dropping such a view again; frame.py has the list."""

from http import HTTPStatus

from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from formicary.errors import BadInputError
from formicary.resolvers import saved_views

from . import rendering
from .form import read_form
from .own_path import is_own_path
from .pages import Pages
from .visit import Visit


def routes(pages: Pages) -> list[Route]:
    return [
        pages.route("/views", _save, method="POST"),
        pages.route("/views/{id:int}/delete", _delete, method="POST"),
    ]


async def _save(visit: Visit) -> Response:
    form = await read_form(visit.request)
    path = _path(form.get("path", ""))
    await saved_views.save(
        visit.database, visit.principal, form.get("name", ""), path, is_shared=form.get("shared") == "yes"
    )
    return _back_to(path)


async def _delete(visit: Visit) -> Response:
    path = _path((await read_form(visit.request)).get("path", ""))
    await saved_views.drop(visit.database, visit.principal, visit.request.path_params["id"])
    return _back_to(path)


def _path(text: str) -> str:
    if not is_own_path(text):
        raise BadInputError(f"path: {text[:100]!r} is not the address of a page here.")
    return text


def _back_to(path: str) -> Response:
    return RedirectResponse(path, HTTPStatus.SEE_OTHER, rendering.SECURITY_HEADERS)
