"""Entries of tier 2, as programs meet them: beside those of tier 1, by the same filters, behind the same walls."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.test import AsyncClient
from django.utils import timezone
from redis import Redis

from accounts import wiring as accounts
from acron_site.lib.ids import uuid7
from caching.backends.sealed_entries import EntrySeal
from caching.gate_rules import CheckSource, GateKey
from caching.models import SemanticCheck, SemanticEntry, SemanticPurge, SemanticServing
from caching.places import SIDE, Place, shelf_key, wall_of
from caching.protocols import Namespace
from caching.semantic_shelf import SemanticShelf
from caching.services_complaints import forget_old, keep_servings
from caching.servings import Serving
from caching.shelf import Position, Wanted
from tests.caching.entries.kept import LABEL, keep, keep_all
from tests.caching.entries.near import keep_near
from tests.caching.entries.test_entries_api import API, PLAN, acts_of, ask, ids_of, listed

SIDED = f"default{SIDE}user:0011"


def test_an_entry_of_tier_2_is_listed_with_all_but_what_was_said(client, ada):
    entry_id = keep_near(ada.organization.pk, PLAN, namespace=SIDED, hits=3)

    (row,) = listed(client, ada)["data"]

    created, expires = row.pop("created"), row.pop("expires")
    assert row.pop("bytes") > 0
    assert row == {
        "id": str(entry_id),
        "tier": 2,
        "namespace": "default",
        "walled_by": "user",
        "model": "mock-small",
        "provider": "mock",
        "task": "general",
        "tags": {"team": "search"},
        "age": 0,
        "hits": 3,
        "pinned": False,
        "marked_wrong": False,
    }
    assert created < expires


def test_both_tiers_are_one_list_newest_first_and_each_can_be_asked_for_alone(client, ada):
    organization_id = ada.organization.pk
    made = [
        str((keep, keep_near)[number % 2](organization_id, str(number), age_seconds=60.0 - number))
        for number in range(9)
    ]

    parts: list[list[str]] = []
    after: dict[str, str] = {}
    while True:
        part = listed(client, ada, limit=2, **after)
        parts.append([row["id"] for row in part["data"]])
        if not part["has_more"]:
            break
        after = {"after": part["next"]}

    assert [each for part in parts for each in part] == made[::-1]
    assert ids_of(client, ada, tier=1) == made[::-2]
    assert ids_of(client, ada, tier=2) == made[-2::-2]


def test_near_entries_of_one_moment_are_listed_once_each(client, ada):
    moment = timezone.now()
    made = {str(keep_near(ada.organization.pk, str(n), created_at=moment)) for n in range(7)}

    seen: list[str] = []
    after: dict[str, str] = {}
    while True:
        part = listed(client, ada, limit=3, **after)
        seen += [row["id"] for row in part["data"]]
        if not part["has_more"]:
            break
        after = {"after": part["next"]}

    assert (len(seen), set(seen)) == (7, made)


@pytest.mark.parametrize("offset", [-4e-7, 0.0, 4e-7])
def test_a_list_goes_on_where_another_tier_broke_off_between_two_microseconds(ada, offset):
    moment = datetime(2026, 11, 1, 12, 0, 0, 123_456, tzinfo=UTC)
    entry_id = keep_near(ada.organization.pk, "a", created_at=moment)
    after = Position(moment.timestamp() + offset, UUID(int=0))

    part = SemanticShelf(EntrySeal(accounts.cipher())).list(ada.organization.pk, Wanted(), after=after, limit=5)

    assert [row.id for row in part.rows] == ([entry_id] if Position(moment.timestamp(), entry_id) < after else [])


@pytest.mark.parametrize("stored_at", [1e300, -1e300, 0.0])
def test_a_position_at_the_end_of_time_is_no_failure(client, ada, stored_at):
    entry_id = keep_near(ada.organization.pk, "a")

    assert ids_of(client, ada, after=str(Position(stored_at, uuid4()))) == [str(entry_id)] * (stored_at > 0)


FILTERS = [
    ({"namespace": "staging"}, "staging"),
    ({"namespace": "walled"}, "sided"),
    ({"model": "mock-large"}, "large"),
    ({"task": "coding"}, "coding"),
    ({"tag": "team:sales"}, "sales"),
    ({"prefix": "What is"}, "question"),
    ({"q": "UMBRELLAS"}, "plan"),
    ({"older_than": "1h"}, "old"),
]


def some_of_each(organization_id):
    return {
        "staging": keep_near(organization_id, "a", namespace="staging"),
        "sided": keep_near(organization_id, "a", namespace=f"walled{SIDE}key:22"),
        "large": keep_near(organization_id, "b", label=replace(LABEL, model="mock-large")),
        "coding": keep_near(organization_id, "c", label=replace(LABEL, task_type="coding")),
        "sales": keep_near(organization_id, "d", label=replace(LABEL, tags=(("team", "sales"),))),
        "question": keep_near(organization_id, "What is it?"),
        "plan": keep_near(organization_id, PLAN),
        "old": keep_near(organization_id, "e", age_seconds=7_200, ttl_seconds=86_400),
    }


@pytest.mark.parametrize(("query", "expected"), FILTERS)
def test_a_filter_lists_and_purges_what_it_says_and_nothing_else(client, ada, query, expected):
    made = some_of_each(ada.organization.pk)

    found = ids_of(client, ada, **query)
    tried = ask(client, ada, "POST", "/purge", **query, dry_run=True).json()["purged"]["2"]
    done = ask(client, ada, "POST", "/purge", **query).json()["purged"]["2"]

    assert found == [str(made.pop(expected))]
    assert (tried, done) == (1, 1)
    assert set(ids_of(client, ada)) == {str(each) for each in made.values()}


@pytest.mark.parametrize("name", ["model", "task", "tag", "prefix", "q"])
@pytest.mark.parametrize("text", ["a\0b", "\ud800", "%", "_", "\\"])
def test_what_no_row_can_hold_is_found_in_none_and_is_no_failure(client, ada, name, text):
    keep_near(ada.organization.pk, "a question")

    answered = ask(client, ada, "POST", "/purge", **{name: f"{text}:{text}" if name == "tag" else text})

    assert answered.status_code < 500
    assert len(ids_of(client, ada)) == 1


def test_a_namespace_with_a_wildcards_name_is_not_all_of_them(client, ada):
    keep_near(ada.organization.pk, "a", namespace=f"defaulT{SIDE}user:1")
    keep_near(ada.organization.pk, "a", namespace=f"default2{SIDE}user:1")

    assert ids_of(client, ada, namespace="%") == ids_of(client, ada, namespace="default") == []


def test_a_purge_takes_pinned_and_wrong_ones_too_and_reaches_more_than_is_read_at_once(client, ada):
    for number in range(520):
        keep_near(ada.organization.pk, f"What is {number}?", is_pinned=number % 3 == 0)
    keep_near(ada.organization.pk, "Why?", marked_wrong_at=timezone.now())

    by_words = ask(client, ada, "POST", "/purge", prefix="What is").json()["purged"]["2"]
    rest = ask(client, ada, "POST", "/purge", all=True).json()["purged"]["2"]

    assert (by_words, rest) == (520, 1)
    assert not SemanticEntry.objects.for_organization(ada.organization.pk).exists()


def test_words_of_tier_2_are_shown_on_the_record(client, ada):
    entry_id = keep_near(ada.organization.pk, PLAN)

    answered = ask(client, ada, "GET", f"/{entry_id}").json()

    assert (answered["question"], answered["answer"]) == (PLAN, {"answer": PLAN})
    assert "cache_entry.read" in acts_of(ada)


def test_a_pinned_entry_of_tier_2_has_no_end_until_it_is_unpinned(client, ada):
    entry_id = keep_near(ada.organization.pk, "a", ttl_seconds=1_000, age_seconds=900)

    assert ask(client, ada, "POST", f"/{entry_id}/pin").status_code == 204
    (pinned,) = listed(client, ada)["data"]
    assert ask(client, ada, "POST", f"/{entry_id}/unpin").status_code == 204
    row = SemanticEntry.objects.for_organization(ada.organization.pk).get()

    assert (pinned["pinned"], pinned["expires"]) == (True, None)
    assert not row.is_pinned
    assert timedelta(seconds=900) < row.expires_at - timezone.now() <= timedelta(seconds=1_000)


def test_a_wrong_entry_of_tier_2_keeps_its_question_and_loses_its_answer(client, ada):
    entry_id = keep_near(ada.organization.pk, PLAN, is_pinned=True)

    assert ask(client, ada, "POST", f"/{entry_id}/mark-wrong").status_code == 204

    (row,) = listed(client, ada)["data"]
    opened = ask(client, ada, "GET", f"/{entry_id}").json()
    kept = SemanticEntry.objects.for_organization(ada.organization.pk).get()
    left = EntrySeal(accounts.cipher()).answer(ada.organization.pk, entry_id, bytes(kept.answer))
    assert (row["marked_wrong"], row["bytes"], row["pinned"]) == (True, 0, False)
    assert (opened["question"], opened["answer"]) == (PLAN, None)
    assert left is not None
    assert left.body == b""
    assert ask(client, ada, "POST", f"/{entry_id}/pin").status_code == 409


def pair(person, namespace="default"):
    """The same request in both tiers."""
    exact = keep(person.organization.pk, PLAN, namespace=namespace)
    with Redis.from_url(settings.REDIS_URL) as redis:
        (member,) = redis.zrange(shelf_key(person.organization.pk, wall_of(namespace)), 0, -1)
    return exact, keep_near(person.organization.pk, PLAN, namespace=namespace, fingerprint=member[16:])


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("namespace", ["default", SIDED])
def test_what_is_deleted_in_one_tier_is_gone_from_the_other(client, ada, which, namespace):
    twins = pair(ada, namespace)
    stays = keep_near(ada.organization.pk, PLAN)

    assert ask(client, ada, "DELETE", f"/{twins[which]}").status_code == 204

    assert ids_of(client, ada) == [str(stays)]


@pytest.mark.parametrize("which", [0, 1])
def test_what_is_wrong_in_one_tier_is_wrong_in_the_other(client, ada, which):
    twins = pair(ada)

    ask(client, ada, "POST", f"/{twins[which]}/mark-wrong")

    assert [row["marked_wrong"] for row in listed(client, ada)["data"]] == [True, True]


def test_a_delete_leaves_marks_in_both_tiers_though_one_holds_nothing_yet(client, ada):
    organization_id, fingerprint = ada.organization.pk, uuid4().bytes
    near = keep_near(organization_id, PLAN, fingerprint=fingerprint)
    place = Place(organization_id, wall_of("default"), fingerprint)

    ask(client, ada, "DELETE", f"/{near}")

    assert SemanticPurge.objects.for_organization(organization_id).filter(what=place.id.hex).exists()
    with Redis.from_url(settings.REDIS_URL) as redis:
        assert redis.exists(place.mark_keys[2])


def test_mallory_finds_nothing_of_adas_in_tier_2(client, ada, mallory):
    entry_id = keep_near(ada.organization.pk, PLAN)

    for method, address in [
        ("GET", f"/{entry_id}"),
        ("DELETE", f"/{entry_id}"),
        ("POST", f"/{entry_id}/pin"),
        ("POST", f"/{entry_id}/unpin"),
        ("POST", f"/{entry_id}/mark-wrong"),
    ]:
        assert ask(client, mallory, method, address).status_code == 404
    assert ask(client, mallory, "POST", "/purge", all=True).json()["total"] == 0
    assert ask(client, mallory, "POST", "/purge", prefix="attack").json()["total"] == 0
    assert ids_of(client, mallory) == ids_of(client, mallory, q="umbrellas") == []

    (row,) = listed(client, ada)["data"]
    assert (row["id"], row["pinned"], row["marked_wrong"]) == (str(entry_id), False, False)


async def test_an_export_holds_both_tiers(transactional_db, ada):
    await sync_to_async(keep_all)(ada.organization.pk, ["exact"])
    await sync_to_async(keep_near)(ada.organization.pk, "near")

    response = await AsyncClient().get(f"{API}/export", headers={"x-api-key": ada.api_key})
    lines = b"".join([part async for part in response.streaming_content]).splitlines()  # type: ignore[attr-defined]

    assert {(row["tier"], row["question"]) for row in map(json.loads, lines)} == {(1, "exact"), (2, "near")}


def test_tidying_forgets_marks_and_servings_whose_time_is_over(ada):
    organization_id, now = ada.organization.pk, timezone.now()
    shelf = SemanticShelf(EntrySeal(accounts.cipher()))
    shelf.hold_off(organization_id, "default", b"fresh")
    SemanticPurge(organization=ada.organization, what="old", purged_at=now - timedelta(hours=3)).save()
    serve(ada, uuid4(), served_at=now - timedelta(days=31))
    serve(ada, uuid4())

    assert (shelf.tidy(organization_id), forget_old(organization_id, now)) == (1, 1)
    assert SemanticPurge.objects.for_organization(organization_id).count() == 1
    assert SemanticServing.objects.for_organization(organization_id).count() == 1


# complaints


def serve(person, neighbour_id, *, request_id="req_near", **fields):
    key = GateKey(Namespace(person.organization.pk), "general", "a model", "1")
    serving = Serving(uuid7(), key, request_id, neighbour_id, 0.93, 0.97, timezone.now())
    keep_servings(person.organization.pk, [replace(serving, **fields)])


def complaints(person):
    checks = SemanticCheck.objects.for_organization(person.organization.pk).filter(source=CheckSource.FEEDBACK)
    return [(check.score, check.similarity, check.agrees, check.gate.task_type) for check in checks]


def test_a_wrong_entry_that_was_served_is_a_failed_check_of_its_gate_once(client, ada):
    entry_id = keep_near(ada.organization.pk, PLAN)
    serve(ada, entry_id)

    for _ in range(2):
        ask(client, ada, "POST", f"/{entry_id}/mark-wrong")

    assert complaints(ada) == [(0.93, 0.97, False, "general")]


def test_a_wrong_entry_that_was_never_served_says_nothing_of_a_gate(client, ada, mallory):
    entry_id = keep_near(ada.organization.pk, PLAN)
    serve(mallory, entry_id)

    ask(client, ada, "POST", f"/{entry_id}/mark-wrong")

    assert complaints(ada) == complaints(mallory) == []


def test_walls_share_what_their_names_begin_with_and_no_more():
    assert wall_of(SIDED).startswith(wall_of("default"))
    assert wall_of(SIDED) != wall_of(SIDED + "1")
    assert not wall_of("default2").startswith(wall_of("default"))
