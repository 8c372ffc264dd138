"""Beginnings that come again are marked for the provider's prompt cache, and nothing else is."""

from typing import Any
from uuid import UUID

import pytest

from inference.prompt_caching import LIFETIME_SECONDS, PromptCaching

ADA, MALLORY = UUID(int=1), UUID(int=2)
LONG = "You answer questions about rivers. " * 200
MARK = {"type": "ephemeral"}


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def caching(clock: Clock) -> PromptCaching:
    return PromptCaching(clock)


def request(*turns: str, system: Any = LONG, **fields: Any) -> dict[str, Any]:
    roles = ("user", "assistant")
    messages = [{"role": roles[index % 2], "content": text} for index, text in enumerate(turns)]
    return {"model": "claude", "system": system, "messages": messages, **fields}


def test_a_beginning_that_comes_again_is_marked(caching):
    first = caching.marked(request("Where is the Nile?"), organization_id=ADA)

    second = caching.marked(request("Where is the Rhine?"), organization_id=ADA)

    assert first == request("Where is the Nile?")
    assert second["system"] == [{"type": "text", "text": LONG, "cache_control": MARK}]
    assert second["messages"] == request("Where is the Rhine?")["messages"]


def test_a_beginning_that_comes_again_too_late_is_not_marked(caching, clock):
    caching.marked(request("Where is the Nile?"), organization_id=ADA)
    clock.now += LIFETIME_SECONDS

    assert caching.marked(request("Where?"), organization_id=ADA) == request("Where?")


def test_what_a_rival_has_sent_makes_no_difference(caching):
    caching.marked(request("Where is the Nile?"), organization_id=MALLORY)

    assert caching.marked(request("Where?"), organization_id=ADA) == request("Where?")


def test_another_model_keeps_prompts_of_its_own(caching):
    caching.marked(request("Where?"), organization_id=ADA)

    assert caching.marked(request("Where?", model="other"), organization_id=ADA) == request("Where?", model="other")


def test_a_short_beginning_is_not_worth_it(caching):
    short = request("Where?", system="Be brief.")
    caching.marked(short, organization_id=ADA)

    assert caching.marked(short, organization_id=ADA) == short


def test_a_caller_who_sets_marks_is_left_alone(caching):
    own = request(
        "Where?", system=[{"type": "text", "text": LONG, "cache_control": {"type": "ephemeral", "ttl": "1h"}}]
    )
    caching.marked(own, organization_id=ADA)

    assert caching.marked(own, organization_id=ADA) == own


def test_a_conversation_that_goes_on_is_marked_at_its_end(caching):
    caching.marked(request("Where is the Nile?"), organization_id=ADA)

    later = caching.marked(request("Where is the Nile?", "In Africa.", "And the Rhine?"), organization_id=ADA)

    assert later["messages"][-1]["content"] == [{"type": "text", "text": "And the Rhine?", "cache_control": MARK}]
    assert later["messages"][0]["content"] == "Where is the Nile?"


def test_tools_without_instructions_are_marked_at_the_last_of_them(caching):
    tools = [{"name": "look", "description": LONG}, {"name": "ask", "description": "ask"}]
    caching.marked(request("Where?", system=None, tools=tools), organization_id=ADA)

    again = caching.marked(request("Which?", system=None, tools=tools), organization_id=ADA)

    assert again["tools"] == [tools[0], {**tools[1], "cache_control": MARK}]
    assert tools[1] == {"name": "ask", "description": "ask"}


@pytest.mark.parametrize(
    "broken", [{"system": 7}, {"system": [7]}, {"messages": "x"}, {"messages": [7, 8, 9]}, {"tools": {}}]
)
def test_what_has_the_wrong_shape_passes_unchanged(caching, broken):
    odd = {**request("Where?", padding="x" * 5000), **broken}
    caching.marked(odd, organization_id=ADA)

    assert caching.marked(odd, organization_id=ADA) is not None
