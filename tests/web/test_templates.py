"""Each template is held against the dataclass that it renders; an unknown name in it raises."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from jinja2 import StrictUndefined, meta

from formicary.resolvers.agents import AgentCard, AgentStatus
from formicary_web import rendering
from formicary_web.agents import AgentsContext
from formicary_web.errors import ErrorContext

NOW = datetime(2026, 3, 1, tzinfo=UTC)
AGENT = AgentCard(
    id=1,
    project_id=1,
    name="reader",
    display_name="Reader",
    focus_type=None,
    status=AgentStatus.IDLE,
    pheromone_score=0.5,
    consecutive_failures=0,
    created_at=NOW,
    last_active_at=None,
    last_error_type=None,
    last_error_message=None,
    last_error_at=None,
    last_error_run_id=None,
    project="default",
    latest_version=None,
)
AGENTS = AgentsContext(
    agents=[AGENT, replace(AGENT, id=2, last_error_at=NOW, focus_type="x", last_active_at=NOW)],
    failing=[AGENT],
    projects=["a", "b"],
    project="a",
    fragment_url="/fragments/agents?project=a",
    first_run="curl",
    is_cut=True,
    taken_at=NOW,
)
ERROR = ErrorContext(status=500, title="Broken", message="It is.", error_id="e1", may_pass=True)

PAGES = [
    ("agents.html", AGENTS),
    ("agents.html", replace(AGENTS, agents=[], failing=[])),
    ("agents.html", replace(AGENTS, agents=[], failing=[], projects=[], project=None)),
    ("error.html", ERROR),
    ("error.html", replace(ERROR, error_id=None, may_pass=False)),
]


def test_unknown_names_raise() -> None:
    assert rendering.ENVIRONMENT.undefined is StrictUndefined
    assert rendering.ENVIRONMENT.autoescape is True


@pytest.mark.parametrize(("template", "context"), PAGES)
def test_page_and_fragment_render(template: str, context: AgentsContext | ErrorContext) -> None:
    assert b"</html>" in rendering.page(template, context).body
    assert b"<html" not in rendering.fragment(template, context).body


@pytest.mark.parametrize(("template", "context"), [("agents.html", AGENTS), ("error.html", ERROR)])
def test_template_uses_every_field_and_no_other(template: str, context: AgentsContext | ErrorContext) -> None:
    env = rendering.ENVIRONMENT
    assert env.loader is not None
    source, _, _ = env.loader.get_source(env, template)
    used = meta.find_undeclared_variables(env.parse(source)) - set(env.globals)
    assert used == set(type(context).__dataclass_fields__)


@pytest.mark.parametrize("status", list(AgentStatus))
def test_every_status_has_a_sign_beside_its_colour(status: AgentStatus) -> None:
    html = bytes(rendering.fragment("agents.html", replace(AGENTS, agents=[replace(AGENT, status=status)])).body)
    badge = html.split(b'<span class="badge')[1].split(b"</span>")[0]
    assert status.capitalize().encode() in badge
    assert b"<path" in badge or b"<circle" in badge
