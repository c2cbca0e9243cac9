"""What is in deploy/ asks for nothing that /metrics does not have, and Prometheus answers every expression of it."""

import json
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from formicary.app import create_app
from formicary.auth import Authenticator
from formicary.config import Settings
from formicary.db import Database
from formicary.ingest.recorder import Recorder
from formicary.rollups.fold import fold
from formicary.worker import NAMES, Journal, LastRun

from .edge.serving import listening
from .ingest.factories import NOW, run_input

DEPLOY = Path(__file__).parent.parent / "deploy"
RULES = sorted((DEPLOY / "prometheus").glob("*.yml"))
DASHBOARD = json.loads((DEPLOY / "grafana" / "formicary.json").read_text())
DOCUMENT = (DEPLOY.parent / "docs" / "prometheus.md").read_text()
RULE_TESTS = Path(__file__).parent / "data" / "rules_test.yml"

OF_THE_TARGET = {"job", "instance", "pod"}
"""Labels that Prometheus adds to everything that it reads from a server."""
WORDS = {"and", "or", "unless", "bool", "offset", "by", "without", "on", "ignoring"}
RUNS: list[dict[str, Any]] = [
    {"model": "opus", "provider": "anthropic", "inputTokens": 10, "outputTokens": 5, "cost": "0.5", "durationMs": 700},
    {"status": "FAILED", "errorType": "TimeoutError", "durationMs": 1500},
    {"status": "TIMED_OUT", "durationMs": 30_000},
    {"status": "CANCELLED"},
]


def expressions_of_dashboard() -> dict[str, str]:
    """By the title of the panel and the letter of the query, with Grafana's variables filled in."""
    found = {}
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", ()):
            text = target["expr"].replace("$__rate_interval", "5m").replace("$__range", "10m").replace("$agent", ".+")
            found[f"{panel['title']} {target['refId']}"] = text
    return found


def expressions_of_rules() -> dict[str, str]:
    """By the name that is recorded or alerted on."""
    found = {}
    for path in RULES:
        pattern = r"- (?:record|alert): (\S+)\n(?:\s+#.*\n)*\s+expr: (?:>-\n((?:\s{10,}.*\n)+)|(.*)\n)"
        for name, block, line in re.findall(pattern, path.read_text()):
            found[name] = " ".join((block or line).split())
    return found


DASHBOARD_EXPRESSIONS, RULE_EXPRESSIONS = expressions_of_dashboard(), expressions_of_rules()


def selected(expression: str) -> dict[str, set[str]]:
    """The metrics that an expression names, each with the labels that it is asked for."""
    bare = re.sub(r"\[[^]]*\]", "", re.sub(r'"(?:[^"\\]|\\.)*"', '""', expression))
    bare, grouped = re.sub(r"\b(by|without|on|ignoring)\s*\([^)]*\)", "", bare), _grouped(bare)
    found: dict[str, set[str]] = {}
    for name, matchers in re.findall(r"(?<![\w:])([a-zA-Z_:][\w:]*)(?![\w:])\s*(?!\()(?:\{([^}]*)\})?", bare):
        if name not in WORDS and not re.search(rf"{name}\s*\(|[{{,]\s*{name}\s*[=!]", bare):
            found[name] = set(re.findall(r"(\w+)\s*[=!]", matchers))
    for labels in found.values():
        labels |= grouped if len(found) == 1 else set()
    return found


def _grouped(bare: str) -> set[str]:
    lists = re.findall(r"\b(?:by|on|ignoring)\s*\(([^)]*)\)", bare)
    return {label.strip() for labels in lists for label in labels.split(",")}


@pytest.fixture
async def scrapes(settings: Settings, db: Database) -> list[str]:
    """What /metrics has said before and after some runs, in OpenMetrics."""
    await Journal(db).end(NAMES[0], LastRun(NOW, 1500, "ValueError: x"), NOW)
    app = create_app(settings, database=db, authenticator=Authenticator(db, is_open=True))
    headers, found = {"accept": "application/openmetrics-text"}, []
    async with listening(app) as url, httpx2.AsyncClient(base_url=url, headers=headers) as client:
        for _ in range(2):
            await Recorder(db).record([run_input(**{"agent": "scout", **run}) for run in RUNS])
            while await fold(db):
                pass
            found.append((await client.get("/metrics")).text)
    return found


def labels_of(scrape: str) -> dict[str, set[str]]:
    """By the name of a sample, the names of its labels."""
    families = text_string_to_metric_families(scrape)
    return {sample.name: set(sample.labels) for family in families for sample in family.samples}


def test_every_rule_and_panel_is_read() -> None:
    texts = [path.read_text() for path in RULES]
    assert len(RULE_EXPRESSIONS) == sum(text.count("expr:") for text in texts) > 10
    assert len(DASHBOARD_EXPRESSIONS) > 20
    assert selected('a:b / (sum by (x) (rate(c{d="e{f}",g!~"h"}[5m])) > 0)') == {"a:b": set(), "c": {"d", "g"}}
    assert selected("max by (x, y) (rate(c[5m]))") == {"c": {"x", "y"}}


