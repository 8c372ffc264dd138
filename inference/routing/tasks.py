"""Says what kind of task a request is, from what it says and how it is made."""

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from inference.routing.task_words import OPENINGS, TASKS, cues

GENERAL = "general"
# what a request is asked for stands at its beginning or its end; what is between is mostly material
_HEAD_CHARACTERS, _TAIL_CHARACTERS = 600, 240
_SYSTEM_CHARACTERS = 300
# of the user's words, those that come first are the request, the others may be what it is about
_FIRST_WORDS = 24
_LATER_SHARE = 0.5
_SYSTEM_SHARE = 0.6
# what speaks for "none of them": a single weak word is no evidence
_GENERAL_SCORE = 1.4
_MATERIAL_CHARACTERS = 25
_FEW_WORDS = 9
_MANY_TURNS = 3

_PLACES = {task: place for place, task in enumerate(TASKS)}
# how far corrections can move a score, and how many of them go half of the way
_MOST_LEANING, _HALF_WAY = 2.0, 5

_TOKEN = re.compile(r"[^\W_]+(?:['\u2019.][^\W\d_]+)*(?:\+\+|#)?|[.?!:\n]+")
_CODE_SIGNS = re.compile(
    r"```|^[ \t]*(?:def|class|import|from|const|let|var|func|fn|public|private|#include)[ ]\S"
    r"|>>> |\)\s?[{:;]|[=!]==?[ ]|=> "
    r"|</\w+>|\.\w+\(|[a-z](?:Error|Exception)\b|SELECT .+ FROM |&&|\|\||\w{3}\(\w*\)",
    re.MULTILINE,
)
_DEFINES = re.compile(r"^(?:def|class|function|func|fn|from|import|#include) ?\S", re.MULTILINE)
_SUM = re.compile(
    r"\d\s*[-+*/^\u00d7\u00f7=<>]\s*[\dx(]|\b[xyn]\s*[\^=+*/-]|\d\s?%|[$€£]\s?\d|\b[a-z]\(\w\)\s*=|\$[^$]*[\\^=][^$]*\$|\\boxed|√"
)
_NUMBER = re.compile(r"\b\d[\d.,]*\b")
_CHOICES = re.compile(r"\bA[).:]\s.+\bB[).:]\s", re.DOTALL)
_LABELS = re.compile(r"\[\w+(?:, ?\w+)+\]|\((?:[\w ]+, )+[\w ]+\)|: (?:\w+, )+(?:or )?\w+\?")
_QUOTED = re.compile(r"[\"“«][^\"”»]{8,}")
_ATTACHED = frozenset({"image_url", "input_audio", "file"})


@dataclass(frozen=True, slots=True)
class Detected:
    """`confidence`: how much of the evidence speaks for it, from 0 to 1."""

    task_type: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Correction:
    """How often an organization has said that what was taken for one task is another."""

    said: str
    meant: str
    count: int


def detect(sketch: Mapping[str, Any], *, corrections: Iterable[Correction] = ()) -> Detected:
    """Pure: the same request and corrections give the same task. Words and shape alone decide."""
    scores = [0.0] * len(TASKS)
    asked, system = _words_of(sketch)
    _add_words(scores, asked, later_share=_LATER_SHARE)
    _add_words(scores, system, share=_SYSTEM_SHARE)
    for task, weight in (*_signs_of_text(asked), *_signs_of_shape(sketch)):
        scores[_PLACES[task]] += weight
    _lean(scores, corrections)
    return _weighed(scores)


def _weighed(scores: Sequence[float]) -> Detected:
    most = max(*scores, _GENERAL_SCORE)
    shares = [math.exp(score - most) for score in scores]
    general = math.exp(_GENERAL_SCORE - most)
    best = max(range(len(shares)), key=shares.__getitem__)
    total = sum(shares) + general
    if scores[best] <= _GENERAL_SCORE:
        return Detected(GENERAL, round(general / total, 3))
    return Detected(TASKS[best], round(shares[best] / total, 3))


def _lean(scores: list[float], corrections: Iterable[Correction]) -> None:
    """Moves close calls towards what the organization says; a clear case stays what it is."""
    raw = TASKS[max(range(len(scores)), key=scores.__getitem__)] if max(scores) > _GENERAL_SCORE else GENERAL
    for correction in corrections:
        if correction.said == raw and correction.meant in _PLACES:
            scores[_PLACES[correction.meant]] += _MOST_LEANING * correction.count / (correction.count + _HALF_WAY)


def _add_words(scores: list[float], text: str, *, share: float = 1.0, later_share: float = 1.0) -> None:
    tokens = _TOKEN.findall(text.lower())
    begins, seen = True, set[int]()
    for index, token in enumerate(tokens):
        if token[0] in ".?!:\n":
            begins = True
            continue
        weight = share if index < _FIRST_WORDS else share * later_share
        branch = _PHRASES.get(token)
        if branch is not None:
            _follow(branch, tokens, index, begins=begins, seen=seen, add=scores, weight=weight)
        begins = begins and token in OPENINGS


