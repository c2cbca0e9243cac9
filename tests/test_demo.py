import re
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import msgspec
import pytest

from formicary.db import Database
from formicary.demo import Loaded, load
from formicary.demo.cast import AGENTS
from formicary.demo.runs import sample_days
from formicary.ingest.check import problems
from formicary.ingest.pricing import Prices
from formicary.ingest.run_input import RunInput
from formicary.resolvers import agents, versions
from formicary.resolvers.agents import AgentFilter, AgentStatus
from formicary.resolvers.page import PageArgs

FORMICARY = Path(sys.executable).with_name("formicary")
NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
Story = list[RunInput]


def sample_runs(now: datetime, seed: int) -> Story:
    return [run for day in sample_days(now, seed) for run in day]


@pytest.fixture(scope="module")
def story() -> Story:
    return sample_runs(NOW, 1)


def quiet(done: int, total: int) -> None:
    pass


def hours_ago(run: RunInput) -> float:
    assert run.started_at is not None
    return (NOW - run.started_at) / timedelta(hours=1)


def failing(runs: Iterable[RunInput]) -> float:
    ended = [run.status in {"FAILED", "TIMED_OUT"} for run in runs if run.status not in {"RUNNING", "QUEUED"}]
    return sum(ended) / len(ended)


def before(now: datetime, run: RunInput) -> RunInput:
    """The run with its times counted back from `now`."""
    epoch = datetime(2000, 1, 1, tzinfo=UTC)
    times = {name: getattr(run, name) for name in ("queued_at", "started_at", "ended_at")}
    return msgspec.structs.replace(run, **{name: at and epoch + (now - at) for name, at in times.items()})


def of(story: Story, agent: str) -> Story:
    return [run for run in story if run.agent == agent]


def test_a_seed_tells_the_same_story_at_any_hour(story: Story) -> None:
    later = NOW + timedelta(days=100, hours=7)
    assert [before(later, run) for run in sample_runs(later, 1)] == [before(NOW, run) for run in story]


def test_another_seed_tells_another_story(story: Story) -> None:
    assert {run.external_id for run in story}.isdisjoint(run.external_id for run in sample_runs(NOW, 2))


def test_the_story_has_the_promised_extent(story: Story) -> None:
    assert 20_000 <= len(story) <= 40_000
    assert len({(run.project, run.agent) for run in story}) == 8
    assert len({run.project for run in story}) == 2
    assert {run.provider for run in story} == {"anthropic", "openai", "gcp.gemini"}
    assert 13.9 * 24 < max(hours_ago(run) for run in story if run.started_at) < 14.1 * 24


def test_every_agent_runs_two_to_four_versions(story: Story) -> None:
    versions = defaultdict(set)
    for run in story:
        versions[run.agent].add(run.version)
    assert {agent.name: {version.name for version in agent.versions} for agent in AGENTS} == versions
    assert all(2 <= len(names) <= 4 for names in versions.values())


def test_every_run_is_fit_to_be_recorded_once(story: Story) -> None:
    assert [fault for run in story for fault in problems(run, NOW)] == []
    assert len({(run.agent, run.external_id) for run in story}) == len(story)


def test_every_model_has_a_price(story: Story) -> None:
    def estimate(model: str | None, provider: str | None) -> object:
        return Prices().estimate(model=model, provider=provider, at=NOW, input_tokens=1, output_tokens=1)

    assert all(estimate(*pair) for pair in {(run.model, run.provider) for run in story})


def test_called_runs_lie_within_their_callers(story: Story) -> None:
    by_key = {(run.agent, run.external_id): run for run in story}
    calls = [(by_key[run.parent.agent, run.parent.external_id], run) for run in story if run.parent]
    assert len(calls) > 1000
    for caller, run in calls:
        assert run.initiator == caller.agent
        assert run.trace_id == caller.trace_id
        assert caller.started_at
        assert run.started_at
        assert run.ended_at
        assert caller.started_at < run.started_at < run.ended_at <= NOW


