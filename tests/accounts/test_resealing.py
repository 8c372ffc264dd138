"""Everything sealed comes under the newest key, whatever happens meanwhile, and what cannot is said."""

import json
from base64 import b64decode
from io import StringIO
from typing import Any

import pytest
import redis
from allauth.mfa.models import Authenticator
from django.conf import settings as django_settings
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.core.management.base import CommandError

from accounts import provider_keys, resealing, sealed_holdings, wiring
from accounts.encryption import HEAD_BYTES, cipher_from
from accounts.models import OutgoingEmail, ProviderCredential
from accounts.resealing import SealedRows, Tally
from accounts.services import outbox, provider_credentials
from accounts.services.outbox import Message
from accounts.sessions import SessionStore
from accounts.sign_in import second_factor
from acron_site import diagnosis
from acron_site.diagnosis import Verdict
from caching.exact import entry_key
from caching.protocols import Namespace
from caching.resealing import RedisAnswers

OLD, NEW = "0a" * 32, "1b" * 32
SECRET = "sk-our-own-key-1234"


@pytest.fixture(autouse=True)
def keys(settings):
    """Says which encryption keys this process has, newest first."""

    def have(*setting):
        settings.ENCRYPTION_KEY = ",".join(setting)
        wiring.cipher.cache_clear()

    have(OLD)
    yield have
    wiring.cipher.cache_clear()


@pytest.fixture
def answers():
    """T1 in Redis, empty at first."""
    with redis.Redis.from_url(django_settings.REDIS_URL) as client:
        remove(client)
        yield client
        remove(client)


def remove(client):
    for key in client.scan_iter(match="acron:{*}:t1:*"):
        client.delete(key)


def answer_key(organization, number):
    return entry_key(Namespace(organization.pk), number.to_bytes(16, "big"))


def keep_answer(client, organization, number, text=b"Paris", ttl_seconds=1000):
    key = answer_key(organization, number)
    client.set(key, wiring.cipher().seal(text, aad=key), ex=ttl_seconds)
    return key


def rotate():
    """(what the command printed, whether it was content)."""
    printed = StringIO()
    try:
        call_command("rotate_encryption_keys", stdout=printed)
    except SystemExit as end:
        return printed.getvalue(), end.code != 1
    return printed.getvalue(), True


def reseal(holding, cipher):
    return resealing.reseal(holding, cipher, lambda _: None)


def test_everything_sealed_opens_with_the_new_key_alone_after_a_rotation(keys, ada, answers):
    OutgoingEmail.objects.all().delete()
    provider_credentials.put(ada.actor, "openai", SECRET)
    totp = Authenticator.objects.create(user=ada.user, type="totp", data={"secret": second_factor.seal("BASE32")})
    codes = Authenticator.objects.create(
        user=ada.user, type="recovery_codes", data={"seed": second_factor.seal("seed"), "used_mask": 5}
    )
    email_id = outbox.put(Message("ada@example.com", "Hello", "text", "<p>html</p>"))
    session = SessionStore()
    session["key"] = "ak_live_shown_once"
    session.save()
    kept = keep_answer(answers, ada.organization, 1)

    keys(NEW, OLD)
    printed, is_clean = rotate()
    keys(NEW)

    new = cipher_from(NEW)
    totp.refresh_from_db()
    codes.refresh_from_db()
    assert is_clean
    assert printed.endswith("nothing is left under older keys\n")
    assert provider_credentials.open_for_test(ada.actor, "openai").secret == SECRET
    assert second_factor.unseal(totp.data["secret"]) == "BASE32"
    assert (second_factor.unseal(codes.data["seed"]), codes.data["used_mask"]) == ("seed", 5)
    assert b"Hello" in new.open(bytes(OutgoingEmail.objects.get().sealed), aad=outbox.aad_of(email_id))
    assert SessionStore(session.session_key)["key"] == "ak_live_shown_once"
    assert new.open(answers.get(kept), aad=kept) == b"Paris"
    assert 990 <= answers.ttl(kept) <= 1000


