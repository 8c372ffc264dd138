"""Trials say what their requests were like, and what is learnt from that steers Autopilot, end to end."""

import time
from dataclasses import replace
from uuid import UUID

import numpy as np
import orjson
import pytest

from caching.backends.memory_vectors import MemoryVectors
from caching.embedders import hashing, minilm
from caching.gate_rules import Gate, GateState
from caching.learning import Learner
from caching.likeness.comparison import Likeness
from caching.protocols import EmbeddingError, Purpose
from caching.semantic import SemanticCache
from inference import catalog as catalogs
from inference.domain import RoutingMode
from inference.routing import evidence, predictor, signals, traits
from inference.routing.policies import PLAIN, CascadeUse
from inference.routing.predictor import Predictor
from inference.routing.proofs import TWO_THAT_AGREE, Proof, Proofs, Standing
from inference.similar import SimilarAnswers
from inference.steering import Steering
from inference.trials import TrialParts
from inference.wire import native
from inference.wire.http import Head
from tests.inference.evidence_kit import TASK, law, pairs, rows_of, talk
from tests.inference.kit import ADA, MALLORY, MODELS, Kit, ask
from tests.inference.trials_kit import EXPLORES, Reported, SamePolicy, Story, Voices

FRANCE = "What is the capital of France?"
VECTOR = np.eye(384, dtype=np.float32)[7]


class Placing:
    """An embedder that places every text at the same spot, and remembers what it was asked."""

    def __init__(self, space=minilm.SPACE, *, is_away=False) -> None:
        self.space, self.is_away = space, is_away
        self.asked: list[tuple[list[str], Purpose]] = []

    async def embed(self, texts, purpose):
        self.asked.append((list(texts), purpose))
        if self.is_away:
            raise EmbeddingError("away")
        return [VECTOR for _ in texts]

    async def close(self) -> None:
        return None


class Serving:
    def gate(self, namespace, task_type, policy=None) -> Gate:
        return Gate(GateState.SERVING, 0.5, 0.0, "")

    def report(self, check) -> None:
        return None

    def note_serving(self, serving) -> None:
        return None


@pytest.fixture(scope="module")
def learnt() -> Predictor:
    rows = rows_of(pairs(ADA.organization_id, 250), catalogs.load(MODELS, {}, mock=True))
    return Predictor(predictor.shipped(), evidence.refit(predictor.shipped(), rows))


async def test_a_trial_says_what_its_request_was_like():
    embedder = Placing()
    told = Story(embedder=embedder)

    await told.get()

    (pair,) = told.reports.pairs
    assert pair.traits is not None
    assert pair.traits.signals == signals.measure(FRANCE)
    assert pair.traits.vector is VECTOR
    assert embedder.asked == [([FRANCE], Purpose.QUERY)]


@pytest.mark.parametrize("embedder", [None, Placing(hashing.SPACE), Placing(is_away=True)])
async def test_without_a_vector_in_the_predictors_space_signals_alone_are_evidence(embedder):
    told = Story(embedder=embedder)

    await told.get()

    (pair,) = told.reports.pairs
    assert pair.traits == traits.Traits(signals.measure(FRANCE))
    assert embedder is None or embedder.is_away or embedder.asked == []


async def test_of_two_that_agree_nothing_is_learnt_of_either():
    hopeless = Standing(pairs=20, losses=9)
    known = Proofs({TASK: tuple(Proof(f"mock-{name}", "mock-large", hopeless) for name in ("small", "medium"))})
    told = Story(replace(EXPLORES, quality_threshold=4.5, cascades=CascadeUse.PROVEN), proofs=known)

    await told.get()

    (pair,) = told.reports.pairs
    assert (pair.model, pair.traits) == (TWO_THAT_AGREE, None)


async def test_where_tier_two_looks_the_words_need_not_be_embedded_again():
    embedder = Placing()
    cache = SemanticCache(
        MemoryVectors(1_000_000), embedder, likeness=Likeness(), gates=Serving(), random=lambda: 0.5, clock=time.time
    )
    similar = SimilarAnswers(cache, Learner(cache, embedder, Serving()), secret=b"secret", check_share=0.05)
    kit, asked = Kit(mock=True, similar=similar), ask(model="auto")

    await kit.answer(ADA, asked)

    assert traits.traits_of(asked) == traits.Traits(signals.measure(FRANCE), VECTOR)


async def test_a_vector_of_another_space_is_left_aside():
    asked = ask(model="auto")

    traits.note_vector(asked, hashing.SPACE, np.ones(512, np.float32))

    assert traits.traits_of(asked).vector is None


def steered(learnt: Predictor, voices: Voices, reports: Reported | None = None) -> Kit:
    """A gateway in which Ada's organization has a predictor."""
    known = {ADA.organization_id: Proofs(predictor=learnt)}
    policy = PLAIN if reports is None else EXPLORES
    return Kit(
        mock=True,
        without="far-away",
        transport=voices,
        steering=Steering(SamePolicy(policy), known.get, baseline="mock-large", secret=b"secret"),
        trials=TrialParts(reports or Reported(), lambda: 0.0),
    )


def voices() -> Voices:
    return Voices(small="Yes.", medium="Yes.", large="Yes.")


async def test_each_kind_of_text_is_answered_by_the_model_that_is_good_enough_for_it(learnt):
    kit = steered(learnt, voices())

    at_law = await kit.answer(ADA, ask(law(9_001), model="auto", acron={"task_type": TASK}))
    at_talk = await kit.answer(ADA, ask(talk(9_002), model="auto", acron={"task_type": TASK}))

    assert (at_law.facts.model, at_talk.facts.model) == ("mock-medium", "mock-small")
    assert at_talk.facts.route_reason == "predicted good enough (3.9 of 5) and cheapest"


async def test_what_adas_organization_has_learnt_never_steers_mallorys(learnt):
    kit = steered(learnt, voices())

    theirs = await kit.answer(MALLORY, ask(talk(9_002), model="auto", acron={"task_type": TASK}))

    assert theirs.facts.model == "mock-medium"
    assert theirs.facts.route_reason == "cheapest of the models with quality >= 3.5"


async def test_what_is_predicted_good_enough_is_still_compared_with_what_it_spares(learnt):
    said, reports = voices(), Reported()
    kit = steered(learnt, said, reports)

    await kit.answer(ADA, ask(talk(9_002), model="auto", acron={"task_type": TASK}))
    await kit.gateway.checks.idle()

    assert said.asked == ["mock-small", "mock-medium"]
    (pair,) = reports.pairs
    assert (pair.model, pair.reference) == ("mock-small", "mock-medium")


async def test_infer_says_what_was_predicted_of_each_candidate(learnt):
    kit = steered(learnt, voices())
    body = {"prompt": talk(9_002), "task_type": TASK}
    asked = native.read(orjson.dumps(body), Head("req_test", 0.0), default_mode=RoutingMode.AUTOPILOT)

    document = orjson.loads(native.write(await kit.answer(ADA, asked)))

    found = {each["model"]: each for each in document["routing"]["candidates"]}
    assert found["mock-small"]["predicted_quality"] == 3.9
    assert 0.9 < found["mock-small"]["chance"] < 1
    assert (found["mock-large"]["predicted_quality"], found["mock-large"]["chance"]) == (None, None)


def test_a_pair_whose_signals_are_no_numbers_is_not_kept():
    (sound,) = pairs(UUID(int=1), 1)

    broken = replace(sound, traits=traits.Traits((float("nan"),) * len(signals.NAMES)))

    assert (sound.is_sound, broken.is_sound) == (True, False)
