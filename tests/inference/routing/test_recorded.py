"""Recorded scores as the evaluation reads them."""

import gzip
import json
from pathlib import Path

import pytest

from inference.routing import agreement, priors, recorded
from inference.routing.recorded import RecordedSet, Row


def written(directory: Path, rows: list[dict[str, object]]) -> RecordedSet:
    (directory / "routing").mkdir()
    with gzip.open(directory / "routing" / "small.jsonl.gz", "wt") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    return next(recorded.recorded_sets(directory))


def test_a_set_is_read_with_its_last_turns_and_costs(tmp_path: Path) -> None:
    row = {"prompt": "before it\nWhat?", "question": "What?", "domain": "x", "scores": {"gpt-4o": 1, "phi-3-mini": 0}}

    found = written(tmp_path, [{**row, "cost_usd": {"gpt-4o": 0.5}}])

    assert found.rows[0].text == "What?"
    assert found.costs(["gpt-4o", "phi-3-mini"])[0] == pytest.approx([0.5, 0.000022], rel=0.1)


def test_one_question_in_two_dresses_is_never_learnt_and_tested() -> None:
    plain, dressed = Row("What is 2 + 2?", "", {"a": 1.0}), Row("what is 2 + 2 ?", "", {"a": 1.0})

    assert plain.is_test == dressed.is_test
    assert not RecordedSet("one", [plain]).without(RecordedSet("other", [dressed]).keys).rows


@pytest.mark.parametrize(
    ("model", "quality"),
    [("gpt-4o-2024-08-06", 4.0), ("gpt-4o-mini-2024-07-18", 3.0), ("gpt-4-1106-preview", 4.3), ("unheard-of-70b", 3.0)],
)
def test_a_recorded_models_quality_follows_the_catalogues_rule(model: str, quality: float) -> None:
    assert priors.quality_of(model) == quality


def test_a_model_without_a_price_is_refused() -> None:
    with pytest.raises(LookupError):
        recorded.listed_price("unheard-of")


def test_a_cascade_spares_the_strong_model_where_two_cheap_ones_agree() -> None:
    answers = [{"gpt-4o": "1", "phi-3-mini": "1", "mixtral-8x7b": "1"}] * 3
    answers += [{"gpt-4o": "1", "phi-3-mini": "2", "mixtral-8x7b": "1"}]
    rows = [
        Row(f"q{number}", "", {name: float(said == "1") for name, said in each.items()}, answers=each)
        for number, each in enumerate(answers)
    ]

    found = agreement.best(RecordedSet("small", rows), quality=1.0)

    assert found is not None
    assert (found.strong, found.agreed, found.quality) == ("gpt-4o", 0.75, 1.0)
    assert 0.25 < found.cost < 1
