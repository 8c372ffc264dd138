"""Reads `POST /v1/responses`: OpenAI's newer request, with ACRON's own fields under `acron`."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from acron_site.lib.errors import InvalidRequestError
from inference.domain import Ask, CacheControls, Format
from inference.wire import chat, controls, fields, responses_sketch
from inference.wire.http import Head

ENDPOINT = "responses"

_ROLES = frozenset({"assistant", "developer", "system", "user"})
_MAX_TOKENS = 10_000_000
# without input there must be something else to go on
_IN_PLACE_OF_INPUT = ("prompt", "conversation", "previous_response_id")
_CHECKS: dict[str, Callable[[Mapping[str, Any], str], Any]] = {
    "background": fields.flag,
    "instructions": fields.text,
    "max_output_tokens": partial(fields.whole_number, low=1, high=_MAX_TOKENS),
    "metadata": fields.json_object,
    "parallel_tool_calls": fields.flag,
    "previous_response_id": fields.text,
    "prompt": fields.json_object,
    "reasoning": fields.json_object,
    "service_tier": fields.text,
    "store": fields.flag,
    "stream_options": fields.json_object,
    "temperature": partial(fields.number, low=0, high=2),
    "text": fields.json_object,
}


def read(body: bytes, head: Head) -> Ask:
    """Raises InvalidRequestError naming the field and what it must be."""
    document = fields.parse_object(body)
    own = chat.take_own(document)
    model = fields.text(document, "model")
    if not model:
        raise InvalidRequestError("'model' is missing; name one, or use \"auto\"", param="model")
    check_shape(document)
    return Ask(
        request_id=head.request_id,
        endpoint=ENDPOINT,
        mode=chat.mode_of(model, own),
        model_requested=model,
        body=document,
        started=head.started,
        stream=fields.flag(document, "stream"),
        controls=_controls(document, head, own),
        end_user=fields.text(document, "user")[:256],
        format=Format.RESPONSES,
        sketched=responses_sketch.sketch(document),
        passed_headers={"openai-beta": head.openai_beta} if head.openai_beta else {},
        idempotency_key=head.idempotency_key,
        **(chat.steering(own, path="acron.") if own else {}),
    )


def check_shape(document: Mapping[str, Any]) -> None:
    """The fields ACRON itself reads; all others are the provider's to judge."""
    for name in document:
        if name in _CHECKS:
            _CHECKS[name](document, name)
    _check_text(document)
    _check_list_of_objects(document.get("tools"), "tools", typed=True)
    _check_texts(document.get("include"), "include")
    if not isinstance(document.get("conversation"), str | dict | None):
        raise InvalidRequestError("'conversation' must be an id or an object with an id", param="conversation")
    _check_input(document)


def _controls(document: Mapping[str, Any], head: Head, own: Mapping[str, Any]) -> CacheControls:
    """What goes on from a state at the provider, or acts on the world, is done anew each time."""
    asked = controls.parse(head.cache_control, head.namespace, own.get("cache"))
    return replace(asked, read=False, write=False) if responses_sketch.is_stateful(document) else asked


def _check_text(document: Mapping[str, Any]) -> None:
    text = document.get("text")
    if text:
        wanted = fields.json_object(text, "format", path="text.")
        fields.text(wanted, "type", path="text.format.")
        fields.text(text, "verbosity", path="text.")


def _check_texts(value: Any, name: str) -> None:
    if value is not None and not (isinstance(value, list) and all(isinstance(item, str) for item in value)):
        raise InvalidRequestError(f"{name!r} must be a list of strings", param=name)


def _check_list_of_objects(value: Any, name: str, *, typed: bool) -> None:
    if value is None:
        return
    if not isinstance(value, list):
        raise InvalidRequestError(f"{name!r} must be a list of objects", param=name)
    for index, item in enumerate(value):
        if not isinstance(item, dict) or (typed and not isinstance(item.get("type"), str)):
            place = f"{name}[{index}]"
            raise InvalidRequestError(f"{place} must be an object with a type", param=place)


def _check_input(document: Mapping[str, Any]) -> None:
    asked = document.get("input")
    if asked is None and any(document.get(name) for name in _IN_PLACE_OF_INPUT):
        return
    if not isinstance(asked, str | list) or not asked:
        raise InvalidRequestError("'input' must be a text or a list with at least one item", param="input")
    if isinstance(asked, list):
        _check_list_of_objects(asked, "input", typed=False)
        for index, item in enumerate(asked):
            _check_item(item, f"input[{index}]")


def _check_item(item: Mapping[str, Any], place: str) -> None:
    kind = fields.text(item, "type", path=f"{place}.")
    if kind == "function_call_output":
        _check_content(item.get("output"), f"{place}.output")
    if kind not in ("", "message") or responses_sketch.is_reference(item):
        return
    role = fields.text(item, "role", path=f"{place}.")
    if role not in _ROLES:
        raise InvalidRequestError(f"{place}.role must be one of {', '.join(sorted(_ROLES))}", param=f"{place}.role")
    _check_content(item.get("content"), f"{place}.content")


def _check_content(content: Any, place: str) -> None:
    if isinstance(content, str):
        return
    if not isinstance(content, list) or not all(
        isinstance(part, dict) and isinstance(part.get("type"), str) for part in content
    ):
        raise InvalidRequestError(
            f"{place} must be a string or a list of parts, each an object with a type", param=place
        )
