"""Whatever goes wrong, a program reads it in one shape, and bad input is never our fault."""

import re

import pytest
from django.test import AsyncClient, Client

pytestmark = pytest.mark.urls("tests.site.addresses")

CASES = {
    "acron": (409, "conflict"),
    "not-found": (404, "not_found"),
    "denied": (403, "insufficient_scope"),
    "too-big": (413, "request_too_large"),
    "invalid": (400, "invalid_request_error"),
    "data": (400, "invalid_request_error"),
    "database": (503, "overloaded"),
    "unauthenticated": (401, "invalid_api_key"),
    "wrong-key": (401, "invalid_api_key"),
    "rest-denied": (403, "insufficient_scope"),
    "rest-not-found": (404, "not_found"),
    "throttled": (429, "rate_limit_exceeded"),
    "parse": (400, "invalid_request_error"),
    "bug": (500, "internal_error"),
}

# what is no JSON object, each in its own way
MALFORMED = [
    b" ",
    b"{",
    b'{"name": "x"',
    b"\xff\xfe{}",
    b'{"name": "\\ud800"}',
    b'{"name": NaN}',
    b"[" * 100_000,
    b'{"a":' * 5000 + b"1" + b"}" * 5000,
    b"null",
    b"[1]",
    b'"text"',
    b"name=x",
]


@pytest.fixture
def program() -> Client:
    """A program that calls the API, and gets our answer for a fault instead of the exception."""
    return Client(raise_request_exception=False)


@pytest.mark.parametrize("kind", CASES)
def test_every_failure_has_the_one_shape(program, kind):
    response = program.get(f"/fail/{kind}")

    status, code = CASES[kind]
    error = response.json()["error"]
    assert response.status_code == status
    assert error["code"] == code
    assert set(error) == {"message", "type", "param", "code", "request_id"}
    assert error["request_id"] == response["x-request-id"]


def test_our_own_faults_show_no_detail(program):
    assert b"secret" not in program.get("/fail/bug").content


def test_waiting_times_and_challenges_stand_in_the_headers(program):
    assert program.get("/fail/throttled")["Retry-After"] == "3"
    assert program.get("/fail/database")["Retry-After"]
    assert program.get("/fail/unauthenticated")["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("body", MALFORMED, ids=range(len(MALFORMED)))
def test_a_malformed_body_is_refused_with_the_remedy(program, body):
    response = program.post("/echo", body, content_type="application/json")

    assert response.status_code == 400
    assert "JSON object" in response.json()["error"]["message"]


def test_a_number_too_large_for_a_float_is_refused(program):
    assert program.post("/echo", b'{"name": 1e400}', content_type="application/json").status_code == 400


def test_a_body_beyond_the_limit_is_refused(program, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100

    response = program.post("/echo", b'{"name": "%s"}' % (b"x" * 200), content_type="application/json")

    assert response.status_code == 413


def test_another_content_type_is_refused(program):
    response = program.post("/echo", b"<name/>", content_type="text/xml")

    assert response.status_code == 415
    assert "application/json" in response.json()["error"]["message"]


def test_another_method_is_refused_with_those_there_are(program):
    response = program.get("/echo")

    assert response.status_code == 405
    assert "POST" in response["Allow"]


def test_an_accept_header_without_json_is_refused(program):
    assert (
        program.post("/echo", b"{}", content_type="application/json", headers={"accept": "image/png"}).status_code
        == 406
    )


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b"{}", "name"),
        (b'{"name": "x", "items": [{"count": 1}, {"count": "many"}]}', "items.1.count"),
        (b'{"name": "x", "items": 5}', "items"),
        (b'{"name": "nul\\u0000"}', "name"),
    ],
)
def test_an_invalid_field_is_named(program, body, param):
    error = program.post("/echo", body, content_type="application/json").json()["error"]

    assert error["code"] == "invalid_request_error"
    assert error["param"] == param
    assert error["message"].startswith(f"{param}: ")


def test_a_wrong_address_is_json_for_programs_and_a_page_for_browsers(program):
    assert program.get("/nowhere").json()["error"]["code"] == "not_found"
    page = program.get("/nowhere", headers={"accept": "text/html,*/*"})
    assert page.status_code == 404
    assert page["content-type"].startswith("text/html")


def test_a_host_name_we_do_not_serve_is_refused(program, settings):
    settings.ALLOWED_HOSTS = ["acron.example"]

    response = program.get("/page", headers={"host": "evil.example"})

    assert response.status_code == 400
    assert "ASAHI_API_ALLOWED_HOSTS" in response.json()["error"]["message"]


def test_a_valid_request_id_of_the_caller_is_kept(program):
    response = program.get("/page", headers={"x-request-id": "order-17"})

    assert response["x-request-id"] == response.content.decode() == "order-17"


@pytest.mark.parametrize("given", ["", "has space", "ünicode", "x" * 129, "line\nbreak"])
def test_another_request_id_is_replaced(program, given):
    response = program.get("/page", headers={"x-request-id": given})

    assert re.fullmatch(r"req_[0-9a-f]{20,}", response["x-request-id"])


async def test_the_request_id_is_there_in_asynchronous_serving_too():
    response = await AsyncClient().get("/page", headers={"x-request-id": "order-17"})

    assert response["x-request-id"] == "order-17"
