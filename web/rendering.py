"""From a context dataclass to an HTML response. A page and its fragment are blocks of one template."""

from dataclasses import fields
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

from .assets import asset
from .formats import FILTERS

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

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


def environment() -> Environment:
    env = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.filters.update(FILTERS)
    env.globals["asset"] = asset
    return env


ENVIRONMENT = environment()


def page(template: str, context: "DataclassInstance", status: int = HTTPStatus.OK) -> HTMLResponse:
    html = ENVIRONMENT.get_template(template).render(_variables(context))
    return HTMLResponse(html, status, SECURITY_HEADERS)


def fragment(template: str, context: "DataclassInstance", status: int = HTTPStatus.OK) -> HTMLResponse:
    """The part of a page that is refreshed by itself, with the title that the page has by now."""
    source = ENVIRONMENT.get_template(template)
    variables = source.new_context(_variables(context))
    title = "".join(source.blocks["title"](variables))
    html = "".join(source.blocks["fragment"](variables))
    return HTMLResponse(f"<title>{title}</title>\n{html}", status, SECURITY_HEADERS)


def _variables(context: "DataclassInstance") -> dict[str, Any]:
    return {field.name: getattr(context, field.name) for field in fields(context)}
