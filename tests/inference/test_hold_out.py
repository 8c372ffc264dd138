"""The hold-out: a few conversations are not optimised, always the same ones, and their rows say so."""

from dataclasses import replace
from uuid import UUID

import pytest

from inference.domain import CacheStatus
from inference.routing import arms
from inference.routing.arms import Arm
from inference.routing.policies import PLAIN
from tests.inference.kit import ADA, MALLORY, ask
from tests.inference.trials_kit import EXPLORES, Story

EVERYBODY = replace(PLAIN, holdout_percent=100.0)
HARDLY_ANYBODY = replace(PLAIN, holdout_percent=1e-9)


def drawn(asked, organization_id: UUID = ADA.organization_id, percent: float = 50.0) -> Arm:
    return arms.drawn(organization_id, asked, percent=percent, secret=b"secret")


def talk(*turns: str, **fields):
    roles = ["user", "assistant"] * len(turns)
    messages = [{"role": role, "content": said} for role, said in zip(roles, turns, strict=False)]
    return ask(model="auto", messages=messages, **fields)


def test_all_turns_of_a_conversation_are_in_one_arm():
    for number in range(50):
        begun = talk(f"Question {number}")
        later = talk(f"Question {number}", "An answer", "And then?")

        assert drawn(begun) is drawn(later)


def test_the_share_that_is_held_out_is_the_one_that_is_wanted():
    held = sum(drawn(talk(f"Question {number}"), percent=10.0) is Arm.HOLDOUT for number in range(4_000))

    assert 320 < held < 480


def test_organizations_and_end_users_are_drawn_apart():
    asked = [talk(f"Question {number}") for number in range(100)]

    assert [drawn(each) for each in asked] != [drawn(each, MALLORY.organization_id) for each in asked]
    assert [drawn(each) for each in asked] != [drawn(replace(each, end_user="grace")) for each in asked]


async def test_who_is_held_out_gets_the_baseline_model_and_nothing_from_the_cache():
    story = Story(EVERYBODY)
    await story.get()

    again = await story.get()

    row = again.facts
    assert (row.model, row.arm) == ("mock-large", "holdout")
    assert row.route_reason == "hold-out: measures what optimising saves"
    assert (row.cache_status, row.cache_reason) == (CacheStatus.BYPASS, "hold-out")
    assert story.voices.asked == ["mock-large", "mock-large"]


async def test_who_is_not_is_optimised_and_a_hit_says_so_too():
    story = Story(HARDLY_ANYBODY)

    rows = [(await story.get()).facts for _ in range(2)]

    assert [row.arm for row in rows] == ["optimised", "optimised"]
    assert [row.cache_status for row in rows] == [CacheStatus.MISS, CacheStatus.HIT_T1]
    assert rows[0].model == "mock-medium"


async def test_what_trials_cost_is_a_cost_of_optimising():
    story = Story(replace(EXPLORES, holdout_percent=1e-9))

    await story.get()

    assert {row.arm for row in story.kit.ledger.rows.values()} == {"optimised"}
    assert len(story.overhead) == 1


async def test_nothing_is_tried_on_who_is_held_out():
    story = Story(replace(EXPLORES, holdout_percent=100.0))

    await story.get()

    assert story.voices.asked == ["mock-large"]


@pytest.mark.parametrize(
    "fields",
    [
        {"model": "mock-medium"},
        {"model": "acron-guided"},
        {"acron": {"cost_budget_usd": "0.004"}},  # the baseline model is dearer
        {"acron": {"latency_budget_ms": 1000}},  # and slower
    ],
)
async def test_who_leaves_no_choice_or_cannot_have_the_baseline_is_in_no_arm(fields):
    story = Story(EVERYBODY)

    answer = await story.get(**fields)

    assert (answer.facts.arm, answer.facts.model) == ("", "mock-medium")


async def test_who_wants_a_kept_answer_only_is_in_no_arm():
    story = Story(EVERYBODY)
    asked = ask(model="auto", head={"cache_control": "only-if-cached"})

    assert not arms.may_be_held_out(asked)
    assert arms.may_be_held_out(ask(model="auto"))
    assert (await story.get(replace(ADA, is_test=True))).facts.arm == ""
    assert (await Story(PLAIN).get()).facts.arm == ""
