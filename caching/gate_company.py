"""What else is known of gates on record: whether another has taken a gate's place, and what people called wrong."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db.models import Max
from django.utils import timezone

from caching.gate_rules import CheckSource
from caching.models import SemanticCheck, SemanticGate

_NEVER = datetime.min.replace(tzinfo=UTC)
_MOST_COMPLAINTS = 1_000


def retired(organization_id: UUID, gates: Sequence[SemanticGate]) -> frozenset[UUID]:
    """Those in whose place another embedder, or likeness of another version, decides now: of one namespace and task
    only the gate that was checked last is live. What people say of former answers is no sign of life."""
    rivals = SemanticGate.objects.for_organization(organization_id).filter(
        namespace__in={gate.namespace for gate in gates}, task_type__in={gate.task_type for gate in gates}
    )
    places: defaultdict[tuple[str, str], list[UUID]] = defaultdict(list)
    for gate_id, namespace, task_type in rivals.order_by("pk").values_list("pk", "namespace", "task_type"):
        places[namespace, task_type].append(gate_id)
    contested = [own for own in places.values() if len(own) > 1]
    last = _last_checked(organization_id, [gate_id for own in contested for gate_id in own])
    # of several that were never checked the youngest
    return frozenset(
        gate_id
        for own in contested
        for live in [max(reversed(own), key=lambda each: last.get(each, _NEVER))]
        for gate_id in own
        if gate_id != live
    )


def complaints(
    organization_id: UUID, gates: Sequence[SemanticGate], *, within: timedelta
) -> Mapping[UUID, Sequence[float]]:
    """At which scores people have called an answer wrong, by gate, since it was last begun anew."""
    since = {gate.pk: gate.fresh_after or _NEVER for gate in gates}
    found: defaultdict[UUID, list[float]] = defaultdict(list)
    called_wrong = SemanticCheck.objects.for_organization(organization_id).filter(
        gate__in=list(since), source=CheckSource.FEEDBACK, agrees=False, occurred_at__gt=timezone.now() - within
    )
    rows = called_wrong.order_by("-occurred_at").values_list("gate", "score", "occurred_at")[:_MOST_COMPLAINTS]
    for gate_id, score, occurred_at in rows:
        if occurred_at > since[gate_id]:
            found[gate_id].append(score)
    return found


def _last_checked(organization_id: UUID, gate_ids: Sequence[UUID]) -> dict[UUID, datetime]:
    if not gate_ids:
        return {}
    checks = SemanticCheck.objects.for_organization(organization_id).filter(gate__in=gate_ids)
    own = checks.exclude(source=CheckSource.FEEDBACK).order_by()
    return dict(own.values_list("gate").annotate(Max("occurred_at")))
