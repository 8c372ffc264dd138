"""Keeping pairs, and moving proofs by them."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts.models import Organization
from acron_site.lib.ids import uuid7
from inference import selectors_proofs
from inference.models import RoutingPair, RoutingProof
from inference.routing import proofs
from inference.routing.proofs import Pair, PairSource, ProofState, Standing

logger = logging.getLogger(__name__)

KEPT_DAYS, KEPT_PAIRS = 90, 5_000
_LINES_OF_HISTORY = 50
_MOST_PROOFS = 500  # of an organization: kinds of tasks are words of callers

Key = tuple[str, str, str]


def keep_pairs(organization_id: UUID, pairs: Sequence[Pair], epsilon: float) -> int:
    """Writes pairs of one organization and moves its proofs; returns how many. A repetition changes nothing.

    Those of an organization that has gone are left out, and those for which it would have too many proofs.
    """
    if not Organization.objects.filter(pk=organization_id).exists():
        return 0
    by_key: dict[Key, list[Pair]] = {}
    for pair in sorted(pairs, key=lambda pair: (pair.occurred_at, pair.id)):
        by_key.setdefault(pair.key, []).append(pair)
    # in one order everywhere, so that two workers do not wait for each other in a circle
    return sum(_keep(organization_id, key, by_key[key], epsilon=epsilon) for key in sorted(by_key))


@transaction.atomic
def rejudge(organization_id: UUID, proof_id: UUID, epsilon: float) -> None:
    """Goes by another epsilon from now on, with the pairs that are there."""
    own = RoutingProof.objects.for_organization(organization_id)
    proof = own.select_for_update(no_key=True).filter(pk=proof_id).first()
    if proof is None or proof.epsilon == epsilon:
        return
    standing = proofs.judged(_outcomes(proof), epsilon)
    if proof.state == ProofState.REVOKED and standing.state is ProofState.PRIOR:
        standing = replace(standing, state=ProofState.REVOKED)
    _put(proof, standing, timezone.now())


def hear_feedback(organization_id: UUID, request_id: str, *, model: str, task_type: str, lost: bool) -> None:
    """What a person says of a cheaper model's answer counts as a pair of each of its proofs, once a request."""
    own = RoutingProof.objects.for_organization(organization_id).filter(model=model, task_type=task_type)
    for proof in own.defer("history").order_by("reference"):
        keep_pairs(organization_id, [_opinion(proof, request_id, lost=lost)], proof.epsilon)


def forget_old(now: datetime) -> int:
    """Deletes everybody's pairs that are too old, or too many of one class. Their proofs have them counted."""
    removed, _ = RoutingPair.all_organizations.filter(occurred_at__lt=now - timedelta(days=KEPT_DAYS)).delete()
    for proof_id in RoutingProof.all_organizations.values_list("pk", flat=True).iterator():
        rows = RoutingPair.all_organizations.filter(proof_id=proof_id)
        too_many = rows.order_by("-occurred_at").values_list("occurred_at", flat=True)
        for oldest in too_many[KEPT_PAIRS : KEPT_PAIRS + 1]:
            removed += rows.filter(occurred_at__lte=oldest).delete()[0]
    return removed


def _opinion(proof: RoutingProof, request_id: str, *, lost: bool) -> Pair:
    return Pair(
        id=uuid7(),
        organization_id=proof.organization_id,
        task_type=proof.task_type,
        model=proof.model,
        reference=proof.reference,
        lost=lost,
        method="score",
        source=PairSource.FEEDBACK,
        request_id=request_id,
        occurred_at=timezone.now(),
    )


@transaction.atomic
def _keep(organization_id: UUID, key: Key, pairs: Sequence[Pair], *, epsilon: float) -> int:
    proof = _locked(organization_id, key, epsilon)
    if proof is None:
        return 0
    fresh = _not_kept_yet(proof, pairs)
    RoutingPair.objects.for_organization(organization_id).bulk_create([_row(pair, proof) for pair in fresh])
    if not fresh:
        return len(pairs)
    standing = _begun(proof, fresh[0].occurred_at)
    for pair in fresh:
        before, standing = standing, proofs.advanced(standing, lost=pair.lost)
        if (before.state, standing.state) == (ProofState.PROVEN, ProofState.REVOKED):
            proof.fresh_after = pair.occurred_at
    proof.last_pair_at = max(pair.occurred_at for pair in fresh)
    _put(proof, standing, timezone.now())
    return len(pairs)


