from collections.abc import Iterator

import httpx2
import pytest

from . import sample
from .serving import serving


@pytest.fixture(scope="session")
def sample_url() -> Iterator[str]:
    with serving(sample.application()) as url:
        yield url


@pytest.fixture
def client(sample_url: str) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=sample_url) as client:
        yield client
