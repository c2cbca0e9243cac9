"""GraphiQL in a real browser, under its own policy."""

from collections.abc import Iterator

import httpx2
import pytest
from playwright.sync_api import Page, sync_playwright

pytestmark = pytest.mark.browser

HTML = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield browser.new_page(viewport={"width": 1280, "height": 800})
        browser.close()


def test_a_browser_is_given_graphiql_and_a_client_json(client: httpx2.Client) -> None:
    response = client.get("/graphql", headers=HTML)
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert "unsafe" not in response.headers["content-security-policy"]
    assert client.get("/graphql").status_code == 400


def test_a_query_runs_with_the_key_of_the_headers_editor(page: Page, sample_url: str) -> None:
    faults: list[str] = []
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    foreign: list[str] = []
    page.on("request", lambda request: None if request.url.startswith(sample_url) else foreign.append(request.url))

    page.goto(f"{sample_url}/graphql")
    editors = page.locator(".CodeMirror")
    editors.first.wait_for()
    page.evaluate(
        """() => {
            const [query, , headers] = document.querySelectorAll(".CodeMirror");
            query.CodeMirror.setValue("{ slow caller }");
            headers.CodeMirror.setValue('{"Authorization": "Bearer any"}');
        }"""
    )
    with page.expect_request(lambda request: "caller" in (request.post_data or "")) as sent:
        page.get_by_role("button", name="Execute query").click()
    page.locator(".result-window").get_by_text('"done"').wait_for(timeout=5000)
    assert sent.value.headers["authorization"] == "Bearer any"
    assert (faults, foreign) == ([], [])
