"""Which paths below a field are requested."""

from typing import Any

import pytest
import strawberry

from formicary.auth import Principal
from formicary.schema import lookahead
from formicary.schema.lookahead import selected
from formicary.schema.operation import GraphQLRequest, Operations

PATHS = ("runs", "latency", "latency.p95Ms", "latency.p50Ms", "previous.latency.p95Ms")


@strawberry.type
class Latency:
    p50_ms: float = 1.0
    p95_ms: float = 2.0


@strawberry.type
class Figures:
    runs: int = 1
    latency: Latency = strawberry.field(default_factory=Latency)

    @strawberry.field
    def previous(self) -> "Figures":
        return Figures()


def _figures(info: strawberry.Info[Any, None], days: int = 1) -> Figures:
    info.context.asked.append(set(selected(info, *PATHS)))
    return Figures()


@strawberry.type
class Owner:
    figures: Figures = strawberry.field(resolver=_figures)


@strawberry.type
class Query:
    figures: Figures = strawberry.field(resolver=_figures)

    @strawberry.field
    def owners(self) -> list[Owner]:
        return [Owner(), Owner(), Owner()]


SCHEMA = strawberry.Schema(query=Query)


class Context:
    principal = Principal.open()

    def __init__(self) -> None:
        self.asked: list[set[str]] = []


async def asked(query: str) -> list[set[str]]:
    context = Context()
    result = await Operations(SCHEMA, permissions=lambda *_: ()).execute(GraphQLRequest(query), context)
    assert result.errors == []
    return context.asked


@pytest.mark.parametrize(
    ("query", "paths"),
    [
        ("{ figures { __typename } }", set()),
        ("{ figures { runs } }", {"runs"}),
        ("{ figures { latency { p50Ms } } }", {"latency", "latency.p50Ms"}),
        ("{ figures { runs: __typename } }", set()),
        ("{ figures { a: runs b: latency { c: p95Ms } } }", {"runs", "latency", "latency.p95Ms"}),
        ("{ figures { previous { runs latency { p95Ms } } } }", {"previous.latency.p95Ms"}),
        ("{ figures { ... { runs ... on Figures { latency { p50Ms } } } } }", {"runs", "latency", "latency.p50Ms"}),
        (
            "{ figures { ...F latency { p50Ms } } } fragment F on Figures { latency { ...L } } "
            "fragment L on Latency { p95Ms }",
            {"latency", "latency.p50Ms", "latency.p95Ms"},
        ),
        (
            "{ figures { ...F previous { ...F } } } fragment F on Figures { latency { p95Ms } }",
            {"latency", "latency.p95Ms", "previous.latency.p95Ms"},
        ),
        ("{ figures { runs } figures { latency { p50Ms } } }", {"runs", "latency", "latency.p50Ms"}),
        ("{ figures { runs @skip(if: true) ... @include(if: false) { latency { p50Ms } } __typename } }",
         {"runs", "latency", "latency.p50Ms"}),
    ],
)  # fmt: skip
async def test_the_paths_requested_below_a_field_are_selected(query: str, paths: set[str]) -> None:
    assert await asked(query) == [paths]


async def test_each_field_has_its_own_selection() -> None:
    assert await asked("{ a: figures { runs } b: figures(days: 2) { latency { p50Ms } } }") == [
        {"runs"},
        {"latency", "latency.p50Ms"},
    ]


async def test_siblings_share_one_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[str] = []
    reaches = lookahead._reaches

    def counted(nodes: Any, path: str, fragments: Any) -> bool:
        looked.append(path)
        return reaches(nodes, path, fragments)

    monkeypatch.setattr(lookahead, "_reaches", counted)
    assert await asked("{ owners { figures { runs } } }") == [{"runs"}] * 3
    assert looked == list(PATHS)


async def test_fragments_nested_many_times_over_are_walked_once_a_level() -> None:
    fragments = " ".join(f"fragment F{n} on Figures {{ ...F{n + 1} ...F{n + 1} }}" for n in range(40))
    assert await asked(f"{{ figures {{ ...F0 }} }} {fragments} fragment F40 on Figures {{ runs }}") == [{"runs"}]


async def test_it_needs_no_memo() -> None:
    context = Context()
    result = await SCHEMA.execute("{ figures { runs } }", context_value=context)
    assert result.errors is None
    assert context.asked == [{"runs"}]
