"""From a request to a page, whatever the page is about."""

import httpx2
import pytest

from formicary_web.routes import PAGES

PATHS = [page.path for page in PAGES if page.has_period and "{" not in page.path]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("period", ["from=2026-01-02&to=2026-01-01", "from=2020-01-01"], ids=["backwards", "too long"])
async def test_range_that_cannot_be_shown_is_said_and_nothing_is_begun(address: str, path: str, period: str) -> None:
    """What is begun and not waited for is a warning, and so an error here."""
    async with httpx2.AsyncClient(base_url=address) as client:
        response = await client.get(f"{path}?{period}")
    assert "range" in response.text
    assert response.status_code in (200, 400)
