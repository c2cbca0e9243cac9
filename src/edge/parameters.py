"""The parameters of a GraphQL request, from a JSON body or a query string."""

from typing import Any
from urllib.parse import parse_qsl

import msgspec

from ..schema.operation import GraphQLRequest
from .answer import RefusalError, bad_request

NULL = msgspec.Raw(b"null")

MEDIA_TYPE = "application/json"
PARAMETERS = ("query", "variables", "operationName", "extensions")


class _Body(msgspec.Struct):
    query: str
    variables: msgspec.Raw = NULL
    operation_name: str | None = msgspec.field(default=None, name="operationName")
    extensions: dict[str, Any] | None = None


_decode = msgspec.json.Decoder(_Body).decode


def check_content_type(value: bytes | None) -> None:
    """Raise RefusalError (415) unless a body is declared as JSON in UTF-8.

    No other type is taken: a browser sends this one across origins only after asking, so no foreign page can
    make its visitor's browser change anything.
    """
    if value == b"application/json":
        return
    media, _, rest = (value or b"").decode("latin-1").lower().partition(";")
    if media.strip() != MEDIA_TYPE:
        raise _unsupported("Send the body as `Content-Type: application/json`.")
    for parameter in rest.split(";"):
        name, _, charset = parameter.partition("=")
        if name.strip() == "charset" and charset.strip().strip('"') not in ("utf-8", "utf8"):
            raise _unsupported("Send the body in the charset utf-8.")


def from_body(body: bytes) -> GraphQLRequest:
    """Raises RefusalError (400) for what is not a request in JSON."""
    try:
        if not body.isascii():
            body.decode()
        parameters = _decode(body)
    except UnicodeDecodeError:
        raise bad_request("The body is not valid UTF-8.") from None
    except RecursionError:
        raise bad_request("The JSON of the body is nested too deeply.") from None
    except msgspec.ValidationError as error:
        raise bad_request(_fault(body, str(error))) from None
    except msgspec.DecodeError as error:
        raise bad_request(f"The body is not valid JSON: {error}.") from None
    return _request(parameters.query, bytes(parameters.variables), parameters.operation_name, read_only=False)


def from_query_string(text: bytes) -> GraphQLRequest:
    """Raises RefusalError (400) for what is not a request."""
    try:
        pairs = parse_qsl(text.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=50)
    except ValueError:
        raise bad_request("The query string is not valid.") from None
    given = {name: value for name, value in pairs if name in PARAMETERS}
    if "query" not in given:
        raise bad_request("The parameter `query` is missing.")
    _json_object(given.get("extensions", "").encode() or b"null", "extensions")
    variables = given.get("variables", "").encode() or b"null"
    return _request(given["query"], variables, given.get("operationName") or None, read_only=True)


def _request(query: str, variables: bytes, operation_name: str | None, *, read_only: bool) -> GraphQLRequest:
    if not query.strip():
        raise bad_request("The parameter `query` is empty.")
    return GraphQLRequest(query, _json_object(variables, "variables"), operation_name, read_only)


def _json_object(text: bytes, name: str) -> bytes | None:
    """The text of an object, None for null. Anything within is left to whoever decodes it."""
    text = text.strip()
    if text == b"null":
        return None
    if not text.startswith(b"{"):
        raise bad_request(f"The parameter `{name}` is not a JSON object.")
    return text


def _fault(body: bytes, error: str) -> str:
    if body.lstrip().startswith(b"["):
        return "Batches of operations are not supported; send one JSON object with one operation."
    return f"The body is not a GraphQL request: {error}."


def _unsupported(message: str) -> RefusalError:
    return RefusalError(415, "UNSUPPORTED_MEDIA_TYPE", message, (b"accept-post", b"application/json"))