def test_a_second_run_finds_nothing_to_do(keys, ada, answers):
    provider_credentials.put(ada.actor, "openai", SECRET)
    keep_answer(answers, ada.organization, 1)
    keys(NEW, OLD)
    rotate()

    before = bytes(ProviderCredential.objects.for_organization(ada.organization.pk).get().sealed)
    printed = StringIO()
    call_command("rotate_encryption_keys", "--json", stdout=printed)
    results = {result["name"]: result for result in json.loads(printed.getvalue())}

    assert bytes(ProviderCredential.objects.for_organization(ada.organization.pk).get().sealed) == before
    assert all(result["is_clean"] and result["tally"]["resealed"] == 0 for result in results.values())
    assert results["cached answers"]["tally"]["seen"] == results["provider keys"]["tally"]["seen"] == 1


def test_a_run_that_was_broken_off_is_finished_by_the_next(keys, ada, answers):
    for number in range(40):
        keep_answer(answers, ada.organization, number)
    keys(NEW, OLD)
    cipher = wiring.cipher()
    holding = RedisAnswers(django_settings.REDIS_URL)

    broken_off: Any = holding.reseal(cipher)
    done = [next(broken_off), next(broken_off)]
    broken_off.close()
    rest = reseal(holding, cipher)

    first = sum(done, Tally()).resealed
    assert 0 < first < 40
    assert first + rest.tally.resealed == 40
    assert rest.is_clean


def test_what_no_key_opens_is_counted_and_left_as_it_is(keys, ada, answers):
    provider_credentials.put(ada.actor, "openai", SECRET)
    keys(NEW)
    printed, is_clean = rotate()
    untouched = bytes(ProviderCredential.objects.for_organization(ada.organization.pk).get().sealed)

    assert not is_clean
    assert "provider keys: 1 seen, 0 re-sealed; 1 cannot be opened" in printed
    assert "add the former key to ASAHI_ENCRYPTION_KEY" in printed
    place = provider_keys.place_of(ada.organization.pk)
    assert cipher_from(OLD).open(untouched, aad=place) == SECRET.encode()


def test_a_damaged_second_factor_stops_nothing_else(keys, ada, answers):
    Authenticator.objects.create(user=ada.user, type="totp", data={"secret": "no base64!"})
    Authenticator.objects.create(user=ada.user, type="webauthn", data={"credential": "public"})
    provider_credentials.put(ada.actor, "openai", SECRET)
    keys(NEW, OLD)

    printed, is_clean = rotate()

    assert not is_clean
    assert "second factors: 2 seen, 0 re-sealed; 1 cannot be opened" in printed
    assert "provider keys: 1 seen, 1 re-sealed" in printed


def test_a_fresh_answer_is_never_overwritten_by_the_one_that_was_read(keys, ada, answers):
    key = keep_answer(answers, ada.organization, 1, b"stale")
    keys(NEW, OLD)
    holding = RedisAnswers(django_settings.REDIS_URL)

    class Meanwhile:
        """The cipher, with a worker writing between its reading and our writing."""

        def __getattr__(self, name):
            return getattr(wiring.cipher(), name)

        def seal(self, plaintext, *, aad):
            answers.set(key, wiring.cipher().seal(b"fresh", aad=key), ex=50)
            return wiring.cipher().seal(plaintext, aad=aad)

    result = reseal(holding, Meanwhile())

    assert wiring.cipher().open(answers.get(key), aad=key) == b"fresh"
    assert answers.ttl(key) <= 50
    assert result.is_clean


def test_an_answer_that_expires_meanwhile_does_not_come_back(keys, ada, answers):
    key = keep_answer(answers, ada.organization, 1)
    keys(NEW, OLD)

    class Meanwhile:
        def __getattr__(self, name):
            return getattr(wiring.cipher(), name)

        def seal(self, plaintext, *, aad):
            answers.delete(key)
            return wiring.cipher().seal(plaintext, aad=aad)

    assert reseal(RedisAnswers(django_settings.REDIS_URL), Meanwhile()).is_clean
    assert answers.get(key) is None


