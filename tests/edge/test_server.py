"""What every address has in common."""

import httpx2
import pytest

HTML = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def test_an_unknown_address_is_404_in_json(client: httpx2.Client) -> None:
    response = client.get("/nowhere")
    assert response.status_code == 404
    assert response.json()["errors"][0]["extensions"]["code"] == "NOT_FOUND"


def test_an_unknown_address_is_a_page_for_a_browser(client: httpx2.Client) -> None:
    response = client.get("/nowhere", headers=HTML)
    assert response.status_code == 404
    assert response.headers["content-type"].startswith("text/html")
    assert "content-security-policy" in response.headers


@pytest.mark.parametrize("headers", [{}, HTML])
def test_a_page_that_breaks_says_only_the_id_under_which_it_is_logged(
    client: httpx2.Client, caplog: pytest.LogCaptureFixture, headers: dict[str, str]
) -> None:
    response = client.get("/broken", headers=headers)
    assert response.status_code == 500
    assert "the page broke" not in response.text
    (record,) = caplog.records
    assert record.getMessage().split()[-1] in response.text


def test_a_page_has_the_security_headers(client: httpx2.Client) -> None:
    headers = client.get("/page").headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert "default-src 'self'" in headers["content-security-policy"]


def test_the_wrong_method_says_which_is_right(client: httpx2.Client) -> None:
    response = client.post("/page")
    assert response.status_code == 405
    assert "GET" in response.headers["allow"]
    assert response.json()["errors"][0]["extensions"]["code"] == "METHOD_NOT_ALLOWED"


def test_being_alive_asks_nothing(client: httpx2.Client) -> None:
    response = client.get("/healthz")
    assert response.json() == {"status": "ok"}
    assert response.headers["cache-control"] == "no-store"
