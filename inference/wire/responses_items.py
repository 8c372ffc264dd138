"""The items of a Responses request as messages of chat completions."""

from collections.abc import Mapping
from typing import Any

from acron_site.lib.errors import InvalidRequestError
from inference.wire import fields, responses_sketch
from inference.wire.tool_results import Parts, parted

# developer is younger than most servers
_ROLES = {"developer": "system", "system": "system", "user": "user", "assistant": "assistant"}
_TEXTS = frozenset({"input_text", "output_text", "text"})
_DETAILS = {"auto": "auto", "low": "low", "high": "high", "original": "high"}


def conversation(body: Mapping[str, Any], *, results_hold_parts: bool) -> list[dict[str, Any]]:
    """`results_hold_parts`: a tool's message may hold pictures and files, as chat completions do not know it.

    Raises InvalidRequestError naming the item or the field that chat completions cannot express.
    """
    asked, reader = body.get("input"), _Reader(results_hold_parts=results_hold_parts)
    if instructions := body.get("instructions"):
        reader.messages.append({"role": "system", "content": instructions})
    if isinstance(asked, str):
        return [*reader.messages, {"role": "user", "content": asked}]
    for index, item in enumerate(asked or ()):
        reader.add(item, f"input[{index}]")
    reader.show_attached()
    if not reader.messages:
        raise InvalidRequestError("'input' holds nothing to answer; add a message", param="input")
    return reader.messages


class _Reader:
    """Follows the items. What results show beside their text is told after the last of them, where calls want none."""

    def __init__(self, *, results_hold_parts: bool) -> None:
        self.messages: list[dict[str, Any]] = []
        self._results_hold_parts = results_hold_parts
        self._attached: Parts = []

    def add(self, item: Mapping[str, Any], place: str) -> None:
        kind = item.get("type") or "message"
        if responses_sketch.is_reference(item):
            raise inexpressible(f"{place}.id", "an item that is named by its id only")
        if kind == "message":
            self.show_attached()
            self.messages.append(_message(item, place))
        elif kind == "function_call":
            self.show_attached()
            _add_call(self.messages, _call(item, place))
        elif kind == "function_call_output":
            self._add_result(item, place)
        elif kind != "reasoning":  # a model's thoughts mean nothing to another
            raise inexpressible(f"{place}.type", f"an item of type {kind[:40]!r}")

    def show_attached(self) -> None:
        if self._attached:
            self.messages.append({"role": "user", "content": self._attached})
            self._attached = []

    def _add_result(self, item: Mapping[str, Any], place: str) -> None:
        call_id, output = _required(item, "call_id", place), item["output"]
        if not isinstance(output, str):
            parts = [_part(part, f"{place}.output[{index}]") for index, part in enumerate(output)]
            text, attached = parted(parts, call_id)
            output = parts if attached and self._results_hold_parts else text
            self._attached += [] if output is parts else attached
        self.messages.append({"role": "tool", "tool_call_id": call_id, "content": output})


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
