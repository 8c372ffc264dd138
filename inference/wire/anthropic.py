"""Translates chat completion requests to Anthropic's Messages API, and its answers back."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from acron_site.lib.errors import InvalidRequestError

# Anthropic insists on a limit. Where the caller sets none, an answer of this length is allowed.
DEFAULT_MAX_TOKENS = 4096

# OpenAI's fields that Anthropic has no word for and that an answer can do without
_DROPPED = (
    "frequency_penalty",
    "logit_bias",
    "parallel_tool_calls",
    "prediction",
    "presence_penalty",
    "prompt_cache_key",
    "prompt_cache_retention",
    "reasoning_effort",
    "safety_identifier",
    "seed",
    "service_tier",  # the tiers have other names and prices there
    "store",
    "user",  # who the end user is stays here
    "verbosity",
    "metadata",
)
# fields that change what the answer is: leaving them out would answer another question
_REFUSED = ("tools", "functions", "audio", "web_search_options", "logprobs", "top_logprobs")
_TRANSLATED = frozenset(
    {"model", "messages", "max_tokens", "max_completion_tokens", "stop", "stream", "stream_options"}
    | {"n", "response_format", "modalities", "tool_choice", "function_call", *_REFUSED}
)
_ROLES = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant"}
_SAMPLING = ("temperature", "top_p", "top_k")

# everything else, such as a paused turn, is an answer that is not finished
_FINISH_REASONS = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}


def request(
    body: Mapping[str, Any], *, model: str, max_output_tokens: int, takes_sampling: bool, stream: bool
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The request in Anthropic's words, and the names of the fields it leaves out.

    Fields that OpenAI does not know either (`thinking`, `top_k`...) pass unchanged. Raises
    InvalidRequestError naming a field that cannot be expressed.
    """
    _refuse_inexpressible(body)
    translated = {name: value for name, value in body.items() if name not in _TRANSLATED and name not in _DROPPED}
    dropped = [name for name in _DROPPED if body.get(name) is not None]
    dropped += _fit_sampling(translated, takes_sampling=takes_sampling)
    system, messages = _conversation(body.get("messages"))
    translated |= {"model": model, "max_tokens": _max_tokens(body, max_output_tokens), "messages": messages}
    if system:
        translated["system"] = system
    if stop := _stop_sequences(body.get("stop")):
        translated["stop_sequences"] = stop
    if stream:
        translated["stream"] = True
    return translated, tuple(dropped)


def response(message: Mapping[str, Any], *, created: int) -> dict[str, Any]:
    """Anthropic's message as a chat completion. Raises ValueError when it is no finished message."""
    blocks, reason = message.get("content"), message.get("stop_reason")
    if not isinstance(blocks, list) or not isinstance(reason, str):
        raise ValueError("it has no content or no stop_reason")  # noqa: TRY004 (a provider's mistake, not ours)
    texts = [block["text"] for block in blocks if isinstance(block, dict) and isinstance(block.get("text"), str)]
    return {
        "id": completion_id(message),
        "object": "chat.completion",
        "created": created,
        "model": message.get("model") or "",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "".join(texts), "refusal": None},
                "logprobs": None,
                "finish_reason": finish_reason(reason),
            }
        ],
        "usage": usage(message.get("usage")),
    }


def completion_id(message: Mapping[str, Any]) -> str:
    return "chatcmpl-" + str(message.get("id") or "").removeprefix("msg_")


def finish_reason(stop_reason: str) -> str:
    return _FINISH_REASONS.get(stop_reason, "length")


def usage(counts: Any) -> dict[str, Any]:
    """Anthropic's counts as OpenAI writes them: there the prompt includes what caches gave and took."""
    counts = counts if isinstance(counts, dict) else {}
    cached, written = _count(counts, "cache_read_input_tokens"), _count(counts, "cache_creation_input_tokens")
    prompt, completion = _count(counts, "input_tokens") + cached + written, _count(counts, "output_tokens")
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": cached, "cache_write_tokens": written},
    }


def _count(counts: Mapping[str, Any], name: str) -> int:
    value = counts.get(name)
    return value if isinstance(value, int) and value > 0 else 0


