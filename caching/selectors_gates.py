"""How the gates of the semantic tier stand, and what their checks say."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone

from acron_site.lib.errors import NotFoundError
from caching import calibration, gate_company, gate_outlook
from caching.calibration import Calibration, Finding
from caching.gate_outlook import Bucket, Outlook, Seen
from caching.gate_rules import CheckSource, Evidence, GateKey, GateState, Standing
from caching.models import SemanticCheck, SemanticGate
from caching.protocols import Namespace

WINDOW_CHECKS = 3_000
WINDOW = timedelta(days=30)

_MOST_COMPLAINTS = 100


@dataclass(frozen=True, slots=True)
class Change:
    """One line of a gate's history."""

    at: datetime
    state: GateState
    threshold: float | None
    checked: int
    wrong: int
    upper_bound: float
    reason: str


@dataclass(frozen=True, slots=True)
class GateRecord:
    """One gate, for people. The newest change comes last."""

    id: UUID
    key: GateKey
    standing: Standing
    calibrated_at: datetime | None
    history: Sequence[Change]
    is_retired: bool  # another embedder, or likeness of another version, decides in its place
    complaint_scores: Sequence[float]  # at which people have called answers wrong, in the last 30 days


@dataclass(frozen=True, slots=True)
class GateReport:
    """A gate with what was found at each score, and what other thresholds would give."""

    record: GateRecord
    scores: Sequence[Bucket]
    similarities: Sequence[Bucket]
    outlooks: Sequence[Outlook]


def standings(organization_id: UUID, keys: Sequence[GateKey]) -> dict[GateKey, Standing]:
    """Of those gates that there are."""
    gates = SemanticGate.objects.for_organization(organization_id).filter(
        namespace__in={key.namespace.name for key in keys}, task_type__in={key.task_type for key in keys}
    )
    found = {key_of(gate): standing_of(gate) for gate in gates.defer("history")}
    return {key: found[key] for key in keys if key in found}


def records(
    organization_id: UUID, *, limit: int, after: UUID | None = None, namespace: str | None = None
) -> Sequence[GateRecord]:
    """The organization's gates, the oldest first; `after` is the id of the last one of the part before."""
    gates = SemanticGate.objects.for_organization(organization_id).order_by("id")
    if namespace is not None:
        gates = gates.filter(namespace=namespace)
    if after is not None:
        gates = gates.filter(pk__gt=after)
    return _records(organization_id, gates[:limit])


def record(organization_id: UUID, gate_id: UUID) -> GateRecord:
    """Raises NotFoundError."""
    return _records(organization_id, [find(organization_id, gate_id)])[0]


def report(organization_id: UUID, gate_id: UUID) -> GateReport:
    """Raises NotFoundError."""
    gate = find(organization_id, gate_id)
    fields = ("score", "similarity", "agrees", "sample_rate")
    seen = [Seen(*row) for row in _counted(gate, timezone.now()).values_list(*fields)[:WINDOW_CHECKS]]
    return GateReport(
        record=_records(organization_id, [gate])[0],
        scores=gate_outlook.histogram((check.score, check.agrees) for check in seen),
        similarities=gate_outlook.histogram((check.similarity, check.agrees) for check in seen),
        outlooks=[gate_outlook.outlook(seen, threshold) for threshold in gate_outlook.THRESHOLDS],
    )


def find(organization_id: UUID, gate_id: UUID, *, is_locked: bool = False) -> SemanticGate:
    """For a change it must be locked. Raises NotFoundError."""
    gates: QuerySet[SemanticGate] = SemanticGate.objects.for_organization(organization_id)
    # no_key: checks that name the gate may be written meanwhile
    gate = (gates.select_for_update(no_key=True) if is_locked else gates).filter(pk=gate_id).first()
    if gate is None:
        raise NotFoundError(f"your organization has no gate {gate_id}; GET /cache/gates lists them", param="id")
    return gate


def evidence(gate: SemanticGate, now: datetime) -> Evidence:
    """What counts of a gate's checks: the last ones, of the last 30 days, since it was last begun anew.

    Those at or above its threshold are looked at for themselves: while it serves, only a sample of them is checked but
    all that lie below, which would crowd them out. For the same reason the two together make a looser threshold look
    worse than it is, never better.
    """
    servable = _counted(gate, now).filter(score__gt=0)  # a guard has refused the others
    serves = gate.state == GateState.SERVING
    return Evidence(
        recent=_findings(servable),
        served=_findings(servable.filter(score__gte=gate.threshold)) if serves else (),
        bound_to=_binding_complaint(gate, now),
    )


def key_of(gate: SemanticGate) -> GateKey:
    namespace = Namespace(gate.organization_id, gate.namespace)
    return GateKey(namespace, gate.task_type, gate.space, gate.likeness_version)


def standing_of(gate: SemanticGate) -> Standing:
    return Standing(
        state=GateState(gate.state),
        proof=Calibration(gate.threshold, gate.checked, gate.wrong, gate.upper_bound, gate.needed),
        tolerance=gate.tolerance,
        sample_rate=gate.sample_rate,
        reason=gate.reason,
        since=gate.since,
        fresh_after=gate.fresh_after,
        off_until=gate.off_until,
    )


def _counted(gate: SemanticGate, now: datetime) -> QuerySet[SemanticCheck]:
    """The newest first. Praise is no evidence: who gives it has chosen what to praise."""
    oldest = max(now - WINDOW, gate.fresh_after) if gate.fresh_after else now - WINDOW
    checks = SemanticCheck.objects.for_organization(gate.organization_id).filter(gate=gate, occurred_at__gt=oldest)
    return checks.exclude(source=CheckSource.FEEDBACK, agrees=True).order_by("-occurred_at", "-id")


def _findings(checks: QuerySet[SemanticCheck]) -> Sequence[Finding]:
    return [Finding(score, agrees) for score, agrees in checks.values_list("score", "agrees")[:WINDOW_CHECKS]]


def _binding_complaint(gate: SemanticGate, now: datetime) -> float | None:
    """The highest score that somebody has called wrong, unless so many checks have come since that they decide."""
    checks, enough = _counted(gate, now), calibration.checks_needed(gate.tolerance)
    complaints = checks.filter(source=CheckSource.FEEDBACK).order_by("-score")
    for score, occurred_at in complaints.values_list("score", "occurred_at")[:_MOST_COMPLAINTS]:
        later = Q(score__gte=score, occurred_at__gt=occurred_at) & ~Q(source=CheckSource.FEEDBACK)
        if checks.filter(later)[:enough].count() < enough:
            return float(score)
    return None


def _records(organization_id: UUID, gates: Iterable[SemanticGate]) -> Sequence[GateRecord]:
    rows = list(gates)
    retired = gate_company.retired(organization_id, rows)
    complaints = gate_company.complaints(organization_id, rows, within=WINDOW)
    return [
        GateRecord(
            id=gate.pk,
            key=key_of(gate),
            standing=standing_of(gate),
            calibrated_at=gate.calibrated_at,
            history=[_change(line) for line in gate.history],
            is_retired=gate.pk in retired,
            complaint_scores=complaints.get(gate.pk, ()),
        )
        for gate in rows
    ]


def _change(line: dict[str, Any]) -> Change:
    at, state = datetime.fromisoformat(line["at"]), GateState(line["state"])
    return Change(**{**line, "at": at, "state": state})
