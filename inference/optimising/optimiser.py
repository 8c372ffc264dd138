"""Shortens a conversation without changing what it asks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from inference.optimising import blocks, turns
from inference.optimising.blocks import Block
from inference.routing.needs import estimate_tokens

REPEATED = "repeated paragraphs"
BLANK = "blank space"
POLITE = "closing phrases"
OLD = "old turns"

# what the assistant said and tools returned is evidence, and stays as it was
_EDITED = frozenset({"system", "developer", "user"})
# shorter repetitions may be meant
_SHORTEST_REPEATED = 80
_CLOSING_PHRASES = frozenset(
    {"thanks", "thank you", "thanks in advance", "thank you in advance", "many thanks", "thank you very much"}
)

Message = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Optimised:
    """`removed_tokens` is an estimate; `what` names what was removed, in words for people."""

    messages: tuple[Message, ...]
    removed_tokens: int
    what: tuple[str, ...]


def optimised(messages: Sequence[Message], budget_tokens: int | None = None) -> Optimised:
    """The same conversation, never longer. Roles and their order stay; no message is emptied.

    Of repeated paragraphs the first stays, so that a provider's prompt cache still knows the beginning.
    """
    kept = list(messages) if budget_tokens is None else turns.within(messages, budget_tokens)
    editor = _Editor()
    shortened = tuple(editor.edited(message) for message in kept)
    removed = estimate_tokens({"messages": messages}) - estimate_tokens({"messages": shortened})
    what = {OLD} if len(kept) < len(messages) else set[str]()
    return Optimised(shortened, max(0, removed), tuple(sorted(what | editor.what)))


class _Editor:
    """Goes through the messages in order and remembers the paragraphs it has seen."""

    def __init__(self) -> None:
        self.what: set[str] = set()
        self._seen: set[str] = set()

    def edited(self, message: Message) -> Message:
        content = message.get("content")
        if message.get("role") not in _EDITED:
            return message
        if isinstance(content, str):
            text = self._shortened(content)
            return message if text == content else {**message, "content": text}
        if not isinstance(content, list):
            return message
        parts = [self._part(part) for part in content]
        return message if parts == content else {**message, "content": parts}

    def _part(self, part: Any) -> Any:
        if not isinstance(part, Mapping) or part.get("type") != "text" or not isinstance(part.get("text"), str):
            return part
        return {**part, "text": self._shortened(part["text"])}

    def _shortened(self, text: str) -> str:
        found = blocks.split(text)
        kept = self._without_repeated(found)
        if not any(not block.is_gap for block in kept):
            kept = found  # said again on purpose: an emptied message would ask nothing
        kept = self._without_closing_phrase(kept)
        return self._tidy(kept)

    def _without_repeated(self, found: list[Block]) -> list[Block]:
        kept: list[Block] = []
        for block in found:
            words = _tidied(block)
            if block.is_gap or block.is_protected or len(words) < _SHORTEST_REPEATED or words not in self._seen:
                kept.append(block)
                self._seen.add(words)
            else:
                self.what.add(REPEATED)
                if kept and kept[-1].is_gap:
                    kept.pop()
        # the gap that came after what was first
        return kept[1:] if kept and kept[0].is_gap and not found[0].is_gap else kept

    def _without_closing_phrase(self, found: list[Block]) -> list[Block]:
        words = [index for index, block in enumerate(found) if not block.is_gap]
        if len(words) > 1 and found[words[-1]].text.strip(" \t\n.!,").lower() in _CLOSING_PHRASES:
            self.what.add(POLITE)
            return self._without_closing_phrase(found[: words[-2] + 1])
        return found

    def _tidy(self, found: list[Block]) -> str:
        tidy = [_tidied_block(found, index) for index in range(len(found))]
        before, after = blocks.join(found), blocks.join(tidy)
        if before != after:
            self.what.add(BLANK)
        return after


def _tidied_block(found: list[Block], index: int) -> Block:
    block = found[index]
    if not block.is_gap:
        return block if block.is_protected else Block(tuple(_tidied(block).split("\n")), False, False)
    beside = found[max(0, index - 1) : index] + found[index + 1 : index + 2]
    # between two pieces of code the gap may be part of it
    return block if any(each.is_protected for each in beside) else Block(("",), is_gap=True, is_protected=False)


def _tidied(block: Block) -> str:
    return "\n".join(line.rstrip(" \t") for line in block.lines)
