"""Pairs of questions of which is known whether they may share an answer: the data that figures are made on."""

import gzip
import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

_REPLAY = Path("traces/replay_public.jsonl.gz")
_PAIRS = Path("semcache")
# of the groups of questions that the trace does not hold, the half that weights are fitted on
_FITTED_HALF = 0


@dataclass(frozen=True, slots=True)
class Pair:
    asked: str
    kept: str
    may_share: bool
    kind: str = ""
    published: float | None = None  # another embedder's cosine, as its publisher gives it


@dataclass(frozen=True, slots=True)
class PairSet:
    name: str
    pairs: Sequence[Pair]
    is_fitted_on: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """One of the replay trace; those of a group may share an answer."""

    tenant: str
    prompt: str
    group: str
    kind: str


def pair_sets(directory: Path) -> Iterator[PairSet]:
    """All that the directory holds; the first is the one that weights are fitted on."""
    requests = replay(directory)
    yield from _qqp_sets(directory, requests)
    for name in ("checklist_pairs", "synthetic_minimal_pairs", "qqp1000_text_embedding_3_small"):
        rows = list(_lines(directory / _PAIRS / f"{name}.jsonl.gz"))
        if rows:
            yield PairSet(name, [_pair(row) for row in rows])
    followups = list(_lines(directory / _PAIRS / "contextual_followups.jsonl.gz"))
    if followups:
        yield PairSet("contextual_followups", _follow_up_pairs(followups))
    if requests:
        yield PairSet("replay paraphrases and hard negatives", _replay_pairs(requests))


def at_most(count: int, labelled: PairSet) -> PairSet:
    """The same pairs each time, and each as likely as the others; 0 takes all."""
    if not count or len(labelled.pairs) <= count:
        return labelled
    chosen = sorted(labelled.pairs, key=lambda pair: _digest(f"{pair.asked}\n{pair.kept}"))[:count]
    return replace(labelled, pairs=chosen)


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()


def replay(directory: Path) -> list[Request]:
    return [Request(row["tenant"], row["prompt"], row["group"], row["kind"]) for row in _lines(directory / _REPLAY)]


def _qqp_sets(directory: Path, requests: Sequence[Request]) -> Iterator[PairSet]:
    """Split by groups of questions, so that no wording of a fitted question is judged on."""
    groups, prompts = {request.group for request in requests}, {request.prompt for request in requests}
    parts: dict[str, list[Pair]] = {"fitted": [], "unseen": [], "replayed": []}
    for row in _lines(directory / _PAIRS / "qqp_pairs.jsonl.gz"):
        ends = (row["ga"], row["gb"])
        if not groups.isdisjoint(ends) or not prompts.isdisjoint((row["a"], row["b"])):
            parts["replayed"].append(_pair(row))
        elif len(halves := {_half(group) for group in ends}) == 1:
            parts["fitted" if halves == {_FITTED_HALF} else "unseen"].append(_pair(row))
    for part, pairs in parts.items():
        if pairs:
            yield PairSet(f"qqp_pairs ({part})", pairs, is_fitted_on=part == "fitted")


def _half(group: str) -> int:
    return hashlib.blake2b(group.encode(), digest_size=1).digest()[0] % 2


def _pair(row: dict[str, Any]) -> Pair:
    return Pair(row["a"], row["b"], row["label"] == 1, row.get("kind") or "", row.get("cos_text_embedding_3_small"))


def _follow_up_pairs(rows: Sequence[dict[str, str]]) -> list[Pair]:
    """A conversation in other words; and the same last turn after what another conversation began with."""
    same = [Pair(_talk(row["u0"], row["u1"]), _talk(row["u0_duplicate"], row["u1_duplicate"]), True) for row in rows]
    others = (*rows[1:], rows[0])
    return same + [
        Pair(_talk(row["u0"], row["u1"]), _talk(other["u0"], row["u1"]), False)
        for row, other in zip(rows, others, strict=True)
    ]


def _talk(*turns: str) -> str:
    return "\n".join(turns)


def _replay_pairs(requests: Sequence[Request]) -> list[Pair]:
    """Each paraphrase with the first question of its group; each hard negative with the one most like it in words."""
    first: dict[str, str] = {}
    holding: dict[str, list[int]] = {}
    pairs = []
    for place, request in enumerate(requests):
        if request.kind == "paraphrase" and request.group in first:
            pairs.append(Pair(request.prompt, first[request.group], True, "paraphrase"))
        if request.kind == "hard_negative" and (rival := _rival(requests, holding, request)):
            pairs.append(Pair(request.prompt, rival, False, "hard negative"))
        first.setdefault(request.group, request.prompt)
        for word in _long_words(request.prompt):
            holding.setdefault(word, []).append(place)
    return pairs


def _rival(requests: Sequence[Request], holding: dict[str, list[int]], asked: Request) -> str:
    words = _long_words(asked.prompt)
    places = {place for word in words for place in holding.get(word, [])[-200:]}
    others = (requests[place] for place in places if requests[place].group != asked.group)
    alike = [(_jaccard(words, _long_words(other.prompt)), other.prompt) for other in others]
    return max(alike, default=(0.0, ""))[1]


def _jaccard(ours: set[str], theirs: set[str]) -> float:
    return len(ours & theirs) / max(len(ours | theirs), 1)


def _long_words(text: str) -> set[str]:
    return {word for word in text.casefold().split() if len(word) > 3}  # noqa: PLR2004


def _lines(path: Path) -> Iterable[dict[str, Any]]:
    if not path.exists():
        return
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)
