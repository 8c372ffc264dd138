"""Keeping checks, and moving gates by them."""

import logging
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from accounts import audit
from accounts.actor import Actor
from accounts.models import Organization
from accounts.rights import Right
from caching import gate_rules, selectors_gates
from caching.gate_rules import Check, CheckSource, GateKey, GateState, Standing, TierPolicies, TierPolicy
from caching.models import SemanticCheck, SemanticGate

logger = logging.getLogger(__name__)

_LINES_OF_HISTORY = 50
_MOST_GATES = 1_000  # of an organization: namespaces are words of callers
_LATE = timedelta(minutes=2)  # until a check is on record
_SERVES_UNSEEN = timedelta(hours=1)  # evidence grows old while nothing comes
_RESTS_UNSEEN = timedelta(days=1)


def keep_checks(organization_id: UUID, checks: Sequence[Check], policies: TierPolicies) -> int:
    """Writes checks of one organization; returns how many. A repetition changes nothing.

    Those of an organization that has gone are left out, and those for which it would have too many gates.
    """
    if not Organization.objects.filter(pk=organization_id).exists():
        return 0
    gates = _gates_for(organization_id, {check.key for check in checks}, policies)
    rows = [_row(check, gates[check.key]) for check in checks if check.key in gates]
    SemanticCheck.objects.for_organization(organization_id).bulk_create(rows, ignore_conflicts=True)
    return len(rows)


@transaction.atomic
def recalibrate(key: GateKey, policy: TierPolicy, now: datetime) -> Standing | None:
    """Where the gate stands after all checks so far; None where there is no such gate. Safe to repeat."""
    # no_key: checks that name the gate may be written meanwhile
    gate = _gates(key.namespace.organization_id, {key}).select_for_update(no_key=True).first()
    return None if gate is None else _recalibrate(gate, policy, now)


def recalibrate_due(policies: TierPolicies, now: datetime) -> int:
    """Everybody's gates that have new checks, or whose time has come. Returns how many those were."""
    gates = [(gate, selectors_gates.key_of(gate)) for gate in _due(now).defer("history")]
    for gate, key in gates:
        recalibrate(key, policies.of(key.namespace), now)
        _forget_old(gate, now)
    return len(gates)


@transaction.atomic
def reset(actor: Actor, gate_id: UUID) -> Standing:
    """Back to learning, from what comes from now on. Raises NotFoundError."""
    actor.principal.require_right(Right.MANAGE_SETTINGS)
    gate = selectors_gates.find(actor.organization_id, gate_id, is_locked=True)
    now, former = timezone.now(), gate.state
    begun = gate_rules.beginning(TierPolicy(tolerance=gate.tolerance), now, is_fresh=True)
    _put(gate, begun, now, is_change=True)
    which = {"namespace": gate.namespace, "task_type": gate.task_type}
    audit.record(
        actor, "cache_gate.reset", before={**which, "state": former}, after={**which, "state": begun.state.value}
    )
    return begun


def _recalibrate(gate: SemanticGate, policy: TierPolicy, now: datetime) -> Standing:
    before = selectors_gates.standing_of(gate)
    after = gate_rules.decide(before, selectors_gates.evidence(gate, now), policy=policy, now=now)
    _put(gate, after, now, is_change=(after.state, after.threshold) != (before.state, before.threshold))
    return after


def _put(gate: SemanticGate, standing: Standing, now: datetime, *, is_change: bool) -> None:
    proof = standing.proof
    gate.state, gate.threshold, gate.tolerance = standing.state, standing.threshold, standing.tolerance
    gate.sample_rate, gate.reason, gate.since = standing.sample_rate, standing.reason, standing.since
    gate.checked, gate.wrong, gate.upper_bound, gate.needed = (
        proof.checked,
        proof.wrong,
        proof.upper_bound,
        proof.needed,
    )
    gate.fresh_after, gate.off_until, gate.calibrated_at = standing.fresh_after, standing.off_until, now
    if is_change:
        line = _line(standing, now)
        gate.history = [*gate.history, line][-_LINES_OF_HISTORY:]
        about = {"organization_id": str(gate.organization_id), "gate_id": str(gate.pk)}
        logger.info("cache.gate_moved", extra={**about, **line})
    gate.save()


