"""Tells Anthropic's answers as chat completions."""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from inference.usage import from_anthropic

# everything else, such as a paused turn, is an answer that is not finished
_FINISH_REASONS = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}
_THOUGHTS = ("thinking", "redacted_thinking")
# what cannot be told before the answer is whole
_TOLD_AT_THE_END = ("thinking_blocks", "annotations")

Blocks = list[dict[str, Any]]


def response(message: Mapping[str, Any], *, created: int, as_function: bool = False) -> dict[str, Any]:
    """Anthropic's message as a chat completion. Raises ValueError when it is no finished message.

    `as_function`: a call is told as OpenAI did before there were tools.
    """
    blocks, reason = message.get("content"), message.get("stop_reason")
    if not isinstance(blocks, list) or not isinstance(reason, str):
        raise ValueError("it has no content or no stop_reason")  # noqa: TRY004 (a provider's mistake, not ours)
    return {
        "id": completion_id(message),
        "object": "chat.completion",
        "created": created,
        "model": message.get("model") or "",
        "choices": [
            {
                "index": 0,
                "message": _message([block for block in blocks if isinstance(block, dict)], as_function=as_function),
                "logprobs": None,
                "finish_reason": finish_reason(reason, as_function=as_function),
            }
        ],
        "usage": usage(message.get("usage")),
    }


def completion_id(message: Mapping[str, Any]) -> str:
    return "chatcmpl-" + str(message.get("id") or "").removeprefix("msg_")


def finish_reason(stop_reason: str, *, as_function: bool = False) -> str:
    reason = _FINISH_REASONS.get(stop_reason, "length")
    return "function_call" if as_function and reason == "tool_calls" else reason


def ending_of(blocks: Blocks) -> dict[str, Any]:
    """The part of the message that a stream can only tell when all blocks are there."""
    message = _message(blocks, as_function=False)
    return {name: message[name] for name in _TOLD_AT_THE_END if name in message}


def usage(counts: Any) -> dict[str, Any]:
    """Anthropic's counts as OpenAI writes them: there the prompt includes what caches gave and took."""
    tokens = from_anthropic(counts).tokens
    written = tokens.cache_write + tokens.cache_write_long
    prompt = tokens.input + tokens.cache_read + written
    told: dict[str, Any] = {
        "prompt_tokens": prompt,
        "completion_tokens": tokens.output,
        "total_tokens": prompt + tokens.output,
        "prompt_tokens_details": {"cached_tokens": tokens.cache_read, "cache_write_tokens": written},
    }
    if (thought := _thought_tokens(counts)) is not None:
        told["completion_tokens_details"] = {"reasoning_tokens": min(thought, tokens.output)}
    return told


def _thought_tokens(counts: Any) -> int | None:
    details = counts.get("output_tokens_details") if isinstance(counts, dict) else None
    thought = details.get("thinking_tokens") if isinstance(details, dict) else None
    return thought if type(thought) is int and thought >= 0 else None


def _message(blocks: Blocks, *, as_function: bool) -> dict[str, Any]:
    text = "".join(_texts(blocks, "text"))
    calls = [_call(block) for block in blocks if block.get("type") == "tool_use"]
    message: dict[str, Any] = {"role": "assistant", "content": text if text or not calls else None, "refusal": None}
    if reasoning := "".join(_texts(blocks, "thinking")):
        message["reasoning_content"] = reasoning
    if thoughts := [block for block in blocks if block.get("type") in _THOUGHTS]:
        message["thinking_blocks"] = thoughts
    if annotations := list(_annotations(blocks)):
        message["annotations"] = annotations
    if calls and as_function:
        message["function_call"] = calls[0]["function"]
    elif calls:
        message["tool_calls"] = calls
    return message


def _texts(blocks: Blocks, kind: str) -> Iterator[str]:
    """What the blocks of a kind say; a block's text stands under the name of its kind."""
    for block in blocks:
        if block.get("type") == kind and isinstance(text := block.get(kind), str):
            yield text


def _call(block: Mapping[str, Any]) -> dict[str, Any]:
    own_id, name, given = block.get("id"), block.get("name"), block.get("input")
    if not isinstance(own_id, str) or not isinstance(name, str):
        raise ValueError("a call has no id or no name")  # noqa: TRY004 (a provider's mistake, not ours)
    # text: what a stream told of an input before it was cut off
    arguments = given if isinstance(given, str) else arguments_of(given)
    return {"id": own_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def arguments_of(given: Any) -> str:
    return orjson.dumps({} if given is None else given).decode()


def _annotations(blocks: Blocks) -> Iterator[dict[str, Any]]:
    """The pages that the text cites, and where in it."""
    end = 0
    for block in blocks:
        start, end = end, end + sum(map(len, _texts([block], "text")))
        cited = block.get("citations") if block.get("type") == "text" else None
        for citation in cited if isinstance(cited, list) else ():
            if isinstance(citation, dict) and isinstance(url := citation.get("url"), str):
                title = str(citation.get("title") or "")
                where = {"start_index": start, "end_index": end, "url": url, "title": title}
                yield {"type": "url_citation", "url_citation": where}