def _refuse_inexpressible(body: Mapping[str, Any]) -> None:
    for name in _REFUSED:
        if body.get(name):
            raise _inexpressible(name)
    if body.get("tool_choice") not in (None, "auto", "none"):
        raise _inexpressible("tool_choice")
    if body.get("n") not in (None, 1):
        raise InvalidRequestError("Anthropic models give one answer at a time; leave n out or set it to 1", param="n")
    kind = body.get("response_format")
    if kind is not None and kind != {"type": "text"}:
        raise _inexpressible("response_format")
    if body.get("modalities") not in (None, ["text"]):
        raise _inexpressible("modalities")


def _inexpressible(name: str) -> InvalidRequestError:
    return InvalidRequestError(
        f"{name} cannot be used with Anthropic models here; leave it out or choose another model", param=name
    )


def _max_tokens(body: Mapping[str, Any], most: int) -> int:
    """The caller's limit, or DEFAULT_MAX_TOKENS; never above what the model can write."""
    name = "max_completion_tokens" if body.get("max_completion_tokens") is not None else "max_tokens"
    asked = body.get(name)
    if asked is None:
        asked = DEFAULT_MAX_TOKENS
    if not isinstance(asked, int) or isinstance(asked, bool) or asked < 1:
        raise InvalidRequestError(f"{name} must be a whole number above 0", param=name)
    return min(asked, most) if most else asked


def _fit_sampling(body: dict[str, Any], *, takes_sampling: bool) -> list[str]:
    """Brings temperature and top_p into Anthropic's range; returns what had to go.

    Models that sample take one of the two, so temperature wins.
    """
    given = [name for name in _SAMPLING if body.get(name) is not None]
    rejected = [] if takes_sampling else given
    if takes_sampling and "temperature" in given and "top_p" in given:
        rejected = ["top_p"]
    for name in _SAMPLING:
        if name in rejected or body.get(name) is None:
            body.pop(name, None)
        elif name != "top_k":
            body[name] = _within_one(name, body[name])
    return rejected


def _within_one(name: str, value: Any) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise InvalidRequestError(f"{name} must be a number", param=name)
    return min(max(value, 0), 1)


def _stop_sequences(stop: Any) -> list[str]:
    sequences = [stop] if isinstance(stop, str) else stop or []
    if not isinstance(sequences, list) or not all(isinstance(text, str) for text in sequences):
        raise InvalidRequestError("stop must be a string or a list of strings", param="stop")
    return [text for text in sequences if text]


def _conversation(messages: Any) -> tuple[str, list[dict[str, Any]]]:
    """The system prompt, and the turns of user and assistant: neighbours of the same role become one."""
    system: list[str] = []
    turns: list[tuple[str, list[str]]] = []
    for role, texts in _spoken(messages):
        if role == "system":
            system += texts
        elif turns and turns[-1][0] == role:
            turns[-1][1].extend(texts)
        elif texts:
            turns.append((role, texts))
    if not turns:  # instructions alone are a question too
        turns, system = [("user", system)], []
    return "\n\n".join(system), [_turn(role, texts) for role, texts in turns]


def _turn(role: str, texts: list[str]) -> dict[str, Any]:
    if len(texts) == 1:
        return {"role": role, "content": texts[0]}
    return {"role": role, "content": [{"type": "text", "text": text} for text in texts]}


def _spoken(messages: Any) -> Iterator[tuple[str, list[str]]]:
    if not isinstance(messages, list):
        raise InvalidRequestError("messages must be a list of messages", param="messages")
    for index, message in enumerate(messages):
        place = f"messages[{index}]"
        if not isinstance(message, dict):
            raise InvalidRequestError(f"{place} must be an object with role and content", param=place)
        role = _ROLES.get(str(message.get("role")))
        if role is None or message.get("tool_calls") or message.get("function_call"):
            raise InvalidRequestError(
                f"{place}: tools cannot be used with Anthropic models here; choose another model", param=place
            )
        # Anthropic refuses empty texts
        yield role, [text for text in _texts(message.get("content"), place) if text]


def _texts(content: Any, place: str) -> Iterable[str]:
    if content is None or isinstance(content, str):
        return [content or ""]
    if not isinstance(content, list):
        raise InvalidRequestError(f"{place}.content must be a string or a list of parts", param=place)
    return [_text_of(part, place) for part in content]


def _text_of(part: Any, place: str) -> str:
    kind = part.get("type") if isinstance(part, dict) else None
    text = part.get(kind) if kind in ("text", "refusal") else None
    if not isinstance(text, str):
        raise InvalidRequestError(
            f"{place}: a part of type {str(kind)[:40]!r} cannot be sent to Anthropic models here; "
            "send text, or choose another model",
            param=place,
        )
    return text
