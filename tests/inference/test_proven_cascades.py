"""Two cheap models that agree are tried like one, trusted like one, and given up like one."""

from dataclasses import replace

import pytest

from analytics.events import EventKind
from inference.routing.policies import CascadeUse
from inference.routing.proofs import TWO_THAT_AGREE, Proof, Proofs, Standing
from tests.inference.kit import stream_of, text_of
from tests.inference.script import refused, streamed
from tests.inference.trials_kit import EXPLORES, PROVEN, TASK, Story

HOPELESS = Standing(pairs=20, losses=15)
NONE_ALONE = (Proof("mock-small", "mock-large", HOPELESS), Proof("mock-medium", "mock-large", HOPELESS))
WARY = replace(EXPLORES, quality_threshold=4.5, cascades=CascadeUse.PROVEN)  # mock-large is the only one so good
TWO = ["mock-medium", "mock-small"]


def about_two(standing: Standing) -> Proofs:
    return Proofs({TASK: (*NONE_ALONE, Proof(TWO_THAT_AGREE, "mock-large", standing))})


async def test_two_are_tried_where_none_is_left_that_might_do_alone():
    story = Story(WARY, proofs=about_two(Standing()))

    answer = await story.get()

    assert answer.facts.model == "mock-large"
    assert (story.voices.asked[0], sorted(story.voices.asked[1:])) == ("mock-large", TWO)
    (pair,) = story.reports.pairs
    assert (pair.model, pair.reference, pair.lost) == (TWO_THAT_AGREE, "mock-large", False)
    assert len(story.overhead) == 2


async def test_what_both_say_and_the_dearer_one_does_not_is_a_loss():
    story = Story(WARY, proofs=about_two(Standing()), small="Lyon.", medium="Lyon.")

    await story.get()

    assert [pair.lost for pair in story.reports.pairs] == [True]


async def test_two_that_differ_prove_nothing_as_the_dearer_one_would_have_answered():
    story = Story(WARY, proofs=about_two(Standing()), small="Lyon.")

    await story.get()

    assert len(story.voices.asked) == 3
    assert story.reports.pairs == []


async def test_one_of_two_that_fails_proves_nothing():
    story = Story(WARY, proofs=about_two(Standing()), small=refused(400))

    await story.get()

    assert story.reports.pairs == []


@pytest.mark.parametrize("standing", [HOPELESS, None], ids=["two are hopeless", "one might do alone"])
async def test_two_are_not_tried(standing):
    story = Story(WARY, proofs=Proofs() if standing is None else about_two(standing))

    await story.get()

    assert TWO_THAT_AGREE not in [pair.model for pair in story.reports.pairs]


async def test_once_proven_two_are_asked_first_and_a_sample_is_still_compared():
    story = Story(WARY, proofs=about_two(PROVEN), large="Lyon.")

    answer = await story.get()

    assert text_of(answer) == "Paris."
    assert answer.facts.route_reason == "cascade: mock-small and mock-medium agree (exact)"
    assert (answer.facts.kind, answer.facts.cost_usd) == (EventKind.ANSWER, 0)
    assert (sorted(story.voices.asked[:2]), story.voices.asked[2:]) == (TWO, ["mock-large"])
    (pair,) = story.reports.pairs
    assert (pair.model, pair.reference, pair.lost) == (TWO_THAT_AGREE, "mock-large", True)


async def test_once_proven_the_dearer_one_answers_where_the_two_differ():
    story = Story(WARY, proofs=about_two(PROVEN), small="Lyon.")

    answer = await story.get()

    assert answer.facts.model == "mock-large"
    assert answer.facts.route_reason == "cascade: mock-small and mock-medium differ (text)"
    assert story.reports.pairs == []


async def test_the_policy_says_whether_a_proof_is_needed_or_of_use():
    always = Story(replace(WARY, explores=False, cascades=CascadeUse.ALWAYS))
    off = Story(replace(WARY, explores=False, cascades=CascadeUse.OFF), proofs=about_two(PROVEN))

    await always.get()
    await off.get()

    assert sorted(always.voices.asked) == TWO
    assert off.voices.asked == ["mock-large"]


@pytest.mark.parametrize(
    "fields",
    [
        {"acron": {"cascade": False}},
        {"temperature": 0.7},
        {"logprobs": True},
        {"head": {"cache_control": "no-store"}},
        {"model": "mock-large"},
        {"model": "acron-guided", "acron": {"quality_threshold": 4.5}},
    ],
    ids=["refused", "temperature", "logprobs", "no-store", "explicit", "guided"],
)
async def test_who_refuses_or_cannot_be_compared_gets_the_dearer_one_at_once(fields):
    story = Story(replace(WARY, explores=False, cascades=CascadeUse.ALWAYS))

    await story.get(**fields)

    assert story.voices.asked == ["mock-large"]


async def test_whoever_streams_sees_the_answer_begin_and_waits_for_no_comparison():
    story = Story(replace(WARY, explores=False, cascades=CascadeUse.ALWAYS), large=streamed())

    answer = await story.get(stream=True)

    assert b"Paris." in b"".join([piece async for piece in stream_of(answer)])
    assert story.voices.asked == ["mock-large"]


async def test_what_is_held_out_is_not_cascaded_even_where_its_caller_asks_for_it():
    story = Story(replace(WARY, explores=False, cascades=CascadeUse.ALWAYS, holdout_percent=100.0))

    await story.get()
    await story.get(acron={"cascade": True})

    assert story.voices.asked == ["mock-large", "mock-large"]


async def test_who_asks_for_a_cascade_that_would_not_pay_proves_nothing_of_two():
    alone = Proofs({TASK: (Proof("mock-small", "mock-medium", PROVEN),)})
    story = Story(replace(WARY, quality_threshold=3.5), proofs=alone)

    answer = await story.get(acron={"cascade": True})

    assert answer.facts.model == "mock-small"  # nobody is cheaper
    assert story.reports.pairs == []
