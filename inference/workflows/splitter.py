"""Parts a prompt into questions that can be asked on their own; where that is in doubt, into none."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from inference.workflows.graph import escaped

MAX_PARTS = 20
_FEWEST_PARTS = 2
_MAX_CHARACTERS = 20_000
_MAX_DEPTH = 8  # of brackets in brackets

# nothing is cut inside of these; a mark without its other half leaves the whole prompt as it is
_CLOSED = re.compile(
    r"```.*?```|~~~.*?~~~|`[^`\n]*`|\"[^\"]*\"|(?<!\w)'[^'\n]*'(?!\w)|“[^“”]*”|«[^«»]*»|\{[^{}]*\}|\[[^\[\]]*\]",
    re.DOTALL,
)
# also what is quoted or code by its indentation, and markup
_HALF = re.compile(r"```|~~~|`|\"|(?<!\w)'|“|”|«|»|[{}\[\]]|</?[a-zA-Z]|^(?:>|\t| {4})", re.MULTILINE)
_NUMBERED_LINE = re.compile(r"^ {0,3}(?P<mark>(?:Q|Question |Task )?(?P<number>\d{1,2})[.):]) +", re.MULTILINE)
_NUMBERED_INLINE = re.compile(r"(?:(?<=\s)|^)(?P<mark>\(?(?P<number>\d{1,2})\)) +")
_BULLET = re.compile(r"^ {0,3}(?P<mark>[-*•]) +", re.MULTILINE)
_LINE = re.compile(r"^(?P<mark>)(?=\S)", re.MULTILINE)
_NEXT_CLAUSE = re.compile(r"(?<=[.;,])\s+(?:and )?(?P<mark>(?:then|finally),? )", re.IGNORECASE)
_FIRST_CLAUSE = re.compile(r"\s*first(?:ly)?,? ", re.IGNORECASE)

_ASKING = re.compile(
    r"(?:what|who|whom|whose|which|when|where|why|how|is|are|was|were|do|does|did|can|could|should|would|will|has|have)\b",
    re.IGNORECASE,
)
_TELLING = re.compile(
    r"(?:answer|calculate|classify|compute|convert|count|define|describe|draft|estimate|explain|find|give|identify|"
    r"list|name|outline|propose|rewrite|say|solve|state|suggest|summari[sz]e|tell|translate|write)\b",
    re.IGNORECASE,
)
# what leans on another part, or makes one thing of all
_LEANING = re.compile(
    r"\b(?:above|after that|again|aforementioned|also|answers?|as well|before|below|both|each other|earlier|else|"
    r"first|former|hers?|he|him|his|instead|it|its|itself|last|latter|next|now|one|ones|others?|outputs?|preceding|"
    r"previous(?:ly)?|results?|same|second|she|so|such|that|their|them|then|there|these|they|third|this|those|too|"
    r"(?:step|question|task|point|item|part|number) ?\d+)\b|#\d",
    re.IGNORECASE,
)
_BINDING = re.compile(
    r"\b(?:all|any one|best|choose|combine|combined|compare|constraints?|in order|in this order|json|one of|"
    r"only|options?|order|overall|pick|rank|rules?|sequence|single|steps?|table|together|total|which of|"
    r"requirements?|criteria|paragraph|essay|story|letter|email|code|function|script|program)\b",
    re.IGNORECASE,
)
_INVITING = re.compile(r"\b(?:questions?|answer|tasks?|following|please|do|things)\b", re.IGNORECASE)
_RESULT = re.compile(r"\b(?:the|that|this|its|your) (?:\w+ )?(?:results?|outputs?|answers?|outcomes?)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Part:
    """`text` is the prompt of one step, with what it shares with the others; `joint` stands before its output."""

    id: str
    text: str
    joint: str


@dataclass(frozen=True, slots=True)
class Cut:
    """A text in pieces that are the text again when they are put together: what is shared, then each part."""

    preamble: str
    marks: tuple[str, ...]  # how each part begins, as far as that only says that it begins
    parts: tuple[str, ...]  # marks included

    @property
    def whole(self) -> str:
        return self.preamble + "".join(self.parts)


def split(text: str) -> tuple[Part, ...]:
    """Two parts or more, or none."""
    found = cut(text)
    if found is not None:
        return _side_by_side(found)
    clauses = cut_clauses(text)
    return () if clauses is None else _one_after_another(clauses)


def cut(text: str) -> Cut | None:
    """Independent questions: numbered, with bullets, or one on each line."""
    hidden = _hidden(text)
    if hidden is None:
        return None
    for pattern, fits in _LISTS:
        starts = list(pattern.finditer(hidden))
        if _FEWEST_PARTS <= len(starts) <= MAX_PARTS and fits(starts):
            at = _starts_of_parts(hidden, starts)
            return _cut_at(text, at) if _is_independent(_cut_at(hidden, at)) else None
    return None


def cut_clauses(text: str) -> Cut | None:
    """`First do this, then do that with the result`: each part but the first says that it uses the one before."""
    hidden = _hidden(text)
    if hidden is None or (first := _FIRST_CLAUSE.match(hidden)) is None or "\n\n" in hidden.strip():
        return None
    starts = [first.end(), *(found.start("mark") for found in _NEXT_CLAUSE.finditer(hidden))]
    if not _FEWEST_PARTS <= len(starts) <= MAX_PARTS:
        return None
    ends = [*starts[1:], len(text)]
    parts = tuple(text[start:end] for start, end in zip(starts, ends, strict=True))
    later = [hidden[start:end] for start, end in zip(starts[1:], ends[1:], strict=True)]
    marks = (text[: first.end()], *(found["mark"] for found in _NEXT_CLAUSE.finditer(hidden)))
    is_clear = _TELLING.match(parts[0]) and all(_RESULT.search(clause) for clause in later)
    return Cut(text[: first.end()], ("", *marks[1:]), parts) if is_clear else None


def _hidden(text: str) -> str | None:
    """The text with what is closed in quotes, brackets and code covered; None where a half of such is left."""
    if len(text) > _MAX_CHARACTERS:
        return None
    hidden = text
    for _ in range(_MAX_DEPTH):
        hidden = _CLOSED.sub(lambda found: _blank(found[0]), hidden)
    return None if _HALF.search(hidden) else hidden


def _blank(text: str) -> str:
    """As long as the text, with a letter that no rule looks for in its place."""
    return "\u00b7" * len(text)


def _is_counted(starts: Sequence[re.Match[str]]) -> bool:
    numbers = [int(start["number"]) for start in starts]
    return numbers == list(range(1, len(numbers) + 1))


def _is_uniform(starts: Sequence[re.Match[str]]) -> bool:
    return len({start["mark"] for start in starts}) == 1


def _is_all(starts: Sequence[re.Match[str]]) -> bool:
    """Of lines: every one is a question, but for the first, which may introduce the others."""
    lines = [line.strip() for line in starts[0].string.splitlines() if line.strip()]
    asked = lines[1:] if lines[0].endswith(":") else lines
    return all(line.endswith("?") and line.count("?") == 1 and _ASKING.match(line) for line in asked)


_LISTS: tuple[tuple[re.Pattern[str], Callable[[Sequence[re.Match[str]]], bool]], ...] = (
    (_NUMBERED_LINE, _is_counted),
    (_NUMBERED_INLINE, _is_counted),
    (_BULLET, _is_uniform),
    (_LINE, _is_all),
)


def _starts_of_parts(hidden: str, starts: Sequence[re.Match[str]]) -> Sequence[re.Match[str]]:
    """A line without a mark that ends with a colon introduces what follows."""
    is_introduced = not starts[0]["mark"] and hidden[: starts[1].start()].rstrip().endswith(":")
    return starts[1:] if is_introduced else starts


def _cut_at(text: str, starts: Sequence[re.Match[str]]) -> Cut:
    ends = [*(start.start() for start in starts[1:]), len(text)]
    return Cut(
        preamble=text[: starts[0].start()],
        marks=tuple(text[start.start() : start.end()] for start in starts),
        parts=tuple(text[start.start() : end] for start, end in zip(starts, ends, strict=True)),
    )


def _is_independent(hidden: Cut) -> bool:
    """Judged by what is not closed: nothing that is quoted decides."""
    preamble = hidden.preamble.strip()
    if len(hidden.parts) < _FEWEST_PARTS or _BINDING.search(preamble) or "?" in preamble:
        return False
    if preamble and not _INVITING.search(preamble):
        return False
    bodies = [part[len(mark) :].strip() for mark, part in zip(hidden.marks, hidden.parts, strict=True)]
    return all(_stands_alone(body) for body in bodies)


def _stands_alone(body: str) -> bool:
    if "\n\n" in body or _LEANING.search(body):  # what follows an empty line may be about all parts
        return False
    return bool(_TELLING.match(body)) or (bool(_ASKING.match(body)) and body.endswith("?"))


def _side_by_side(found: Cut) -> tuple[Part, ...]:
    shared = found.preamble
    return tuple(
        Part(
            f"part{number}",
            escaped(shared + part[len(mark) :].strip()),
            mark.lstrip(" ") or f"{part.strip()}\n",
        )
        for number, (mark, part) in enumerate(zip(found.marks, found.parts, strict=True), 1)
    )


def _one_after_another(found: Cut) -> tuple[Part, ...]:
    made = [Part("part1", escaped(found.parts[0].strip(" ,;\n")), "")]
    for number, (mark, part) in enumerate(zip(found.marks[1:], found.parts[1:], strict=True), 2):
        asked = escaped(part[len(mark) :].strip())
        before = f"This came out of the step before:\n\n{{{{part{number - 1}}}}}"
        made.append(Part(f"part{number}", f"{asked}\n\n{before}", ""))
    return tuple(made)
