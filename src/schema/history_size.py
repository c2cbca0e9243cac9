"""How many points a history has, before it is read."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from graphql import FieldNode, value_from_ast_untyped

from ..errors import BadInputError
from ..ingest.scalars import parse_duration, parse_instant
from ..resolvers.figures import question_range
from ..resolvers.history import MOST_POINTS
from ..resolvers.ranges import TimeRange
from ..resolvers.run_filter import RunFilter
from ..resolvers.spans import Bucket, count

USUAL = 25
"""By the hour, in the last 24 hours. So many are counted where an argument is wrong, which is refused elsewhere."""


def points_asked(node: FieldNode, variables: dict[str, Any]) -> int:
    """Of a field with the arguments `range`, `bucket` and `filter`; the variables are as they came."""
    values = {
        argument.name.value: value_from_ast_untyped(argument.value, variables) for argument in node.arguments or ()
    }
    try:
        where = RunFilter(range=_time_range(_fields(values.get("filter")).get("range")))
        range_ = question_range(_time_range(values.get("range")), where, datetime.now(UTC))
        return min(count(range_, Bucket(values.get("bucket") or "HOUR")), MOST_POINTS)
    except (BadInputError, ValueError):
        return USUAL


def _time_range(value: object) -> TimeRange | None:
    fields = _fields(value)
    if not fields:
        return None
    last, from_, to = (fields.get(name) for name in ("last", "from", "to"))
    return TimeRange(
        parse_duration(last) if last else None,
        parse_instant(from_) if from_ else None,
        parse_instant(to) if to else None,
    )


def _fields(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
