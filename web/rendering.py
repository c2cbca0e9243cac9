"""From a context dataclass to HTML.

A template sees its context's fields and, everywhere, `place` (see place.py), `now` and `principal`; that of a page
also `frame`, `title` (the tab's), `heading` and `panels`, their HTML by name. A panel's template is the same in its
page and alone.
"""

from collections.abc import Mapping
from dataclasses import fields
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.responses import HTMLResponse

from .assets import asset
from .formats import FILTERS
from .sparkline import sparkline

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    from .frame import Frame
    from .panels import Panel
    from .problem import Problem
    from .visit import Visit

SECURITY_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
}
"""Nothing inline and nothing from elsewhere; what a key may see stays out of caches."""

EVERYWHERE = frozenset({"place", "now", "principal"})
IN_PAGES = EVERYWHERE | {"frame", "title", "heading", "panels"}


def environment() -> Environment:
    env = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.filters.update(FILTERS)
    env.globals.update(asset=asset, sparkline=sparkline)
    return env


ENVIRONMENT = environment()


def page(
    template: str,
    context: "DataclassInstance",
    visit: "Visit",
    *,
    frame: "Frame",
    title: str,
    heading: str,
    panels: Mapping[str, str],
) -> HTMLResponse:
    parts = {name: Markup(html) for name, html in panels.items()}  # noqa: S704 (`slot` has rendered them)
    variables = _common(visit) | {"frame": frame, "title": title, "heading": heading, "panels": parts}
    return response(_render(template, context, variables))


def bare_page(template: str, context: "DataclassInstance", status: int = HTTPStatus.OK) -> HTMLResponse:
    """One that stands without a visit: somebody unknown asks, or nothing can be read."""
    return response(_render(template, context, {}), status)


def part(template: str, context: "DataclassInstance", visit: "Visit") -> str:
    """The inside of a panel."""
    return _render(template, context, _common(visit))


def macro(template: str, name: str, *args: object) -> str:
    """What a macro of a template makes of these."""
    return str(getattr(ENVIRONMENT.get_template(template).module, name)(*args))


def slot(panel: "Panel", visit: "Visit", *, body: str = "", etag: str = "", problem: "Problem | None" = None) -> str:
    """A panel with what makes it refresh by itself, and the place for its problem."""
    template = ENVIRONMENT.get_template("panel.html")
    inside = Markup(body)  # noqa: S704 (`part` has rendered it)
    return template.render(_common(visit), panel=panel, body=inside, etag=etag, problem=problem)


def title(text: str) -> str:
    """What makes htmx set the title of the tab."""
    return f"<title>{escape(text)} · Formicary</title>\n"


def response(html: str, status: int = HTTPStatus.OK, headers: Mapping[str, str] | None = None) -> HTMLResponse:
    return HTMLResponse(html, status, {**SECURITY_HEADERS, **(headers or {})})


def _render(template: str, context: "DataclassInstance", variables: Mapping[str, Any]) -> str:
    own = {field.name: getattr(context, field.name) for field in fields(context)}
    return ENVIRONMENT.get_template(template).render(variables, **own)


def _common(visit: "Visit") -> dict[str, Any]:
    return {"place": visit.place, "now": visit.now, "principal": visit.principal}
