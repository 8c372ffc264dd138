"""When a deployment is shut out, how it is tried, and when it is back."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from inference.resilience.breaker import REFUSED, Breaker, Rules
from inference.resilience.retries import Failure

SICK = (Failure.TRANSIENT, Failure.TIMEOUT)
HARMLESS = (Failure.CALLER, Failure.BUSY, Failure.CREDENTIALS)


def new_breaker() -> Breaker:
    return Breaker(Rules(), random=lambda: 0.0)


def call(breaker: Breaker, now: float, failure: Failure | None = None) -> bool:
    number = breaker.enter(now)
    if number != REFUSED:
        breaker.report(number, now, failure, begun=now)
    return number != REFUSED


def opened(at: float = 100.0) -> Breaker:
    breaker = new_breaker()
    for _ in range(5):
        call(breaker, at, Failure.TRANSIENT)
    assert not breaker.is_closed
    return breaker


@pytest.mark.parametrize(
    ("well", "failed", "is_closed"),
    [
        (0, 4, True),
        (0, 5, False),
        (5, 5, False),
        (6, 5, True),
        (6, 6, False),
        (9, 9, False),
        (1000, 9, True),
        (1000, 10, False),
    ],
)
@pytest.mark.parametrize("failure", SICK)
def test_it_opens_when_half_of_the_calls_fail_or_none_goes_well_any_more(well, failed, is_closed, failure):
    breaker = new_breaker()

    for _ in range(well):
        call(breaker, 100.0)
    for _ in range(failed):
        call(breaker, 100.5, failure)

    assert breaker.is_closed is is_closed


def test_failures_of_ten_seconds_ago_are_forgotten():
    breaker = new_breaker()

    for second in range(0, 100, 3):
        call(breaker, 100.0 + second, Failure.TRANSIENT)
        call(breaker, 100.0 + second)

    assert breaker.is_closed


def test_a_long_window_of_rest_is_forgotten_too():
    breaker = new_breaker()
    for now in (100.0, 100.0, 100.0, 100.0, 110.0):
        call(breaker, now, Failure.TRANSIENT)

    assert breaker.is_closed


@given(failures=st.lists(st.sampled_from(HARMLESS), max_size=300))
def test_a_callers_mistakes_never_open_it_in_any_number(failures):
    breaker = new_breaker()

    for failure in failures:
        call(breaker, 100.0, failure)

    assert breaker.is_closed


def test_a_callers_mistakes_do_not_hide_the_failures_of_others():
    breaker = new_breaker()

    for _ in range(100):
        call(breaker, 100.0, Failure.CALLER)
    for _ in range(5):
        call(breaker, 100.0, Failure.TRANSIENT)

    assert not breaker.is_closed


def test_one_call_at_a_time_tries_it_after_thirty_seconds():
    breaker = opened(at=100.0)

    assert breaker.enter(129.9) == REFUSED
    first = breaker.enter(130.0)
    assert first != REFUSED
    assert breaker.enter(131.0) == REFUSED

    breaker.report(first, 132.0, None, begun=130.0)

    assert breaker.is_closed
    assert breaker.enter(132.0) != REFUSED


def test_nothing_of_the_outage_is_held_against_it_once_it_is_back():
    breaker = opened(at=100.0)
    call(breaker, 130.0)

    for _ in range(4):
        call(breaker, 130.0, Failure.TRANSIENT)

    assert breaker.is_closed


def test_a_failed_probe_shuts_it_out_again():
    breaker = opened(at=100.0)

    call(breaker, 130.0, Failure.TIMEOUT)

    assert not breaker.allows(159.9)
    assert breaker.allows(160.0)


@pytest.mark.parametrize("failure", HARMLESS)
def test_a_probe_that_says_nothing_gives_its_slot_back(failure):
    breaker = opened(at=100.0)

    call(breaker, 130.0, failure)

    assert not breaker.is_closed
    assert breaker.allows(130.0)


def test_a_probe_whose_caller_leaves_gives_its_slot_back():
    breaker = opened(at=100.0)

    breaker.withdraw(breaker.enter(130.0))

    assert breaker.allows(130.0)


def test_a_probe_that_hangs_keeps_others_waiting_for_five_seconds_only():
    breaker = opened(at=100.0)
    hanging = breaker.enter(130.0)

    assert not breaker.allows(134.9)
    second = breaker.enter(135.0)
    assert second != REFUSED
    breaker.report(hanging, 136.0, Failure.TIMEOUT, begun=130.0)
    assert breaker.enter(136.0) == REFUSED  # the second still tries

    breaker.report(second, 137.0, None, begun=135.0)

    assert breaker.is_closed


def test_a_slow_success_counts_although_another_probe_has_gone_after_it():
    breaker = opened(at=100.0)
    slow = breaker.enter(130.0)
    breaker.enter(135.0)

    breaker.report(slow, 160.0, None, begun=130.0)

    assert breaker.is_closed


def test_calls_that_began_before_it_opened_change_nothing():
    breaker = new_breaker()
    early = [breaker.enter(100.0) for _ in range(20)]
    for number in early[:5]:
        breaker.report(number, 101.0, Failure.TRANSIENT, begun=100.0)
    until = breaker.until

    breaker.report(early[5], 102.0, None, begun=100.0)
    breaker.report(early[6], 103.0, Failure.TRANSIENT, begun=100.0)
    breaker.withdraw(early[7])

    assert not breaker.is_closed
    assert breaker.until == until


def test_time_outs_of_an_outage_that_is_over_do_not_open_it():
    breaker = new_breaker()
    hanging = [breaker.enter(100.0) for _ in range(50)]

    for late in range(50):
        now = 220.0 + late / 10
        call(breaker, now)
        breaker.report(hanging[late], now, Failure.TIMEOUT, begun=100.0)

    assert breaker.is_closed


def test_time_outs_open_it_while_nothing_newer_goes_well():
    breaker = new_breaker()
    hanging = [breaker.enter(100.0) for _ in range(5)]

    for number in hanging:
        breaker.report(number, 220.0, Failure.TIMEOUT, begun=100.0)

    assert not breaker.is_closed


def test_it_closes_when_calls_that_began_after_the_late_time_outs_go_well():
    breaker = new_breaker()
    hanging, earlier, later = breaker.enter(100.0), breaker.enter(99.0), breaker.enter(150.0)
    for _ in range(5):
        breaker.report(hanging, 220.0, Failure.TIMEOUT, begun=100.0)
    assert not breaker.is_closed

    breaker.report(earlier, 221.0, None, begun=99.0)
    assert not breaker.is_closed

    breaker.report(later, 222.0, None, begun=150.0)
    assert breaker.is_closed


def test_a_success_that_was_under_way_does_not_close_it_after_failures_of_the_moment():
    breaker = new_breaker()
    under_way = breaker.enter(100.0)
    for _ in range(5):
        call(breaker, 99.9, Failure.TRANSIENT)

    breaker.report(under_way, 101.0, None, begun=100.0)

    assert not breaker.is_closed


def test_jitter_only_makes_the_wait_shorter():
    breaker = Breaker(Rules(), random=lambda: 1.0)
    for _ in range(5):
        call(breaker, 100.0, Failure.TRANSIENT)

    assert breaker.until == 127


def test_what_another_worker_says_never_lasts_longer_than_our_own_wait():
    breaker = new_breaker()

    breaker.hear_open(1e12, 100.0)

    assert breaker.until == 130


class Life(RuleBasedStateMachine):
    """Calls begin and end in any order, while the clock goes on."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        self.breaker = new_breaker()
        self.under_way: list[tuple[int, float]] = []
        self.probes: dict[int, float] = {}

    @rule(seconds=st.floats(0, 40))
    def wait(self, seconds):
        self.now += seconds

    @rule()
    def begin(self):
        number = self.breaker.enter(self.now)
        if number == REFUSED:
            assert not self.breaker.is_closed
            assert self.now < self.breaker.until or self.probes
            return
        if self.breaker.is_probe(number):
            assert self.now >= self.breaker.until
            assert all(self.now >= begun + 5 for begun in self.probes.values()), "two probes at once"
            self.probes[number] = self.now
        self.under_way.append((number, self.now))

    @precondition(lambda self: self.under_way)
    @rule(choice=st.integers(0, 10**6), failure=st.sampled_from([None, *Failure]))
    def end(self, choice, failure):
        number, begun = self.under_way.pop(choice % len(self.under_way))
        was_closed = self.breaker.is_closed
        self.breaker.report(number, self.now, failure, begun=begun)
        self._note_end(number)
        if failure in HARMLESS:
            assert self.breaker.is_closed is was_closed

    @precondition(lambda self: self.under_way)
    @rule(choice=st.integers(0, 10**6))
    def leave(self, choice):
        number, _ = self.under_way.pop(choice % len(self.under_way))
        self.breaker.withdraw(number)
        self._note_end(number)

    @invariant()
    def it_is_never_shut_out_for_longer_than_promised(self):
        if not self.breaker.is_closed:
            assert self.breaker.until <= self.now + 30
            assert self.breaker.allows(self.now + 35)

    def _note_end(self, number):
        self.probes.pop(number, None)
        if self.breaker.is_closed:
            self.probes.clear()
        self.probes = {probe: begun for probe, begun in self.probes.items() if self.breaker.is_probe(probe)}


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=60, stateful_step_count=60, deadline=None)
