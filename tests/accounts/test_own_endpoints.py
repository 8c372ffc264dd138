"""Endpoints of an organization's own: they come with the key, are shown and tried, and lead nowhere inside."""

from dataclasses import replace

import pytest
from django.conf import settings as django_settings

from accounts import resealing, selectors_provider_credentials, wiring
from accounts.models import AuditEvent, ProviderCredential
from accounts.services import provider_credentials
from acron_site.lib.outbound import Reach
from inference import connection_check
from inference.wiring import load_catalog
from tests.accounts.test_provider_credentials import API, BACKEND, LISTS, SECRET, listed, put
from tests.inference import stub
from tests.inference.stub import Fault
from tests.site.test_outbound import ODD

ENDPOINT = "https://ada.openai.azure.com/openai/v1"


def put_at(client, person, base_url, secret=SECRET, provider="openai"):
    return client.put(
        f"{API}/{provider}",
        {"api_key": secret, "base_url": base_url},
        content_type="application/json",
        headers={"x-api-key": person.api_key},
    )


@pytest.fixture
def listed_hosts(settings):
    """Has the operator list the stub's machine."""
    settings.ACRON = replace(settings.ACRON, providers=replace(settings.ACRON.providers, private_hosts="127.0.0.1"))


def test_an_endpoint_comes_with_the_key_and_is_shown_and_recorded(client, ada):
    kept = put_at(client, ada, f"{ENDPOINT}/").json()
    recorded = AuditEvent.objects.for_organization(ada.organization.pk).get(action="provider_credential.created")

    assert kept["base_url"] == ENDPOINT
    assert listed(client, ada)["data"][0]["base_url"] == ENDPOINT
    assert recorded.after == {"last_four": "y9Zq", "base_url": ENDPOINT}


