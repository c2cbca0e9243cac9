import pytest
from markupsafe import escape
from starlette.requests import Request

from formicary.errors import FormicaryError, OverloadedError, UnauthenticatedError, UnavailableError
from formicary_web.errors import error_response, failure


def request(*, by_htmx: bool = False) -> Request:
    headers = [(b"hx-request", b"true")] if by_htmx else []
    return Request({"type": "http", "method": "GET", "path": "/", "headers": headers, "query_string": b""})


def subclasses(error: type[FormicaryError]) -> set[type[FormicaryError]]:
    return {error}.union(*(subclasses(each) for each in error.__subclasses__()))


def test_every_error_of_a_caller_has_a_status() -> None:
    errors = {each for each in subclasses(FormicaryError) if each.__module__.startswith("formicary.")}
    assert {each.code for each in errors if each.status == 500} == {"INTERNAL", "CONFIGURATION"}


@pytest.mark.parametrize(
    ("error", "status"), [(UnavailableError(), 503), (OverloadedError(), 503), (UnauthenticatedError(), 401)]
)
def test_error_is_a_page_with_its_message(error: FormicaryError, status: int) -> None:
    response = failure(request(), error)
    assert response.status_code == status
    assert b"<html" in response.body
    assert str(escape(error.message)).encode() in response.body


def test_database_that_is_away_is_worth_trying_again() -> None:
    response = failure(request(), UnavailableError())
    assert response.headers["retry-after"] == "5"
    assert response.headers["refresh"] == "10"
    assert b"Try again" in response.body


def test_address_without_a_page_is_not_worth_trying_again() -> None:
    page = bytes(error_response(request(), 404).body).split(b"<template")[0]
    assert b"There is nothing here" in page
    assert b"Try again" not in page


def test_unexpected_error_shows_the_id_that_is_in_the_log() -> None:
    assert b"<code>8f3a</code>" in error_response(request(), 500, error_id="8f3a").body


def test_fragment_gets_only_the_problem_for_its_own_place() -> None:
    response = failure(request(by_htmx=True), UnavailableError())
    assert b"<html" not in response.body
    assert b"data-refresh" in response.body
    assert "refresh" not in response.headers
    assert response.headers["hx-retarget"] == "find [data-problem]"


def test_page_says_more_than_the_name_of_a_status() -> None:
    page = bytes(error_response(request(), 405, "Method Not Allowed").body)
    assert b"This address is not a page" in page
    assert b"Method Not Allowed" not in page


def test_unusual_status_has_words_too() -> None:
    assert b"I" in error_response(request(), 418).body
