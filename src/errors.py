"""The errors a caller can cause, as a short tree: the docstring is the message, attributes carry the data.

Each edge (GraphQL, HTTP, HTML, command line) translates them once; anything else is unexpected, is masked
for the caller and logged with its cause. `code` is for programs; `status` is what HTTP says where an error
concerns the whole request.
"""

from dataclasses import dataclass
from http import HTTPStatus


class FormicaryError(Exception):
    """Something went wrong."""

    code = "INTERNAL"
    status = HTTPStatus.INTERNAL_SERVER_ERROR

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or self.__doc__)

    @property
    def message(self) -> str:
        return str(self.args[0])


class BadInputError(FormicaryError):
    """The input is not valid."""

    code = "BAD_USER_INPUT"
    status = HTTPStatus.BAD_REQUEST


class NotFoundError(FormicaryError):
    """There is no such thing."""

    code = "NOT_FOUND"
    status = HTTPStatus.NOT_FOUND


class UnauthenticatedError(FormicaryError):
    """An API key is needed: send it as `Authorization: Bearer <key>`."""

    code = "UNAUTHENTICATED"
    status = HTTPStatus.UNAUTHORIZED


class ForbiddenError(FormicaryError):
    """The API key does not permit this."""

    code = "FORBIDDEN"
    status = HTTPStatus.FORBIDDEN


class LimitError(FormicaryError):
    """The request is over a limit."""

    code = "LIMIT_EXCEEDED"
    status = HTTPStatus.TOO_MANY_REQUESTS


class UnavailableError(FormicaryError):
    """The database cannot be reached; try again in a moment."""

    code = "UNAVAILABLE"
    status = HTTPStatus.SERVICE_UNAVAILABLE


class OverloadedError(UnavailableError):
    """The server is over capacity; try again in a moment."""


class ConfigurationError(FormicaryError):
    """The settings do not allow the program to start."""

    code = "CONFIGURATION"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with an input: where, a code to branch on, and a sentence for a person."""

    path: str
    code: str
    message: str


class InvalidInputError(BadInputError):
    """The input is not valid; `problems` names each fault."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(f"{p.path}: {p.message}" for p in problems))
        self.problems = problems
