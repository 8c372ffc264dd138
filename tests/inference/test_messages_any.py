"""Any Messages request is understood, or refused with the name of what is wrong."""

from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from acron_site.lib.errors import InvalidRequestError
from inference import worst_case
from inference.routing.needs import needs_of
from inference.wire import messages
from inference.wire.http import Head
from inference.wire.messages_chat import MessagesTranslation
from tests.inference.asks import anthropic_model
from tests.inference.messages_kit import TOOL

WORDS = st.text(st.characters(codec="utf-8"), max_size=8)
LOOSE = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 99) | st.floats(0, 1) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=6,
)
KINDS = ("text", "image", "document", "tool_use", "tool_result", "thinking", "redacted_thinking", "search_result", "x")
SOURCES = st.fixed_dictionaries(
    {"type": st.sampled_from(["base64", "url", "text", "content", "file"])},
    optional={"media_type": WORDS, "data": WORDS | LOOSE, "url": WORDS, "content": LOOSE},
)
BLOCKS = st.fixed_dictionaries(
    {"type": st.sampled_from(KINDS) | WORDS},
    optional={
        "text": WORDS,
        "source": SOURCES | LOOSE,
        "id": WORDS,
        "tool_use_id": WORDS,
        "name": WORDS,
        "input": LOOSE,
        "content": WORDS
        | st.lists(st.fixed_dictionaries({"type": st.just("text"), "text": WORDS}), max_size=2)
        | LOOSE,
        "title": WORDS | LOOSE,
    },
)
TURNS = st.fixed_dictionaries(
    {
        "role": st.sampled_from(["user", "assistant", "system"]),
        "content": WORDS | st.lists(BLOCKS, max_size=3) | LOOSE,
    }
)
REQUESTS = st.fixed_dictionaries(
    {"model": st.just("m"), "max_tokens": st.integers(0, 9), "messages": st.lists(TURNS, min_size=1, max_size=3)},
    optional={
        "system": WORDS | st.lists(BLOCKS, max_size=2) | LOOSE,
        "tools": st.lists(st.just(TOOL) | LOOSE, max_size=2),
        "tool_choice": st.fixed_dictionaries({"type": st.sampled_from(["auto", "any", "tool", "none", "x"])}) | LOOSE,
        "thinking": st.fixed_dictionaries({"type": st.sampled_from(["enabled", "adaptive", "x"])}) | LOOSE,
        "output_config": st.dictionaries(st.sampled_from(["effort", "format"]), LOOSE) | LOOSE,
        "stop_sequences": st.lists(WORDS, max_size=2) | LOOSE,
        "temperature": LOOSE,
        "metadata": LOOSE,
    },
)


@settings(max_examples=150, deadline=None)
@given(REQUESTS)
def test_any_messages_request_is_translated_or_refused_by_name(request):
    told, refused = translated(request)

    if refused is not None:
        assert refused.param
        return
    assert told["messages"]
    assert all(turn["role"] in ("system", "user", "assistant", "tool") for turn in told["messages"])
    orjson.dumps(told)


def translated(request: dict[str, Any]) -> tuple[dict[str, Any], InvalidRequestError | None]:
    """By the whole way to a provider: read, measured, told."""
    try:
        asked = messages.read(orjson.dumps(request), Head(request_id="req_1", started=0.0))
        needs_of(asked.sketch)
        worst_case.cost(asked, anthropic_model(), sent_bytes=1)
        return MessagesTranslation().request(asked)[0], None
    except InvalidRequestError as error:
        return {}, error
