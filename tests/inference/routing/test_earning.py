"""Whether evidence has earned that requests are routed by it, and weights as they are kept."""

import json
from dataclasses import replace
from uuid import UUID

import numpy as np
import pytest

from inference import catalog as catalogs
from inference.catalog import Model
from inference.routing import earning, evidence, own_weights, predictor, signals
from inference.routing.earning import FURTHEST_GAP
from inference.routing.evidence import Evidence
from inference.routing.own_weights import GarbledWeightsError
from inference.routing.predictor import Predictor
from tests.inference.evidence_kit import TASK, law, pairs, rows_of, talk
from tests.inference.kit import MODELS

CATALOG = catalogs.load(MODELS, {}, mock=True)
ADA = UUID(int=1)


def rows(requests: int) -> list[Evidence]:
    return rows_of(pairs(ADA, requests), CATALOG)


@pytest.fixture(scope="module")
def fitted():
    return earning.earned(predictor.shipped(), rows(250))


def chance(weights, text: str, model: str = "mock-small") -> float:
    asked = [CATALOG.find(model)]
    (found,) = Predictor(predictor.shipped(), weights).predict(
        signals.measure(text), None, task_type=TASK, models=asked
    )
    return found.chance


def test_a_model_that_fails_at_one_kind_of_text_and_not_at_another_is_told_apart_and_that_is_trusted(fitted):
    assert (fitted.rows, fitted.why_not, fitted.is_trusted) == (500, "", True)
    assert fitted.figures.loss < fitted.figures.prior_loss / 2
    assert fitted.figures.gap <= FURTHEST_GAP < fitted.figures.prior_gap
    assert chance(fitted.weights, law(9_001)) < 0.2
    assert chance(fitted.weights, talk(9_002)) > 0.9


def test_with_a_hundred_rows_nothing_is_fitted():
    found = earning.earned(predictor.shipped(), rows(50))

    assert (found.rows, found.weights, found.figures) == (100, predictor.NOTHING_OWN, None)
    assert found.why_not == "100 of 300 rows of evidence are there"


def test_what_is_held_back_decides():
    given = rows(250)
    _, held = evidence.parted(given)
    otherwise = {row.signals for row in held}
    turned = [
        replace(row, score=1 - row.score) if row.signals in otherwise and not row.is_measure else row for row in given
    ]

    found = earning.earned(predictor.shipped(), turned)

    assert not found.is_trusted
    assert found.why_not == "the rows held back are foretold no better than by the catalogue alone"


def test_a_model_that_is_taken_for_better_than_it_is_by_too_much_is_not_trusted():
    given = rows(250)
    _, held = evidence.parted(given)
    talks = sorted({row.signals for row in held if row.model == "mock-small" and row.score == 1.0})
    worse = set(talks[::2])
    turned = [replace(row, score=0.3) if row.signals in worse and not row.is_measure else row for row in given]

    found = earning.earned(predictor.shipped(), turned)

    assert found.figures is not None
    assert found.figures.loss < found.figures.prior_loss
    assert found.figures.gap > FURTHEST_GAP
    assert "the share of good answers of mock-small is foretold" in found.why_not


def test_that_the_dearer_model_is_always_right_is_no_merit():
    measures = [row for row in rows(700) if row.is_measure]

    found = earning.earned(predictor.shipped(), measures)

    assert (found.is_trusted, found.figures) == (False, None)


def test_what_is_1_by_definition_makes_up_for_nothing_that_was_foretold_wrong():
    given = rows(250)
    _, held = evidence.parted(given)
    # the cheaper model does otherwise for a third of them; with the dearer one's rows the figure would still be better
    otherwise = set(sorted({row.signals for row in held})[:18])
    turned = [
        replace(row, score=1 - row.score) if row.signals in otherwise and not row.is_measure else row for row in given
    ]

    found = earning.earned(predictor.shipped(), turned)

    assert found.why_not == "the rows held back are foretold no better than by the catalogue alone"


def test_of_many_models_with_few_rows_each_nothing_can_be_told():
    given = [replace(row, model=f"model-{number % 40}") for number, row in enumerate(rows(250))]

    assert "of no model 30 rows were held back" in earning.earned(predictor.shipped(), given).why_not


def test_all_rows_of_a_request_are_on_one_side_and_strengths_are_tried_on_another_quarter():
    given = rows(400)

    learnt, held = evidence.parted(given)

    assert not {row.signals for row in learnt} & {row.signals for row in held}
    assert 0.15 < len(held) / len(given) < 0.35
    assert any(evidence._is_held_back(row, evidence._TO_TRY) for row in learnt)


def test_no_model_is_taken_for_better_than_what_it_was_compared_with(fitted):
    small, medium = CATALOG.find("mock-small"), CATALOG.find("mock-medium")
    mine = Predictor(predictor.shipped(), fitted.weights)

    assert [mine.ceiling(model, TASK) for model in (small, medium)] == [3.9, 3.9]
    # nothing was compared for it: the catalogue's figure is the most
    assert mine.ceiling(small, "code") == 3.2


def test_weights_are_kept_as_they_are():
    vector = predictor.shipped().topics[0]
    seen = [replace(row, vector=vector) for row in rows(250)]
    own = evidence.refit(predictor.shipped(), seen)

    kept = json.loads(json.dumps(own_weights.as_document(own)))

    assert own.seeing is not None
    assert own_weights.read(kept, predictor.shipped()) == own


def garbled(own):
    good = json.loads(json.dumps(own_weights.as_document(own)))
    models = good["models"]
    small = models["mock-small"]
    yield None
    yield []
    yield "weights"
    yield {}
    yield {**good, "models": []}
    yield {**good, "blind": None}
    yield {**good, "seeing": {}}
    yield {**good, "blind": {**good["blind"], "shift": good["blind"]["shift"][1:]}}
    yield {**good, "blind": {**good["blind"], "telling": ["x"] * 30}}
    yield {**good, "blind": {**good["blind"], "shift": [1e300] * 30}}
    yield {**good, "models": {**models, "mock-small": {**small, "intercept": "NaN"}}}
    yield {**good, "models": {**models, "mock-small": {**small, "rows": "many"}}}
    yield {**good, "models": {**models, "mock-small": {**small, "ceilings": None}}}


def test_what_we_cannot_have_written_is_refused(fitted):
    for document in garbled(fitted.weights):
        with pytest.raises(GarbledWeightsError):
            own_weights.read(document, predictor.shipped())


def test_a_model_is_known_once_its_rows_say_as_much_as_the_catalogue():
    own = evidence.refit(predictor.shipped(), rows(30)[:-1])
    mine = Predictor(predictor.shipped(), own)

    small, medium = (Model(name, "mock", name) for name in ("mock-small", "mock-medium"))
    assert (mine.knows(small), mine.knows(medium)) == (True, False)


def test_signals_of_prose_are_those_that_a_search_would_find():
    prose, code = signals.measure("Is that so? Yes."), signals.measure("def f(): return x == 1")

    places = [signals.NAMES.index(name) for name in ("code", "maths")]
    assert [prose[place] for place in places] == [0.0, 0.0]
    assert np.all([code[place] > 0 for place in places])
