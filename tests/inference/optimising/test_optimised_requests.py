"""A caller who asks for it has the conversation shortened, and is told by how much."""

import orjson
import pytest

from acron_site.lib.errors import InvalidRequestError
from inference.domain import RoutingMode
from inference.wire import headers, messages, native
from inference.wire.http import Head
from tests.inference.kit import ADA, Kit, ask

_WORDY = "Which rivers flow through Graz?   \n\n\n\nAnd through Linz?\n\nThanks in advance!"
_SHORT = "Which rivers flow through Graz?\n\nAnd through Linz?"


def test_nothing_is_shortened_unless_it_is_asked_for():
    for own in ({}, {"acron": {"optimise": False}}, {"acron": {"optimise": None}}):
        asked = ask(_WORDY, **own)

        assert asked.body["messages"][0]["content"] == _WORDY
        assert asked.optimised_tokens is None


def test_what_is_sent_on_is_the_shortened_conversation():
    asked = ask(_WORDY, acron={"optimise": True})

    assert asked.body["messages"] == [{"role": "user", "content": _SHORT}]
    assert "acron" not in asked.body
    assert asked.optimised_tokens == (len(_WORDY) + 4) // 4 - (len(_SHORT) + 4) // 4


def test_a_budget_leaves_out_old_turns():
    turns = [{"role": role, "content": "word " * 100} for role in ("user", "assistant") * 5]

    asked = ask(messages=turns, acron={"optimise": {"budget_tokens": 500}})

    assert len(asked.body["messages"]) == 6


@pytest.mark.parametrize("wrong", ["yes", 1, [], {"budget_tokens": 0}, {"budget_tokens": True}, {"budget": 5}])
def test_a_wrong_wish_is_named(wrong):
    with pytest.raises(InvalidRequestError) as refused:
        ask(acron={"optimise": wrong})

    assert str(refused.value.param).startswith("acron.optimise")


def test_acrons_own_format_has_it_too():
    body = orjson.dumps({"prompt": _WORDY, "optimise": True})

    asked = native.read(body, Head(request_id="req_test", started=0.0), default_mode=RoutingMode.AUTOPILOT)

    assert asked.body["messages"][0]["content"] == _SHORT


def test_a_format_that_cannot_be_shortened_says_so():
    body = {"model": "mock-small", "max_tokens": 9, "messages": [{"role": "user", "content": _WORDY}]}

    with pytest.raises(InvalidRequestError, match="optimise"):
        messages.read(orjson.dumps({**body, "acron": {"optimise": True}}), Head(request_id="req_test", started=0.0))


async def test_a_shortened_request_is_the_same_as_the_short_one_to_the_cache():
    kit = Kit()
    await kit.answer(ADA, ask(_SHORT))

    answer = await kit.answer(ADA, ask(_WORDY, acron={"optimise": True}))

    assert answer.facts.cache_tier == 1


async def test_the_saving_stands_in_the_headers_and_is_nothing_on_a_hit():
    kit, asked = Kit(), ask(_WORDY, acron={"optimise": True})
    fresh = await kit.answer(ADA, asked)
    kept = await kit.answer(ADA, asked)

    told = [dict(headers.of_answer(kit.gateway.with_optimised(answer, 10))) for answer in (fresh, kept)]

    assert [own[b"x-acron-optimised"] for own in told] == [b"10", b"10"]
    assert float(told[0][b"x-acron-optimised-saved"]) == pytest.approx(10 * 0.1 / 1_000_000)
    assert b"x-acron-optimised-saved" not in told[1]
    assert b"x-acron-optimised" not in dict(headers.of_answer(fresh))