async def test_every_metric_and_label_that_is_asked_for_is_exposed(scrapes: list[str]) -> None:
    exposed = labels_of(scrapes[-1]) | {"up": set()}
    everywhere = OF_THE_TARGET | {label for labels in exposed.values() for label in labels}
    for where, expression in (DASHBOARD_EXPRESSIONS | RULE_EXPRESSIONS).items():
        for name, labels in selected(expression).items():
            if name in RULE_EXPRESSIONS:
                assert labels <= everywhere, where
            else:
                assert name in exposed, f"{where}: {name}"
                assert labels <= exposed[name] | OF_THE_TARGET, f"{where}: {name}"


async def test_every_metric_is_documented_with_its_type_and_labels(scrapes: list[str]) -> None:
    rows = re.findall(r"^\| `([a-z_]+)` \| (\w+) \|([^|]*)\|", DOCUMENT, re.MULTILINE)
    documented = {name: (kind, set(re.findall(r"`(\w+)`", labels))) for name, kind, labels in rows}
    exposed = {}
    for family in text_string_to_metric_families(scrapes[-1]):
        labels = {label for sample in family.samples for label in sample.labels} - {"le"}
        exposed[f"{family.name}_total" if family.type == "counter" else family.name] = (family.type, labels)
    assert documented == exposed


def test_the_dashboard_is_whole() -> None:
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    cells = [
        (x, y)
        for panel in panels
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(set(cells)) == len(cells)
    assert max(x for x, _ in cells) == 23
    sources = {panel["datasource"]["uid"] for panel in panels if panel["type"] != "row"}
    assert sources == {"${datasource}"}
    assert [variable["name"] for variable in DASHBOARD["templating"]["list"]] == ["datasource", "agent"]


@pytest.mark.prometheus
def test_promtool_finds_nothing_wrong_with_the_rules_and_they_come_to_what_they_say(tmp_path: Path) -> None:
    for path in (*RULES, RULE_TESTS):
        shutil.copy(path, tmp_path)
    names = [path.name for path in RULES]
    subprocess.run(["promtool", "check", "rules", *names], cwd=tmp_path, check=True)
    subprocess.run(["promtool", "test", "rules", RULE_TESTS.name], cwd=tmp_path, check=True)


@pytest.mark.prometheus
async def test_prometheus_answers_every_expression_from_real_scrapes(scrapes: list[str], tmp_path: Path) -> None:
    end = int(time.time()) - 60
    blocks = store(scrapes, end, tmp_path)
    recorded = {name for name in RULE_EXPRESSIONS if ":" in name}
    of_scrapes = {where: text for where, text in RULE_EXPRESSIONS.items() if not recorded & set(selected(text))}
    assert len(of_scrapes) > 8
    with prometheus(blocks, tmp_path) as url:
        for where, expression in (DASHBOARD_EXPRESSIONS | of_scrapes).items():
            answer = httpx2.get(f"{url}/api/v1/query", params={"query": expression, "time": end}).json()
            assert answer["status"] == "success", (where, answer)
            if where not in QUIET:
                assert answer["data"]["result"], where
        assert value(url, DASHBOARD_EXPRESSIONS["Runs by status A"] + " > 0", end) == 4
        assert value(url, DASHBOARD_EXPRESSIONS["Success rate A"], end, of="value") == pytest.approx(1 / 3)
        assert value(url, DASHBOARD_EXPRESSIONS["Latency A"], end, of="value") == pytest.approx(1.5)


QUIET = {"FormicaryFoldLagging", "FormicarySeriesLeftOut", "FormicaryScrapeMissing", "FormicaryJobsResting"}
"""Alerts that these scrapes give no reason for."""


def value(url: str, expression: str, at: int, of: str = "count") -> float:
    """The number of results, or the value of the only one."""
    result = httpx2.get(f"{url}/api/v1/query", params={"query": expression, "time": at}).json()["data"]["result"]
    return len(result) if of == "count" else float(result[0]["value"][1])


def store(scrapes: list[str], end: int, directory: Path) -> Path:
    """Blocks of Prometheus with the first scrape every 15 s and, in the last 150 s, the other."""
    moments = [(scrapes[0] if at < end - 150 else scrapes[1], at) for at in range(end - 900, end + 1, 15)]
    lines = [line for scrape, at in moments for line in _stamped(scrape, at)]
    text = directory / "scrapes.txt"
    text.write_text("\n".join([*lines, "# EOF\n"]))
    blocks = directory / "blocks"
    command = ["promtool", "tsdb", "create-blocks-from", "openmetrics", str(text), str(blocks)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return blocks


def _stamped(scrape: str, at: int) -> Iterator[str]:
    target = 'instance="127.0.0.1:8765",job="formicary"'
    yield f"up{{{target}}} 1 {at}"
    for line in scrape.splitlines():
        if not line.startswith("#"):
            series, _, number = line.rpartition(" ")
            labelled = f"{series[:-1]},{target}}}" if series.endswith("}") else f"{series}{{{target}}}"
            yield f"{labelled} {number} {at}"


@contextmanager
def prometheus(blocks: Path, directory: Path) -> Iterator[str]:
    """The address of a Prometheus that answers from the blocks and scrapes nothing."""
    config = directory / "prometheus.yml"
    config.write_text("scrape_configs: []\n")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    command = [
        "prometheus",
        f"--config.file={config}",
        f"--storage.tsdb.path={blocks}",
        f"--web.listen-address={address}",
    ]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr
        try:
            for line in server.stderr:
                if "ready to receive web requests" in line:
                    break
            yield f"http://{address}"
        finally:
            server.terminate()
            server.stderr.read()
