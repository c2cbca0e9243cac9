"""A server that asks for keys, and what the examples run with: CI installs it and names it in the environment."""

import os
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from formicary.app import create_app
from formicary.auth import Authenticator, create_key
from formicary.config import Settings
from formicary.db import Database
from formicary.models import Role

from ..conftest import SKIP_NOTHING
from ..edge.serving import listening

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
PATIENCE = 60


@dataclass(frozen=True)
class Place:
    """Where an example sends its runs, and where they are read."""

    url: str
    key: str
    client: httpx2.AsyncClient


@pytest.fixture
async def place(settings: Settings, db: Database) -> AsyncIterator[Place]:
    _, writer = await create_key(db, role=Role.INGEST)
    _, reader = await create_key(db, role=Role.READ)
    authenticator = Authenticator(db, is_open=False)
    app = create_app(settings, database=db, authenticator=authenticator)
    headers = {"Authorization": f"Bearer {reader}"}
    async with listening(app) as url, httpx2.AsyncClient(base_url=url, headers=headers, timeout=PATIENCE) as client:
        yield Place(url, writer, client)
    await authenticator.close()


def named(variable: str) -> str:
    """What a variable names; without it the test is skipped, or fails where nothing may be skipped."""
    value = os.environ.get(variable)
    if value is None:
        reason = f"{variable} is not set; .ci/run tells what it has to name"
        if SKIP_NOTHING:
            pytest.fail(reason)
        pytest.skip(reason)
    return value


@pytest.fixture(scope="session")
def python() -> str:
    return named("EXAMPLES_PYTHON")


@pytest.fixture(scope="session")
def node(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """Node.js, and a directory with the examples beside their packages, where it looks for them."""
    program, packages = named("EXAMPLES_NODE"), named("EXAMPLES_NODE_MODULES")
    directory = tmp_path_factory.mktemp("javascript")
    shutil.copytree(
        EXAMPLES / "javascript", directory, dirs_exist_ok=True, ignore=shutil.ignore_patterns("node_modules")
    )
    (directory / "node_modules").symlink_to(packages)
    return program, directory
