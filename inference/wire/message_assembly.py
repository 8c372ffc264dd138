"""Adds the events of one of Anthropic's streams up to the message they tell."""

from typing import Any

import orjson

# what a delta brings whole; texts of other names come in pieces
_COME_WHOLE = frozenset({"signature"})
# what is not JSON after all is handed on as Anthropic advises
_INVALID = "INVALID_JSON"


class _Block:
    """One content block; unknown kinds and unknown deltas are added up by the same rules."""

    def __init__(self, begun: dict[str, Any]) -> None:
        self._fields = dict(begun)
        self._pieces: dict[str, list[str]] = {}

    def add(self, delta: dict[str, Any]) -> int:
        """Returns how many bytes were generated."""
        size = 0
        for name, value in delta.items():
            if name == "type" or value is None:
                continue
            if name == "citation":
                self._fields["citations"] = [*(self._fields.get("citations") or ()), value]
            elif isinstance(value, str) and name not in _COME_WHOLE:
                self._pieces.setdefault(name, []).append(value)
                size += len(value.encode())
            else:
                self._fields[name] = value
        return size

    def settled(self) -> dict[str, Any]:
        fields = dict(self._fields)
        for name, pieces in self._pieces.items():
            text = "".join(pieces)
            if name != "partial_json":
                begun = fields.get(name)
                fields[name] = begun + text if isinstance(begun, str) else text
            elif text:
                fields["input"] = tool_input(text)
        return fields


class MessageAssembler:
    """What the events of one stream add up to. `pieces` and `text_bytes` measure what was generated."""

    def __init__(self) -> None:
        self.usage: dict[str, Any] = {}
        self.pieces = 0
        self.text_bytes = 0
        self._message: dict[str, Any] = {}
        self._blocks: dict[int, _Block] = {}

    @property
    def stop_reason(self) -> str:
        reason = self._message.get("stop_reason")
        return reason if isinstance(reason, str) else ""

    def add(self, document: dict[str, Any]) -> None:
        """Raises KeyError, TypeError, ValueError or AttributeError for an event that makes no sense."""
        kind = document["type"]
        if kind == "content_block_delta":
            size = self._blocks[document["index"]].add(document["delta"])
            self.text_bytes += size
            self.pieces += bool(size)
        elif kind == "content_block_start":
            self._blocks[int(document["index"])] = _Block(document["content_block"])
        elif kind == "message_start":
            self._message = dict(document["message"])
            self.usage = dict(self._message.get("usage") or {})
        elif kind == "message_delta":
            self._end(document)

    def document(self) -> dict[str, Any]:
        """The message as JSON values."""
        content = [self._blocks[index].settled() for index in sorted(self._blocks)]
        return {**self._message, "content": content, "usage": self.usage}

    def _end(self, document: dict[str, Any]) -> None:
        """The counts are cumulative: they take the place of the earlier ones."""
        self._message |= {name: value for name, value in document.items() if name not in ("type", "delta", "usage")}
        self._message |= document["delta"]
        self.usage |= {name: value for name, value in (document.get("usage") or {}).items() if value is not None}


def tool_input(text: str) -> dict[str, Any]:
    """What a tool is called with."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        value = None
    return value if isinstance(value, dict) else {_INVALID: text}
