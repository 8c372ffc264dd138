"""Kept entries, as programs meet them: listed without words, read on the record, and gone when they are told to go."""

import json
import time
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.test import AsyncClient
from redis import Redis

from accounts.models import AuditEvent
from accounts.scopes import Scope
from accounts.services import api_keys
from caching.places import IDEMPOTENCY, Place, organization_prefix, wall_of
from tests.caching.entries.kept import LABEL, keep, keep_all

API = "/cache/entries"
PLAN = "attack the market at dawn with umbrellas"


def listed(client, person, **query):
    answered = client.get(API, query, headers={"x-api-key": person.api_key})
    assert answered.status_code == 200, answered.json()
    return answered.json()


def ids_of(client, person, **query):
    return [row["id"] for row in listed(client, person, **query)["data"]]


def ask(client, person, method, address, **body):
    return client.generic(
        method, f"{API}{address}", json.dumps(body), "application/json", headers={"x-api-key": person.api_key}
    )


def acts_of(person):
    return list(AuditEvent.objects.for_organization(person.organization.pk).values_list("action", flat=True))


def test_an_entry_is_listed_with_all_but_what_was_said(client, ada):
    entry_id = keep(ada.organization.pk, PLAN, namespace="staging: {é}")

    answered = listed(client, ada)

    (row,) = answered["data"]
    created, expires = row.pop("created"), row.pop("expires")
    assert row.pop("bytes") > 0
    assert row == {
        "id": str(entry_id),
        "tier": 1,
        "namespace": "staging: {é}",
        "walled_by": None,
        "model": "mock-small",
        "provider": "mock",
        "task": "general",
        "tags": {"team": "search"},
        "age": 0,
        "hits": None,
        "pinned": False,
        "marked_wrong": False,
    }
    assert created < expires
    assert (answered["has_more"], answered["next"]) == (False, None)


def test_a_list_comes_in_parts_newest_first_across_namespaces(client, ada):
    made = [
        str(keep(ada.organization.pk, str(number), namespace=f"n{number % 3}", age_seconds=60.0 - number))
        for number in range(7)
    ]

    parts: list[list[str]] = []
    after: dict[str, str] = {}
    while True:
        part = listed(client, ada, limit=3, **after)
        parts.append([row["id"] for row in part["data"]])
        if not part["has_more"]:
            break
        after = {"after": part["next"]}

    assert [len(part) for part in parts] == [3, 3, 1]
    assert [each for part in parts for each in part] == made[::-1]


def test_entries_of_one_moment_are_listed_once_each(client, ada):
    questions = [str(number) for number in range(1_100)]
    made = {str(each) for each in keep_all(ada.organization.pk, questions, clock=lambda: 1_790_000_000.0)}

    seen: list[str] = []
    after: dict[str, str] = {}
    while True:
        part = listed(client, ada, limit=500, **after)
        seen += [row["id"] for row in part["data"]]
        if not part["has_more"]:
            break
        after = {"after": part["next"]}

    assert len(seen) == len(made)
    assert set(seen) == made


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"namespace": "staging"}, "staging"),
        ({"model": "mock-large"}, "large"),
        ({"task": "coding"}, "coding"),
        ({"tag": "team:sales"}, "sales"),
        ({"prefix": "What is"}, "question"),
        ({"q": "UMBRELLAS"}, "plan"),
        ({"older_than": "1h"}, "old"),
        ({"older_than": "3600"}, "old"),
    ],
)
def test_a_filter_finds_what_it_says_and_nothing_else(client, ada, query, expected):
    organization_id = ada.organization.pk
    made = {
        "staging": keep(organization_id, "a", namespace="staging"),
        "large": keep(organization_id, "b", label=replace(LABEL, model="mock-large")),
        "coding": keep(organization_id, "c", label=replace(LABEL, task_type="coding")),
        "sales": keep(organization_id, "d", label=replace(LABEL, tags=(("team", "sales"),))),
        "question": keep(organization_id, "What is it?"),
        "plan": keep(organization_id, PLAN),
        "old": keep(organization_id, "e", age_seconds=7_200),
    }

    assert ids_of(client, ada, **query) == [str(made[expected])]


@pytest.mark.parametrize(
    "query",
    [
        {"tier": "4"},
        {"limit": "0"},
        {"limit": "501"},
        {"after": "nonsense"},
        {"after": "7ff0000000000000" + "00" * 16},
        {"tag": "team"},
        {"older_than": "soon"},
        {"q": "x" * 301},
        {"namespace": "default\x1fuser:0"},
    ],
)
def test_a_wrong_parameter_is_named(client, ada, query):
    answered = client.get(API, query, headers={"x-api-key": ada.api_key})

    assert answered.status_code == 400
    assert answered.json()["error"]["param"] == next(iter(query))


