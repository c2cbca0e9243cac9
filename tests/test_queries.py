"""Every query of docs/queries.md, on the sample data: it is answered, with something that tells."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from pydantic import SecretStr

from formicary.auth import Principal
from formicary.config import Settings
from formicary.db import Database
from formicary.demo import load
from formicary.demo.cast import AGENTS
from formicary.ingest.recorder import Recorder
from formicary.models import Role
from formicary.rollups.aggregate import settle
from formicary.schema import schema
from formicary.schema.context import Context
from formicary.schema.operation import GraphQLRequest, GraphQLResult, Operations
from formicary.worker import Journal, Loop, jobs

from . import postgres

DOCUMENT = (Path(__file__).parent.parent / "docs" / "queries.md").read_text()
QUERY = re.compile(r"^```graphql\n(.*?)^```$", re.DOTALL | re.MULTILINE)
QUESTIONS = {
    title: QUERY.findall(text)
    for title, text in re.findall(r"^### (.+?)\n(.*?)(?=^##|\Z)", DOCUMENT, re.DOTALL | re.MULTILINE)
}

Answer: TypeAlias = dict[str, Any]
Points: TypeAlias = list[dict[str, Any]]


def runs(points: Points) -> int:
    """Of the points of a history or the rows of a breakdown."""
    return sum(point["metrics"]["runs"] for point in points)


def cards(data: Answer) -> None:
    agents = data["agents"]["nodes"]
    scores = [agent["pheromoneScore"] for agent in agents]
    assert len(agents) == 8
    assert scores == sorted(scores, reverse=True)
    assert all(agent["lifetime"]["runs"] >= agent["week"]["runs"] > 0 for agent in agents)
    assert all(0 < agent["week"]["averagePheromone"] < 1 for agent in agents)
    assert {agent["status"] for agent in agents} >= {"ERROR", "DISABLED"}
    assert all(agent["uptimeSeconds"] > 86_400 for agent in agents)


def totals(data: Answer) -> None:
    lifetime = data["lifetime"]
    assert (data["active"]["totalCount"], data["all"]["totalCount"]) == (7, 8)
    assert lifetime["messages"] > 20_000
    assert lifetime["failed"] > 100
    assert 0.4 < lifetime["averagePheromone"] < 0.9
    assert lifetime["takenAt"] > f"{datetime.now(UTC):%Y}"


def failing(data: Answer) -> None:
    [agent] = data["agents"]["nodes"]
    assert agent["displayName"] == "Refund assistant"
    assert agent["consecutiveFailures"] >= 3
    assert agent["metrics"]["errorRate"] > 0.5
    assert len(agent["topErrors"]) == 3
    assert agent["lastError"]["run"]["id"]


def one_agent(data: Answer) -> None:
    agent = data["agent"]
    assert agent["trend"] == "DECLINING"
    assert agent["metrics"]["distinctSessions"] > 10
    assert agent["lastError"]["at"] <= agent["lastActiveAt"]
    assert len(agent["pheromoneHistory"]) == 24
    assert {row["key"] for row in agent["breakdown"]} == {"2.3.0", "2.3.1", "2.4.0", "2.5.0"}


def scores(data: Answer) -> None:
    points = data["agent"]["pheromoneHistory"]
    assert len(points) == 7 * 24
    assert sum(point["interactions"] for point in points) > 100
    assert points[0]["score"] - 0.2 > points[-1]["score"]


def performance(data: Answer) -> None:
    agent = data["agent"]
    ranges = [agent[name] for name in ("day", "week", "month", "quarter")]
    counts = [figures["runs"] for figures in ranges]
    ordered = ("minMs", "p50Ms", "p95Ms", "p99Ms", "maxMs")
    assert counts == sorted(counts)
    assert counts[0] > 100
    assert all(figures["succeeded"] + figures["failed"] <= figures["runs"] for figures in ranges)
    for figures in ranges:
        times = [figures["latency"][name] for name in ordered]
        assert times == sorted(times)
    assert all(len(agent[f"{name}Errors"]) == 5 for name in ("week", "month", "quarter"))
    assert {agent[f"{name}Trend"] for name in ("day", "week", "month", "quarter")} <= {"STABLE", "DECLINING"}


def sources(data: Answer) -> None:
    exact = [
        {**figures, "latency": {name: figures["latency"][name] for name in ("averageMs", "minMs", "maxMs")}}
        for figures in data.values()
    ]
    p95 = {name: figures["latency"]["p95Ms"] for name, figures in data.items()}
    assert exact[0] == exact[1] == exact[2]
    assert exact[0]["runs"] > 5_000
    assert p95["stored"] == pytest.approx(p95["fromRuns"], rel=0.01)


def system(data: Answer) -> None:
    assert data["agents"]["totalCount"] == 8
    assert 0 < data["day"]["runs"] < data["week"]["runs"] < data["month"]["runs"]
    assert data["best"]["nodes"][0]["pheromoneScore"] > 0.8
    assert data["withIssues"]["nodes"][0]["displayName"] == "Refund assistant"
    assert len(data["byAgent"]) == 8
    assert len(data["overTime"]) == 15
    assert runs(data["overTime"]) > data["week"]["runs"]


def providers(data: Answer) -> None:
    rows = data["providers"]
    assert {row["key"] for row in rows} == {"anthropic", "openai", "gcp.gemini"}
    assert sum(row["share"] for row in rows) == pytest.approx(1)
    assert all(float(row["metrics"]["cost"]["perRun"]) > 0 for row in rows)
    assert all(row["metrics"]["failed"] for name in ("anthropic", "openai", "gemini") for row in data[name])
    assert "TimeoutError" in {row["key"] for row in data["gemini"]}


def costs(data: Answer) -> None:
    rows = data["breakdown"]
    assert len(rows) == 8
    assert all(float(row["metrics"]["cost"]["total"]) > 0 for row in rows)
    assert all(row["metrics"]["tokens"]["perRun"] > 0 for row in rows)
    assert sum(row["metrics"]["filesModified"] for row in rows) > 100


def load_now(data: Answer) -> None:
    assert data["system"]["queuedRuns"] == sum(agent.queued for agent in AGENTS)
    assert data["system"]["runningRuns"] == sum(agent.running for agent in AGENTS)
    assert data["system"]["agentsWorking"] == sum(agent.running > 0 for agent in AGENTS)
    assert data["hour"]["throughputPerHour"] == data["hour"]["runs"] > 0
    assert data["day"]["throughputPerHour"] == pytest.approx(data["day"]["runs"] / 24)


def background(data: Answer) -> None:
    system = data["system"]
    assert {job["name"] for job in system["jobs"]} >= {"fold", "day tier", "retention"}
    assert all(job["lastFinishedAt"] and job["nextAt"] and job["lastError"] is None for job in system["jobs"])
    assert (system["unfoldedBatches"], system["foldLagSeconds"]) == (0, 0)


def summary(data: Answer) -> None:
    provider, user = data["provider"], data["user"]
    assert provider["distinctUsers"] > 100
    assert provider["distinctSessions"] > provider["distinctUsers"]
    assert user["distinctUsers"] == 1 < user["distinctSessions"]
    assert provider["tokens"]["total"] == provider["tokens"]["input"] + provider["tokens"]["output"]


def latency(data: Answer) -> None:
    figures = data["metrics"]["latency"]
    names = ("minMs", "p50Ms", "p75Ms", "p90Ms", "p95Ms", "p99Ms", "p999", "maxMs")
    times = [figures[name] for name in names]
    assert times == sorted(times)
    assert 10 < len(figures["histogram"]) <= 20
    assert sum(part["count"] for part in figures["histogram"]) > 500


def origins(data: Answer) -> None:
    assert runs(data["byAgent"]) == runs(data["byModel"]) > 5_000
    assert all(row["metrics"]["failed"] for row in data["byError"])
    assert len(data["byModel"]) >= 8
    assert len(data["topErrors"]) == 10
    assert all(group["lastRun"]["id"] for group in data["topErrors"])


def series(data: Answer) -> None:
    lengths = {name: len(points) for name, points in data.items()}
    assert lengths["minutes"] in {180, 181}
    assert lengths["hours"] in {24, 25}
    assert lengths["days"] == 15
    assert lengths["weeks"] in {13, 14}
    assert all(runs(points) > 0 for points in data.values())
    assert runs(data["hours"]) < runs(data["days"]) <= runs(data["weeks"])


def own_series(data: Answer) -> None:
    agents = data["agents"]["nodes"]
    assert len(agents) == 4
    assert all(len(agent["history"]) == 8 and runs(agent["history"]) > 0 for agent in agents)
    assert runs(data["model"]) > 100
    assert "ToolError" in {row["key"] for row in data["modelErrors"]}


def dashboard(data: Answer) -> None:
    now, before = data["cards"], data["cards"]["previous"]
    assert now["runs"] > 500 < before["runs"]
    assert 0 < sum(point["metrics"]["failed"] for point in data["bars"]) < now["runs"]
    assert runs(data["agents"]) == runs(data["models"]) == now["runs"]
    assert data["errors"][0]["count"] > 0
    assert data["system"]["agentsWorking"] > 0


def made_anew(data: Answer) -> None:
    assert data["aggregate"]["buckets"] > 100
    assert data["aggregate"]["from"] < data["aggregate"]["to"]


def versions(data: Answer) -> None:
    found = data["agentVersions"]["nodes"]
    assert len(found) == data["agentVersions"]["totalCount"] == sum(len(agent.versions) for agent in AGENTS)
    assert all(version["lifetime"]["runs"] >= version["month"]["runs"] > 0 for version in found)
    assert {version["isActive"] for version in found} == {True, False}
    assert all(version["tools"] and version["models"] and version["cluster"] for version in found)


def stats(data: Answer) -> None:
    figures = {stat["key"]: stat for stat in data["stats"]}
    assert set(figures) == {"active_agents", "runs_today", "average_response_time", "cost_today"}
    assert figures["active_agents"]["raw"] == 8
    assert figures["average_response_time"]["raw"] > 100
    assert all(stat["value"] and stat["change"] and stat["icon"] for stat in figures.values())


def activity(data: Answer) -> None:
    times = [item["at"] for item in data["recentActivity"]]
    assert len(times) == 10
    assert times == sorted(times, reverse=True)
    assert {item["action"] for item in data["failures"]} <= {"failed", "timed out"}
    assert all(item["run"]["error"]["type"] for item in data["failures"])


TELLING: dict[str, Callable[[Answer], None]] = {
    "How is each agent doing?": cards,
    "What do all agents come to?": totals,
    "Which agents are failing?": failing,
    "What is the matter with one agent?": one_agent,
    "How did its score move?": scores,
    "How did an agent do in a day, a week, a month and a quarter?": performance,
    "Do the stored figures agree with the runs?": sources,
    "How is the whole doing, and who is best and worst?": system,
    "How do the providers compare?": providers,
    "What does each agent cost, and what does it get done?": costs,
    "What waits, what runs, and how fast does it go?": load_now,
    "Is the background work done?": background,
    "What do some runs come to?": summary,
    "How long do runs take?": latency,
    "Where do runs and errors come from?": origins,
    "How did it go minute by minute, hour by hour, day by day?": series,
    "How did one agent or one model go?": own_series,
    "A dashboard in one request": dashboard,
    "How are the stored figures made anew?": made_anew,
    "How does each version do?": versions,
    "What changed since yesterday?": stats,
    "What happened last?": activity,
}
"""By question, what holds an answer to what is known of the sample data."""


@pytest.fixture(scope="module")
def dsn(server_dsn: str, template: str) -> Iterator[str]:
    """A database for all questions: loading the sample data takes most of the time."""
    name = postgres.fresh_name()
    postgres.wait_for(postgres.execute(server_dsn, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY"))
    yield postgres.on_database(server_dsn, name)
    postgres.wait_for(postgres.execute(server_dsn, f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture(scope="module")
def answers(dsn: str) -> dict[str, GraphQLResult]:
    return postgres.wait_for(ask_all(Settings(database_url=SecretStr(dsn), port=0)))


async def ask_all(settings: Settings) -> dict[str, GraphQLResult]:
    """The answer to each question, all background work done."""
    assert settings.database_url
    db = await Database.open(settings.database_url.get_secret_value(), settings)
    try:
        await load(db, progress=lambda done, total: None)
        await settle(db, datetime.now(UTC))
        for job in jobs(db, settings):
            await Loop(job, journal=Journal(db)).run_once()
        operations, recorder = Operations(schema), Recorder(db)
        admin = Principal(role=Role.ADMIN, project_ids=None, key_id=None)
        return {
            question: await operations.execute(GraphQLRequest(query, b"{}"), Context(db, recorder, admin))
            for question, [query] in QUESTIONS.items()
        }
    finally:
        await db.close()


def shown_nothing(value: Any) -> bool:
    """Whether an answer has an empty list, or nothing at all."""
    if isinstance(value, dict):
        return not value or any(shown_nothing(item) for item in value.values())
    return isinstance(value, list) and (not value or any(shown_nothing(item) for item in value))


def test_each_question_has_one_query_and_each_query_a_question() -> None:
    assert [question for question, queries in QUESTIONS.items() if len(queries) != 1] == []
    assert len(QUESTIONS) == DOCUMENT.count("```graphql")
    assert list(TELLING) == list(QUESTIONS)


@pytest.mark.parametrize("question", TELLING)
def test_a_question_is_answered_with_something_that_tells(question: str, answers: dict[str, GraphQLResult]) -> None:
    answer = answers[question]
    assert answer.errors == []
    assert answer.data
    assert not shown_nothing(answer.data)
    TELLING[question](answer.data)
