"""What a form sends."""

from urllib.parse import parse_qsl

from starlette.datastructures import ImmutableMultiDict
from starlette.requests import Request

from formicary.errors import BadInputError

MOST_BYTES = 64 * 1024
MOST_FIELDS = 2_000
MEDIA_TYPE = "application/x-www-form-urlencoded"


async def read_form(request: Request) -> "ImmutableMultiDict[str, str]":
    """Raises BadInputError for what is too large or no form."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != MEDIA_TYPE:
        raise BadInputError(f"A form is sent as {MEDIA_TYPE}.")
    try:
        pairs = parse_qsl(
            (await _body(request)).decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=MOST_FIELDS,
        )
    except ValueError:
        raise BadInputError("The form cannot be read.") from None
    return ImmutableMultiDict(pairs)


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BYTES:
            raise BadInputError(f"The form is larger than {MOST_BYTES} bytes.")
    return bytes(body)
