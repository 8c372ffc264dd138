"""Measures on labelled questions what guards and verifier do for the semantic cache."""

import hashlib
import json
import tempfile
from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from django.core.management.base import BaseCommand, CommandError
from numpy.typing import NDArray

from caching.embedders import minilm
from caching.likeness import evaluation, labelled, replaying, verifier
from caching.likeness.comparison import Likeness
from caching.likeness.evaluation import Figures, Quality
from caching.likeness.replaying import Outcome
from caching.protocols import EmbeddingError, Vector

_MOST_PAIRS = 4000
# so many texts are placed before they are written down: an hour's work is not lost with the last of them
_BATCH = 2000
_VECTORS = Path(tempfile.gettempdir()) / "acron-evaluation-vectors.npz"
_TOLERATED = (0.01, 0.02, 0.05)
# in fine steps: a coarse one falls short of what is allowed by chance
_COSINES = tuple(round(0.80 + 0.0025 * step, 4) for step in range(80))
_SCORES = tuple(round(0.40 + 0.0025 * step, 4) for step in range(240))


class Command(BaseCommand):
    help = (
        "Recall at a false-hit rate of 1 and 2 %, with and without guards, and what the replayed hour would have saved."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--data", required=True, type=Path, metavar="DIR", help="holds semcache/ and traces/")
        parser.add_argument("--fit", action="store_true", help="fit the verifier anew and write its weights first")
        parser.add_argument("--skip-replay", action="store_true", help="pairs alone, which is quicker")
        parser.add_argument(
            "--most", type=int, default=_MOST_PAIRS, metavar="N", help="pairs of each set, by their digest; 0: all"
        )
        parser.add_argument("--vectors", type=Path, default=_VECTORS, metavar="FILE", help="placed texts, between runs")
        parser.add_argument("--json", action="store_true", help="for scripts")

    def handle(self, *_args: Any, **options: Any) -> None:
        sets = list(labelled.pair_sets(options["data"]))
        if not sets:
            raise CommandError(f"{options['data']} holds no semcache/*.jsonl.gz")
        vectors = _Vectors(_placing(), options["vectors"], self._note)
        if options["fit"]:
            self._fit(sets, vectors)
        chosen = [labelled.at_most(options["most"], each) for each in sets]
        requests = [] if options["skip_replay"] else labelled.replay(options["data"])
        # first, for it takes the longest
        vectors.of([*_texts(chosen), *(request.prompt for request in requests)])
        found = [self._figures(each, vectors) for each in chosen]
        outcomes = self._replayed(requests, vectors) if requests else {}
        self._note("")
        self.stdout.write(_document(found, outcomes) if options["json"] else _tables(found, outcomes))

    def _figures(self, labelled_set: labelled.PairSet, vectors: "_Vectors") -> Figures:
        self._note(f"judging {labelled_set.name}")
        return evaluation.figures(labelled_set, vectors.cosines, verifier.shipped())

    def _replayed(self, requests: Sequence[labelled.Request], vectors: "_Vectors") -> dict[str, list[Outcome]]:
        """For cosine alone and for Likeness, at each threshold."""
        self._note(f"replaying {len(requests):,} requests")
        near = replaying.candidates(requests, vectors.of([request.prompt for request in requests]))
        likeness = Likeness()
        judged = list(
            replaying.judged(requests, near, lambda asked, kept, cosine: likeness.compare(asked, kept, cosine).score)
        )
        return {
            "cosine": [replaying.run(requests, near, threshold) for threshold in _COSINES],
            "likeness": [replaying.run(requests, judged, threshold) for threshold in _SCORES],
        }

    def _note(self, what: str) -> None:
        """Where it has come to, for who looks on."""
        if self.stderr.isatty():
            self.stderr.write(f"\r{what:<60}", ending="" if what else "\r")

    def _fit(self, sets: Sequence[labelled.PairSet], vectors: "_Vectors") -> None:
        fitted_on = next((each for each in sets if each.is_fitted_on), None)
        if fitted_on is None:
            raise CommandError("weights are fitted on semcache/qqp_pairs.jsonl.gz, which is not there")
        verifier.WEIGHTS.write_text(evaluation.as_json(evaluation.fitted(fitted_on, vectors.cosines)))
        self.stderr.write("weights written; if they changed, raise caching.likeness.comparison.Likeness.version")


def _placing() -> Callable[[str], Vector]:
    """The local embedder without its thread: nobody waits here."""
    model = minilm.load(minilm.find())

    def place(text: str) -> Vector:
        try:
            return model.place(text)
        except EmbeddingError:
            return np.zeros(minilm.SPACE.dimension, np.float32)  # near to nothing: the cache would not look for it

    return place


def _texts(sets: Sequence[labelled.PairSet]) -> list[str]:
    return [text for each in sets for pair in each.pairs for text in (pair.asked, pair.kept)]


class _Vectors:
    """Of each text once; kept between runs, under a digest."""

    def __init__(self, place: Callable[[str], Vector], file: Path, note: Callable[[str], None]) -> None:
        self._place, self._file, self._note = place, file, note
        self._rows: dict[str, Vector] = {}
        if file.exists():
            stored = np.load(file)
            self._rows = dict(zip(stored["digests"].tolist(), stored["vectors"].astype(np.float32), strict=True))

    def of(self, texts: Sequence[str]) -> NDArray[np.float32]:
        digests = [hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest() for text in texts]
        fresh = {digest: text for digest, text in zip(digests, texts, strict=True) if digest not in self._rows}
        for count, (digest, text) in enumerate(fresh.items(), 1):
            self._rows[digest] = self._place(text)
            if count % _BATCH == 0 or count == len(fresh):
                self._note(f"placed {count:,} of {len(fresh):,} texts")
                self._write()
        return np.array([self._rows[digest] for digest in digests])

    def _write(self) -> None:
        with self._file.open("wb") as file:
            np.savez(file, digests=np.array(list(self._rows)), vectors=np.array(list(self._rows.values())))

    def cosines(self, pairs: Sequence[labelled.Pair]) -> NDArray[np.float64]:
        asked, kept = self.of([pair.asked for pair in pairs]), self.of([pair.kept for pair in pairs])
        found: NDArray[np.float64] = np.einsum("ij,ij->i", asked, kept).astype(np.float64)
        return found


def _document(found: Sequence[Figures], outcomes: dict[str, list[Outcome]]) -> str:
    replay = {name: [asdict(outcome) for outcome in tried] for name, tried in outcomes.items()}
    return json.dumps({"sets": [asdict(figures) for figures in found], "replay": replay}, indent=1)


def _tables(found: Sequence[Figures], outcomes: dict[str, list[Outcome]]) -> str:
    head = (
        "ROC-AUC / recall at a false-hit rate of 1 % / of 2 %; * = weights were fitted on this set\n"
        f"{'set':<40}{'cosine':<22}{'with guards':<22}{'with verifier':<22}{'true hits lost':<16}hard negatives through"
    )
    return "\n".join([head, *map(_line, found), *_replay_lines(outcomes)])


def _line(figures: Figures) -> str:
    shown = "".join(f"{_quality(each):<22}" for each in (figures.cosine, figures.guarded, figures.verified))
    published = f"  (published cosines: {_quality(figures.published)})" if figures.published else ""
    return (
        f"{figures.name + ('*' if figures.is_fitted_on else ''):<40}{shown}"
        f"{figures.true_hits_lost_share:<16.1%}"
        f"{figures.hard_negatives_let_through} of {figures.hard_negatives}{published}"
    )


def _quality(quality: Quality) -> str:
    return f"{quality.roc_auc:.3f} {quality.recall_at_1_percent:6.1%} {quality.recall_at_2_percent:6.1%}"


def _replay_lines(outcomes: dict[str, list[Outcome]]) -> list[str]:
    lines = []
    for name, tried in outcomes.items():
        for tolerated in _TOLERATED:
            chosen = replaying.best(tried, wrong_share=tolerated)
            if chosen:
                lines.append(
                    f"replay, {name} from {chosen.threshold:.4f} on: {chosen.right_share:.1%} right, "
                    f"{chosen.wrong_share:.1%} of the hits wrong (up to {tolerated:.0%} allowed)"
                )
    return lines
