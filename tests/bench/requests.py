"""What one small request costs the server's own process, and how many it answers in a second."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec

from . import processes, sample
from .client import post, send_all
from .figures import Measure, Report, Table, percentile
from .server import Server, scratch, serve

READ = """query Run($id: ID!) { node(id: $id) { ... on Run {
    id externalId status startedAt endedAt durationMs model provider totalTokens cost agent { name } } } }"""
READ_PLAIN = READ.replace(" agent { name }", "")
IDS = "mutation Record($input: RecordRunsInput!) { recordRuns(input: $input) { recorded runs { id } } }"
CLIENTS = (1, 16)
READ_TARGET_MS, RECORD_TARGET_MS = 0.5, 0.65


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one kind of request; CPU in ms for each."""

    name: str
    clients: int
    rate: float
    app_cpu: float
    postgres_cpu: float
    p50: float
    p99: float


def measure(*, quick: bool) -> Report:
    requests = 400 if quick else 4_000
    with scratch() as directory, serve(directory / "data") as server:
        reads, plain_reads = _reads(server, READ, requests), _reads(server, READ_PLAIN, requests)
        costs = [
            *_costs(server, "a run by id, 10 fields", b'"totalTokens"', lambda _: plain_reads),
            *_costs(server, "the same with its agent's name", b'"name"', lambda _: reads),
            *_costs(server, "record one run", b'"recorded":1,', lambda mark: _records(requests, mark)),
        ]
    return Report("requests", [_table(costs)], _measures(costs))


def _reads(server: Server, query: str, count: int) -> list[bytes]:
    """Requests for runs that were recorded just now."""
    body = sample.bodies(sample.runs(1_000), 1_000, "read")[0].replace(
        msgspec.json.encode(sample.MUTATION), msgspec.json.encode(IDS)
    )
    runs = msgspec.json.decode(post(server.port, body))["data"]["recordRuns"]["runs"]
    bodies = [msgspec.json.encode({"query": query, "variables": {"id": run["id"]}}) for run in runs]
    return [bodies[number % len(bodies)] for number in range(count)]


def _records(count: int, mark: str) -> list[bytes]:
    return sample.bodies(sample.runs(count, seed=2), 1, mark)


def _costs(server: Server, name: str, expected: bytes, bodies_of: Callable[[str], Sequence[bytes]]) -> list[Cost]:
    send_all(server.port, [bodies_of(f"{name}-warm")[:200]], expected)
    return [_cost(server, name, clients, expected, bodies_of(f"{name}-{clients}")) for clients in CLIENTS]


def _cost(server: Server, name: str, clients: int, expected: bytes, bodies: Sequence[bytes]) -> Cost:
    app, postgres = processes.cpu_seconds(server.pid), processes.family_cpu_seconds(server.postgres_pid)
    burst = send_all(server.port, [bodies[at::clients] for at in range(clients)], expected)
    app = processes.cpu_seconds(server.pid) - app
    postgres = processes.family_cpu_seconds(server.postgres_pid) - postgres
    return Cost(
        name,
        clients,
        len(bodies) / burst.wall,
        1000 * app / len(bodies),
        1000 * postgres / len(bodies),
        1000 * percentile(burst.latencies, 0.5),
        1000 * percentile(burst.latencies, 0.99),
    )


def _table(costs: Sequence[Cost]) -> Table:
    return Table(
        "One request at a time from each client",
        ["request", "clients", "requests/s", "app ms", "PG ms", "p50 ms", "p99 ms"],
        [[one.name, one.clients, one.rate, one.app_cpu, one.postgres_cpu, one.p50, one.p99] for one in costs],
        note="app and PG: CPU of the server's process and of PostgreSQL for each request",
    )


def _measures(costs: Sequence[Cost]) -> list[Measure]:
    alone = {one.name: one.app_cpu for one in costs if one.clients == 1}
    return [
        Measure("server CPU of a run by id", alone["a run by id, 10 fields"], "ms", at_most=READ_TARGET_MS),
        Measure("server CPU of recording one run", alone["record one run"], "ms", at_most=RECORD_TARGET_MS),
    ]
