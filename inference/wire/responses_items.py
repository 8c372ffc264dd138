"""The items of a Responses request as messages of chat completions."""

from collections.abc import Iterator, Mapping
from typing import Any

from acron_site.lib.errors import InvalidRequestError
from inference.wire import fields, responses_sketch

# developer is younger than most servers
_ROLES = {"developer": "system", "system": "system", "user": "user", "assistant": "assistant"}
_TEXTS = frozenset({"input_text", "output_text", "text"})
_DETAILS = {"auto": "auto", "low": "low", "high": "high", "original": "high"}


def conversation(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Raises InvalidRequestError naming the item or the field that chat completions cannot express."""
    messages: list[dict[str, Any]] = []
    if instructions := body.get("instructions"):
        messages.append({"role": "system", "content": instructions})
    asked = body.get("input")
    if isinstance(asked, str):
        return [*messages, {"role": "user", "content": asked}]
    for index, item in enumerate(asked or ()):
        _add(messages, item, f"input[{index}]")
    if not messages:
        raise InvalidRequestError("'input' holds nothing to answer; add a message", param="input")
    return messages


def _add(messages: list[dict[str, Any]], item: Mapping[str, Any], place: str) -> None:
    kind = item.get("type") or "message"
    if responses_sketch.is_reference(item):
        raise inexpressible(f"{place}.id", "an item that is named by its id only")
    if kind == "message":
        messages.append(_message(item, place))
    elif kind == "function_call":
        _add_call(messages, _call(item, place))
    elif kind == "function_call_output":
        messages.append(_call_output(item, place))
    elif kind != "reasoning":  # a model's thoughts mean nothing to another
        raise inexpressible(f"{place}.type", f"an item of type {kind[:40]!r}")


def _message(item: Mapping[str, Any], place: str) -> dict[str, Any]:
    role, content = _ROLES[item["role"]], item["content"]
    if role == "assistant":
        return {"role": role, **_said(content, f"{place}.content")}
    if isinstance(content, str):
        return {"role": role, "content": content}
    parts = [_part(part, f"{place}.content[{index}]") for index, part in enumerate(content)]
    return {"role": role, "content": _plain(parts)}


def _plain(parts: list[dict[str, Any]]) -> Any:
    """A single text is sent as one: some servers know nothing else."""
    return parts[0]["text"] if len(parts) == 1 and parts[0]["type"] == "text" else parts


def _said(content: Any, place: str) -> dict[str, Any]:
    """What the model said before: one text, or its refusal."""
    if isinstance(content, str):
        return {"content": content}
    texts, refusals = [], []
    for index, part in enumerate(content):
        if part["type"] == "refusal":
            refusals.append(fields.text(part, "refusal", path=f"{place}[{index}]."))
        else:
            texts.append(_text(part, f"{place}[{index}]"))
    said = {"content": "".join(texts) if texts or not refusals else None}
    return {**said, "refusal": "".join(refusals)} if refusals else said


def _text(part: Mapping[str, Any], place: str) -> str:
    if part["type"] not in _TEXTS:
        raise inexpressible(f"{place}.type", f"a part of type {part['type'][:40]!r} here")
    return _required(part, "text", place)


def _part(part: Mapping[str, Any], place: str) -> dict[str, Any]:
    match part["type"]:
        case "input_image":
            return {"type": "image_url", "image_url": _image(part, place)}
        case "input_file":
            return {"type": "file", "file": _file(part, place)}
        case "input_audio":
            sound = fields.json_object(part, "input_audio", path=f"{place}.")
            return {"type": "input_audio", "input_audio": sound}
    return {"type": "text", "text": _text(part, place)}


def _image(part: Mapping[str, Any], place: str) -> dict[str, Any]:
    if part.get("file_id"):
        raise inexpressible(f"{place}.file_id", "an image that is kept at OpenAI")
    image = {"url": _required(part, "image_url", place)}
    if detail := fields.choice(part, "detail", _DETAILS, path=f"{place}."):
        image["detail"] = _DETAILS[detail]
    return image


def _file(part: Mapping[str, Any], place: str) -> dict[str, Any]:
    for name in ("file_id", "file_url"):
        if part.get(name):
            raise inexpressible(f"{place}.{name}", f"a file by its {name} (send file_data instead)")
    content = {"file_data": _required(part, "file_data", place)}
    name = fields.text(part, "filename", path=f"{place}.")
    return {**content, "filename": name} if name else content


def _call(item: Mapping[str, Any], place: str) -> dict[str, Any]:
    function = {"name": _required(item, "name", place), "arguments": fields.text(item, "arguments", path=f"{place}.")}
    return {"id": _required(item, "call_id", place), "type": "function", "function": function}


def _add_call(messages: list[dict[str, Any]], call: dict[str, Any]) -> None:
    """Calls belong to the words before them."""
    if not messages or messages[-1]["role"] != "assistant":
        messages.append({"role": "assistant", "content": None})
    messages[-1].setdefault("tool_calls", []).append(call)


def _call_output(item: Mapping[str, Any], place: str) -> dict[str, Any]:
    output = item["output"]
    if not isinstance(output, str):
        output = "\n".join(_output_texts(output, f"{place}.output"))
    return {"role": "tool", "tool_call_id": _required(item, "call_id", place), "content": output}


def _output_texts(parts: list[dict[str, Any]], place: str) -> Iterator[str]:
    for index, part in enumerate(parts):
        yield _text(part, f"{place}[{index}]")


def _required(source: Mapping[str, Any], name: str, place: str) -> str:
    if not isinstance(source.get(name), str):
        raise InvalidRequestError(f"{place}.{name} must be a string", param=f"{place}.{name}")
    return str(source[name])


def inexpressible(param: str, what: str) -> InvalidRequestError:
    return InvalidRequestError(
        f"{what} works with OpenAI's own Responses API only; choose an OpenAI model, whose provider key is set, "
        "or leave it out",
        param=param,
    )
