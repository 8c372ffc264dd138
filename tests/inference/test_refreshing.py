"""Answers that are asked for shortly before their time is over are renewed in the background."""

import asyncio
import time
from dataclasses import replace
from decimal import Decimal

import orjson
import pytest

from accounts.encryption import cipher_from
from accounts.principal import KeyRules, Principal
from acron_site.lib.ids import uuid7
from analytics.events import EventKind
from caching.exact import ExactCache
from caching.leases import lease_key
from caching.policies import Policy
from caching.protocols import Label, Namespace
from inference.domain import CacheStatus
from tests.caching.turns import turns
from tests.inference.kit import ADA, Kit, ask, text_of
from tests.inference.script import COMPLETION, Scene, Script, refused

LIFE = 1_000
AHEAD = Policy(ttl_seconds=LIFE, refresh_ahead_percent=10)
NAMESPACE = Namespace(ADA.organization_id)


def saying(text):
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    return Scene(pieces=(orjson.dumps({**COMPLETION, "choices": [choice]}),))


async def aged_kit(*later, age_seconds=950, policy=AHEAD):
    """A gateway that has kept "Paris." so long ago; `later`: what its provider answers from now on."""
    kit = Kit(policy=policy, transport=Script(saying("Paris."), *later))
    await kit.answer(ADA, ask())
    await age(kit, age_seconds)
    return kit


async def age(kit, age_seconds):
    ((place, _),) = kit.store.shelved(b"")
    entry = await kit.cache.look_up(NAMESPACE, place.fingerprint)
    former = ExactCache(
        kit.store, cipher_from("a passphrase"), clock=lambda: time.time() - age_seconds, max_entry_bytes=10_000
    )
    former.keep(NAMESPACE, place.fingerprint, note=entry.note, body=entry.body, ttl_seconds=LIFE, label=Label())


async def asked(kit, principal=ADA, **fields):
    answer = await kit.answer(principal, ask(**fields))
    await kit.gateway.refreshing.idle()
    return answer


async def test_a_late_hit_is_answered_at_once_and_the_next_gets_the_renewed_answer():
    kit = await aged_kit(saying("Lutetia."))

    first, second = await asked(kit), await asked(kit)

    assert (text_of(first), text_of(second)) == ("Paris.", "Lutetia.")
    assert first.facts.cache_status == second.facts.cache_status == CacheStatus.HIT_T1
    assert len(kit.transport.calls) == 2


async def test_what_it_costs_is_overhead_and_stands_against_nothing():
    kit = await aged_kit(saying("Lutetia."))

    hit = await asked(kit)

    (paid,) = [row for row in kit.ledger.rows.values() if row.kind is EventKind.OVERHEAD]
    assert paid.cost_usd
    assert (paid.saved_usd, paid.request_id) == (None, hit.facts.request_id)


@pytest.mark.parametrize(
    ("age_seconds", "policy"),
    [
        (890, AHEAD),
        (1_010, AHEAD),  # as what is pinned: it has no end
        (950, Policy(ttl_seconds=LIFE)),
    ],
)
async def test_too_early_after_the_end_or_where_it_is_off_nothing_is_asked(age_seconds, policy):
    kit = await aged_kit(age_seconds=age_seconds, policy=policy)

    await asked(kit)

    assert len(kit.transport.calls) == 1


@pytest.mark.parametrize("mode", ["read", "write", "off"])
async def test_who_keeps_nothing_or_reads_nothing_renews_nothing(mode):
    kit = await aged_kit()

    await asked(kit, acron={"cache": {"mode": mode}})

    assert not [row for row in kit.ledger.rows.values() if row.kind is EventKind.OVERHEAD]


async def test_test_keys_renew_nothing():
    tester = Principal(ADA.organization_id, ADA.scopes, is_test=True)
    kit = Kit(policy=AHEAD, mock=True)
    await kit.answer(tester, ask())
    await age(kit, 950)

    answer = await asked(kit, tester)

    assert answer.facts.cache_status == CacheStatus.HIT_T1
    assert not [row for row in kit.ledger.rows.values() if row.kind is EventKind.OVERHEAD]


async def test_who_has_no_budget_left_renews_nothing_and_is_answered():
    kit = await aged_kit()
    poor = replace(ADA, key_id=uuid7(), rules=KeyRules(monthly_budget_usd=Decimal("0.000000001")))

    answer = await asked(kit, poor)

    assert text_of(answer) == "Paris."
    assert len(kit.transport.calls) == 1


async def test_a_renewal_that_fails_changes_nothing_and_is_not_tried_again():
    kit = await aged_kit(refused(400))

    answers = [await asked(kit) for _ in range(3)]

    assert [text_of(answer) for answer in answers] == ["Paris."] * 3
    assert len(kit.transport.calls) == 2


async def test_of_many_late_hits_one_asks():
    go = asyncio.Event()
    kit = await aged_kit(Scene(waits_for=go))

    await asyncio.gather(*(kit.answer(ADA, ask()) for _ in range(20)))
    go.set()
    await kit.gateway.refreshing.idle()

    assert len(kit.transport.calls) == 2


async def test_while_another_worker_renews_it_this_one_does_not():
    kit = await aged_kit()
    ((place, _),) = kit.store.shelved(b"")

    with await kit.gateway.refreshing.leases.acquire(lease_key(NAMESPACE, place.fingerprint) + b":ahead"):
        await asked(kit)

    assert len(kit.transport.calls) == 1


async def test_at_shutdown_what_is_under_way_ends_and_none_begins():
    kit = await aged_kit(Scene(waits_for=asyncio.Event()))
    await kit.answer(ADA, ask())
    await turns(50)

    await kit.gateway.refreshing.close()
    await age(kit, 940)
    await kit.answer(ADA, ask())

    await kit.gateway.refreshing.idle()
    assert len(kit.transport.calls) == 2
