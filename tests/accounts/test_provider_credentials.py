"""An organization's own provider keys, as its people and programs meet them: in they go, and never out again."""

import asyncio
import json
import time
from io import StringIO

import pytest
from django.conf import settings as django_settings
from django.core.management import call_command
from django.db import connection

from accounts import revocations, wiring
from accounts.models import AuditEvent, ProviderCredential, User
from accounts.revocations import RedisRevocations
from accounts.roles import Role
from accounts.services import members, provider_credentials
from inference import connection_check
from inference.wiring import load_catalog
from tests.accounts.kit import FakeRecords, until
from tests.accounts.test_revocations import is_covered, worker
from tests.inference import stub
from tests.inference.stub import Fault

SECRET = "sk-proj-4dA7s0wnVerySecretKey9Zq"
BACKEND = "django.contrib.auth.backends.ModelBackend"
API = "/governance/provider-credentials"


def put(client, person, secret=SECRET, provider="openai"):
    return client.put(
        f"{API}/{provider}",
        {"api_key": secret},
        content_type="application/json",
        headers={"x-api-key": person.api_key},
    )


def listed(client, person):
    return client.get(API, headers={"x-api-key": person.api_key}).json()


@pytest.fixture
def at_provider(settings):
    """Has the catalogue find every provider at a stub."""

    def install(*scripts):
        return _Installed(settings, scripts)

    yield install
    load_catalog.cache_clear()


class _Installed:
    def __init__(self, settings, scripts):
        self._settings, self._served = settings, stub.serve_beside(*scripts)

    def __enter__(self):
        provider = self._served.__enter__()
        url = provider.url
        self._settings.ENVIRON = {
            "OPENAI_BASE_URL": f"{url}/v1",
            "ANTHROPIC_BASE_URL": url,
            "CO_API_URL": url,
        }
        load_catalog.cache_clear()
        return provider

    def __exit__(self, *error):
        self._served.__exit__(*error)
        load_catalog.cache_clear()


def test_a_key_goes_in_and_only_its_last_four_characters_come_out(client, ada):
    answered = put(client, ada)
    shown = listed(client, ada)

    assert answered.status_code == 200
    assert [(each["provider"], each["last_four"], each["result"]) for each in shown["data"]] == [
        ("openai", "y9Zq", None)
    ]
    assert shown["providers"] == ["openai", "anthropic", "cohere"]
    assert SECRET not in answered.content.decode() + str(shown)


def test_the_database_never_holds_it_in_clear(client, ada):
    put(client, ada)

    with connection.cursor() as cursor:
        cursor.execute("SELECT c::text, encode(c.sealed, 'escape') FROM accounts_providercredential c")
        credential = str(cursor.fetchall())
        cursor.execute("SELECT e::text FROM accounts_auditevent e")
        log = str(cursor.fetchall())

    assert SECRET not in credential + log
    assert "provider_credential.created" in log


def test_a_second_key_takes_the_place_of_the_first(client, ada):
    put(client, ada)
    first = ProviderCredential.objects.for_organization(ada.organization.pk).get()
    put(client, ada, "sk-the-second-key-0000")
    second = ProviderCredential.objects.for_organization(ada.organization.pk).get()

    changed = AuditEvent.objects.for_organization(ada.organization.pk).get(action="provider_credential.changed")

    assert first.pk != second.pk  # workers remember opened keys by it
    assert (changed.before, changed.after) == ({"last_four": "y9Zq"}, {"last_four": "0000"})


def test_an_organization_neither_sees_nor_removes_anothers_key(client, ada, mallory):
    put(client, ada)

    removed = client.delete(f"{API}/openai", headers={"x-api-key": mallory.api_key})

    assert listed(client, mallory)["data"] == []
    assert removed.status_code == 404
    assert len(listed(client, ada)["data"]) == 1


def test_a_key_sealed_for_one_organization_opens_for_no_other(client, ada, mallory):
    put(client, ada)
    put(client, mallory, "sk-of-mallory-1234")
    stolen = ProviderCredential.objects.for_organization(ada.organization.pk).get().sealed
    ProviderCredential.objects.for_organization(mallory.organization.pk).update(sealed=stolen)

    answered = client.post(f"{API}/openai/test", headers={"x-api-key": mallory.api_key})

    assert answered.status_code == 503
    assert answered.json()["error"]["code"] == "provider_key_unreadable"


@pytest.mark.parametrize(
    "secret", ["", "short", "sk with spaces in it", "sk-ümlaut-12345678", "sk-\r\nX-Evil: 1234567", "x" * 2049]
)
def test_what_is_no_key_is_refused_with_the_field_named(client, ada, secret):
    answered = put(client, ada, secret)

    assert answered.status_code == 400
    assert answered.json()["error"]["param"] == "api_key"
    assert listed(client, ada)["data"] == []


