"""How quickly deployments answer: what is said of them, from when on, and for how long."""

import random
from dataclasses import replace

import pytest

from inference import catalog as catalogs
from inference.catalog import Model
from inference.resilience.latencies import AS_LISTED, Latencies
from tests.inference.kit import MODELS

MEDIUM = catalogs.load(MODELS, {}, mock=True).find("mock-medium")  # listed with 700 ms
HOUR_SECONDS = 3600.0


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def latencies(clock) -> Latencies:
    return Latencies(clock)


def feed(latencies: Latencies, times: int, latency_ms: float = 7000.0, *, place: str = "a", **more) -> None:
    for _ in range(times):
        measured = {"latency_ms": latency_ms, "first_token_ms": None, "tokens": 100, **more}
        latencies.saw(place, MEDIUM.name, **measured)


def near(figure: float, share: float = 0.1):
    return pytest.approx(figure, rel=share)


@pytest.mark.parametrize(
    ("calls", "latency_ms"),
    [
        (0, 700),
        (19, 700),
        (20, near(3850)),  # half way: it is worth as many calls
        (60, near(5425)),
        (1980, near(6937)),
    ],
)
def test_what_is_measured_outweighs_the_catalogue_the_more_calls_there_were(latencies, calls, latency_ms):
    feed(latencies, calls)

    assert latencies.typical().latency_ms(MEDIUM) == latency_ms


def test_a_model_of_which_nothing_is_listed_has_what_is_measured(latencies):
    feed(latencies, 20)

    assert latencies.typical().latency_ms(replace(MEDIUM, latency_ms=0)) == near(7000)


def test_other_models_keep_their_figure(latencies):
    feed(latencies, 100)

    other: Model = replace(MEDIUM, name="another")
    assert latencies.typical().latency_ms(other) == 700


def test_a_slow_spell_is_forgotten(latencies, clock):
    feed(latencies, 1000)
    clock.now += HOUR_SECONDS

    assert latencies.typical().latency_ms(MEDIUM) == 700


def test_what_was_lately_counts_for_more_than_what_was_before(latencies, clock):
    feed(latencies, 400, 7000.0)
    clock.now += 900.0
    feed(latencies, 100, 200.0)

    assert latencies.typical().paces[MEDIUM.name].latency_ms.p50 == near(200)
    assert latencies.typical().paces[MEDIUM.name].calls == 150


def test_the_quickest_deployment_that_is_known_well_enough_counts(latencies):
    feed(latencies, 50, 7000.0, place="slow")
    feed(latencies, 50, 900.0, place="quick")
    feed(latencies, 5, 10.0, place="new")

    assert latencies.typical().paces[MEDIUM.name].latency_ms.p50 == near(900)


def test_the_figures_are_right_to_a_tenth(latencies):
    chance = random.Random(7)
    measured = sorted(chance.lognormvariate(7, 1) for _ in range(2000))
    for latency_ms in measured:
        feed(latencies, 1, latency_ms)

    spread = latencies.typical().paces[MEDIUM.name].latency_ms
    assert (spread.p50, spread.p95) == (near(measured[1000]), near(measured[1900]))


def test_of_streams_the_first_token_and_the_speed_after_it_are_known(latencies):
    feed(latencies, 30, 2100.0, first_token_ms=100.0, tokens=160)

    pace = latencies.typical().paces[MEDIUM.name]
    assert pace.first_token_ms is not None
    assert pace.tokens_per_second is not None
    assert (pace.first_token_ms.p50, pace.tokens_per_second.p50) == (near(100), near(80))


def test_of_whole_answers_they_are_not(latencies):
    feed(latencies, 30)
    feed(latencies, 5, first_token_ms=7000.0)

    pace = latencies.typical().paces[MEDIUM.name]
    assert (pace.first_token_ms, pace.tokens_per_second) == (None, None)


@pytest.mark.parametrize(
    "measured", [{"latency_ms": 0.0}, {"latency_ms": -1e-9}, {"latency_ms": 1e18}, {"first_token_ms": 0.0, "tokens": 0}]
)
def test_no_figure_is_too_odd_to_be_counted(latencies, measured):
    feed(latencies, 20, **measured)

    assert latencies.typical().paces[MEDIUM.name].calls == 20


def test_requests_of_the_same_second_go_by_the_same_figures(latencies, clock):
    before = latencies.typical()
    feed(latencies, 100)
    within = latencies.typical()
    clock.now += 1.0
    after = latencies.typical()
    clock.now += 1.0

    assert before is within is AS_LISTED
    assert after is latencies.typical() is not AS_LISTED
