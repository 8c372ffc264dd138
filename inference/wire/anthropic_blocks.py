"""Adds the events of an Anthropic stream up to the content blocks they tell."""

from typing import Any

import orjson

# the kinds of pieces: where the text of each stands in the event, where it belongs in the block, and in which block
_PIECES = {
    "text_delta": ("text", "text", "text"),
    "thinking_delta": ("thinking", "thinking", "thinking"),
    "signature_delta": ("signature", "signature", "thinking"),
    "input_json_delta": ("partial_json", "input", "tool_use"),
}


class BlockAssembler:
    """The blocks of one message, told apart by their index."""

    def __init__(self) -> None:
        self._blocks: dict[int, dict[str, Any]] = {}
        self._pieces: dict[tuple[int, str], list[str]] = {}

    def start(self, index: int, block: dict[str, Any]) -> None:
        self._blocks[index] = dict(block)

    def add(self, index: int, delta: dict[str, Any]) -> str:
        """The text of the piece; "" for a kind that has none. Raises TypeError when it makes no sense."""
        if delta["type"] == "citations_delta":
            self._cite(index, delta["citation"])
            return ""
        if delta["type"] not in _PIECES:
            return ""
        source, target, kind = _PIECES[delta["type"]]
        piece = delta[source]
        if not isinstance(piece, str):
            raise TypeError(f"{source} is no string")
        self._blocks.setdefault(index, {"type": kind})
        self._pieces.setdefault((index, target), []).append(piece)
        return piece

    def kind(self, index: int) -> Any:
        return self._blocks.get(index, {}).get("type")

    def untold_input(self, index: int) -> Any:
        """The input of a call of which no piece came; None if one did."""
        if any(self._pieces.get((index, "input"), ())):
            return None
        return self._blocks[index].get("input") or {}

    def content(self) -> list[dict[str, Any]]:
        blocks = {index: dict(block) for index, block in self._blocks.items()}
        for (index, name), pieces in self._pieces.items():
            joined: Any = "".join(pieces)
            if name == "input":
                joined = _read(joined) if joined.strip() else blocks[index].get("input")
            else:
                joined = (blocks[index].get(name) or "") + joined
            blocks[index][name] = joined
        return [blocks[index] for index in sorted(blocks)]

    def _cite(self, index: int, citation: Any) -> None:
        block = self._blocks.setdefault(index, {"type": "text"})
        block["citations"] = [*(block.get("citations") or ()), citation]


def _read(text: str) -> Any:
    """The input that `text` is the JSON of; the text itself when the stream was cut within it."""
    try:
        given = orjson.loads(text)
    except ValueError:
        return text
    return given if isinstance(given, dict) else text