@pytest.mark.parametrize("provider", ["openay", "mock", "OPENAI"])
def test_an_unknown_provider_is_answered_with_those_there_are(client, ada, provider):
    answered = put(client, ada, provider=provider)

    assert answered.status_code == 404
    assert "openai" in answered.json()["error"]["message"]


def test_a_key_of_a_provider_that_is_gone_can_still_be_removed(client, ada):
    provider_credentials.put(ada.actor, "yesterday", SECRET)

    answered = client.delete(f"{API}/yesterday", headers={"x-api-key": ada.api_key})

    assert answered.status_code == 204
    assert listed(client, ada)["data"] == []


def test_the_next_request_carries_the_new_key(client, ada, django_capture_on_commit_callbacks):
    directory = wiring.key_directory()
    assert directory.resolve(ada.api_key).provider_keys == ()

    with django_capture_on_commit_callbacks(execute=True):
        put(client, ada)
    with_key = directory.resolve(ada.api_key)
    with django_capture_on_commit_callbacks(execute=True):
        client.delete(f"{API}/openai", headers={"x-api-key": ada.api_key})

    assert [key.provider for key in with_key.provider_keys] == ["openai"]
    assert directory.resolve(ada.api_key).provider_keys == ()


async def test_one_message_reaches_every_key_of_the_organization_in_every_worker_within_a_second():
    records = FakeRecords()
    ours, theirs = records.add(), records.add()
    organization_id = next(iter(records.by_prefix.values())).principal.organization_id
    async with worker(records) as first, worker(records) as second:
        await until(lambda: is_covered(first) and is_covered(second))
        for directory in (first, second):
            await directory.look_up(ours)
            await directory.look_up(theirs)

        started = time.monotonic()
        news = revocations.of_organization(organization_id)
        await asyncio.to_thread(RedisRevocations(django_settings.REDIS_URL).publish, news)
        await until(lambda: not first.cached(ours) and not second.cached(ours))

        assert time.monotonic() - started < 1.0
        assert first.cached(theirs)
        assert second.cached(theirs)


LISTS = {"data": [], "object": "list", "models": [], "has_more": False, "first_id": None, "last_id": None}


@pytest.mark.parametrize(
    ("provider", "header"), [("openai", "authorization"), ("anthropic", None), ("cohere", "authorization")]
)
def test_a_test_asks_the_provider_with_the_key_and_keeps_what_came_of_it(client, ada, at_provider, provider, header):
    with at_provider((stub.answer(LISTS),)) as upstream:
        put(client, ada, provider=provider)
        answered = client.post(f"{API}/{provider}/test", headers={"x-api-key": ada.api_key})

    asked = upstream.received[0]
    assert answered.json() == {"provider": provider, "ok": True, "result": "ok"}
    assert asked.path.startswith("/v1/models")
    assert SECRET in (asked.headers[header] if header else str(asked.headers))
    [shown] = listed(client, ada)["data"]
    assert shown["result"] == "ok"
    assert shown["tested_at"]


@pytest.mark.parametrize("provider", ["openai", "anthropic", "cohere"])
@pytest.mark.parametrize(
    ("script", "says"),
    [
        ((stub.answer({"error": {"message": f"bad key {SECRET}"}}, status=401),), "refused this key (401)"),
        ((stub.answer({"error": {"message": "slow down"}}, status=429),), "takes no more requests"),
        ((stub.answer({"error": {"message": "oh"}}, status=500),), "the provider failed (500)"),
        ((stub.answer(b"<html>", headers={"Content-Type": "text/html"}),), "something else than the provider"),
        ((Fault.CLOSE,), "cannot be reached"),
    ],
)
def test_what_is_wrong_is_said_in_words_without_the_key(client, ada, at_provider, provider, script, says):
    with at_provider(script) as upstream:
        put(client, ada, provider=provider)
        answered = client.post(f"{API}/{provider}/test", headers={"x-api-key": ada.api_key})

    assert answered.status_code == 200
    assert answered.json()["ok"] is False
    assert says in answered.json()["result"]
    assert SECRET not in answered.content.decode()
    assert len(upstream.received) == 1  # no second try


def test_a_provider_that_drips_is_not_waited_for(at_provider):
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n"
    with at_provider((head, *[step for _ in range(30) for step in (0.1, b" ")])):
        openai = load_catalog(django_settings.ACRON).providers[0]
        started = time.monotonic()
        outcome = connection_check.check(openai, SECRET, limit_seconds=0.4)

    assert outcome.says == "no answer within 0.4 s; try again"
    assert time.monotonic() - started < 2


