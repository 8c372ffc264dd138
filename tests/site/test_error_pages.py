"""Errors: a page for a browser, the one JSON shape for a program."""

import pytest
from django.test import Client, RequestFactory

from acron_site.lib import api

pytestmark = pytest.mark.urls("tests.site.addresses")

BROWSER = {"accept": "text/html,application/xhtml+xml", "x-request-id": "req_of_ada"}


@pytest.fixture
def visitor() -> Client:
    return Client(raise_request_exception=False)


@pytest.mark.parametrize(
    ("address", "status", "words"),
    [
        ("/no-such-page", 404, "There is nothing here"),
        ("/page/fail/not-found", 404, "There is nothing here"),
        ("/page/fail/denied", 403, "Your role does not allow this"),
        ("/page/fail/acron", 409, "it is taken; choose another"),
        ("/page/fail/too-often", 429, "too &lt;many&gt;; wait 7 s"),
        ("/page/fail/too-big", 413, "send less at once"),
        ("/page/fail/data", 400, "out of range"),
        ("/page/fail/malformed", 400, "cannot be understood"),
        ("/page/fail/database", 503, "the database is away"),
        ("/page/fail/bug", 500, "Something failed on our side"),
    ],
)
def test_a_browser_gets_a_page_that_names_the_request(visitor, address, status, words):
    response = visitor.get(address, headers=BROWSER)
    page = response.content.decode()

    assert (response.status_code, response["content-type"]) == (status, "text/html; charset=utf-8")
    assert words in page
    assert "req_of_ada" in page
    assert "secret detail" not in page
    assert "default-src 'none'" in response["content-security-policy"]


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("not-found", 404, "not_found"),
        ("denied", 403, "insufficient_scope"),
        ("acron", 409, "conflict"),
        ("too-often", 429, "rate_limit_exceeded"),
        ("data", 400, "invalid_request_error"),
        ("malformed", 400, "invalid_request_error"),
        ("database", 503, "overloaded"),
        ("bug", 500, "internal_error"),
    ],
)
def test_a_program_gets_json(visitor, kind, status, code):
    headers = {"accept": "application/json", "x-request-id": "req_of_ada"}
    response = visitor.get(f"/page/fail/{kind}", headers=headers)

    assert response.status_code == status
    assert response.json()["error"]["code"] == code
    assert response.json()["error"]["request_id"] == "req_of_ada"


@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_an_errors_headers_go_out_with_it(visitor, accept):
    assert visitor.get("/page/fail/too-often", headers={"accept": accept})["retry-after"] == "7"


def test_the_page_of_our_own_fault_needs_no_database_and_nothing_of_the_request():
    # without the mark for it, a look into the database fails this test
    response = api.handler500(RequestFactory().get("/", headers=BROWSER))

    assert response.status_code == 500
    assert "Something failed on our side" in response.content.decode()
