"""Translates Responses requests to chat completions, for providers that speak only those."""

from collections.abc import Mapping
from typing import Any

from acron_site.lib.errors import InvalidRequestError
from inference.domain import Ask
from inference.wire import fields, responses_answers, responses_tools
from inference.wire.responses_items import conversation, inexpressible
from inference.wire.responses_telling import ResponsesTelling

# what only OpenAI's own Responses API can do: leaving it out would answer another question
_NATIVE = (
    "previous_response_id",
    "conversation",
    "background",
    "prompt",
    "context_management",
    "moderation",
    "access_programs",
    "top_logprobs",
)
# chat completions' own words have no place here, and would undo what is translated
_FOREIGN = (
    "messages",
    "n",
    "max_tokens",
    "max_completion_tokens",
    "response_format",
    "functions",
    "function_call",
    "modalities",
    "audio",
    "logprobs",
    "prediction",
    "web_search_options",
    "reasoning_effort",
    "verbosity",
)
# what an answer can do without
_DROPPED = (
    "background_options",
    "image",
    "max_tool_calls",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "safety_identifier",
    "truncation",
)
_DROPPED_REASONING = ("summary", "generate_summary", "context", "mode")
_NATIVE_INCLUDE = "message.output_text.logprobs"
_HANDLED = frozenset(
    {"model", "input", "instructions", "max_output_tokens", "tools", "tool_choice", "parallel_tool_calls", "text"}
    | {"reasoning", "include", "metadata", "store", "stream", "stream_options", *_NATIVE, *_FOREIGN, *_DROPPED}
)


class ResponsesTranslation:
    """Between Responses and chat completions, both ways.

    `results_hold_parts`: the provider's dialect takes pictures and files in the messages of tools.
    """

    def __init__(self, *, results_hold_parts: bool = False) -> None:
        self._results_hold_parts = results_hold_parts

    def request(self, ask: Ask) -> tuple[dict[str, Any], tuple[str, ...]]:
        body = ask.body
        _refuse(body)
        messages = conversation(body, results_hold_parts=self._results_hold_parts)
        translated = {name: value for name, value in body.items() if name not in _HANDLED}
        translated |= {"model": body.get("model"), "messages": messages}
        translated |= _renamed(body) | responses_tools.translated(body) | _text(body.get("text") or {})
        return translated, _dropped(body)

    def answer(self, completion: Mapping[str, Any], ask: Ask) -> dict[str, Any]:
        return responses_answers.response(completion, ask)

    def stream(self, ask: Ask) -> ResponsesTelling:
        return ResponsesTelling(ask)


def _refuse(body: Mapping[str, Any]) -> None:
    for name in _NATIVE:
        if body.get(name):
            raise inexpressible(name, name)
    for name in _FOREIGN:
        if body.get(name) is not None:
            raise InvalidRequestError(
                f"{name} is a word of chat completions; say it in the words of the Responses API, or "
                "use /v1/chat/completions",
                param=name,
            )
    if _NATIVE_INCLUDE in (body.get("include") or ()):
        raise inexpressible("include", f"include with {_NATIVE_INCLUDE}")
    metadata = body.get("metadata") or {}
    if not all(isinstance(value, str) for value in metadata.values()):
        raise InvalidRequestError("'metadata' must be an object of strings", param="metadata")


def _renamed(body: Mapping[str, Any]) -> dict[str, Any]:
    effort = fields.text(body.get("reasoning") or {}, "effort", path="reasoning.")
    renamed = {"max_completion_tokens": body.get("max_output_tokens"), "reasoning_effort": effort or None}
    return {name: value for name, value in renamed.items() if value is not None}


def _text(text: Mapping[str, Any]) -> dict[str, Any]:
    wanted = text.get("format") or {}
    kind = wanted.get("type") or "text"
    translated = {"verbosity": text["verbosity"]} if text.get("verbosity") else {}
    if kind == "json_object":
        translated["response_format"] = {"type": "json_object"}
    elif kind == "json_schema":
        translated["response_format"] = {"type": "json_schema", "json_schema": _schema(wanted)}
    elif kind != "text":
        raise inexpressible("text.format.type", f"the format {str(kind)[:40]!r}")
    return translated


def _schema(wanted: Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(wanted.get("schema"), dict) or not isinstance(wanted.get("name"), str):
        raise InvalidRequestError(
            "'text.format' of type json_schema must have a name and a schema, an object", param="text.format"
        )
    schema = {"name": wanted["name"], "schema": wanted["schema"]}
    if description := fields.text(wanted, "description", path="text.format."):
        schema["description"] = description
    if wanted.get("strict") is not None:
        schema["strict"] = fields.flag(wanted, "strict", path="text.format.")
    return schema


def _dropped(body: Mapping[str, Any]) -> tuple[str, ...]:
    """The fields that are left out; metadata is not sent, but comes back with the answer."""
    dropped = [name for name in _DROPPED if body.get(name) is not None]
    dropped += [name for name in ("include", "store") if body.get(name)]
    dropped += [f"reasoning.{name}" for name in _DROPPED_REASONING if (body.get("reasoning") or {}).get(name)]
    return tuple(dropped)