def test_the_operators_own_account_names_do_not_go_along(client, ada, at_provider, monkeypatch):
    for name in ("OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
        monkeypatch.setenv(name, "of-the-operator")
    with at_provider((stub.answer(LISTS),)) as upstream:
        put(client, ada)
        client.post(f"{API}/openai/test", headers={"x-api-key": ada.api_key})

    assert "of-the-operator" not in str(upstream.received[0].headers)


def test_a_test_of_a_key_that_was_changed_meanwhile_says_nothing_about_the_new_one(ada):
    provider_credentials.put(ada.actor, "openai", SECRET)
    opened = provider_credentials.open_for_test(ada.actor, "openai")
    provider_credentials.put(ada.actor, "openai", "sk-the-second-key-0000")

    provider_credentials.note_test(ada.actor, opened.id, "ok")

    assert ProviderCredential.objects.for_organization(ada.organization.pk).get().test_result == ""


def test_on_the_page_a_key_is_kept_tested_and_removed_without_ever_being_shown(client, ada, at_provider):
    client.force_login(ada.user, backend=BACKEND)
    with at_provider((stub.answer(LISTS),)):
        empty = client.get("/settings/providers").content.decode()
        kept = client.post("/settings/providers", {"provider": "openai", "api_key": SECRET}, follow=True)
        tested = client.post("/settings/providers/openai/test", follow=True).content.decode()
        asked = client.get("/settings/providers/openai/remove").content.decode()
        removed = client.post("/settings/providers/openai/remove", follow=True).content.decode()

    assert "No key" in empty
    assert "Your own key" in kept.content.decode()
    assert "<code>y9Zq</code>" in kept.content.decode()
    assert "openai takes this key" in tested
    assert "Works" in tested
    assert "ends in y9Zq" in asked
    assert "Your own key" not in removed
    assert SECRET not in empty + kept.content.decode() + tested + asked + removed


def test_a_mistyped_key_is_said_at_its_field_and_not_sent_back(client, ada):
    client.force_login(ada.user, backend=BACKEND)

    answered = client.post("/settings/providers", {"provider": "cohere", "api_key": "two words"})
    page = answered.content.decode()

    assert answered.status_code == 400
    assert page.count("this is no provider key") == 1
    assert 'id="id_cohere_api_key"' in page
    assert "two words" not in page


def test_a_page_for_an_unknown_provider_is_not_found(client, ada):
    client.force_login(ada.user, backend=BACKEND)

    posted = client.post("/settings/providers", {"provider": "openay", "api_key": SECRET})

    assert posted.status_code == 404
    assert client.get("/settings/providers/openai/remove").status_code == 404
    assert client.post("/settings/providers/openai/test").status_code == 404


def test_a_member_does_not_manage_provider_keys(client, ada):
    grace = User.objects.create_user("grace@example.com", "correct horse battery")
    members.add(ada.actor, ada.organization, grace, Role.MEMBER)
    client.force_login(grace, backend=BACKEND)

    assert client.get("/settings/providers").status_code == 403
    assert client.get(API).status_code == 403


def test_the_operator_tests_all_keys_of_the_environment_with_one_command(settings, at_provider):
    printed = StringIO()
    with at_provider((stub.answer(LISTS),), (stub.answer({"error": {"message": SECRET}}, status=401),)) as upstream:
        settings.ENVIRON = {**settings.ENVIRON, "OPENAI_API_KEY": SECRET, "COHERE_API_KEY": SECRET}
        with pytest.raises(SystemExit) as end:
            call_command("check_providers", "--json", stdout=printed)

    findings = {each["provider"]: each for each in json.loads(printed.getvalue())}
    assert end.value.code == 1
    assert len(upstream.received) == 2
    assert [each["is_ok"] for each in findings.values()] == [True, False, False]
    assert findings["anthropic"]["result"] == "no key; set ANTHROPIC_API_KEY to use it"
    assert findings["cohere"]["result"].startswith("the provider refused this key (401)")
    assert SECRET not in printed.getvalue()


def test_keys_that_nobody_has_set_are_no_failure(settings, at_provider):
    printed = StringIO()
    with at_provider((stub.answer(LISTS),)):
        call_command("check_providers", stdout=printed)

    assert printed.getvalue().splitlines()[0] == "openai: no key; set OPENAI_API_KEY to use it"


@pytest.mark.parametrize("provider", ["%00", "%", "%s%s", "%(name)s"])
def test_a_provider_that_reads_like_a_format_is_unknown_like_any_other(client, ada, provider):
    client.force_login(ada.user, backend=BACKEND)

    assert client.post("/settings/providers", {"provider": provider, "api_key": SECRET}).status_code == 404