def test_every_worker_learns_the_endpoint_with_the_key(client, ada, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        put_at(client, ada, ENDPOINT)

    [key] = wiring.key_directory().resolve(ada.api_key).provider_keys

    assert key.base_url == ENDPOINT
    assert selectors_provider_credentials.provider_keys(ada.organization.pk) == (key,)


def test_an_endpoint_is_not_changed_without_the_key(client, ada):
    put_at(client, ada, ENDPOINT)

    answered = client.put(
        f"{API}/openai",
        {"base_url": "https://mallory.example/v1"},
        content_type="application/json",
        headers={"x-api-key": ada.api_key},
    )

    assert (answered.status_code, answered.json()["error"]["param"]) == (400, "api_key")
    assert listed(client, ada)["data"][0]["base_url"] == ENDPOINT


def test_a_key_without_an_endpoint_goes_to_the_provider_again(client, ada):
    put_at(client, ada, ENDPOINT)
    put(client, ada)
    changed = AuditEvent.objects.for_organization(ada.organization.pk).get(action="provider_credential.changed")

    assert listed(client, ada)["data"][0]["base_url"] is None
    assert (changed.before, changed.after) == ({"last_four": "y9Zq", "base_url": ENDPOINT}, {"last_four": "y9Zq"})


def test_a_key_does_not_open_once_its_row_names_another_endpoint(client, ada):
    put_at(client, ada, ENDPOINT)
    ProviderCredential.objects.for_organization(ada.organization.pk).update(base_url="https://mallory.example/v1")

    answered = client.post(f"{API}/openai/test", headers={"x-api-key": ada.api_key})

    assert (answered.status_code, answered.json()["error"]["code"]) == (503, "provider_key_unreadable")


def test_a_key_for_an_endpoint_of_its_own_is_sealed_anew_like_any_other(ada):
    provider_credentials.put(ada.actor, "openai", SECRET, base_url=ENDPOINT)
    [row] = ProviderCredential.objects.for_organization(ada.organization.pk)

    [holding] = [each for each in resealing.holdings() if each.name == "provider keys"]
    tally = sum(holding.reseal(wiring.cipher()), resealing.Tally())

    assert (tally.seen, tally.unreadable) == (1, 0)
    assert provider_credentials.open_for_test(ada.actor, "openai").secret == SECRET
    assert row.base_url == ENDPOINT


# spaces around it are taken away, and an empty one means the provider itself
@pytest.mark.parametrize("url", [each for each in ODD if each and each == each.strip()], ids=repr)
def test_an_endpoint_that_is_odd_or_inside_is_refused_with_the_field_named(client, ada, url):
    answered = put_at(client, ada, url)

    assert (answered.status_code, answered.json()["error"]["param"]) == (400, "base_url")
    assert listed(client, ada)["data"] == []


@pytest.mark.parametrize(
    ("provider", "path", "header", "sent"),
    [
        ("openai", "/v1/models", "authorization", f"Bearer {SECRET}"),
        ("anthropic", "/v1/models?limit=1", "x-api-key", SECRET),
    ],
)
def test_a_test_asks_the_own_endpoint_and_not_the_provider(client, ada, listed_hosts, provider, path, header, sent):
    with stub.serve_beside((stub.answer(LISTS),)) as own:
        put_at(client, ada, f"{own.url}/v1", provider=provider)
        answered = client.post(f"{API}/{provider}/test", headers={"x-api-key": ada.api_key})

    assert answered.json() == {"provider": provider, "ok": True, "result": "ok"}
    assert (own.received[0].path, own.received[0].headers[header]) == (path, sent)


@pytest.mark.parametrize(
    ("script", "says"),
    [
        (
            (stub.answer({"error": {"message": f"bad key {SECRET}"}}, status=401),),
            "your endpoint refused this key (401)",
        ),
        ((stub.answer(b"", status=404),), "your endpoint answered 404; check its address"),
        ((stub.answer(b"", status=302, headers={"Location": "/v1/models"}),), "your endpoint answered 302"),
        ((stub.answer(b"[]"),), "something else than endpoint answered"),
        ((stub.answer(b"<html>"),), "something else than endpoint answered"),
        ((Fault.CLOSE,), "your endpoint cannot be reached; check its address"),
    ],
)
def test_what_is_wrong_with_an_own_endpoint_is_said_without_the_key(client, ada, listed_hosts, script, says):
    with stub.serve_beside(script) as own:
        put_at(client, ada, own.url)
        answered = client.post(f"{API}/openai/test", headers={"x-api-key": ada.api_key})

    assert says in answered.json()["result"]
    assert SECRET not in answered.content.decode()
    assert own.received


def test_a_name_that_leads_inside_is_not_tested(client, ada):
    with stub.serve_beside((stub.answer(LISTS),)) as inner:
        openai = load_catalog(django_settings.ACRON).providers[0]
        url = f"http://localhost:{inner.url.rpartition(':')[2]}"
        # listed by name when it was kept, and the list is asked again
        refused = connection_check.check_own_endpoint(openai, SECRET, url, reach=Reach())
        # a name of the public network may lead anywhere
        unreachable = connection_check.check_own_endpoint(openai, SECRET, "https://localtest.invalid", reach=Reach())

    assert refused.says.startswith("base_url: localhost is not in the public network")
    assert unreachable.says.startswith("your endpoint cannot be reached")
    assert inner.connections == 0


def test_the_page_takes_shows_and_refuses_an_endpoint(client, ada):
    client.force_login(ada.user, backend=BACKEND)

    refused = client.post(
        "/settings/providers", {"provider": "openai", "api_key": SECRET, "base_url": "http://169.254.169.254"}
    )
    kept = client.post(
        "/settings/providers", {"provider": "openai", "api_key": SECRET, "base_url": ENDPOINT}, follow=True
    )

    assert refused.status_code == 400
    assert refused.content.decode().count("base_url: 169.254.169.254 is not in the public network") == 1
    assert SECRET not in refused.content.decode() + kept.content.decode()
    assert f"<code>{ENDPOINT}</code>" in kept.content.decode()
