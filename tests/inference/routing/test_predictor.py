"""The predictor with the shipped prior, and what an organization's evidence changes."""

import json
from dataclasses import asdict, replace

import numpy as np
import pytest

from inference.catalog import Model
from inference.routing import evidence, predictor, signals
from inference.routing.evidence import Evidence
from inference.routing.placing import DIMENSION
from inference.routing.predictor import Predicted, Predictor

STRONG = Model("strong", "acme", "strong", quality={"default": 4.5})
WEAK = Model("weak", "acme", "weak", quality={"default": 3.0, "code": 4.0})
LAW = "The plaintiff sued the defendant under tort. Is there liability?"
TEA = "Say something nice about tea, please."


def predict(
    mine: Predictor, text: str, vector: np.ndarray | None = None, *, task_type: str = "general"
) -> dict[str, Predicted]:
    found = mine.predict(signals.measure(text), vector, task_type=task_type, models=[STRONG, WEAK])
    return {each.model: each for each in found}


def told(text: str, model: Model, score: float, *, vector: np.ndarray | None = None) -> Evidence:
    quality = model.quality_for("general")
    return Evidence(signals.measure(text), vector, model.name, quality, "general", score)


def weak_fails_at_law(count: int) -> list[Evidence]:
    rows = []
    for number in range(count):
        text, is_law = (LAW, True) if number % 3 else (TEA, False)
        rows += [told(f"{text} {number}", STRONG, 1.0), told(f"{text} {number}", WEAK, 0.0 if is_law else 1.0)]
    return rows


def test_with_the_prior_alone_the_better_model_of_the_catalogue_is_the_likelier() -> None:
    found = predict(Predictor(predictor.shipped()), TEA)

    assert 0 < found["weak"].chance < found["strong"].chance < 1
    assert found["strong"].quality > found["weak"].quality


def test_the_catalogues_quality_for_the_task_counts() -> None:
    mine = Predictor(predictor.shipped())

    assert predict(mine, TEA, task_type="code")["weak"].chance > predict(mine, TEA)["weak"].chance


def test_the_prior_moves_quality_only_a_little_from_the_catalogues() -> None:
    found = predict(Predictor(predictor.shipped()), LAW)

    assert found["strong"].quality == pytest.approx(4.5, abs=1.0)


def test_what_is_far_from_all_that_was_seen_is_judged_by_the_catalogue() -> None:
    found = predict(Predictor(predictor.shipped()), "\u4f60\u597d {};=>\n" * 900)

    assert found["strong"].quality == pytest.approx(4.5, abs=0.6)


def test_evidence_lowers_a_model_where_it_failed_and_not_elsewhere() -> None:
    own = evidence.refit(predictor.shipped(), weak_fails_at_law(150))

    mine = Predictor(predictor.shipped(), own)

    assert predict(mine, LAW)["weak"].chance < 0.3
    assert predict(mine, TEA)["weak"].chance > 0.7
    assert predict(mine, LAW)["strong"].chance > 0.8


def test_a_handful_of_rows_hardly_changes_anything_and_lessens_the_doubt() -> None:
    before = predict(Predictor(predictor.shipped()), TEA)["weak"]

    own = evidence.refit(predictor.shipped(), [told(TEA, WEAK, 0.0)])
    after = predict(Predictor(predictor.shipped(), own), TEA)["weak"]

    assert before.chance - 0.25 < after.chance < before.chance
    assert after.spread < before.spread


def test_without_rows_nothing_is_learnt() -> None:
    assert evidence.refit(predictor.shipped(), []) == predictor.NOTHING_OWN


def test_what_lies_near_in_meaning_is_learnt_where_vectors_are() -> None:
    topics = predictor.shipped().topics
    hard, easy = topics[0], topics[1]
    rows = [
        told(f"Please tell me of number {number}", WEAK, float(number % 2), vector=easy if number % 2 else hard)
        for number in range(400)
    ]

    mine = Predictor(predictor.shipped(), evidence.refit(predictor.shipped(), rows))

    assert (
        predict(mine, "Please tell me", hard)["weak"].chance + 0.3
        < predict(mine, "Please tell me", easy)["weak"].chance
    )


def test_a_vector_of_another_embedder_is_left_aside() -> None:
    own = evidence.refit(predictor.shipped(), [replace(row, vector=np.ones(512)) for row in weak_fails_at_law(50)])
    mine = Predictor(predictor.shipped(), own)

    assert predict(mine, LAW, np.ones(1536)) == predict(mine, LAW)


def test_an_organizations_weights_stay_small_whatever_it_sends() -> None:
    vector = predictor.shipped().topics[0]
    rows = [
        replace(told(f"{LAW} {number}", STRONG, number % 2, vector=vector), model=f"model-{number % 40}")
        for number in range(3000)
    ]

    own = evidence.refit(predictor.shipped(), rows)

    assert len(json.dumps(asdict(own))) < 50_000
    assert len(vector) == DIMENSION
