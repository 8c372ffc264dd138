"""Reads `POST /v1/messages`: an Anthropic request, with ACRON's own fields under `acron`."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from acron_site.lib.errors import InvalidRequestError
from inference.domain import Ask, Format
from inference.wire import chat, controls, fields, native_only
from inference.wire.http import Head

ENDPOINT = "messages"
COUNT_ENDPOINT = "messages.count_tokens"

_ROLES = frozenset({"user", "assistant", "system"})
_MAX_TOKENS = 10_000_000
_LONGEST_HEADER = 4_000
_CHECKS: dict[str, Callable[[Mapping[str, Any], str], Any]] = {
    "temperature": partial(fields.number, low=0, high=1),
    "top_p": partial(fields.number, low=0, high=1),
    "max_tokens": partial(fields.whole_number, low=0, high=_MAX_TOKENS),
    "metadata": fields.json_object,
    "thinking": fields.json_object,
    "output_config": fields.json_object,
    "tool_choice": fields.json_object,
    "service_tier": fields.text,
    "speed": fields.text,
}
_PASSED = {"anthropic-version": "anthropic_version", "anthropic-beta": "anthropic_beta"}
_PICTURE = {"type": "image_url"}
_FILE = {"type": "file"}
_MOST_NESTED = 8  # blocks in blocks; no request that means something comes near


def read(body: bytes, head: Head) -> Ask:
    """Raises InvalidRequestError naming the field and what it must be."""
    return _read(body, head, endpoint=ENDPOINT)


def read_count(body: bytes, head: Head) -> Ask:
    """`POST /v1/messages/count_tokens`: the same without a limit."""
    return _read(body, head, endpoint=COUNT_ENDPOINT)


def is_native_only(body: Mapping[str, Any]) -> bool:
    """Whether only a model of Anthropic's can do what is asked."""
    return any(native_only.fields(body))


def _read(body: bytes, head: Head, *, endpoint: str) -> Ask:
    document = fields.parse_object(body)
    own = chat.take_own(document)
    model = fields.text(document, "model")
    if not model:
        raise InvalidRequestError("'model' is missing; name one, or use \"auto\"", param="model")
    check(document, needs_limit=endpoint == ENDPOINT)
    return Ask(
        request_id=head.request_id,
        endpoint=endpoint,
        mode=chat.mode_of(model, own),
        model_requested=model,
        body=document,
        started=head.started,
        stream=fields.flag(document, "stream"),
        controls=controls.parse(head.cache_control, head.namespace, own.get("cache")),
        end_user=fields.text(document.get("metadata") or {}, "user_id", path="metadata.")[:256],
        idempotency_key=head.idempotency_key,
        format=Format.MESSAGES,
        sketched=sketch(document),
        passed_headers=_passed_headers(head),
        **(chat.steering(own, path="acron.") if own else {}),
    )


def check(document: Mapping[str, Any], *, needs_limit: bool = True) -> None:
    """The fields ACRON itself reads; all others are the provider's to judge."""
    _check_messages(document.get("messages"))
    for name in document:
        if name in _CHECKS:
            _CHECKS[name](document, name)
    if needs_limit and document.get("max_tokens") is None:
        raise InvalidRequestError("'max_tokens' is missing; say how long the answer may be", param="max_tokens")
    if document.get("system") is not None:
        _check_content(document["system"], "system")
    _check_tools(document.get("tools"))


def sketch(document: Mapping[str, Any]) -> dict[str, Any]:
    """The request in the words of chat completions, as far as it is measured there."""
    told: dict[str, Any] = {"messages": list(_turns(document))}
    for name in ("model", "max_tokens", "tools", "service_tier", "speed"):
        if document.get(name):
            told[name] = document[name]
    if told.get("speed") == "standard":
        del told["speed"]
    wanted = (document.get("output_config") or {}).get("format")
    if isinstance(wanted, dict) and wanted.get("type") == "json_schema":
        told["response_format"] = {"type": "json_schema"}
    if is_native_only(document):
        told["native_only"] = True
    return told


