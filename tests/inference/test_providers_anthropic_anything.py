"""Whatever looks like a request of OpenAI's becomes a valid one of Anthropic's, or a 400 that names a field."""

import re
from collections.abc import Iterable
from operator import itemgetter

import orjson
from anthropic.types.message_create_params import MessageCreateParamsNonStreaming
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from acron_site.lib.errors import InvalidRequestError
from tests.inference.anthropic_kit import ABLE, BUDGETED, DIALECT, NEWEST
from tests.inference.asks import ask

ACCEPTED = TypeAdapter(MessageCreateParamsNonStreaming)
ID = re.compile(r"[a-zA-Z0-9_-]+")
MODELS = st.sampled_from([ABLE, NEWEST, BUDGETED])

ids = st.sampled_from(["a", "b", "a.b", "call:0", "ключ"])
texts = st.sampled_from(["", " ", "Hello.", "Dönau 🌍"])
marks = st.sampled_from([{}, {"cache_control": {"type": "ephemeral"}}])
text_parts = st.builds(lambda text, mark: {"type": "text", "text": text, **mark}, texts, marks)
pictures = st.sampled_from(
    [
        {"type": "image_url", "image_url": {"url": "https://a.test/x.png"}},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}},
        {"type": "file", "file": {"file_data": "data:application/pdf;base64,JVBE"}},
    ]
)
words = st.one_of(texts, st.none(), st.lists(text_parts, max_size=3))
shown = st.one_of(words, st.lists(st.one_of(text_parts, pictures), max_size=3))
calls = st.builds(
    lambda own_id, name, mark: {"id": own_id, "type": "function", "function": {"name": name}, **mark},
    ids,
    st.sampled_from(["river", "now"]),
    marks,
)
thoughts = st.sampled_from([[], [{"type": "thinking", "thinking": "", "signature": "xyz"}]])
messages = st.one_of(
    st.builds(
        lambda role, content: {"role": role, "content": content}, st.sampled_from(["system", "developer"]), words
    ),
    st.builds(lambda content, mark: {"role": "user", "content": content, **mark}, shown, marks),
    st.builds(
        lambda content, thought: {"role": "assistant", "content": content, "thinking_blocks": thought}, words, thoughts
    ),
)


@st.composite
def conversations(draw):
    """Mostly as they should be: calls are followed by their results."""
    conversation = [] if draw(st.integers(0, 19)) else [draw_result(draw, "a")]
    for message in draw(st.lists(messages, max_size=6)):
        made = draw(st.lists(calls, max_size=3, unique_by=itemgetter("id"))) if message["role"] == "assistant" else []
        conversation.append({**message, "tool_calls": made} if made else message)
        if draw(st.integers(0, 19)):
            conversation += [draw_result(draw, call["id"]) for call in draw(st.permutations(made))]
    return conversation


def draw_result(draw, own_id):
    return {"role": "tool", "tool_call_id": own_id, "content": draw(shown)}


def translated(asked, model):
    """None for a refusal that names a field."""
    try:
        return orjson.loads(DIALECT.call(asked, model).body)
    except InvalidRequestError as error:
        refused = error
    assert refused.status == 400
    assert refused.param
    return None


def validated(value):
    """Pydantic looks into what the SDK calls iterable only when it is iterated over."""
    if isinstance(value, dict):
        return {name: validated(inner) for name, inner in value.items()}
    return (
        [validated(inner) for inner in value] if isinstance(value, Iterable) and not isinstance(value, str) else value
    )


def check_turns(turns):
    waiting: list[str] = []
    seen: set[str] = set()
    for turn, before in zip(turns, [None, *turns], strict=False):
        assert before is None or turn["role"] != before["role"]
        blocks = turn["content"]
        assert blocks
        if isinstance(blocks, str):
            assert blocks.strip()
            blocks = []
        answered = [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"]
        assert sorted(answered) == sorted(waiting)
        assert all(block["type"] == "tool_result" for block in blocks[: len(answered)])
        waiting = [block["id"] for block in blocks if block["type"] == "tool_use"]
        assert all(ID.fullmatch(own_id) for own_id in waiting)
        assert len({*seen, *waiting}) == len(seen) + len(waiting)
        seen.update(waiting)
    assert not waiting


@given(conversation=conversations(), model=MODELS, effort=st.sampled_from([None, "none", "high"]))
def test_a_conversation_is_translated_to_a_valid_one_or_refused_by_name(conversation, model, effort):
    body = translated(ask(messages=conversation, reasoning_effort=effort), model)

    if body is not None:
        validated(ACCEPTED.validate_python(body))
        check_turns(body["messages"])


NAMES = (
    *("type", "text", "role", "content", "id", "name", "function", "arguments", "url", "schema", "file", "image_url"),
    *("file_data", "json_schema", "parameters", "cache_control", "approximate"),
)
MESSAGE_FIELDS = (
    *("content", "tool_calls", "function_call", "tool_call_id", "name", "refusal", "audio", "thinking_blocks"),
    "cache_control",
)
FIELDS = (
    *("tools", "tool_choice", "parallel_tool_calls", "functions", "function_call", "response_format", "stop", "n"),
    *("reasoning_effort", "thinking", "output_config", "web_search_options", "temperature", "top_p", "top_k", "user"),
    *("max_tokens", "max_completion_tokens", "modalities", "logprobs", "audio", "metadata", "cache_control"),
)
anything = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-5, 5), st.sampled_from(["", "auto", "text", "function", "a"])),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(NAMES), inner, max_size=4)),
    max_leaves=8,
)
roles = st.sampled_from(["system", "user", "assistant", "tool", "function", ["user"]])
misshapen = st.one_of(
    anything,
    st.lists(
        st.fixed_dictionaries({"role": roles}, optional=dict.fromkeys(MESSAGE_FIELDS, anything)),
        max_size=3,
    ),
)


@given(conversation=misshapen, fields=st.dictionaries(st.sampled_from(FIELDS), anything, max_size=4), model=MODELS)
def test_a_misshapen_request_never_raises_anything_else(conversation, fields, model):
    translated(ask(messages=conversation, **fields), model)


@given(fields=st.dictionaries(st.sampled_from(FIELDS), anything, min_size=1, max_size=4), model=MODELS)
def test_a_misshapen_field_beside_a_good_conversation_never_raises_anything_else(fields, model):
    translated(ask(**fields), model)
