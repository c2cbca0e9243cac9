"""docs/integrations.md shows what is in the examples, and all of them."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "integrations.md").read_text()
BLOCKS = re.findall(r"<!-- from: (\S+) -->\n```\w+\n(.*?)```", DOCUMENT, re.DOTALL)
SCRIPTS = {path.relative_to(ROOT).as_posix() for path in (ROOT / "examples").glob("*/with*")}


def lines(path: Path) -> list[str]:
    """Of a script, without their indentation."""
    return [line.strip() for line in path.read_text().splitlines()]


@pytest.mark.parametrize(("path", "block"), BLOCKS, ids=[path for path, _ in BLOCKS])
def test_the_lines_of_a_block_stand_in_its_example_in_that_order(path: str, block: str) -> None:
    rest = iter(lines(ROOT / path))
    assert [line for line in map(str.strip, block.splitlines()) if line not in rest] == []


def test_every_example_is_shown_and_every_block_is_from_one() -> None:
    assert {path for path, _ in BLOCKS} == SCRIPTS
    assert DOCUMENT.count("```") == 2 * len(BLOCKS)
