"""The stand-in's models: which it has, and what some of them refuse."""

import re
from typing import Any

from tests.clients import faults
from tests.clients.exchange import Asked, Memory, Refusal, Reply

_OPENAI = re.compile(r"(gpt-|o[1-9]|chat-latest)")
_EMBEDDING = re.compile(r"text-embedding-")
_ANTHROPIC = re.compile(r"claude-")
# these think before they answer: no sampling, and a limit of another name
_REASONING = re.compile(r"(gpt-[5-9]|o[1-9])")
_NOT_FORCED = re.compile(r"claude-(fable|opus|sonnet|mythos)-5")
_NOT_SAMPLING = re.compile(r"claude-\w+-5")
_LISTED = ("gpt-6-luna", "gpt-6.1-sol", "gpt-4o", "claude-sonnet-5-5", "claude-haiku-5-5", "text-embedding-3-small")


def check(asked: Asked, kind: str) -> str:
    """The model's name. `kind` is "chat", "embedding" or "messages"."""
    name = asked.body.get("model")
    pattern = {"chat": _OPENAI, "embedding": _EMBEDDING, "messages": _ANTHROPIC}[kind]
    if not isinstance(name, str) or not name:
        raise Refusal(400, "you must provide a model parameter", param="model")
    if not (pattern.match(name) or faults.base_name(name)):
        raise Refusal(404, f"The model `{name}` does not exist", code="model_not_found", param="model")
    return name


def refuse_old_words(body: dict[str, Any], name: str, *, limit: str = "") -> None:
    """What OpenAI's reasoning models answer with 400."""
    if not _REASONING.match(name):
        return
    for field in ("temperature", "top_p", "logprobs", "presence_penalty", "frequency_penalty", limit):
        if field and body.get(field) not in (None, False, 1):
            raise Refusal(
                400,
                f"Unsupported parameter: '{field}' is not supported with this model.",
                param=field,
                code="unsupported_parameter",
            )


def refuse_unbearable(body: dict[str, Any], name: str) -> None:
    """What Anthropic's newer models answer with 400."""
    if _NOT_SAMPLING.match(name) and any(body.get(field) is not None for field in ("temperature", "top_p", "top_k")):
        raise Refusal(400, "`temperature`, `top_p` and `top_k` are not supported by this model.")
    if _NOT_FORCED.match(name) and (body.get("tool_choice") or {}).get("type") in ("any", "tool"):
        raise Refusal(400, "tool_choice: this model does not support forced tool use.")


def catalogue(asked: Asked, memory: Memory) -> Reply:
    """Everything that is answered to GET."""
    kind, _, rest = asked.path.removeprefix("/v1/").partition("/")
    if kind == "responses" and rest in memory.responses:
        return Reply(document=memory.responses[rest][1])
    if kind != "models" or (rest and rest not in _LISTED):
        raise Refusal(404, f"there is no {asked.path}", code="not_found")
    shown = [_anthropic(name) if asked.is_anthropic else _openai(name) for name in ([rest] if rest else _LISTED)]
    if rest:
        return Reply(document=shown[0])
    if asked.is_anthropic:
        ends = {"has_more": False, "first_id": _LISTED[0], "last_id": _LISTED[-1]}
        return Reply(document={"data": shown, **ends})
    return Reply(document={"object": "list", "data": shown})


def _openai(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 1_780_000_000, "owned_by": "system"}


def _anthropic(name: str) -> dict[str, Any]:
    return {"type": "model", "id": name, "display_name": name, "created_at": "2026-06-01T00:00:00Z"}
