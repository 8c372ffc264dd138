"""What is tried again, after which pause, and how much of that there may be."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acron_site.lib.errors import (
    InvalidRequestError,
    OverloadedError,
    UpstreamError,
    UpstreamTimeoutError,
    UpstreamUnreachableError,
)
from inference.providers.refusals import Refusals
from inference.resilience.retries import (
    Deadline,
    Failure,
    RetryBudget,
    asked_wait_seconds,
    classify,
    pause_seconds,
)

REFUSALS = Refusals("openai", "OPENAI_API_KEY")
NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)


def said(message: str) -> bytes:
    return b'{"error": {"message": "%b"}}' % message.encode()


@pytest.mark.parametrize(
    ("status", "headers", "body", "failure"),
    [
        (500, {}, b"", Failure.TRANSIENT),
        (502, {}, b"<html>", Failure.TRANSIENT),
        (503, {}, b"", Failure.TRANSIENT),
        (503, {"retry-after": "2"}, b"", Failure.BUSY),
        (529, {}, b"", Failure.BUSY),
        (429, {}, said("slow down"), Failure.BUSY),
        (429, {}, b'{"error": {"code": "insufficient_quota"}}', Failure.CREDENTIALS),
        (400, {}, said("Your credit balance is too low"), Failure.CREDENTIALS),
        (401, {}, said("bad key"), Failure.CREDENTIALS),
        (402, {}, said("pay"), Failure.CREDENTIALS),
        (403, {}, b"", Failure.CREDENTIALS),
        (404, {}, b"not found", Failure.CREDENTIALS),
        (302, {}, b"", Failure.CREDENTIALS),
        (400, {}, said("messages is missing"), Failure.CALLER),
        (404, {}, said("no such model"), Failure.CALLER),
        (409, {}, said("conflict"), Failure.CALLER),
        (413, {}, said("too long"), Failure.CALLER),
        (422, {}, said("wrong"), Failure.CALLER),
        (408, {}, b"", Failure.TIMEOUT),
        (504, {}, b"", Failure.TIMEOUT),
    ],
)
def test_a_refusal_is_told_by_the_providers_status(status, headers, body, failure):
    assert classify(REFUSALS.error(status, headers, body), status=status) is failure


@pytest.mark.parametrize(
    ("error", "status", "failure"),
    [
        (UpstreamUnreachableError("away"), None, Failure.TRANSIENT),
        (UpstreamError("reset"), None, Failure.TRANSIENT),
        (UpstreamError("garbage"), 200, Failure.TRANSIENT),
        (UpstreamTimeoutError("silence"), None, Failure.TIMEOUT),
        (UpstreamTimeoutError("stalled"), 200, Failure.TIMEOUT),
        (InvalidRequestError("this provider has no such field"), None, Failure.CALLER),
        (OverloadedError("our own ledger cannot be written"), None, Failure.CALLER),
    ],
)
def test_what_is_no_refusal_is_told_by_the_error(error, status, failure):
    assert classify(error, status=status) is failure


def test_only_sickness_counts_and_only_a_callers_mistake_stays():
    assert {failure for failure in Failure if failure.is_sickness} == {Failure.TRANSIENT, Failure.TIMEOUT}
    assert {failure for failure in Failure if not failure.may_go_elsewhere} == {Failure.CALLER}
    assert {failure for failure in Failure if not failure.may_be_retried_here} == {Failure.CALLER, Failure.CREDENTIALS}


@pytest.mark.parametrize(
    ("given_header", "seconds"),
    [
        ("7", 7.0),
        ("0", 0.0),
        ("Fri, 27 Nov 2026 12:00:30 GMT", 30.0),
        ("Fri, 27 Nov 2026 11:00:00 GMT", 0.0),
        ("Fri, 99 Nov 2026 11:00:00 GMT", None),
    ],
)
def test_the_wait_that_a_provider_asks_for_is_read(given_header, seconds):
    refusal = REFUSALS.error(429, {"retry-after": given_header}, b"")

    assert asked_wait_seconds(refusal, now=NOW) == seconds


def test_no_wait_is_asked_for_by_a_failure():
    assert asked_wait_seconds(UpstreamError("failed"), now=NOW) is None


@pytest.mark.parametrize(("attempt", "longest"), [(1, 0.25), (2, 0.5), (3, 1.0), (4, 2.0), (5, 2.0), (5000, 2.0)])
def test_pauses_double_up_to_two_seconds_and_are_all_jitter(attempt, longest):
    assert pause_seconds(attempt, retry_after=None, random=lambda: 0.0) == 0
    assert pause_seconds(attempt, retry_after=None, random=lambda: 1.0) == longest
    assert pause_seconds(attempt, retry_after=0.0, random=lambda: 1.0) == longest


@given(asked=st.floats(0.001, 5.0), chance=st.floats(0, 1))
def test_a_wait_that_is_asked_for_is_never_cut_short(asked, chance):
    pause = pause_seconds(1, retry_after=asked, random=lambda: chance)

    assert pause is not None
    assert asked <= pause <= asked + 0.25


def test_a_long_wait_is_not_waited_for_here():
    assert pause_seconds(1, retry_after=5.1, random=lambda: 0.0) is None
    assert pause_seconds(1, retry_after=5.1, random=lambda: 0.0, longest_wait_seconds=6) == 5.1


def test_a_deadline_says_what_is_left():
    deadline = Deadline.after(10, 100.0)

    assert deadline.remaining(103.0) == 7
    assert deadline.remaining(111.0) == 0
    assert deadline.allows(6.9, 103.0)
    assert not deadline.allows(7.0, 103.0)


@pytest.mark.parametrize("requests", [10, 11, 50, 1000])
def test_over_a_total_outage_there_are_half_as_many_retries_as_requests_at_most(requests):
    budget = RetryBudget()
    calls = 0

    for _ in range(requests):
        budget.note_request()
        calls += 1 + sum(budget.take() for _ in range(2))

    assert requests < calls <= 1.5 * requests


def test_what_is_saved_up_in_good_times_is_bounded():
    budget = RetryBudget(most=20)
    for _ in range(10_000):
        budget.note_request()

    assert sum(budget.take() for _ in range(1000)) == 20


def test_five_requests_pay_for_one_retry_exactly():
    budget = RetryBudget(reserve=0)

    for _ in range(200):
        for _ in range(4):
            budget.note_request()
            assert not budget.take()
        budget.note_request()
        assert budget.take()
