"""Tells the conversation of a Messages request as the messages of chat completions."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from acron_site.lib.errors import InvalidRequestError
from inference.wire import fields
from inference.wire.tool_results import Parts, parted

_Blocks = Iterable[Mapping[str, Any]]


def turns(body: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """`body` uses nothing that `native_only.fields` names. Raises InvalidRequestError for a field of the wrong kind."""
    if body.get("system"):
        yield {"role": "system", "content": _joined(body["system"])}
    for index, message in enumerate(body["messages"]):
        role, content, place = message["role"], message["content"], f"messages[{index}].content"
        if isinstance(content, str):
            yield {"role": role, "content": content}
        elif role == "system":
            yield {"role": "system", "content": _joined(content)}
        elif role == "assistant":
            yield from _assistant(content, place)
        else:
            yield from _user(content, place)


def _joined(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "\n\n".join([str(block.get("text") or "") for block in content])


def _assistant(blocks: _Blocks, place: str) -> Iterator[dict[str, Any]]:
    """What it thought stays out: only Anthropic can read it."""
    texts = [block["text"] for block in blocks if block["type"] == "text"]
    calls = [_call(block, f"{place}[{index}]") for index, block in enumerate(blocks) if block["type"] == "tool_use"]
    text = "".join(texts)
    if calls:
        yield {"role": "assistant", "content": text or None, "tool_calls": calls}
    elif text:
        yield {"role": "assistant", "content": text}


def _call(block: Mapping[str, Any], place: str) -> dict[str, Any]:
    name, given = (
        fields.required_text(block, "name", path=f"{place}."),
        fields.json_object(block, "input", path=f"{place}."),
    )
    return {
        "id": fields.required_text(block, "id", path=f"{place}."),
        "type": "function",
        "function": {"name": name, "arguments": fields.written(given)},
    }


def _user(blocks: _Blocks, place: str) -> Iterator[dict[str, Any]]:
    """Results of tools come first, as chat completions want them right after the calls; then all that was said."""
    said: Parts = []
    is_answering = False
    for index, block in enumerate(blocks):
        here = f"{place}[{index}]"
        if block["type"] != "tool_result":
            said += _parts(block, here)
            continue
        text, attached = _result(block, here)
        is_answering = True
        yield {
            "role": "tool",
            "tool_call_id": fields.required_text(block, "tool_use_id", path=f"{here}."),
            "content": text,
        }
        said += attached
    if not said and not is_answering:
        raise InvalidRequestError(f"{place} is empty; say something in it, or leave the message out", param=place)
    if said:
        is_plain = len(said) == 1 and said[0]["type"] == "text"
        yield {"role": "user", "content": said[0]["text"] if is_plain else said}


def _result(block: Mapping[str, Any], place: str) -> tuple[str, Parts]:
    """The text of a tool's result, and its pictures and files, which only a user's message can hold."""
    content = block.get("content") or ""
    parts: Parts = [{"type": "text", "text": content}] if isinstance(content, str) else []
    if not isinstance(content, str):
        parts = [part for index, each in enumerate(content) for part in _parts(each, f"{place}.content[{index}]")]
    text, attached = parted(parts, str(block.get("tool_use_id")))
    return (f"Error: {text}" if block.get("is_error") is True else text), attached


def _parts(block: Mapping[str, Any], place: str) -> Parts:
    match block["type"]:
        case "text":
            return [{"type": "text", "text": block["text"]}]
        case "search_result":
            return [{"type": "text", "text": _search_result(block)}]
        case "image":
            return [{"type": "image_url", "image_url": {"url": _picture(block["source"], f"{place}.source")}}]
    return _document(block, place)


def _search_result(block: Mapping[str, Any]) -> str:
    heading = [str(block[name]) for name in ("title", "source") if block.get(name)]
    return "\n".join([*heading, _joined(block.get("content") or "")])


def _picture(source: Mapping[str, Any], place: str) -> str:
    if source["type"] == "url":
        return fields.required_text(source, "url", path=f"{place}.")
    return _in_place(source, place)


def _document(block: Mapping[str, Any], place: str) -> Parts:
    source, here = block["source"], f"{place}.source"
    heading = [fields.text(block, name, path=f"{place}.") for name in ("title", "context")]
    if source["type"] == "base64":
        named = {"filename": heading[0] or "document.pdf", "file_data": _in_place(source, here)}
        return [{"type": "file", "file": named}]
    above: Parts = [{"type": "text", "text": text} for text in heading if text]
    if source["type"] == "text":
        return [*above, {"type": "text", "text": fields.required_text(source, "data", path=f"{here}.")}]
    content = source.get("content")
    if isinstance(content, str):
        return [*above, {"type": "text", "text": content}]
    return above + [
        part for index, each in enumerate(content or ()) for part in _parts(each, f"{here}.content[{index}]")
    ]


def _in_place(source: Mapping[str, Any], place: str) -> str:
    kind = fields.required_text(source, "media_type", path=f"{place}.")
    return f"data:{kind};base64,{fields.required_text(source, 'data', path=f'{place}.')}"
