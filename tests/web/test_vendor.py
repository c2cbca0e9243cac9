import re
from hashlib import sha256

import pytest

from formicary_web.assets import DIRECTORY

VENDOR = DIRECTORY / "vendor"
ROW = re.compile(r"^\| (?P<file>\S+) \|.*\| (?P<sha256>[0-9a-f]{64}) \|$", re.MULTILINE)
LISTED = dict(ROW.findall((VENDOR / "README.md").read_text()))


@pytest.mark.parametrize("name", sorted(LISTED))
def test_vendored_file_is_as_released(name: str) -> None:
    assert sha256((VENDOR / name).read_bytes()).hexdigest() == LISTED[name]


def test_every_vendored_script_and_style_is_listed() -> None:
    files = {str(f.relative_to(VENDOR)) for f in VENDOR.rglob("*") if f.suffix in {".js", ".css", ".woff2"}}
    assert files == set(LISTED)