def test_a_row_that_is_changed_meanwhile_keeps_the_change_and_is_looked_at_again(keys, ada):
    provider_credentials.put(ada.actor, "openai", SECRET)
    place = provider_keys.place_of(ada.organization.pk)
    keys(NEW, OLD)
    interruptions = [b"sk-changed-meanwhile"]

    def aad_of(row):
        if interruptions:
            sealed = cipher_from(OLD).seal(interruptions.pop(), aad=place)
            ProviderCredential.objects.for_organization(ada.organization.pk).update(sealed=sealed)
        return place

    result = reseal(SealedRows("provider keys", ProviderCredential.all_organizations.all, aad_of), wiring.cipher())

    assert provider_credentials.open_for_test(ada.actor, "openai").secret == "sk-changed-meanwhile"
    assert (result.tally.resealed, result.left, result.is_clean) == (1, 0, True)


def test_somebody_who_goes_on_writing_under_the_older_key_is_told_of(keys, ada):
    provider_credentials.put(ada.actor, "openai", SECRET)
    place = provider_keys.place_of(ada.organization.pk)
    keys(NEW, OLD)

    def aad_of(_):
        sealed = cipher_from(OLD).seal(SECRET.encode(), aad=place)
        ProviderCredential.objects.for_organization(ada.organization.pk).update(sealed=sealed)
        return place

    result = reseal(SealedRows("provider keys", ProviderCredential.all_organizations.all, aad_of), wiring.cipher())

    assert (result.left, result.is_clean) == (1, False)


def test_many_rows_go_in_batches(keys, ada, monkeypatch):
    monkeypatch.setattr(resealing, "BATCH", 3)
    for number in range(7):
        session = SessionStore()
        session["number"] = number
        session.save()
    keys(NEW, OLD)

    tallies = list(sealed_holdings.Sessions().reseal(wiring.cipher()))

    assert [tally.seen for tally in tallies] == [3, 3, 1]
    assert sum(tallies, Tally()).resealed == 7
    assert all(wiring.cipher().is_current(b64decode(row.session_data)) for row in Session.objects.all())


def test_a_redis_that_is_away_is_said_and_the_rest_is_done(keys, ada, tmp_path):
    keys(NEW, OLD)

    result = reseal(RedisAnswers(f"unix://{tmp_path}/nobody.sock"), wiring.cipher())

    assert result.problem == "Redis failed (ConnectionError); run the command again"
    assert not result.is_clean


def test_without_a_key_there_is_nothing_to_rotate(keys):
    keys("")

    with pytest.raises(CommandError, match="set it first"):
        rotate()


def test_the_doctor_counts_what_cannot_be_opened_any_more(keys, ada):
    provider_credentials.put(ada.actor, "openai", SECRET)
    Authenticator.objects.create(user=ada.user, type="totp", data={"secret": second_factor.seal("BASE32")})
    OutgoingEmail.objects.all().delete()

    def encryption():
        return next(finding for finding in diagnosis.findings() if finding.subject == "encryption")

    fine = encryption()
    keys(NEW)
    lost = encryption()
    keys(NEW, OLD)

    assert fine.verdict is encryption().verdict is Verdict.OK
    assert lost.verdict is Verdict.FAILED
    assert lost.says == "under a key that is not set: 1 provider keys, 1 second factors"


def test_the_head_of_a_sealed_value_tells_its_key():
    old, new, plain = cipher_from(OLD), cipher_from(f"{NEW},{OLD}"), cipher_from("")
    sealed = old.seal(b"text", aad=b"")[:HEAD_BYTES]

    assert old.is_current(sealed)
    assert not new.is_current(sealed)
    assert new.knows_key_of(sealed)
    assert not cipher_from(NEW).knows_key_of(sealed)
    assert plain.is_current(plain.seal(b"text", aad=b""))
    assert not plain.knows_key_of(sealed)
    assert not old.knows_key_of(plain.seal(b"text", aad=b""))
    assert not old.is_current(b"")