def test_words_are_shown_to_those_who_may_and_each_look_is_on_the_record(client, ada):
    entry_id = keep(ada.organization.pk, PLAN)

    answered = ask(client, ada, "GET", f"/{entry_id}")

    look = AuditEvent.objects.for_organization(ada.organization.pk).get(action="cache_entry.read")
    assert answered.json()["question"] == PLAN
    assert answered.json()["answer"] == {"answer": f"the answer to {PLAN}"}
    assert look.after == {"entry_id": str(entry_id), "tier": 1}


def test_a_list_that_looks_into_questions_is_on_the_record_without_their_words(client, ada):
    keep(ada.organization.pk, PLAN)

    listed(client, ada, q="umbrellas", namespace="default")
    listed(client, ada)

    (act,) = AuditEvent.objects.for_organization(ada.organization.pk).filter(action="cache_entries.searched")
    assert act.after == {"filters": ["namespace=default", "q"]}


@pytest.mark.parametrize("scope", [Scope.INFER, Scope.ANALYTICS])
def test_a_key_of_another_scope_sees_nothing(client, ada, scope):
    key = api_keys.issue(ada.actor, ada.organization, "other", scopes=[scope]).text

    assert client.get(API, headers={"x-api-key": key}).status_code == 403


def test_a_deleted_entry_is_gone_and_the_act_is_on_the_record(client, ada):
    gone, stays = keep_all(ada.organization.pk, ["a", "b"])

    answered = ask(client, ada, "DELETE", f"/{gone}")

    assert answered.status_code == 204
    assert ids_of(client, ada) == [str(stays)]
    assert ask(client, ada, "DELETE", f"/{gone}").status_code == 404
    assert acts_of(ada).count("cache_entry.deleted") == 1


def test_a_pinned_entry_has_no_end_until_it_is_unpinned(client, ada):
    entry_id = keep(ada.organization.pk, "a")

    assert ask(client, ada, "POST", f"/{entry_id}/pin").status_code == 204
    (pinned,) = listed(client, ada)["data"]
    assert ask(client, ada, "POST", f"/{entry_id}/unpin").status_code == 204
    (unpinned,) = listed(client, ada)["data"]

    assert (pinned["pinned"], pinned["expires"]) == (True, None)
    assert (unpinned["pinned"], unpinned["expires"] is None) == (False, False)


def test_an_entry_that_is_marked_as_wrong_keeps_its_question_and_loses_its_answer(client, ada):
    entry_id = keep(ada.organization.pk, PLAN)

    assert ask(client, ada, "POST", f"/{entry_id}/mark-wrong").status_code == 204

    (row,) = listed(client, ada)["data"]
    opened = ask(client, ada, "GET", f"/{entry_id}").json()
    assert (row["marked_wrong"], row["bytes"]) == (True, 0)
    assert (opened["question"], opened["answer"]) == (PLAN, None)


def test_what_is_marked_as_wrong_cannot_be_pinned(client, ada):
    entry_id = keep(ada.organization.pk, PLAN)
    ask(client, ada, "POST", f"/{entry_id}/mark-wrong")

    assert ask(client, ada, "POST", f"/{entry_id}/pin").status_code == 409


def test_a_purge_deletes_what_its_filters_say_and_a_trial_says_the_same_number(client, ada):
    keep_all(ada.organization.pk, ["What is a?", "What is b?"])
    other, third = keep(ada.organization.pk, "Why?"), keep(ada.organization.pk, "What is c?", namespace="staging")
    wanted = {"namespace": "default", "prefix": "What is"}

    tried = ask(client, ada, "POST", "/purge", **wanted, dry_run=True).json()
    assert len(ids_of(client, ada)) == 4
    done = ask(client, ada, "POST", "/purge", **wanted).json()

    assert tried == {"dry_run": True, "purged": {"1": 2, "2": 0, "3": 0}, "total": 2}
    assert done == {"dry_run": False, "purged": {"1": 2, "2": 0, "3": 0}, "total": 2}
    assert set(ids_of(client, ada)) == {str(other), str(third)}


@pytest.mark.parametrize("wanted", [{"all": True}, {"namespace": "default"}, {"model": "mock-small"}, {"tier": 1}])
def test_a_purge_reaches_more_than_can_be_read_at_once(client, ada, wanted):
    keep_all(ada.organization.pk, [str(number) for number in range(1_203)])

    answered = ask(client, ada, "POST", "/purge", **({"all": True} if "tier" in wanted else {}), **wanted).json()

    assert answered["total"] == 1_203
    assert ids_of(client, ada) == []


