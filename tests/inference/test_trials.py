"""Trials: a cheaper model answers a sample of requests too, where the organization wants that, and nobody waits."""

from dataclasses import replace

import pytest

from analytics.events import EventKind, EventStatus
from caching.policies import Policy as CachePolicy
from inference.domain import CacheStatus
from inference.routing.policies import PLAIN
from inference.routing.proofs import PairSource, Proof, Proofs
from tests.inference.kit import ADA, ask, stream_of, text_of
from tests.inference.script import refused, streamed
from tests.inference.trials_kit import EXPLORES, PROVEN, TASK, Story


async def test_a_cheaper_model_is_asked_too_and_what_it_says_is_a_pair():
    story = Story()

    answer = await story.get()

    assert answer.facts.model == "mock-medium"
    assert story.voices.asked == ["mock-medium", "mock-small"]
    (pair,) = story.reports.pairs
    assert (pair.model, pair.reference, pair.task_type) == ("mock-small", "mock-medium", TASK)
    assert (pair.lost, pair.method, pair.source) == (False, "exact", PairSource.TRIAL)
    assert (pair.organization_id, pair.request_id) == (ADA.organization_id, "req_test")


async def test_a_trial_is_overhead_in_the_ledger_and_says_what_it_was_for():
    story = Story()

    await story.get()

    (row,) = story.overhead
    assert (row.model, row.status, row.kind) == ("mock-small", EventStatus.OK, EventKind.OVERHEAD)
    assert row.route_reason == "tried: compares the answer of mock-small with that of mock-medium"
    assert row.cost_usd > 0
    assert row.baseline_cost_usd is None


async def test_another_answer_is_a_loss_and_one_of_which_nobody_can_tell_is_no_pair():
    wrong, unclear = Story(small="Lyon."), Story(small="It lies on a river and has been the seat of many kings.")

    await wrong.get()
    await unclear.get()

    assert [pair.lost for pair in wrong.reports.pairs] == [True]
    assert unclear.voices.asked == ["mock-medium", "mock-small"]
    assert unclear.reports.pairs == []


async def test_the_caller_of_a_stream_gets_it_and_the_trial_is_whole():
    story = Story(medium=streamed())

    answer = await story.kit.answer(ADA, ask(model="auto", stream=True))
    told = b"".join([piece async for piece in stream_of(answer)])
    await story.kit.gateway.checks.idle()

    assert b"Paris." in told
    assert [pair.lost for pair in story.reports.pairs] == [False]


async def test_what_the_cache_answers_is_not_tried():
    story = Story()
    await story.get()

    again = await story.get()

    assert again.facts.cache_status == CacheStatus.HIT_T1
    assert len(story.voices.asked) == 2


TOOL = {"type": "function", "function": {"name": "look_up", "parameters": {"type": "object", "properties": {}}}}


@pytest.mark.parametrize(
    "fields",
    [
        {"model": "mock-medium"},
        {"model": "acron-guided"},
        {"head": {"cache_control": "no-store"}},
        {"acron": {"cache": {"mode": "off"}}},
        {"temperature": 0.7},
        {"tools": [TOOL]},
        {"acron": {"quality_threshold": 3.0}},  # nothing is cheaper
    ],
)
async def test_who_leaves_no_choice_or_wants_no_copy_is_not_tried(fields):
    story = Story()

    await story.get(**fields)

    assert len(story.voices.asked) == 1


async def test_a_cache_that_is_off_keeps_nobody_from_trying():
    story = Story(cache=CachePolicy(is_enabled=False))

    await story.get()

    assert len(story.reports.pairs) == 1


@pytest.mark.parametrize(
    ("policy", "random"),
    [(PLAIN, 0.0), (replace(EXPLORES, explores=False), 0.0), (replace(EXPLORES, explore_percent=2.0), 0.02)],
)
async def test_only_a_sample_is_tried_and_only_where_the_organization_wants_it(policy, random):
    story = Story(policy, random=random)

    await story.get()

    assert story.voices.asked == ["mock-medium"]


async def test_a_test_key_tries_nothing():
    story = Story()

    await story.get(replace(ADA, is_test=True))

    assert story.reports.pairs == []


async def test_a_cheaper_model_that_fails_proves_nothing_and_no_other_is_asked_for_it():
    story = Story(small=refused(400))

    answer = await story.get()

    assert text_of(answer) == "Paris."
    assert story.voices.asked == ["mock-medium", "mock-small"]
    assert story.reports.pairs == []


async def test_an_answer_by_fallback_is_compared_with_nothing():
    story = Story(medium=refused(500))

    answer = await story.get()

    assert answer.facts.model == "mock-large"
    assert "mock-small" not in story.voices.asked
    assert story.reports.pairs == []


async def test_a_proven_model_serves_and_is_still_compared_with_the_one_it_replaces():
    proofs = Proofs({TASK: (Proof("mock-small", "mock-medium", PROVEN),)})
    story = Story(proofs=proofs, small="Lyon.")

    answer = await story.get()

    assert (answer.facts.model, text_of(answer)) == ("mock-small", "Lyon.")
    assert answer.facts.route_reason == "proven for geography: 1 of 214 differed"
    assert story.voices.asked == ["mock-small", "mock-medium"]
    (pair,) = story.reports.pairs
    assert (pair.model, pair.reference, pair.lost) == ("mock-small", "mock-medium", True)


async def test_an_organizations_threshold_holds_where_a_request_says_none():
    story = Story(replace(PLAIN, quality_threshold=4.5))

    assert (await story.get()).facts.model == "mock-large"
    assert (await story.get(acron={"quality_threshold": 3.5})).facts.model == "mock-medium"
    assert (await story.get(model="mock-small")).facts.model == "mock-small"


@pytest.mark.parametrize(("budget", "asked"), [("0.001", ["mock-small"]), ("1", ["mock-small", "mock-medium"])])
async def test_a_request_and_its_trial_keep_within_the_budget_that_the_caller_has_set(budget, asked):
    story = Story(proofs=Proofs({TASK: (Proof("mock-small", "mock-medium", PROVEN),)}))

    await story.get(acron={"cost_budget_usd": budget})

    assert story.voices.asked == asked