def _follow(
    branch: "_Branch",
    tokens: Sequence[str],
    index: int,
    *,
    begins: bool,
    seen: set[int],
    add: list[float],
    weight: float,
) -> None:
    """Adds what each phrase that begins here says, once for each phrase."""
    while True:
        for number, at_start, place, cue in branch.said:
            if (begins or not at_start) and number not in seen:
                seen.add(number)
                add[place] += cue * weight
        index += 1
        following = branch.next.get(tokens[index]) if branch.next and index < len(tokens) else None
        if following is None:
            return
        branch = following


def _signs_of_text(text: str) -> Iterator[tuple[str, float]]:
    is_question = text.rstrip().endswith("?")
    signs = len(_CODE_SIGNS.findall(text))
    if signs:
        yield "code", min(4.0, 1.5 + signs) + (2.0 if _DEFINES.search(text) else 0.0)
    yield from _signs_of_numbers(text, is_question=is_question)
    if _CHOICES.search(text):
        yield "question_answering", 2.0
    if _LABELS.search(text):
        yield "classification", 1.5
    if is_question:
        yield "question_answering", 0.8
    if not signs:
        yield from _signs_of_plain_words(text, is_question=is_question)


def _signs_of_numbers(text: str, *, is_question: bool) -> Iterator[tuple[str, float]]:
    if sums := len(_SUM.findall(text)):
        yield "reasoning", min(2.5, 0.8 + 0.6 * sums)
    if is_question and (numbers := len(_NUMBER.findall(text))) > 1:
        yield "reasoning", min(3.4, 0.5 + 0.9 * numbers)


def _signs_of_plain_words(text: str, *, is_question: bool) -> Iterator[tuple[str, float]]:
    if not is_question and text.count(" ") + 1 < _FEW_WORDS:
        yield "conversation", 0.6
    if _has_material(text):
        yield from (("extraction", 0.6), ("classification", 0.6), ("summarization", 0.4))


def _has_material(text: str) -> bool:
    """Whether it brings along something to be read: after a break, or in quotes."""
    _, _, rest = text.strip().partition("\n")
    return len(rest) > _MATERIAL_CHARACTERS or _QUOTED.search(text) is not None


def _signs_of_shape(sketch: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    messages = [message for message in sketch.get("messages") or () if isinstance(message, Mapping)]
    roles = [message.get("role") for message in messages]
    if (sketch.get("tools") or sketch.get("functions")) and sketch.get("tool_choice") != "none":
        yield "agentic", 4.5
    if "tool" in roles or "function" in roles:
        yield "agentic", 2.0
    if _is_schema(sketch.get("response_format")):
        yield from (("extraction", 1.2), ("classification", 0.6))
    if any(_is_attached(message.get("content")) for message in messages):
        yield from (("extraction", 0.5), ("question_answering", 0.5))
    if roles.count("user") >= _MANY_TURNS:
        yield "conversation", 0.8


def _is_schema(response_format: Any) -> bool:
    return isinstance(response_format, Mapping) and response_format.get("type") in ("json_schema", "json_object")


def _is_attached(content: Any) -> bool:
    return isinstance(content, list) and any(
        isinstance(part, Mapping) and part.get("type") in _ATTACHED for part in content
    )


def _words_of(sketch: Mapping[str, Any]) -> tuple[str, str]:
    """The user's last turn, shortened, and the beginning of what the application says first."""
    asked = system = ""
    for message in reversed(sketch.get("messages") or ()):
        role = message.get("role") if isinstance(message, Mapping) else None
        if role == "user" and not asked:
            asked = _shortened(message.get("content"))
        elif role in ("system", "developer"):
            system = _text(message.get("content"))[:_SYSTEM_CHARACTERS]
    return asked, system


def _shortened(content: Any) -> str:
    text = _text(content)
    if len(text) <= _HEAD_CHARACTERS + _TAIL_CHARACTERS:
        return text
    return f"{text[:_HEAD_CHARACTERS]}\n{text[-_TAIL_CHARACTERS:]}"


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    texts = (part.get("text") for part in content if isinstance(part, Mapping))
    return "\n".join(text for text in texts if isinstance(text, str))


@dataclass(slots=True)
class _Branch:
    """The phrases that begin alike. `said`: of those that end here, number, whether only at a start, task, weight."""

    said: list[tuple[int, bool, int, float]] = field(default_factory=list)
    next: "dict[str, _Branch]" = field(default_factory=dict)


def _grown() -> dict[str, _Branch]:
    root = _Branch()
    for number, (words, at_start, place, weight) in enumerate(cues()):
        branch = root
        for word in words:
            branch = branch.next.setdefault(word, _Branch())
        branch.said.append((number, at_start, place, weight))
    return root.next


_PHRASES = _grown()
