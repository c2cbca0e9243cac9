"""The shape that an operation may have; what is over a limit names the limit, its value and what the query has."""

import pytest

from formicary.errors import LimitError
from formicary.schema.limits import Limits


def nested(depth: int) -> str:
    return "{" + "node{" * (depth - 1) + "id" + "}" * depth


@pytest.mark.parametrize(
    ("query", "limits", "message"),
    [
        ("{ abcdef }", Limits(length=9), "The query has 10 characters; the limit `length` is 9."),
        ("{ a b c }", Limits(tokens=4), "The query has more than 4 tokens; the limit `tokens` is 4."),
        ("{ a:b c:d }", Limits(aliases=1), "The query has 2 aliases; the limit `aliases` is 1."),
        ("{ a b { c } }", Limits(fields=2), "The query has 3 fields; the limit `fields` is 2."),
        (nested(4), Limits(depth=3), "The query has at least 4 levels of fields; the limit `depth` is 3."),
    ],
)
def test_what_is_over_a_limit_is_refused_by_name(query: str, limits: Limits, message: str) -> None:
    with pytest.raises(LimitError) as caught:
        limits.parse(query)
    assert caught.value.message == message


@pytest.mark.parametrize(
    ("query", "limits"),
    [
        ("{ abcdef }", Limits(length=10)),
        ("{ a b c }", Limits(tokens=5)),
        ("{ a:b c:d }", Limits(aliases=2)),
        ("{ a b { c } }", Limits(fields=3)),
        (nested(3), Limits(depth=3)),
    ],
)
def test_what_is_just_within_a_limit_passes(query: str, limits: Limits) -> None:
    limits.parse(query)


def test_fragments_count_for_the_depth_where_they_are_spread() -> None:
    fragments = "fragment A on Thing { owner { ...B } } fragment B on Thing { owner { id } }"
    Limits(depth=4).parse("{ node { ...A } }" + fragments)
    with pytest.raises(LimitError):
        Limits(depth=3).parse("{ node { ...A } }" + fragments)


def test_a_fragment_that_spreads_itself_ends() -> None:
    Limits().parse("{ node { ...A } } fragment A on Thing { ...A id }")
    with pytest.raises(LimitError):
        Limits().parse("{ node { ...A } } fragment A on Thing { owner { ...A } }")


def test_inline_fragments_are_no_levels() -> None:
    Limits(depth=2).parse("{ node { ... { ... on Thing { id } } } }")
