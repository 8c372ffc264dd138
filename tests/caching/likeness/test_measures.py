"""The figures that thresholds and weights are judged by."""

import gzip
import json

import numpy as np
import pytest

from caching.likeness import evaluation, fitting, labelled, measures, replaying, verifier
from caching.likeness.labelled import Pair, PairSet, Request
from caching.likeness.replaying import Candidate, Outcome

SCORES = np.array([0.9, 0.8, 0.7, 0.6, 0.5])
LABELS = np.array([True, False, True, True, False])


def test_the_area_counts_pairs_in_the_right_order():
    assert measures.roc_auc(SCORES, LABELS) == pytest.approx(4 / 6)
    assert measures.roc_auc(np.zeros(5), LABELS) == pytest.approx(0.5)
    assert np.isnan(measures.roc_auc(SCORES, np.ones(5, bool)))


def test_recall_stops_below_the_false_ones_that_may_pass():
    assert measures.recall_at(SCORES, LABELS, false_share=0.01) == pytest.approx(1 / 3)
    assert measures.recall_at(SCORES, LABELS, false_share=0.5) == pytest.approx(1.0)


def test_a_tie_with_a_false_one_does_not_pass():
    assert measures.recall_at(np.array([0.9, 0.9]), np.array([True, False]), false_share=0.01) == 0.0


def test_fitted_weights_keep_to_their_bounds():
    rows = np.array([[0.0, 1.0], [1.0, 0.0], [0.9, 0.2], [0.1, 0.8]])
    labels = np.array([False, True, True, False])

    found = fitting.fit(rows, labels, floors=np.array([0.0, -9.0]), ceilings=np.array([9.0, -0.5]))

    assert found.weights[0] > 0
    assert found.weights[1] <= -0.5


def test_the_shipped_weights_never_turn_the_cosine_around():
    assert min(verifier.shipped().knee_weights) >= 0
    assert max(verifier.shipped().weights) <= 0


def test_what_is_written_is_what_is_read():
    document = json.loads(evaluation.as_json(verifier.shipped()))

    assert document == json.loads(verifier.WEIGHTS.read_text())


def test_figures_show_what_guards_refuse():
    pairs = [
        Pair("How do I cook rice?", "How can I cook rice?", True),
        Pair("How do I open it?", "How do I close it?", False),
    ]

    found = evaluation.figures(PairSet("ours", pairs), lambda some: np.full(len(some), 0.95), verifier.shipped())

    assert found.hard_negatives == 1
    assert found.hard_negatives_let_through == 0
    assert found.true_hits_lost_share == 0
    assert found.guarded.roc_auc == 1.0


def test_a_group_of_questions_is_either_fitted_on_or_judged_on(tmp_path):
    _write(tmp_path / "semcache/qqp_pairs.jsonl.gz", [_row(f"group {place}", f"group {place}") for place in range(40)])
    _write(tmp_path / "traces/replay_public.jsonl.gz", [_request("group 7")])

    sets = {each.name: each for each in labelled.pair_sets(tmp_path)}

    fitted, unseen = sets["qqp_pairs (fitted)"], sets["qqp_pairs (unseen)"]
    assert [fitted.is_fitted_on, unseen.is_fitted_on] == [True, False]
    assert not {pair.asked for pair in fitted.pairs} & {pair.asked for pair in unseen.pairs}
    assert [pair.asked for pair in sets["qqp_pairs (replayed)"].pairs] == ["asks group 7"]


def test_a_directory_without_sets_has_none(tmp_path):
    assert list(labelled.pair_sets(tmp_path)) == []


def test_a_replayed_hour_counts_right_and_wrong_hits():
    requests = [
        Request("ada", "a", "one", "fresh"),
        Request("ada", "a", "one", "exact"),
        Request("ada", "a too", "one", "paraphrase"),
        Request("ada", "b", "two", "hard_negative"),
        Request("mallory", "a", "one", "fresh"),
    ]
    near = [[], [], [Candidate(0, 0.9)], [Candidate(0, 0.8)], []]

    assert replaying.run(requests, near, 0.85) == Outcome(0.85, 2 / 5, 0.0)
    assert replaying.run(requests, near, 0.75) == Outcome(0.75, 2 / 5, 1 / 3)


def test_only_the_tenants_own_earlier_questions_are_near():
    requests = [
        Request("ada", "a", "one", "fresh"),
        Request("mallory", "a", "one", "fresh"),
        Request("ada", "b", "one", ""),
    ]
    vectors = np.tile(np.array([[1.0, 0.0]], np.float32), (3, 1))

    found = replaying.candidates(requests, vectors)

    assert [[candidate.place for candidate in near] for near in found] == [[], [], [0]]


def test_neighbours_are_judged_by_their_texts():
    requests = [Request("ada", "a", "one", "fresh"), Request("ada", "b", "one", "")]
    near = [[], [Candidate(0, 0.9)]]

    found = list(
        replaying.judged(requests, near, lambda asked, kept, cosine: cosine / 2 if (asked, kept) == ("b", "a") else 0)
    )

    assert found == [[], [Candidate(0, 0.45)]]


def test_the_same_pairs_are_chosen_each_time():
    pairs = PairSet("ours", [Pair(f"asks {number}", "kept", True) for number in range(50)])

    chosen = labelled.at_most(10, pairs)

    assert len(chosen.pairs) == 10
    assert labelled.at_most(10, PairSet("ours", pairs.pairs[::-1])).pairs == chosen.pairs
    assert labelled.at_most(0, pairs).pairs == pairs.pairs


def test_the_best_outcome_keeps_to_the_tolerance():
    outcomes = [Outcome(0.8, 0.3, 0.05), Outcome(0.9, 0.2, 0.01), Outcome(0.95, 0.1, 0.0)]

    assert replaying.best(outcomes, wrong_share=0.01) == outcomes[1]
    assert replaying.best(outcomes[:1], wrong_share=0.01) is None


def _row(first, second):
    return {"a": f"asks {first}", "b": f"asks {second} too", "label": 1, "ga": first, "gb": second}


def _request(group):
    return {"tenant": "ada", "prompt": f"asks {group}", "group": group, "kind": "fresh"}


def _write(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "wt") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
