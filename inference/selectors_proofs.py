"""What an organization's requests have proven of cheaper models."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from inference.models import RoutingProof
from inference.routing.proofs import Proof, Proofs, ProofState, Standing

# a proof that nobody has looked after for so long has lapsed: models change behind their names
LAPSES_AFTER = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class ProofLine:
    """One class, as its owner sees it."""

    task_type: str
    model: str
    reference: str
    standing: Standing
    has_lapsed: bool
    since: datetime
    last_pair_at: datetime | None
    history: Sequence[Mapping[str, Any]]


def proofs(organization_id: UUID, epsilon: float, now: datetime) -> Proofs:
    """By kind of task, as far as they hold for this epsilon; those for a looser one prove nothing here."""
    by_task: dict[str, tuple[Proof, ...]] = {}
    for row in _own(organization_id).defer("history"):
        standing = standing_of(row)
        if standing.is_proven and (standing.epsilon > epsilon or has_lapsed(row, now)):
            standing = replace(standing, state=ProofState.PRIOR)
        by_task[row.task_type] = (*by_task.get(row.task_type, ()), Proof(row.model, row.reference, standing))
    return Proofs(by_task)


def judged_otherwise(organization_id: UUID, epsilon: float) -> list[UUID]:
    """The proofs that go by another epsilon."""
    return list(_own(organization_id).exclude(epsilon=epsilon).values_list("pk", flat=True))


def lines(organization_id: UUID, now: datetime) -> tuple[ProofLine, ...]:
    return tuple(_line(row, now) for row in _own(organization_id).order_by("task_type", "model", "reference"))


def standing_of(row: RoutingProof) -> Standing:
    return Standing(row.epsilon, ProofState(row.state), row.pairs, row.losses, tuple(row.alarms))


def has_lapsed(row: RoutingProof, now: datetime) -> bool:
    is_old = row.last_pair_at is None or row.last_pair_at < now - LAPSES_AFTER
    return is_old and row.state == ProofState.PROVEN


def _line(row: RoutingProof, now: datetime) -> ProofLine:
    standing = standing_of(row)
    return ProofLine(
        task_type=row.task_type,
        model=row.model,
        reference=row.reference,
        standing=standing,
        has_lapsed=has_lapsed(row, now),
        since=row.since,
        last_pair_at=row.last_pair_at,
        history=row.history,
    )


def _own(organization_id: UUID) -> QuerySet[RoutingProof]:
    rows: QuerySet[RoutingProof] = RoutingProof.objects.for_organization(organization_id)
    return rows
