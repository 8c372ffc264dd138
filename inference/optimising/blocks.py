"""Parts a text into blocks and the gaps between them, and says which blocks are not to be touched."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

# code, JSON, markup, tables, quotes, addresses, indented lines: nearly anything but plain sentences
_MARKS = re.compile(
    r"[\"\u201c\u201d\u201e\u00ab\u00bb`{}\[\]<>|;=\\]|\w\(|://|www\.|^[ \t]+\S|^(?:import|from|def|class|return)\b|~~~"
    r"|(?:^|\s)['\u2018]\S",
    re.MULTILINE,
)
_FENCES = ("```", "~~~")


@dataclass(frozen=True, slots=True)
class Block:
    """Lines without a break, or the blank lines between two such blocks."""

    lines: tuple[str, ...]
    is_gap: bool
    is_protected: bool

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


@dataclass(slots=True)
class _Open:
    """What has begun and not ended, so that a blank line is no break."""

    fence: str = ""
    is_quote: bool = False
    depth: int = field(default=0)

    def take(self, line: str) -> None:
        start = line.lstrip()[:3]
        if self.fence or start in _FENCES:
            self.fence = "" if start == self.fence else self.fence or start
            return
        self.is_quote ^= line.count('"') % 2 == 1
        opened = sum(map(line.count, "{[\u201c\u00ab")) - sum(map(line.count, "}]\u201d\u00bb"))
        self.depth = max(0, self.depth + opened)

    @property
    def is_anything(self) -> bool:
        return bool(self.fence) or self.is_quote or self.depth > 0


def split(text: str) -> list[Block]:
    """What is opened and never closed protects all that follows it. Joined, the blocks are the text again."""
    return list(_split(text.split("\n")))


def join(blocks: list[Block]) -> str:
    return "\n".join(line for block in blocks for line in block.lines)


def _split(lines: list[str]) -> Iterator[Block]:
    begun, held = 0, _Open()
    for index, line in enumerate(lines):
        if held.is_anything or not _parts(lines, begun, index):
            held.take(line)
            continue
        yield _block(lines[begun:index])
        begun = index
        held.take(line)
    yield _block(lines[begun:])


def _parts(lines: list[str], begun: int, index: int) -> bool:
    """Whether a block ends before this line: between words and blank lines, either way."""
    return index > begun and bool(lines[index].strip()) != bool(lines[index - 1].strip())


def _block(lines: list[str]) -> Block:
    text = "\n".join(lines)
    return Block(tuple(lines), is_gap=not text.strip(), is_protected=_MARKS.search(text) is not None)