def test_a_purge_of_everything_takes_the_word_for_it(client, ada):
    entry_id = keep(ada.organization.pk, "a")

    refused = ask(client, ada, "POST", "/purge", tier=1)

    assert refused.status_code == 400
    assert '"all": true' in refused.json()["error"]["message"]
    assert ids_of(client, ada) == [str(entry_id)]


def test_a_mistyped_filter_purges_nothing(client, ada):
    keep(ada.organization.pk, "a")

    refused = ask(client, ada, "POST", "/purge", namespace="default", modle="mock-large")

    assert refused.status_code == 400
    assert "did you mean 'model'?" in refused.json()["error"]["message"]
    assert len(ids_of(client, ada)) == 1


def test_a_purge_of_everything_reaches_what_stands_in_no_list_and_spares_idempotent_answers(client, ada):
    prefix = organization_prefix(ada.organization.pk)
    with Redis.from_url(settings.REDIS_URL) as redis:
        unlisted = prefix + b"t1:" + wall_of("default").encode() + b":00"
        spared = prefix + b"t1:" + wall_of(IDEMPOTENCY).encode() + b":00"
        redis.set(unlisted, b"an entry of a former version", ex=60)
        redis.set(spared, b"an answer under an Idempotency-Key", ex=60)

        answered = ask(client, ada, "POST", "/purge", all=True).json()

        assert answered["total"] == 1
        assert (redis.exists(unlisted), redis.exists(spared)) == (0, 1)


def test_an_entry_whose_time_is_over_is_neither_listed_nor_found(client, ada):
    gone = keep(ada.organization.pk, "a")
    with Redis.from_url(settings.REDIS_URL) as redis:
        for key in redis.scan_iter(match=organization_prefix(ada.organization.pk) + b"t1:*"):
            redis.delete(key)

        assert ids_of(client, ada) == []
        assert ask(client, ada, "GET", f"/{gone}").status_code == 404
        assert redis.keys(organization_prefix(ada.organization.pk) + b"shelf:*") == []


def test_mallory_finds_nothing_of_adas_at_any_address(client, ada, mallory):
    entry_id = keep(ada.organization.pk, PLAN)

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


def test_the_same_question_has_another_id_for_everybody(ada, mallory):
    ours, theirs = (Place(each.organization.pk, wall_of("default"), bytes(16)).id for each in (ada, mallory))

    assert ours != theirs


def test_an_unknown_id_is_not_found(client, ada):
    assert ask(client, ada, "GET", f"/{uuid4()}").status_code == 404


async def test_an_export_holds_questions_and_answers(transactional_db, ada):
    await sync_to_async(keep_all)(ada.organization.pk, [f"question {number}" for number in range(230)])

    response: Any = await AsyncClient().get(f"{API}/export?namespace=default", headers={"x-api-key": ada.api_key})
    lines = b"".join([part async for part in response.streaming_content]).splitlines()

    rows = [json.loads(line) for line in lines]
    assert {row["question"] for row in rows} == {f"question {number}" for number in range(230)}
    assert all(row["answer"]["answer"].endswith(row["question"]) for row in rows)


def test_an_export_is_on_the_record_before_its_first_line(client, ada):
    client.get(f"{API}/export", {"namespace": "default"}, headers={"x-api-key": ada.api_key})

    act = AuditEvent.objects.for_organization(ada.organization.pk).get(action="cache_entries.exported")
    assert act.after == {"filters": ["namespace=default"]}


def test_nothing_that_was_asked_can_be_read_in_redis(ada):
    keep(ada.organization.pk, PLAN, namespace="umbrella-namespace")

    with Redis.from_url(settings.REDIS_URL) as redis:
        keys = list(redis.scan_iter(match=organization_prefix(ada.organization.pk) + b"*"))
        dump = b"".join(keys) + b"".join(redis.dump(key) or b"" for key in keys)

    assert len(keys) == 4
    assert b"umbrella" not in dump
    assert b"mock-small" not in dump


def test_ten_thousand_entries_list_quickly(client, ada):
    keep_all(ada.organization.pk, [f"question {number}" for number in range(10_000)], ttl_seconds=600)

    begun = time.process_time()
    first = listed(client, ada, limit=50)
    part_seconds = time.process_time() - begun
    begun = time.process_time()
    rare = ids_of(client, ada, q="question 77")
    search_seconds = time.process_time() - begun

    assert len(first["data"]) == 50
    assert len(rare) == 50  # of 111, the first part
    assert part_seconds < 0.5
    assert search_seconds < 3


def test_a_cache_that_is_away_says_so(client, ada, settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"

    answered = client.get(API, headers={"x-api-key": ada.api_key})

    assert answered.status_code == 503
    assert answered.headers["Retry-After"]
