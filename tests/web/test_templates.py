"""Each template is held against the dataclass that it renders; an unknown name in it raises."""

from collections.abc import Iterator
from dataclasses import fields
from typing import get_type_hints

import pytest
from jinja2 import StrictUndefined, meta

from formicary.resolvers.agents import AgentStatus
from formicary_web import rendering
from formicary_web.pages import Page
from formicary_web.panels import Panel
from formicary_web.problem import Problem
from formicary_web.rendering import ENVIRONMENT, EVERYWHERE, IN_PAGES
from formicary_web.routes import PAGES

PROBLEM = Problem(status=500, title="Broken", message="It is.", error_id="e1", may_pass=True)
PANELS = [panel for page in PAGES for panel in page.panels + page.later]


def templates_of(name: str) -> Iterator[str]:
    """The template and all that it extends, includes or imports."""
    assert ENVIRONMENT.loader is not None
    source, _, _ = ENVIRONMENT.loader.get_source(ENVIRONMENT, name)
    yield source
    for referenced in meta.find_referenced_templates(ENVIRONMENT.parse(source)):
        assert referenced is not None
        yield from templates_of(referenced)


def names_in(template: str) -> set[str]:
    used = [meta.find_undeclared_variables(ENVIRONMENT.parse(source)) for source in templates_of(template)]
    return set().union(*used) - set(ENVIRONMENT.globals)


def context_fields(subject: Page | Panel) -> set[str]:
    return {field.name for field in fields(get_type_hints(subject.read)["return"])}


def test_unknown_names_raise() -> None:
    assert ENVIRONMENT.undefined is StrictUndefined
    assert ENVIRONMENT.autoescape is True


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel.template)
def test_panel_uses_every_field_of_its_context_and_no_other(panel: Panel) -> None:
    assert names_in(panel.template) - EVERYWHERE == context_fields(panel)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.template)
def test_page_uses_every_field_of_its_context_and_no_other(page: Page) -> None:
    assert names_in(page.template) - IN_PAGES == context_fields(page)


@pytest.mark.parametrize("template", ["error.html", "problem_alone.html"])
def test_problem_is_shown_with_its_id(template: str) -> None:
    html = bytes(rendering.bare_page(template, PROBLEM).body)
    assert b"It is." in html
    assert b"e1" in html


@pytest.mark.parametrize("status", list(AgentStatus))
def test_every_status_has_a_sign_beside_its_colour(status: AgentStatus) -> None:
    badge = ENVIRONMENT.get_template("status_badge.html").module.status_badge(status)  # type: ignore[attr-defined]
    assert status.capitalize() in badge
    assert "<path" in badge or "<circle" in badge
