"""The whole server with the sample data, on a fresh embedded database; and the address of every page of it."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx2

from formicary_web.routes import PAGES

IDS = re.compile(r"\{\w+:int\}")


@contextmanager
def served_demo() -> Iterator[str]:
    """The address of a server with sample data."""
    formicary = str(Path(sys.executable).with_name("formicary"))
    with TemporaryDirectory() as directory:
        command = [formicary, "serve", "--demo", "--port", "0", "--data-dir", directory]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            try:
                yield next(found[0] for line in server.stdout if (found := re.search(r"http://\S+", line)))
            finally:
                server.terminate()


def paths(address: str) -> list[str]:
    """Of every page, those of one agent or run with the ids of some that is there."""
    return [page.path if "{" not in page.path else _with_ids(address, page.path) for page in PAGES]


def _with_ids(address: str, path: str) -> str:
    """The ids come from a link to such a page in the list that its path begins with."""
    before, after = path.split("{", 1)[0], IDS.split(path)[-1]
    link = re.escape(IDS.sub("ID", path.removesuffix(after))).replace("ID", r"\d+")
    found = re.search(f'href="({link})["?]', httpx2.get(f"{address}{before.rstrip('/')}").text)
    assert found is not None, f"no link to {path} on {before}"
    return found[1] + after
