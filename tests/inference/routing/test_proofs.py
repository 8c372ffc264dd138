"""Trusting a cheaper model: not before it is proven, however often one looks, and no longer than it lasts."""

import random

import pytest

from inference.routing import proofs
from inference.routing.proofs import Proof, Proofs, ProofState, Standing

KEPT, LOST = False, True


def lives(share: float, count: int, longest: int, *, seed: int = 7, epsilon: float = 0.03) -> list[int | None]:
    """After how many pairs each of so many classes is proven that loses this share; None: not within `longest`."""
    chance = random.Random(seed)
    return [_proven_after(share, longest, chance, epsilon) for _ in range(count)]


def _proven_after(share: float, longest: int, chance: random.Random, epsilon: float) -> int | None:
    losses = 0
    for pairs in range(1, longest + 1):
        losses += chance.random() < share
        if proofs.stake(pairs, losses, epsilon) >= 1 / proofs.RISK:
            return pairs
    return None


def alarm_after(share: float, longest: int, chance: random.Random) -> int:
    """After how many pairs a proven class that loses this share is revoked."""
    standing = proofs.judged([KEPT] * 117, 0.03)
    for pairs in range(1, longest):
        standing = proofs.advanced(standing, lost=chance.random() < share)
        if not standing.is_proven:
            return pairs
    return longest


def test_about_a_hundred_and_twenty_pairs_without_a_loss_prove_three_percent():
    almost = proofs.judged([KEPT] * 116, 0.03)

    proven = proofs.advanced(almost, lost=KEPT)

    assert (almost.state, almost.needed) == (ProofState.PRIOR, 1)
    assert (proven.state, proven.pairs, proven.losses, proven.needed) == (ProofState.PROVEN, 117, 0, 0)
    assert proven.upper_bound < 0.03


@pytest.mark.parametrize(("epsilon", "needed"), [(0.005, 711), (0.01, 355), (0.03, 117), (0.2, 16)])
def test_a_stricter_epsilon_takes_more_pairs(epsilon, needed):
    assert Standing(epsilon).needed == needed


def test_what_is_needed_grows_with_each_loss_and_is_what_it_takes():
    unlucky = proofs.judged([LOST, LOST, *[KEPT] * 100], 0.03)

    proven = proofs.judged([LOST, LOST, *[KEPT] * (100 + unlucky.needed)], 0.03)

    assert unlucky.needed > Standing(0.03, pairs=102).needed
    assert (proven.is_proven, proven.losses) == (True, 2)
    assert not proofs.judged([LOST, LOST, *[KEPT] * (99 + unlucky.needed)], 0.03).is_proven


@pytest.mark.parametrize("epsilon", [0.03, 0.1])
def test_of_classes_that_lose_epsilon_one_in_twenty_is_proven_though_one_always_looks(epsilon):
    proven = [end for end in lives(epsilon, 1_000, 600, epsilon=epsilon) if end is not None]

    assert 0 < len(proven) <= 65  # 5 % of 1,000, and two standard deviations


def test_a_class_that_loses_nothing_is_proven_at_once_and_one_of_one_percent_soon():
    perfect, good = lives(0.0, 1, 200), lives(0.01, 100, 1_500)

    assert perfect == [117]
    assert sum(end is not None for end in good) >= 95


def test_in_the_mean_a_bet_on_less_than_epsilon_wins_nothing_at_epsilon_or_beyond():
    for share in (0.03, 0.05, 0.5):
        after_one = share * proofs.stake(1, 1, 0.03) + (1 - share) * proofs.stake(1, 0, 0.03)
        assert after_one <= 1 + 1e-12


def test_a_class_that_drifts_to_four_times_epsilon_is_revoked_within_about_a_hundred_pairs():
    chance = random.Random(11)

    delays = [alarm_after(0.12, 2_000, chance) for _ in range(100)]

    assert sum(delays) / len(delays) < 120
    assert max(delays) < 600


def test_a_class_that_loses_epsilon_itself_is_seldom_revoked_wrongly():
    chance = random.Random(13)

    # cut off at 5,000, so the true mean is longer
    lasting = [alarm_after(0.03, 5_000, chance) for _ in range(20)]

    assert sum(lasting) / len(lasting) >= proofs.PAIRS_TO_FALSE_ALARM


def test_after_a_revocation_only_fresh_evidence_counts():
    standing = proofs.judged([KEPT] * 300, 0.03)
    while standing.is_proven:
        standing = proofs.advanced(standing, lost=LOST)

    revoked = standing
    for _ in range(116):
        standing = proofs.advanced(standing, lost=KEPT)

    assert revoked == Standing(0.03, ProofState.REVOKED)
    assert standing.state is ProofState.REVOKED
    assert proofs.advanced(standing, lost=KEPT).state is ProofState.PROVEN


def test_what_loses_far_too_often_is_not_worth_further_pairs():
    hopeless, unlucky = Standing(pairs=40, losses=12), Standing(pairs=40, losses=3)

    assert (hopeless.is_hopeless, unlucky.is_hopeless) == (True, False)


def test_what_was_never_compared_has_no_standing():
    known = Proofs({"code": (Proof("small", "large", Standing(pairs=3)),)})

    assert known.between("code", "small", "large").pairs == 3
    assert known.between("code", "small", "medium") == Standing()
    assert known.of("general") == ()