def _line(standing: Standing, now: datetime) -> dict[str, Any]:
    return {
        "at": now.isoformat(),
        "state": standing.state.value,
        "threshold": standing.threshold,
        "checked": standing.proof.checked,
        "wrong": standing.proof.wrong,
        "upper_bound": standing.proof.upper_bound,
        "reason": standing.reason,
    }


def _gates_for(organization_id: UUID, keys: Collection[GateKey], policies: TierPolicies) -> dict[GateKey, SemanticGate]:
    found = _by_key(organization_id, keys)
    missing = [key for key in keys if key not in found]
    if not missing:
        return found
    own: QuerySet[SemanticGate] = SemanticGate.objects.for_organization(organization_id)
    room = max(0, _MOST_GATES - own.count())
    if room < len(missing):
        logger.warning("cache.too_many_gates", extra={"organization_id": str(organization_id)})
    # of several workers that meet a new gate at once, one makes it
    own.bulk_create([_new_gate(key, policies.of(key.namespace)) for key in missing[:room]], ignore_conflicts=True)
    return _by_key(organization_id, keys)


def _by_key(organization_id: UUID, keys: Collection[GateKey]) -> dict[GateKey, SemanticGate]:
    found = {selectors_gates.key_of(gate): gate for gate in _gates(organization_id, keys).defer("history")}
    return {key: found[key] for key in keys if key in found}


def _gates(organization_id: UUID, keys: Collection[GateKey]) -> QuerySet[SemanticGate]:
    """Those of the keys, and where there are several, perhaps some more."""
    gates: QuerySet[SemanticGate] = SemanticGate.objects.for_organization(organization_id)
    return gates.filter(
        namespace__in={key.namespace.name for key in keys},
        task_type__in={key.task_type for key in keys},
        space__in={key.space for key in keys},
        likeness_version__in={key.likeness_version for key in keys},
    )


def _new_gate(key: GateKey, policy: TierPolicy) -> SemanticGate:
    begun = gate_rules.beginning(policy, timezone.now())
    return SemanticGate(
        organization_id=key.namespace.organization_id,
        namespace=key.namespace.name,
        task_type=key.task_type,
        space=key.space,
        likeness_version=key.likeness_version,
        tolerance=begun.tolerance,
        needed=begun.proof.needed,
        reason=begun.reason,
        since=begun.since,
    )


def _row(check: Check, gate: SemanticGate) -> SemanticCheck:
    return SemanticCheck(
        id=check.id,
        organization_id=gate.organization_id,
        gate=gate,
        score=check.score,
        similarity=check.similarity,
        agrees=check.agrees,
        method=check.method,
        source=check.source,
        sample_rate=check.sample_rate,
        neighbour_id=check.neighbour_id,
        request_id=check.request_id,
        occurred_at=check.occurred_at,
    )


def _due(now: datetime) -> QuerySet[SemanticGate]:
    news = SemanticCheck.all_organizations.filter(
        gate=OuterRef("pk"), occurred_at__gt=OuterRef("calibrated_at") - _LATE
    )
    return SemanticGate.all_organizations.filter(
        Q(calibrated_at__isnull=True)
        | Exists(news)
        | Q(state=GateState.OFF, off_until__lte=now)
        | Q(state=GateState.SERVING, calibrated_at__lte=now - _SERVES_UNSEEN)
        | Q(calibrated_at__lte=now - _RESTS_UNSEEN)
    )


def _forget_old(gate: SemanticGate, now: datetime) -> None:
    """Deletes checks that no longer count: of vetoed ones, of those below the threshold and of the others apart."""
    checks = SemanticCheck.objects.for_organization(gate.organization_id).filter(gate=gate)
    checks.filter(occurred_at__lte=now - selectors_gates.WINDOW).delete()
    checks = checks.exclude(source=CheckSource.FEEDBACK, agrees=False)
    vetoed, servable, edge = Q(score__lte=0), Q(score__gt=0), Q(score__gte=gate.threshold or 0)
    for part in (vetoed, servable & ~edge, servable & edge):
        first_too_many = checks.filter(part).order_by("-occurred_at").values_list("occurred_at", flat=True)
        for oldest in first_too_many[selectors_gates.WINDOW_CHECKS : selectors_gates.WINDOW_CHECKS + 1]:
            checks.filter(part, occurred_at__lte=oldest).delete()
