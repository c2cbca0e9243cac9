"""The one translation of errors to what a GraphQL caller sees: message, place and a code to branch on.

A FormicaryError says what it has to say; what GraphQL itself finds wrong keeps its text; everything else is
masked, with an id under which its cause is in the log.
"""

import logging
import re
import secrets
from collections.abc import Iterable
from typing import Any, TypeAlias

from graphql import FieldNode, GraphQLError

from ..errors import FormicaryError, InvalidInputError

log = logging.getLogger(__name__)

Failure: TypeAlias = dict[str, Any]
"""One entry of `errors`, ready to be serialised."""

MAX_MESSAGE = 1000

INVALID_VARIABLE = re.compile(r"^Variable '\$(\w+)' has invalid value(?: at ([^:]+))?:")

PARSE_FAILED = "GRAPHQL_PARSE_FAILED"
VALIDATION_FAILED = "GRAPHQL_VALIDATION_FAILED"
UNKNOWN_OPERATION = "OPERATION_RESOLUTION_FAILURE"
BAD_USER_INPUT = "BAD_USER_INPUT"
INTERNAL = "INTERNAL"


def failure(message: str, code: str, **extensions: object) -> Failure:
    return {"message": _cut(message), "extensions": {"code": code, **extensions}}


def expected_failure(error: FormicaryError) -> Failure:
    """What a FormicaryError says; the problems of an invalid input one by one."""
    if isinstance(error, InvalidInputError):
        problems = [{"path": p.path, "code": p.code, "message": _cut(p.message)} for p in error.problems]
        return failure(error.message, error.code, problems=problems)
    return failure(error.message, error.code)


def masked_failure(error: BaseException) -> Failure:
    """Log an unexpected error with its traceback and give the caller nothing but the id of that log line."""
    error_id = secrets.token_hex(6)
    log.error("unexpected error %s", error_id, exc_info=error)
    return failure(f"Something went wrong on our side. Quote error {error_id}.", INTERNAL, id=error_id)


def request_failures(errors: Iterable[GraphQLError], code: str) -> list[Failure]:
    """What is wrong with a request before anything of it ran."""
    return [_placed(failure(error.message, code), error) for error in errors]


def variable_failures(errors: Iterable[GraphQLError]) -> list[Failure]:
    """What is wrong with the variables, each with its full path, as in `input.runs[3].status`."""
    return [_placed(failure(_with_path(error.message), BAD_USER_INPUT), error) for error in errors]


def field_failures(errors: Iterable[GraphQLError]) -> list[Failure]:
    """What went wrong in fields while the operation ran."""
    return [_placed(_field_failure(error), error) for error in errors]


def _field_failure(error: GraphQLError) -> Failure:
    cause: BaseException = error
    while isinstance(cause, GraphQLError) and cause.original_error:
        cause = cause.original_error
    if isinstance(cause, FormicaryError):
        return expected_failure(cause)
    if isinstance(cause, GraphQLError) and _blames_argument(cause):
        return failure(cause.message, BAD_USER_INPUT)
    return masked_failure(cause)


def _blames_argument(error: GraphQLError) -> bool:
    """Whether the fault is in what the caller wrote: graphql-core then points at an argument or a value.

    What it finds wrong with our own answers points at a field, or nowhere.
    """
    return bool(error.nodes) and not any(isinstance(node, FieldNode) for node in error.nodes or ())


def _with_path(message: str) -> str:
    return INVALID_VARIABLE.sub(r"Variable '$\1' has an invalid value at \1\2:", message, count=1)


def _placed(entry: Failure, error: GraphQLError) -> Failure:
    if error.locations:
        entry["locations"] = [{"line": place.line, "column": place.column} for place in error.locations]
    if error.path is not None:
        entry["path"] = error.path
    return entry


def _cut(message: str) -> str:
    return message if len(message) <= MAX_MESSAGE else f"{message[: MAX_MESSAGE - 1]}…"
