"""What a key that is bound to a project is told stays the same when another project fills, and names nothing of it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeAlias

import pytest

from formicary.config import Settings
from formicary.db import Database
from formicary.ingest.recorder import Recorder
from formicary.models import Role
from formicary.resolvers import error_groups, overview, standings, workforce
from formicary.resolvers.question import Dimension
from formicary.resolvers.ranges import ResolvedRange
from formicary.resolvers.run_filter import RunFilter
from formicary.resolvers.scope import Scope
from formicary.resolvers.spans import DAY, Bucket
from formicary.resolvers.standings import WhichStandings
from formicary.rollups import pheromone
from formicary.rollups.aggregate import settle
from formicary_web.place import FRAGMENTS
from formicary_web.routes import PAGES

from .ingest.factories import NOW, ago, run_input
from .web.logging_in import Site, key_of
from .web.logging_in import site as served_site

MINE, FOREIGN = "red", "blue"
IN_COMMON = "it broke"
FINISHED = ("SUCCEEDED", "FAILED", "FAILED", "TIMED_OUT", "CANCELLED")
SCORES = {MINE: 0.75, FOREIGN: 0.25}
HOURS_AGO = (0.1, 1, 5, 20, 30)
"""In the last hour, day, and the day before."""


def runs_of(color: str, called_by: str) -> list[dict[str, Any]]:
    """Of one agent, all named after the project; some share their session, user, task and kind of error with others."""
    own: dict[str, Any] = {
        name: f"{color} {name}" for name in ("model", "provider", "initiator", "userId", "sessionId", "errorType")
    }
    common = dict.fromkeys(("userId", "sessionId", "traceId", "taskId"), "common")
    parent = {"agent": f"{called_by} ant", "project": called_by, "externalId": f"{called_by} 0"}
    told: dict[str, Any] = {"durationMs": 900, "cost": "0.5", "messages": 3, "inputTokens": 7, "parent": parent}
    told["pheromoneScore"] = SCORES[color]
    finished: list[dict[str, Any]] = [
        {"status": status, "startedAt": ago(3600 * hours).isoformat(), "errorMessage": f"{color} broke", **told, **own}
        for status, hours in zip(FINISHED, HOURS_AGO, strict=True)
    ]
    finished[1] |= {**common, "errorMessage": IN_COMMON, "errorType": "ToolError"}
    runs = [*finished, {"status": "RUNNING"}, {"status": "QUEUED"}]
    return [
        {"agent": f"{color} ant", "project": color, "version": f"{color} 1", "externalId": f"{color} {place}", **run}
        for place, run in enumerate(runs)
    ]


async def record(db: Database, color: str, *, called_by: str) -> None:
    recorded = await Recorder(db).record([run_input(**run) for run in runs_of(color, called_by)], None)
    assert recorded.rejected == []


Keep: TypeAlias = Callable[[Database], Awaitable[None]]


async def nothing(_: Database) -> None: ...


async def settled(db: Database) -> None:
    await settle(db, NOW)
    await pheromone.update(db, Settings(), NOW)


@pytest.fixture(params=[nothing, settled], ids=["from runs", "from stored figures"])
def keep(request: pytest.FixtureRequest) -> Keep:
    kept: Keep = request.param
    return kept


@pytest.fixture
async def site(db: Database, settings: Settings) -> AsyncIterator[Site]:
    async with served_site(db, settings) as site:
        yield site


RANGE = f'range: {{from: "{(NOW - DAY).isoformat()}", to: "{NOW.isoformat()}"}}'
METRICS = """{ runs succeeded failed cancelled unfinished messages distinctUsers distinctSessions averagePheromone
    throughputPerHour successRate latency { averageMs } tokens { total } cost { total } previous { runs } }"""
LIFETIME = "{ runs succeeded failed messages averageMs tokens { total } cost { total } averagePheromone }"
ERRORS = "{ message type count firstAt lastAt lastRun { externalId agent { name } } }"
RUNS = "{ totalCount nodes { externalId agent { name } parent { externalId } } }"

QUESTIONS = {
    **{
        f"breakdown by {by}": f"breakdown(by: {by}, {RANGE}) {{ key share agent {{ name }} metrics {METRICS} }}"
        for by in Dimension
    },
    "metrics": f"metrics({RANGE}) {METRICS}",
    "metrics of what is common": f'metrics({RANGE}, filter: {{session: ["common"], user: ["common"]}}) {METRICS}',
    "metrics of the other project": f'metrics({RANGE}, filter: {{project: "{FOREIGN}"}}) {METRICS}',
    "metrics of the other agent": f'metrics({RANGE}, filter: {{agent: ["{FOREIGN} ant"]}}) {METRICS}',
    "history": f"history({RANGE}, bucket: HOUR) {{ from metrics {METRICS} }}",
    "errors": f"topErrors({RANGE}) {ERRORS}",
    "lifetime": f"lifetime {LIFETIME}",
    "lifetime of the other project": f'lifetime(project: "{FOREIGN}") {LIFETIME}',
    "stats": "stats { key value change raw }",
    "stats of the other project": f'stats(project: "{FOREIGN}") {{ key value change raw }}',
    "activity": "recentActivity { action agent { name } run { externalId parent { externalId } } }",
    "runs": f"runs {RUNS}",
    "runs of what is common": f'runs(filter: {{traceId: "common", taskId: "common"}}) {RUNS}',
    "runs by words of an error": f'runs(filter: {{errorText: "broke"}}) {RUNS}',
    "agents": f"""agents {{ totalCount nodes {{
        name status lastError {{ message }} trend({RANGE}) metrics({RANGE}) {METRICS}
        pheromoneHistory(days: 2) {{ from score interactions }} lifetime {LIFETIME} topErrors({RANGE}) {ERRORS}
    }} }}""",
    "versions": f"agentVersions {{ totalCount nodes {{ version models agent {{ name }} lifetime {LIFETIME} }} }}",
    "projects": "projects { nodes { slug agents { nodes { name runs { totalCount } } } } }",
    "system": "system { queuedRuns runningRuns agentsWorking }",
}


async def answer(site: Site, key: str, question: str) -> Any:
    headers = {"authorization": f"Bearer {key}"}
    response = await site.browser.post("/graphql", json={"query": f"{{ {question} }}"}, headers=headers)
    assert "errors" not in response.json(), response.text
    return response.json()["data"]


async def answers(site: Site, key: str) -> dict[str, Any]:
    return {name: await answer(site, key, question) for name, question in QUESTIONS.items()}


async def test_api_tells_a_bound_key_nothing_of_others(db: Database, site: Site, keep: Keep) -> None:
    await record(db, MINE, called_by=FOREIGN)
    await keep(db)
    bound, unbound = await key_of(db, Role.READ, MINE), await key_of(db)
    before, before_for_all = await answers(site, bound), await answers(site, unbound)
    await record(db, FOREIGN, called_by=MINE)
    await keep(db)
    after, after_for_all = await answers(site, bound), await answers(site, unbound)
    assert [name for name in QUESTIONS if after[name] != before[name] or FOREIGN in str(after[name])] == []
    assert [name for name in QUESTIONS if after_for_all[name] == before_for_all[name]] == []


LAST_DAY = ResolvedRange(NOW - DAY, NOW)


async def of_overview(db: Database, scope: Scope) -> object:
    found = await overview.read(db, scope, LAST_DAY, Bucket.HOUR)
    figures = [found.metrics, *(point.metrics for point in found.points)]
    return [(each.runs, each.cost.total, each.distinct_users) for each in figures]


async def of_standings(db: Database, scope: Scope) -> object:
    which = WhichStandings(by=Dimension.PROVIDER, range=LAST_DAY, bucket=Bucket.HOUR, first=20, drawn=4)
    found = await standings.read(db, scope, which)
    rows = [(each.name, each.share, each.metrics.runs, each.errors) for each in found.rows]
    return rows, [(each.name, [point.metrics.runs for point in each.points]) for each in [*found.courses, found.others]]


async def of_workforce(db: Database, scope: Scope) -> object:
    return await workforce.read(db, scope, LAST_DAY)


async def of_errors(db: Database, scope: Scope) -> object:
    kind = await error_groups.fingerprint(db, IN_COMMON)
    return await error_groups.count(db, scope, LAST_DAY, RunFilter(fingerprint=(kind,)))


@pytest.mark.parametrize("read", [of_overview, of_standings, of_workforce, of_errors])
async def test_pages_read_nothing_of_others(
    read: Callable[[Database, Scope], Awaitable[object]], db: Database, keep: Keep
) -> None:
    await record(db, MINE, called_by=FOREIGN)
    await keep(db)
    scope = frozenset({await db.fetchval("SELECT id FROM project WHERE slug = $1", MINE)})
    before, before_for_all = await read(db, scope), await read(db, None)
    await record(db, FOREIGN, called_by=MINE)
    await keep(db)
    after, after_for_all = await read(db, scope), await read(db, None)
    assert after == before
    assert FOREIGN not in str(after)
    assert after_for_all != before_for_all


FILES = ("runs.csv", "runs.ndjson", "metrics.json?by=AGENT", "metrics.csv?by=PROVIDER")


def paths(agent_id: int, run_id: int) -> list[str]:
    """Those of all pages, panels and files of text."""
    panels = [f"{FRAGMENTS}{page.path.rstrip('/')}/{each.name}" for page in PAGES for each in page.panels + page.later]
    files = [f"/export/{name}" for name in FILES]
    some = [*(page.path for page in PAGES), *panels, *files, "/runs?session=common", "/metrics"]
    return [path.replace("{agent_id:int}", str(agent_id)).replace("{run_id:int}", str(run_id)) for path in some]


async def test_no_page_panel_or_file_names_what_is_of_others(db: Database, site: Site) -> None:
    await record(db, MINE, called_by=FOREIGN)
    await record(db, FOREIGN, called_by=MINE)
    runs = await db.fetch("SELECT p.slug, r.agent_id, r.id FROM run r JOIN project p ON p.id = r.project_id")
    ids = {row["slug"]: (row["agent_id"], row["id"]) for row in runs}
    bound = {"authorization": f"Bearer {await key_of(db, Role.READ, MINE)}"}
    unbound = {"authorization": f"Bearer {await key_of(db)}"}
    shown = {path: await site.page(path, **bound) for path in paths(*ids[MINE])}
    assert {path: response.status_code for path, response in shown.items() if response.status_code != 200} == {}
    assert [path for path, response in shown.items() if FOREIGN in response.text] == []
    for path in ("/agents/{}".format(*ids[FOREIGN]), "/runs/{}/{}".format(*ids[FOREIGN])):
        assert [(await site.page(path, **headers)).status_code for headers in (bound, unbound)] == [404, 200]