def _begun(proof: RoutingProof, now: datetime) -> Standing:
    """Where the proof stands before new pairs; one that has lapsed begins anew."""
    if not selectors_proofs.has_lapsed(proof, now):
        return selectors_proofs.standing_of(proof)
    proof.fresh_after = proof.last_pair_at
    return Standing(proof.epsilon)


def _locked(organization_id: UUID, key: Key, epsilon: float) -> RoutingProof | None:
    task_type, model, reference = key
    own = RoutingProof.objects.for_organization(organization_id)
    named = own.filter(task_type=task_type, model=model, reference=reference)
    found: RoutingProof | None = named.select_for_update(no_key=True).first()
    if found is not None:
        return found
    if own.count() >= _MOST_PROOFS:
        logger.warning("routing.too_many_proofs", extra={"organization_id": str(organization_id)})
        return None
    made = RoutingProof(
        organization_id=organization_id, task_type=task_type, model=model, reference=reference, epsilon=epsilon
    )
    # of several workers that meet a new class at once, one makes it
    own.bulk_create([made], ignore_conflicts=True)
    locked: RoutingProof = named.select_for_update(no_key=True).get()
    return locked


def _not_kept_yet(proof: RoutingProof, pairs: Sequence[Pair]) -> list[Pair]:
    own = RoutingPair.objects.for_organization(proof.organization_id).filter(proof=proof)
    seen = set(own.filter(pk__in=[pair.id for pair in pairs]).values_list("pk", flat=True))
    said = [pair.request_id for pair in pairs if pair.source is PairSource.FEEDBACK]
    heard = set(own.filter(source=PairSource.FEEDBACK, request_id__in=said).values_list("request_id", flat=True))
    fresh: dict[Any, Pair] = {}
    for pair in pairs:
        is_feedback = pair.source is PairSource.FEEDBACK
        if pair.id not in seen and not (is_feedback and pair.request_id in heard):
            fresh.setdefault(pair.request_id if is_feedback else pair.id, pair)
    return list(fresh.values())


def _outcomes(proof: RoutingProof) -> Iterable[bool]:
    own = RoutingPair.objects.for_organization(proof.organization_id).filter(proof=proof)
    counted = own if proof.fresh_after is None else own.filter(occurred_at__gt=proof.fresh_after)
    return counted.order_by("occurred_at", "id").values_list("lost", flat=True).iterator()


def _put(proof: RoutingProof, standing: Standing, now: datetime) -> None:
    former = proof.state
    proof.epsilon, proof.state = standing.epsilon, standing.state
    proof.pairs, proof.losses, proof.alarms = standing.pairs, standing.losses, list(standing.alarms)
    if standing.state != former:
        line = _line(standing, now)
        proof.since, proof.history = now, [*proof.history, line][-_LINES_OF_HISTORY:]
        about = {"organization_id": str(proof.organization_id), "proof_id": str(proof.pk)}
        logger.info("routing.proof_moved", extra={**about, **line})
    proof.save()


def _line(standing: Standing, now: datetime) -> Mapping[str, Any]:
    return {
        "at": now.isoformat(),
        "state": standing.state.value,
        "pairs": standing.pairs,
        "losses": standing.losses,
        "epsilon": standing.epsilon,
    }


def _row(pair: Pair, proof: RoutingProof) -> RoutingPair:
    return RoutingPair(
        id=pair.id,
        organization_id=proof.organization_id,
        proof=proof,
        lost=pair.lost,
        method=pair.method,
        source=pair.source,
        request_id=pair.request_id,
        occurred_at=pair.occurred_at,
    )
