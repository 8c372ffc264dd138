"""Recorded answers: what a router saves is judged on prompts that it was not fitted on."""

from decimal import Decimal

import orjson
import pytest
from django.conf import settings

from acron_site.lib.errors import InvalidRequestError
from inference import catalog as catalogs
from inference.benchmark import recorded, recorded_report
from inference.benchmark.choosers import Price
from inference.benchmark.intervals import Bootstrap

PRICES = {"strong": Price(Decimal(10), Decimal(30)), "weak": Price(Decimal(1), Decimal(3))}
BOOT = Bootstrap(seed=3, draws=200)


def catalog():
    return catalogs.load(settings.BASE_DIR / "tests" / "inference" / "models.yaml", {}, mock=False)


def line(number: int, **fields) -> bytes:
    """The weak model knows geography as well as the strong one, and no mathematics."""
    is_easy = number % 2 == 0
    row = {
        "prompt": f"question {number}",
        "domain": "geography" if is_easy else "mathematics",
        "scores": {"strong": 1, "weak": 1 if is_easy else 0},
        "out_chars": {"strong": 400, "weak": 400},
    }
    return orjson.dumps({**row, **fields})


def study(lines, **options):
    values = {"strong": "strong", "prices": PRICES, "boot": BOOT}
    return recorded.study(list(recorded.read(lines)), catalog(), **{**values, **options})


def test_what_the_weak_model_knows_goes_to_it_and_no_quality_is_lost():
    found = study([line(number) for number in range(200)])

    best = found.held[0]
    assert best.point.quality == 1
    # half of the calls cost a tenth
    assert best.point.cost == pytest.approx(0.55, abs=0.05)
    assert best.point.strong_calls == pytest.approx(0.5, abs=0.1)
    assert best.cost.low < best.point.cost < best.cost.high
    assert found.best_possible.cost == pytest.approx(best.point.cost)
    assert found.apgr > 0.7
    assert found.prompts + found.fitted_on == 200


def test_where_nothing_tells_prompts_apart_nothing_is_won():
    found = study([line(number, domain="one") for number in range(200)])

    assert found.held[0].point.cost == found.held[0].point.quality == 1
    assert found.apgr == pytest.approx(0.5)


def test_costs_that_were_recorded_are_used_as_they_are():
    found = study([line(number, cost_usd={"strong": 0.5, "weak": 0.125}) for number in range(40)], prices={})

    assert found.alone["weak"].cost == pytest.approx(0.25)
    assert found.assumed == []


def test_the_report_names_what_was_assumed():
    made = recorded_report.report(study([line(number) for number in range(40)]), {})

    assert any("a token for 4 characters" in limit for limit in made.limits)
    assert {figure.name for figure in made.figures} >= {"saved_at_99", "quality_at_95", "apgr", "saved_best_possible"}


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"prices": {}}, "no price for strong: say --price strong=IN/OUT"),
        ({"strong": "other"}, "no recording of other in every line; --strong may be strong, weak"),
    ],
)
def test_what_is_missing_is_said(options, says):
    with pytest.raises(InvalidRequestError, match=says):
        study([line(number) for number in range(40)], **options)


def test_too_few_prompts_prove_nothing():
    with pytest.raises(InvalidRequestError, match="3 recordings prove nothing"):
        study([line(number) for number in range(3)])


@pytest.mark.parametrize(
    "bad",
    [
        b"nonsense",
        b"[]",
        b"{}",
        orjson.dumps({"prompt": "x", "scores": {"a": 7}}),
        orjson.dumps({"prompt": "x", "scores": {}}),
        orjson.dumps({"prompt": "x", "scores": {"a": 1}, "cost_usd": {"a": "lots"}}),
        b'{"prompt": "x", "scores": {"a": 1}, "cost_usd": {"a": "NaN"}}',
    ],
)
def test_a_line_that_is_no_recording_is_numbered(bad):
    with pytest.raises(InvalidRequestError, match="line 2 is no recording"):
        list(recorded.read([line(1), bad]))


def test_a_model_that_was_not_recorded_is_missed_by_its_line():
    with pytest.raises(InvalidRequestError, match="line 1 is no recording with a score of strong, other"):
        list(recorded.read([line(1)], ["strong", "other"]))
