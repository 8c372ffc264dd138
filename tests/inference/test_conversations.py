"""A conversation stays with the model that answered before, unless a turn needs another one or moving is cheaper."""

from dataclasses import replace

import pytest

from acron_site.lib.errors import InvalidRequestError
from inference.domain import Cascade, Route, RoutingMode
from inference.routing.course import Course
from inference.routing.policies import PLAIN, CascadeUse
from inference.steering import cascade_of
from tests.inference.kit import ADA, MALLORY, MODELS, Kit, ask

HARD = {"quality_threshold": 4.5}
LONG = "These are the minutes of the meeting. " * 200
STAYS = "stays with mock-large, which answered before"
PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
THOUGHT = {"thinking_blocks": [{"type": "thinking", "thinking": "Hm.", "signature": "c2lnbmVk"}]}


class CountingStore:
    """Counts how often it is asked; `is_away`: as one that is down."""

    def __init__(self, store, *, is_away=False) -> None:
        self._store, self.is_reachable, self.asked, self.name = store, not is_away, 0, "counting"

    async def get(self, key):
        self.asked += 1
        return await self._store.get(key) if self.is_reachable else None

    def put(self, key, value, ttl_seconds, *, shelving=None):
        if self.is_reachable:
            self._store.put(key, value, ttl_seconds, shelving=shelving)


@pytest.fixture
def models_file(tmp_path):
    """The large model's provider gives a rebate on what it was told before."""
    path = tmp_path / "models.yaml"
    listed = MODELS.read_text(encoding="utf-8")
    path.write_text(listed.replace("input: 5,", "input: 5, cache_read: 0.05,"), encoding="utf-8")
    return path


@pytest.fixture
def kit(models_file):
    return Kit(mock=True, without="far-away", models_file=models_file)


def first(text=LONG, **fields):
    return ask(text, **{"model": "auto", "max_tokens": 10, "acron": HARD, **fields})


def later(text=LONG, *, question="And who was late?", answer=None, **fields):
    told = [
        {"role": "user", "content": text},
        {"role": "assistant", "content": "It is done.", **(answer or {})},
        {"role": "user", "content": question},
    ]
    return ask(**{"model": "auto", "max_tokens": 10, "messages": told, **fields})


async def test_the_next_turn_stays_though_a_cheaper_model_would_now_do(kit):
    begun = await kit.answer(ADA, first())

    after = await kit.answer(ADA, later())

    assert begun.facts.model == "mock-large"
    assert (after.facts.model, after.facts.route_reason) == ("mock-large", STAYS)


async def test_a_conversation_that_nobody_answered_before_is_decided_anew(kit):
    after = await kit.answer(ADA, later())

    assert after.facts.model == "mock-medium"


async def test_guided_stays_too(kit):
    await kit.answer(ADA, first(model="acron-guided"))

    after = await kit.answer(ADA, later(model="acron-guided", acron={"quality_preference": "medium"}))

    assert after.facts.model == "mock-large"


async def test_where_nothing_is_gained_a_turn_goes_to_the_cheaper_model(kit):
    await kit.answer(ADA, first("Who was late?"))

    after = await kit.answer(ADA, later("Who was late?"))

    assert after.facts.model == "mock-medium"


async def test_what_a_model_has_thought_stays_with_it_whatever_that_costs(kit):
    await kit.answer(ADA, first("Who was late?"))

    after = await kit.answer(ADA, later("Who was late?", answer=THOUGHT))

    assert after.facts.route_reason == STAYS


@pytest.mark.parametrize(
    "fields",
    [{"question": [{"type": "text", "text": "And here?"}, PICTURE]}, {"acron": HARD}],
    ids=["a picture", "more quality"],
)
async def test_a_turn_that_needs_more_moves_to_a_model_that_has_it(kit, fields):
    begun = await kit.answer(ADA, first(acron={}))

    after = await kit.answer(ADA, later(**fields))

    assert (begun.facts.model, after.facts.model) == ("mock-medium", "mock-large")


async def test_a_turn_never_stays_beyond_its_callers_budget(kit):
    await kit.answer(ADA, first("Who was late?"))

    after = await kit.answer(ADA, later("Who was late?", answer=THOUGHT, acron={"cost_budget_usd": "0.0002"}))

    assert after.facts.model == "mock-medium"


async def test_a_model_that_fails_is_left_and_the_conversation_stays_where_it_went(kit):
    await kit.answer(ADA, first())
    kit.switchboard.resting.add("mock-large")

    moved = await kit.answer(ADA, later())
    kit.switchboard.resting.clear()
    after = await kit.answer(ADA, later(question="And who came first?"))

    assert (moved.facts.model, after.facts.model) == ("mock-medium", "mock-medium")


async def test_another_organization_with_the_same_words_is_decided_for_itself(kit):
    await kit.answer(ADA, first())

    theirs = await kit.answer(MALLORY, later())

    assert theirs.facts.model == "mock-medium"


async def test_two_workers_decide_alike(kit, models_file):
    other = Kit(mock=True, without="far-away", models_file=models_file)
    other.cache.store = kit.store
    await kit.answer(ADA, first())

    after = await other.answer(ADA, later())

    assert after.facts.route_reason == STAYS


async def test_a_store_that_is_away_costs_the_note_and_not_the_answer(kit):
    await kit.answer(ADA, first())
    kit.cache.store = CountingStore(kit.store, is_away=True)

    after = await kit.answer(ADA, later())

    assert (after.facts.model, after.facts.http_status) == ("mock-medium", 200)


async def test_a_first_turn_asks_the_store_for_nothing_more_and_a_later_one_once(kit):
    asked = []
    for turn in (first(acron={**HARD, "sticky": False}), first("Who was late?"), later()):
        kit.cache.store = CountingStore(kit.store)
        await kit.answer(ADA, turn)
        asked.append(kit.cache.store.asked)

    refusing, beginning, following = asked
    assert beginning == refusing
    assert following == refusing + 1


@pytest.mark.parametrize(
    ("fields", "model"),
    [
        ({"acron": {"sticky": False}}, "mock-medium"),
        ({"acron": {"sticky": True}}, "mock-large"),
        ({"head": {"cache_control": "no-store"}}, "mock-medium"),
        ({"model": "mock-small", "messages": [{"role": "assistant", "content": "Well."}]}, "mock-small"),
    ],
    ids=["refused", "wished", "nothing kept", "explicit"],
)
async def test_a_caller_may_refuse_and_a_named_model_is_the_one_that_answers(kit, fields, model):
    await kit.answer(ADA, first())

    after = await kit.answer(ADA, later(**fields))

    assert after.facts.model == model


def test_sticky_is_true_or_false():
    with pytest.raises(InvalidRequestError, match="sticky"):
        later(acron={"sticky": "no"})


def test_a_conversation_with_thoughts_does_not_become_a_cascade(kit):
    course = Course(replace(PLAIN, cascades=CascadeUse.ALWAYS))
    route = Route(kit.catalog.find("mock-large"), RoutingMode.AUTOPILOT, "")

    assert cascade_of(later("Who was late?", answer=THOUGHT), course, route) is None
    assert cascade_of(later("Who was late?"), course, route) == Cascade()
