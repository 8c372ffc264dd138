"""The command that measures guards and verifier, on a directory of a few texts."""

import gzip
import io
import json

import numpy as np
import pytest
from django.core.management import CommandError, call_command

PAIRS = [
    ("How do I cook rice?", "How can I cook rice?", 1),
    ("What is the maximum speed of a swan?", "What is the minimum speed of a swan?", 0),
    ("Where is the town hall?", "Where can I find the town hall?", 1),
    ("What is the capital of Peru?", "Why is Lima the capital of Peru?", 0),
]


@pytest.fixture
def directory(tmp_path):
    _write(tmp_path / "semcache/checklist_pairs.jsonl.gz", [{"a": a, "b": b, "label": label} for a, b, label in PAIRS])
    asked = [("rice", PAIRS[0][0], "fresh"), ("rice", PAIRS[0][1], "paraphrase"), ("rice", PAIRS[0][0], "exact")]
    asked += [("open", PAIRS[1][0], "fresh"), ("close", PAIRS[1][1], "hard_negative")]
    _write(
        tmp_path / "traces/replay_public.jsonl.gz",
        [{"tenant": "ada", "prompt": text, "group": group, "kind": kind} for group, text, kind in asked],
    )
    return tmp_path


def evaluate(directory, *options):
    out = io.StringIO()
    call_command(
        "evaluate_semantic_cache", data=directory, vectors=directory / "vectors.npz", stdout=out, **dict(options)
    )
    return out.getvalue()


def test_pairs_and_the_replayed_hour_are_measured(directory):
    document = json.loads(evaluate(directory, ("json", True)))

    figures = document["sets"][0]
    assert (figures["name"], figures["true"], figures["false"]) == ("checklist_pairs", 2, 2)
    assert figures["guarded"]["roc_auc"] == 1.0
    assert figures["true_hits_lost_share"] == 0
    replayed = document["replay"]["likeness"][0]
    assert replayed["right_share"] == pytest.approx(2 / 5)
    assert replayed["wrong_share"] == 0
    assert document["replay"]["cosine"][0]["wrong_share"] > 0


def test_what_was_placed_once_is_kept_for_the_next_run(directory):
    first = evaluate(directory)

    placed = len(np.load(directory / "vectors.npz")["digests"])
    assert placed == len({text for asked, kept, _ in PAIRS for text in (asked, kept)})
    assert evaluate(directory) == first
    assert "checklist_pairs" in first
    assert "replay, likeness" in first


def test_a_directory_without_pairs_is_refused(tmp_path):
    with pytest.raises(CommandError, match=r"semcache/\*\.jsonl\.gz"):
        evaluate(tmp_path)


def test_weights_are_not_fitted_on_sets_that_are_judged(directory):
    with pytest.raises(CommandError, match="qqp_pairs"):
        evaluate(directory, ("fit", True))


def _write(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "wt") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
