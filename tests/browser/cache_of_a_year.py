"""Fills the cache of an organization that has used it for long: figures, gates, entries, policies."""

import random
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

_CHECKS, _ENTRIES = 900, 20
_REASONS = ("sampled", "no-store", "stateful", "policy-off")


def filled(acting: Any) -> dict[str, str]:
    """The ids of a gate and of an entry there."""
    set_policies(acting)
    add_figures(acting.organization_id)
    return {"gate": add_gates(acting), "entry": add_entries(acting)}


def set_policies(acting: Any) -> None:
    from caching import services_policies
    from caching.policies import ALL_OTHERS, Semantic, Wall, Wishes

    services_policies.put(acting, ALL_OTHERS, Wishes(ttl_seconds=604_800))
    services_policies.put(acting, "support/eu", Wishes(wall=Wall.USER, semantic_tolerance=0.02))
    services_policies.put(acting, "by-hand", Wishes(semantic=Semantic.MANUAL, semantic_threshold=0.93))
    services_policies.put(acting, "contracts", Wishes(semantic=Semantic.OFF))


def add_figures(organization_id: Any) -> None:
    from analytics.events import EventKind
    from tests.analytics.facts import cache_hit, keep, paid_answer

    saved = Decimal("12.34")
    keep(
        *(cache_hit(organization_id, saved_usd=saved) for _ in range(120)),
        *(cache_hit(organization_id, cache_status="COALESCED") for _ in range(7)),
        *(cache_hit(organization_id, cache_tier=2, cache_status="HIT-T2", saved_usd=saved) for _ in range(33)),
        *(paid_answer(organization_id) for _ in range(90)),
        *(paid_answer(organization_id, cache_reason="tool-call") for _ in range(9)),
        *(paid_answer(organization_id, cache_status="BYPASS", cache_reason=reason) for reason in _REASONS),
        paid_answer(organization_id, kind=EventKind.OVERHEAD, cost_usd=Decimal("0.0421")),
    )


def add_gates(acting: Any) -> str:
    from caching import services_gates
    from caching.gate_book import SamePolicy
    from caching.gate_rules import TierPolicy
    from caching.models import SemanticGate
    from caching.protocols import Namespace
    from tests.caching.gates.kit import check, key_of

    now, chance = timezone.now(), random.Random(7)
    rooms = {"support/eu": 1.0, "by-hand": 0.4, "contracts": 0.9, "nightly-summaries-of-conversations-of-region-7": 0.2}
    for name, share in rooms.items():
        namespace = Namespace(acting.organization_id, name)
        found = [
            check(namespace, score, agrees=score > 0.8 or chance.random() < score, occurred_at=now)
            for score in (chance.betavariate(9, 1.2) for _ in range(int(_CHECKS * share)))
        ]
        services_gates.keep_checks(acting.organization_id, found, SamePolicy(TierPolicy()))
        services_gates.recalibrate(key_of(namespace), TierPolicy(), now + timedelta(seconds=1))
    gates = SemanticGate.objects.for_organization(acting.organization_id)
    return str(gates.get(namespace="support/eu").pk)


def add_entries(acting: Any) -> str:
    from caching import services_entries, wiring
    from caching.protocols import Label
    from tests.caching.entries.kept import keep_all

    for number, name in enumerate(("support/eu\x1fuser:0123456789abcdef", "nightly-summaries", "default")):
        tags = (("team", "customer-care"), ("campaign", f"autumn-of-the-year-202{number}"))
        label = Label("claude-sonnet-4-5-20250929", "anthropic", "summarization", tags)
        questions = [f"Summarize the conversation with customer {each} in three sentences." for each in range(_ENTRIES)]
        options: dict[str, Any] = {"age_seconds": 90_000 * number, "ttl_seconds": 604_800}
        ids = keep_all(acting.organization_id, questions, namespace=name, label=label, **options)
    services_entries.pin(wiring.shelves(), acting, ids[1])
    services_entries.mark_wrong(wiring.shelves(), acting, ids[2])
    return str(ids[0])
