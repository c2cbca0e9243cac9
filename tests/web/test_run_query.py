"""Which runs an address means, and that a filter says the same once it has been through an address."""

from decimal import Decimal
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import QueryParams

from formicary.errors import BadInputError
from formicary.models.run import RunStatus
from formicary.resolvers.run_filter import RunFilter
from formicary_web.period import Period
from formicary_web.place import Place
from formicary_web.run_query import FIELDS, MAY_LACK, parse, write_run_key

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=20)
ID = st.integers(1, 2**63 - 1)
MILLISECONDS = st.floats(0, 1e12, allow_nan=False)


def many(values: st.SearchStrategy[str], *, may_lack: bool) -> st.SearchStrategy[tuple[str, ...]]:
    """In the order in which an address gives them: none stated, then the values."""
    texts = st.lists(values, min_size=1, max_size=4, unique=True).map(tuple)
    return texts | texts.map(lambda found: ("", *found)) | st.just(("",)) if may_lack else texts


SPECIAL: dict[str, st.SearchStrategy[object]] = {
    "status": st.lists(st.sampled_from(RunStatus), min_size=1, unique=True).map(tuple),
    "agent_id": st.lists(ID, min_size=1, max_size=4, unique=True).map(tuple),
    "version_id": ID,
    "parent": st.tuples(ID, TEXT),
    "min_duration_ms": MILLISECONDS,
    "max_duration_ms": MILLISECONDS,
    "min_cost": st.decimals(0, 10**6, places=6),
}


def values_of(name: str) -> st.SearchStrategy[object]:
    if name in SPECIAL:
        return SPECIAL[name]
    return many(TEXT, may_lack=FIELDS[name].may_lack) if FIELDS[name].is_many else TEXT


FILTERS = st.fixed_dictionaries({}, optional={name: values_of(name) for name in FIELDS})


def test_every_field_of_the_filter_can_stand_in_an_address() -> None:
    assert set(FIELDS) | {"project", "range"} == set(RunFilter.__dataclass_fields__)


@given(FILTERS)
def test_filter_is_the_same_after_it_has_been_through_an_address(fields: dict[str, object]) -> None:
    place = Place("/", Period(), None, QueryParams())
    written = fields | ({"parent": write_run_key(fields["parent"])} if "parent" in fields else {})  # type: ignore[arg-type]
    href = place.runs(**written)  # type: ignore[arg-type]
    assert parse(QueryParams(urlsplit(href).query)) == RunFilter(**fields)  # type: ignore[arg-type]


def test_field_without_a_value_does_not_narrow() -> None:
    assert parse(QueryParams("model=&status=&min_cost=&without=&other=x")) == RunFilter()


def test_value_given_twice_counts_once() -> None:
    assert parse(QueryParams("model=a&model=b&model=a&trace_id=t&trace_id=t")) == RunFilter(
        model=("a", "b"), trace_id="t"
    )


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("status=BROKEN", "status: 'BROKEN' is not one of QUEUED, RUNNING, SUCCEEDED, FAILED, CANCELLED, TIMED_OUT."),
        ("agent_id=x", "agent_id: 'x' is not the number of one."),
        ("agent_id=0", "agent_id: '0' is not the number of one."),
        (f"version_id={2**63}", f"version_id: '{2**63}' is not the number of one."),
        ("version_id=1&version_id=2", "version_id: is given 2 times; only one value is allowed."),
        ("min_duration_ms=5s", "min_duration_ms: '5s' is not a number of milliseconds, 0 or more, such as 1500."),
        ("max_duration_ms=nan", "max_duration_ms: 'nan' is not a number of milliseconds, 0 or more, such as 1500."),
        ("min_cost=-1", "min_cost: '-1' is not an amount in USD, 0 or more, such as 0.25."),
        ("min_cost=1e9999999", "min_cost: '1e9999999' is not an amount in USD, 0 or more, such as 0.25."),
        ("model=%00", r"model: '\x00' is not a text of at most 1,000 characters."),
        (f"error_text={'x' * 201}", f"error_text: '{'x' * 40}…' is not a text of at most 200 characters."),
        (
            "parent=7",
            "parent: '7' is not the number of an agent and the external id of a run of it, such as 7:order-1204.",
        ),
        ("without=status", f"without: 'status' is not one of {', '.join(MAY_LACK)}."),
        ("&".join(f"user={n}" for n in range(101)), "user: 101 values are more than the 100 that are allowed."),
    ],
)
def test_error_names_the_field_the_value_and_what_is_allowed(query: str, message: str) -> None:
    with pytest.raises(BadInputError) as error:
        parse(QueryParams(query))
    assert error.value.message == message


def test_numbers_are_written_as_they_are_read() -> None:
    where = parse(QueryParams("min_cost=0.250&min_duration_ms=1500"))
    assert (where.min_cost, where.min_duration_ms) == (Decimal("0.250"), 1500)
