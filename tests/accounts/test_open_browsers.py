"""Whoever finds a browser that is logged in does not get far without the password, by pages or by the API."""

import orjson
import pytest
from django.test import Client

from accounts.models import ApiKey, User
from accounts.roles import Role
from accounts.scopes import Scope
from accounts.services import api_keys
from tests.accounts.company import browser, join, proven


def taking_over(ada):
    """What would outlast the visit, or take everything along: method, address, body."""
    key = api_keys.create(ada.actor, "CI", scopes=[Scope.INFER]).key
    heir = join(ada, "Grace", Role.MEMBER)
    return {
        "export": ("GET", "/auth/account/export", None),
        "create": ("POST", "/governance/api-keys", {"name": "mine", "scopes": ["admin"]}),
        "roll": ("POST", f"/governance/api-keys/{key.pk}/roll", {}),
        "ownership": ("POST", "/governance/ownership", {"member_id": str(heir.pk)}),
        "delete": ("DELETE", "/auth/account", None),
    }


def call(client: Client, method, address, body):
    sent = b"" if body is None else orjson.dumps(body)
    return client.generic(method, address, sent, content_type="application/json")


@pytest.mark.parametrize("act", ["export", "create", "roll", "ownership", "delete"])
def test_an_open_browser_alone_takes_nothing_over_by_the_api(ada, act):
    attempt = taking_over(ada)[act]
    before = set(ApiKey.objects.for_organization(ada.organization.pk).values_list("pk", flat=True))

    answer = call(browser(ada.user), *attempt)

    assert answer.status_code == 403
    assert "/reauthenticate" in answer.json()["error"]["message"]
    assert set(ApiKey.objects.for_organization(ada.organization.pk).values_list("pk", flat=True)) == before
    assert User.objects.filter(pk=ada.user.pk).exists()


@pytest.mark.parametrize("act", ["export", "create", "roll", "ownership"])
def test_with_the_password_the_api_serves_the_browser(ada, act):
    assert call(proven(ada.user), *taking_over(ada)[act]).status_code < 300


@pytest.mark.parametrize("act", ["export", "create", "roll", "ownership"])
def test_a_key_needs_no_password(client, ada, act):
    client.defaults["HTTP_X_API_KEY"] = ada.api_key

    assert call(client, *taking_over(ada)[act]).status_code < 300


def test_looking_takes_no_password(ada):
    reader = browser(ada.user)

    assert reader.get("/governance/api-keys").status_code == 200
    assert reader.get("/auth/account").status_code == 200
