"""What the caller sees when a provider says no."""

import orjson
import pytest

from acron_site.lib.errors import AcronError, RateLimitedError, UpstreamError
from inference.providers.refusals import Refusals

REFUSALS = Refusals("openai", "OPENAI_API_KEY")


def refusal(status, body=b"", **headers) -> AcronError:
    return REFUSALS.error(status, {name.replace("_", "-"): value for name, value in headers.items()}, body)


def said(message, **fields):
    return orjson.dumps({"error": {"message": message, "type": "t", "param": None, "code": None, **fields}})


@pytest.mark.parametrize(
    ("status", "ours", "code"),
    [
        (400, 400, "invalid_request_error"),
        (404, 404, "model_not_found"),
        (409, 409, "conflict"),
        (413, 413, "request_too_large"),
        (415, 415, "unsupported_media_type"),
        (422, 400, "invalid_request_error"),
        (401, 502, "upstream_error"),
        (402, 502, "upstream_error"),
        (403, 502, "upstream_error"),
        (408, 504, "upstream_timeout"),
        (429, 429, "rate_limit_exceeded"),
        (500, 502, "upstream_error"),
        (502, 502, "upstream_error"),
        (503, 502, "upstream_error"),
        (504, 504, "upstream_timeout"),
        (529, 503, "overloaded"),
        (302, 502, "upstream_error"),
        (418, 502, "upstream_error"),
    ],
)
def test_each_refusal_has_its_error(status, ours, code):
    error = refusal(status, said("because"))

    assert (error.status, error.code) == (ours, code)
    assert error.message


@pytest.mark.parametrize(
    "body",
    [
        said("n must be below 9"),
        b'{"message": "n must be below 9"}',
        b'{"detail": "n must be below 9"}',
        b'{"error": "n must be below 9"}',
        b'{"type": "error", "error": {"type": "invalid_request_error", "message": "n must be below 9"}}',
    ],
)
def test_the_caller_reads_the_providers_own_words(body):
    assert refusal(400, body).message == "n must be below 9"


def test_the_field_and_the_code_that_clients_act_on_are_kept():
    error = refusal(400, said("too long", param="messages", code="context_length_exceeded"))

    assert (error.status, error.param, error.code) == (400, "messages", "context_length_exceeded")


def test_bad_credentials_are_the_operators_business():
    error = refusal(401, said("Incorrect API key provided: sk-abcd***wxyz."))

    assert "OPENAI_API_KEY" in error.message
    assert "sk-" not in error.message


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (429, said("You exceeded your current quota", code="insufficient_quota")),
        (400, said("Your credit balance is too low to access the API.")),
    ],
)
def test_an_empty_account_is_not_the_callers_mistake(status, body):
    error = refusal(status, body)

    assert isinstance(error, UpstreamError)
    assert "billing" in error.message


@pytest.mark.parametrize(
    ("given", "passed_on"),
    [
        ("7", "7"),
        ("0.2", "1"),
        ("Wed, 21 Oct 2026 07:28:00 GMT", "Wed, 21 Oct 2026 07:28:00 GMT"),
        ("", "1"),
        ("-3", "0"),
        ("nan", "1"),
        ("inf", "1"),
        ("9" * 400, "1"),
        ("999999999", "86400"),
        ("soon; please", "1"),
    ],
)
def test_retry_after_is_passed_on(given, passed_on):
    error = refusal(429, said("slow down"), retry_after=given)

    assert isinstance(error, RateLimitedError)
    assert error.message == "slow down"
    assert error.headers["Retry-After"] == passed_on


@pytest.mark.parametrize(
    "secret",
    [
        "sk-proj-abcdef1234567890",
        "sk-ab********wxyz",
        "Bearer abc.def.ghi",
        "ak_live_12345678_abcdefgh",
        "AIzaSyA1234567890abcdefghijk",
    ],
)
def test_what_looks_like_a_key_is_never_echoed(secret):
    message = refusal(400, said(f"you sent {secret} to us")).message

    assert secret not in message
    assert message.startswith("you sent")


def test_a_long_message_is_cut():
    assert len(refusal(400, said("x " * 5000)).message) <= 1000


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"null", b'{"error": {"message": 7}}', b'{"error": [1]}'])
@pytest.mark.parametrize("status", [302, 400, 404, 429, 500, 529])
def test_a_refusal_that_gives_no_reason_still_gets_a_sentence(status, body):
    assert len(refusal(status, body).message) > 20


def test_the_providers_stack_trace_stays_with_the_provider():
    assert "Traceback" not in refusal(500, said("Traceback (most recent call last)")).message


def test_a_503_that_names_a_wait_is_busy_and_passes_it_on():
    error = Refusals("openai", "OPENAI_API_KEY").error(503, {"retry-after": "7"}, b"")

    assert (error.status, error.code, error.headers) == (503, "overloaded", {"Retry-After": "7"})
