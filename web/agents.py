"""The agents as cards, best pheromone score first."""

import shlex
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlencode

from starlette.responses import Response

from formicary.resolvers import agents, projects
from formicary.resolvers.agents import AgentCard, AgentStatus

from . import rendering
from .pages import Visit

TEMPLATE = "agents.html"
LIMIT = 500

FIRST_RUN = """\
curl {address} \\
  -H 'Content-Type: application/json' \\
{authorization}  -d '{{
    "query": "mutation($input: RecordRunsInput!) {{ recordRuns(input: $input) {{ recorded }} }}",
    "variables": {{"input": {{"runs": [
      {{"agent": "my-agent", "version": "1.0.0", "status": "SUCCEEDED", "timeTaken": "2.5s"}}
    ]}}}}
  }}'
"""
AUTHORIZATION = '  -H "Authorization: Bearer $FORMICARY_KEY" \\\n'


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentsContext:
    """`failing` are those of `agents` that need a person; `first_run` is a command for a shell."""

    agents: list[AgentCard]
    failing: list[AgentCard]
    projects: list[str]
    project: str | None
    fragment_url: str
    first_run: str
    is_cut: bool
    taken_at: datetime


async def context(visit: Visit) -> AgentsContext:
    project = visit.request.query_params.get("project") or None
    cards = await agents.cards(visit.database, visit.scope, project=project, limit=LIMIT)
    slugs = await projects.slugs(visit.database, visit.scope)
    return AgentsContext(
        agents=cards,
        failing=[card for card in cards if card.status is AgentStatus.ERROR],
        projects=slugs if project is None or project in slugs else [*slugs, project],
        project=project,
        fragment_url="/fragments/agents" + (f"?{urlencode({'project': project})}" if project else ""),
        first_run=first_run(visit),
        is_cut=len(cards) == LIMIT,
        taken_at=datetime.now(UTC),
    )


def first_run(visit: Visit) -> str:
    """A command that records a run at the address under which this page was reached."""
    address = shlex.quote(f"{visit.request.base_url}graphql")
    needs_key = visit.principal.key_id is not None
    return FIRST_RUN.format(address=address, authorization=AUTHORIZATION if needs_key else "")


async def page(visit: Visit) -> Response:
    return rendering.page(TEMPLATE, await context(visit))


async def fragment(visit: Visit) -> Response:
    return rendering.fragment(TEMPLATE, await context(visit))
