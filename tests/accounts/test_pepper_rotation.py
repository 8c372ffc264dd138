"""Changing the pepper under the digests of keys while they are used."""

import dataclasses
import threading
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts import database_records, keys, wiring
from accounts.database_records import DatabaseRecords
from accounts.directory import KeyDirectory
from accounts.key_records import NewDigest
from accounts.keys import Peppers
from accounts.models import ApiKey
from accounts.scopes import Scope
from accounts.services import api_keys
from acron_site import diagnosis
from acron_site.diagnosis import Verdict
from acron_site.lib.errors import InvalidApiKeyError, OverloadedError
from tests.accounts.kit import PEPPERS, Clock, FakeRecords, make_directory, prefix_of, revoke

OLD, NEW = PEPPERS.current, b"another pepper, 32 random bytes!"
BOTH, NEW_ONLY = Peppers({2: NEW, 1: OLD}), Peppers({2: NEW})


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def records():
    return FakeRecords()


async def test_a_key_moves_to_the_newest_pepper_when_it_is_used(records, clock):
    token = records.add()
    directory = make_directory(records, clock, peppers=BOTH)

    assert await directory.identify(token)
    await directory.note_uses()

    record = records.by_prefix[prefix_of(token)]
    assert (record.pepper_id, record.digest) == (2, keys.digest(token, NEW))
    assert await make_directory(records, clock, peppers=NEW_ONLY).identify(token)


async def test_a_key_that_was_not_used_needs_the_old_pepper(records, clock):
    token = records.add()

    with pytest.raises(InvalidApiKeyError, match="no such API key"):
        await make_directory(records, clock, peppers=NEW_ONLY).identify(token)


async def test_a_wrong_secret_never_changes_a_digest(records, clock):
    token = records.add()
    before = records.by_prefix[prefix_of(token)]
    body = token[:-7] + ("A" if token[-7] != "A" else "B")
    directory = make_directory(records, clock, peppers=BOTH)

    with pytest.raises(InvalidApiKeyError):
        await directory.identify(body + keys.checksum(body))
    await directory.note_uses()

    assert records.by_prefix[prefix_of(token)] == before


async def test_a_new_digest_that_cannot_be_written_is_written_later(records, clock):
    token = records.add()
    directory = make_directory(records, clock, peppers=BOTH)
    await directory.identify(token)
    records.is_away = True
    await directory.note_uses()

    records.is_away = False
    clock.pass_seconds(2)
    await directory.note_uses()

    assert records.by_prefix[prefix_of(token)].pepper_id == 2


async def test_a_worker_that_does_not_know_the_new_pepper_yet_goes_on_serving_the_keys_it_knows(records, clock):
    token = records.add()
    old_worker, new_worker = (make_directory(records, clock, peppers=peppers) for peppers in (PEPPERS, BOTH))
    await old_worker.identify(token)

    await new_worker.identify(token)
    await new_worker.note_uses()
    for _ in range(30):
        clock.pass_seconds(20)
        assert await old_worker.identify(token)

    revoke(records, token)
    clock.pass_seconds(20)
    with pytest.raises(InvalidApiKeyError, match="revoked"):
        await old_worker.identify(token)


async def test_and_puts_off_those_it_cannot_prove(records, clock):
    token = records.add()
    prefix = prefix_of(token)
    digest = keys.digest(token, NEW)
    records.by_prefix[prefix] = dataclasses.replace(records.by_prefix[prefix], pepper_id=2, digest=digest)

    with pytest.raises(OverloadedError):
        await make_directory(records, clock).identify(token)


@pytest.mark.django_db(transaction=True)
def test_rotating_under_use_refuses_nobody(ada):
    """Workers with the old and with both peppers ask for the same keys while the digests change under them."""
    texts = [api_keys.issue(ada.actor, ada.organization, f"{n}", scopes=[Scope.INFER]).text for n in range(5)]
    before = wiring.peppers()
    both = Peppers({2: NEW, **before.by_id})
    workers = [KeyDirectory(DatabaseRecords(), peppers, ttl_seconds=0.0) for peppers in (before, both, both)]
    for worker in workers:
        for text in texts:
            worker.resolve(text)
    refused: list[str] = []
    asking = [threading.Thread(target=_ask, args=(worker, texts, refused)) for worker in workers]

    for thread in asking:
        thread.start()
    workers[1]._write({}, workers[1]._outdated)
    for thread in asking:
        thread.join()

    assert refused == []
    assert set(own(ada).filter(name__in="01234").values_list("pepper_id", flat=True)) == {2}
    later = KeyDirectory(DatabaseRecords(), NEW_ONLY)
    assert [later.resolve(text).organization_id for text in texts] == [ada.organization.pk] * 5


def _ask(worker, texts, refused):
    try:
        for _ in range(20):
            for text in texts:
                worker.resolve(text)
    except (InvalidApiKeyError, OverloadedError) as error:
        refused.append(error.message)
    finally:
        DatabaseRecords().release()


def test_only_a_digest_that_is_still_the_old_one_is_changed(ada):
    key = own(ada).get()
    changed = NewDigest(key.pk, old=bytes(32), new=b"x" * 32, pepper_id=2)

    DatabaseRecords().redigest([changed])

    assert bytes(own(ada).get().digest) == bytes(key.digest)


def test_keys_that_work_are_counted_by_pepper(ada):
    issued = [api_keys.issue(ada.actor, ada.organization, f"{n}", scopes=[Scope.INFER]).key for n in range(4)]
    own(ada).filter(pk=issued[0].pk).update(pepper_id=7)
    own(ada).filter(pk=issued[1].pk).update(revoked_at=timezone.now())
    own(ada).filter(pk=issued[2].pk).update(expires_at=timezone.now() - timedelta(seconds=1))

    assert database_records.count_by_pepper() == {1: 2, 7: 1}


@pytest.mark.parametrize(
    ("pepper_id", "verdict", "words"),
    [
        (2, Verdict.OK, "all keys are under pepper 2"),
        (1, Verdict.WARNING, "1 keys still hang on another pepper than 2"),
        (3, Verdict.FAILED, "1 keys were digested under pepper 3"),
    ],
)
def test_the_doctor_says_whether_an_old_pepper_may_go(ada, settings, pepper_id, verdict, words):
    own(ada).update(pepper_id=pepper_id)
    settings.KEY_PEPPERS = f"2:{NEW.hex()}"
    wiring.peppers.cache_clear()

    (finding,) = [each for each in diagnosis.findings() if each.subject == "key peppers"]

    wiring.peppers.cache_clear()
    assert (finding.verdict, finding.says) == (verdict, words)


def own(person):
    return ApiKey.objects.for_organization(person.organization.pk)