def test_there_is_less_going_on_at_night(story: Story) -> None:
    by_hour = Counter(int(hours_ago(run)) % 24 for run in story if run.started_at)
    assert by_hour[2] > 3 * by_hour[14]


def test_one_version_gets_worse_and_worse(story: Story) -> None:
    latest = [run for run in of(story, "refund-assistant") if run.version == "2.5.0" and run.ended_at]
    half = len(latest) // 2
    assert failing(latest[:half]) + 0.3 < failing(latest[half:])
    assert failing(latest[-10:]) == 1
    assert failing(run for run in of(story, "refund-assistant") if run.version == "2.4.0") < 0.05


def test_one_provider_was_out_two_days_ago(story: Story) -> None:
    outage = [run for run in story if run.started_at and 46 <= hours_ago(run) < 50]
    assert failing(run for run in outage if run.provider == "gcp.gemini") > 0.8
    assert failing(run for run in outage if run.provider == "openai") < 0.1
    assert Counter(run.status for run in outage)["TIMED_OUT"] > 50


def test_one_agent_took_far_more_tokens_yesterday(story: Story) -> None:
    def tokens(is_meant: Callable[[float], bool]) -> float:
        taken = [run.input_tokens or 0 for run in of(story, "market-researcher") if run.started_at]
        hours = [hours_ago(run) for run in of(story, "market-researcher") if run.started_at]
        meant = [count for count, at in zip(taken, hours, strict=True) if is_meant(at)]
        return sum(meant) / len(meant)

    assert tokens(lambda at: 20 <= at < 27) > 5 * tokens(lambda at: at > 27)


async def test_the_first_page_shows_one_failing_one_disabled_and_six_others(db: Database) -> None:
    await load(db, progress=quiet)
    found = await agents.page(db, None, PageArgs(), AgentFilter(), agents.ordered("NAME", descending=False))
    cards = {agent.name: agent for agent in found.items}
    assert cards["refund-assistant"].status is AgentStatus.ERROR
    assert cards["refund-assistant"].pheromone_score < 0.4
    assert cards["legacy-migrator"].status is AgentStatus.DISABLED
    assert 0.4 <= cards["product-search"].pheromone_score < 0.7
    fine = [card for card in cards.values() if card.pheromone_score >= 0.7]
    assert len(fine) == 5
    assert {card.status for card in fine} == {AgentStatus.IDLE, AgentStatus.BUSY}
    latest = await versions.latest(db, None, [card.id for card in cards.values()])
    assert {name: version.version for name, version in zip(cards, latest, strict=True) if version} == {
        agent.name: agent.versions[-1].name for agent in AGENTS
    }
    assert await db.fetchval("SELECT count(*) FROM run WHERE status IN (0, 1)") >= 5
    assert await db.fetchval("SELECT count(*) FROM run_default") == 0


async def test_what_was_interrupted_is_completed_and_then_left_alone(db: Database) -> None:
    def interrupt(done: int, total: int) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        await load(db, now=NOW, progress=interrupt)
    begun = await db.fetchval("SELECT count(*) FROM run")
    completed = await load(db, seed=2, progress=quiet)
    assert (completed.seed, completed.until) == (1, NOW)
    assert begun + completed.recorded == len(sample_runs(NOW, 1)) == await db.fetchval("SELECT count(*) FROM run")
    assert await load(db, progress=quiet) == Loaded(0, 1, NOW)


def test_the_command_says_what_it_did_and_the_server_shows_it(dsn: str) -> None:
    command = [FORMICARY, "demo", "--seed", "7", "--database-url", dsn]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert re.search(r"Recorded [\d,]+ sample runs up to .* \(seed 7\)\.", done.stderr)
    serve = [FORMICARY, "serve", "--demo", "--port", "0", "--database-url", dsn]
    with subprocess.Popen(serve, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        assert server.stdout
        assert server.stderr
        url = server.stdout.readline().split()[-1]
        page = httpx2.get(url).text
        server.terminate()
        errors = server.stderr.read()
    assert "Refund assistant" in page
    assert "(seed 7) is there already" in errors
