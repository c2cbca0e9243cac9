import json
import logging
from collections.abc import Iterator

import asyncpg
import pytest

from formicary.config import Settings
from formicary.db import Database
from formicary.logs import scrub, start_logging

PRIVATE = "my\nletter"


@pytest.fixture(autouse=True)
def _loggers_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def test_a_json_line_holds_the_message_and_the_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    start_logging(Settings(log_format="json", log_level="info"))
    logging.getLogger("formicary.x").error("it %s", "failed", exc_info=ValueError("broken"))
    line = json.loads(capsys.readouterr().err)
    assert (line["level"], line["logger"], line["message"]) == ("error", "formicary.x", "it failed")
    assert line["time"].endswith("Z")
    assert "ValueError: broken" in line["traceback"]


def test_what_is_below_the_level_is_not_written(capsys: pytest.CaptureFixture[str]) -> None:
    start_logging(Settings(log_level="warning"))
    logging.getLogger("formicary").info("quiet")
    logging.getLogger("formicary").warning("loud")
    assert capsys.readouterr().err.endswith("WARNING formicary: loud\n")


def test_the_servers_own_chatter_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    start_logging(Settings(log_level="info"))
    logging.getLogger("uvicorn.error").info("Started server process")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_credentials_never_get_into_the_log(capsys: pytest.CaptureFixture[str], log_format: str) -> None:
    start_logging(Settings.model_validate({"log_format": log_format}))
    cause = ValueError("Authorization: Bearer s3cret-key")
    logging.getLogger("formicary").error("at postgresql://me:s3cret@db/x with bearer s3cret.too", exc_info=cause)
    assert "s3cret" not in capsys.readouterr().err


@pytest.mark.parametrize("log_format", ["text", "json"])
async def test_the_values_of_a_row_never_get_into_the_log(
    db: Database, capsys: pytest.CaptureFixture[str], log_format: str
) -> None:
    start_logging(Settings.model_validate({"log_format": log_format}))
    with pytest.raises(RuntimeError) as caught:
        await fail_over_a_row(db, PRIVATE)
    logging.getLogger("formicary").error("failed: %s", caught.value.__cause__, exc_info=caught.value)
    logged = capsys.readouterr().err
    assert "violates not-null constraint" in logged
    assert not [line for line in PRIVATE.splitlines() if line in logged]


async def fail_over_a_row(db: Database, name: str) -> None:
    try:
        await db.execute("INSERT INTO project (slug, name) VALUES (NULL, $1)", name)
    except asyncpg.NotNullViolationError as error:
        raise RuntimeError("it failed") from error


def test_only_the_credentials_are_taken_out() -> None:
    assert scrub("GET https://host:80/a Bearer abc, next") == "GET https://host:80/a Bearer ***, next"
    assert scrub("postgresql://me:pw@db:5432/x") == "postgresql://me:***@db:5432/x"
    assert scrub("found fmy_AbC12345_secret lying about") == "found *** lying about"
