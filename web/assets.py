"""The files under static/: served at an address that changes with their content, so that browsers may keep them."""

from functools import cache
from hashlib import sha256
from os import PathLike, stat_result
from pathlib import Path

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

DIRECTORY = Path(__file__).parent / "static"
PREFIX = "/static"

YEAR = "public, max-age=31536000, immutable"
ASK_AGAIN = "no-cache"


@cache
def asset(name: str) -> str:
    """The address of a static file, for templates."""
    digest = sha256((DIRECTORY / name).read_bytes()).hexdigest()
    return f"{PREFIX}/{name}?v={digest[:12]}"


class Assets(StaticFiles):
    """What is asked for with its version never changes; for anything else the browser asks each time."""

    def __init__(self) -> None:
        super().__init__(directory=DIRECTORY)

    def file_response(
        self, full_path: str | PathLike[str], stat_result: stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        response = super().file_response(full_path, stat_result, scope, status_code)
        versioned = scope["query_string"].startswith(b"v=")
        response.headers["cache-control"] = YEAR if versioned else ASK_AGAIN
        response.headers["x-content-type-options"] = "nosniff"
        return response