def _turns(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    if document.get("system"):
        yield {"role": "system", "content": _flat(document["system"])}
    for message in document["messages"]:
        yield {"role": message["role"], "content": _flat(message["content"])}


def _flat(content: Any) -> Any:
    return content if isinstance(content, str) else [part for block in content for part in _parts(block)]


def _parts(block: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """What a block weighs: its texts, a picture, a file. Whatever else it is counts as long as it is written."""
    kind, content = block["type"], block.get("content")
    if kind == "text" and isinstance(block.get("text"), str):
        yield {"type": "text", "text": block["text"]}
    elif kind == "image":
        yield _PICTURE
    elif kind == "document":
        yield from _document_parts(block)
    elif kind in ("tool_result", "search_result") and isinstance(content, str | list):
        yield from [{"type": "text", "text": content}] if isinstance(content, str) else _flat(content)
    else:
        yield {"type": "text", "text": fields.written(block)}


def _document_parts(block: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    source = block.get("source")
    source = source if isinstance(source, dict) else {}
    if source.get("type") == "text" and isinstance(source.get("data"), str):
        yield {"type": "text", "text": source["data"]}
    elif source.get("type") == "content" and isinstance(source.get("content"), str | list):
        content = source["content"]
        yield from [{"type": "text", "text": content}] if isinstance(content, str) else _flat(content)
    else:
        yield _FILE


def _check_messages(messages: Any) -> None:
    if not isinstance(messages, list) or not messages:
        raise InvalidRequestError("'messages' must be a list with at least one message", param="messages")
    for index, message in enumerate(messages):
        place = f"messages[{index}]"
        if not isinstance(message, dict):
            raise InvalidRequestError(f"{place} must be an object with role and content", param=place)
        role = message.get("role")
        if not isinstance(role, str) or role not in _ROLES:
            raise InvalidRequestError(f"{place}.role must be one of {', '.join(sorted(_ROLES))}", param=f"{place}.role")
        _check_content(message.get("content"), f"{place}.content")


def _check_content(content: Any, place: str, *, depth: int = 0) -> None:
    if isinstance(content, str):
        return
    if not isinstance(content, list) or depth > _MOST_NESTED:
        raise InvalidRequestError(
            f"{place} must be a string or a list of blocks, each an object with a type", param=place
        )
    for index, block in enumerate(content):
        _check_block(block, f"{place}[{index}]", depth=depth)


def _check_block(block: Any, place: str, *, depth: int) -> None:
    if not isinstance(block, dict) or not isinstance(block.get("type"), str):
        raise InvalidRequestError(f"{place} must be an object with a type", param=place)
    if block["type"] == "text" and not isinstance(block.get("text"), str):
        raise InvalidRequestError(f"{place}.text must be a string", param=f"{place}.text")
    if block["type"] in ("tool_result", "search_result") and block.get("content") is not None:
        _check_content(block["content"], f"{place}.content", depth=depth + 1)
    source = block.get("source")
    if block["type"] == "document" and isinstance(source, dict) and source.get("type") == "content":
        _check_content(source.get("content"), f"{place}.source.content", depth=depth + 1)


def _check_tools(tools: Any) -> None:
    if tools is None:
        return
    if not isinstance(tools, list):
        raise InvalidRequestError("'tools' must be a list of tools", param="tools")
    for index, tool in enumerate(tools):
        if not isinstance(tool, dict) or not isinstance(tool.get("type"), str | None):
            raise InvalidRequestError(
                f"tools[{index}] must be an object with a name and an input_schema, or with a type",
                param=f"tools[{index}]",
            )


def _passed_headers(head: Head) -> dict[str, str]:
    given = {name: getattr(head, field) for name, field in _PASSED.items()}
    for name, value in given.items():
        if len(value) > _LONGEST_HEADER or not (value.isascii() and (value.isprintable() or not value)):
            raise InvalidRequestError(f"the header {name} must be short and of printable ASCII characters", param=name)
    return {name: value for name, value in given.items() if value}
