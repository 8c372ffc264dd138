"""A key that is held to something gets no other key that is not."""

from decimal import Decimal

import pytest

from accounts.principal import KeyRules
from accounts.scopes import Scope
from accounts.services import api_keys

LIMITS = [
    KeyRules(models=frozenset({"gpt-6.1-sol"})),
    KeyRules(requests_per_minute=100),
    KeyRules(tokens_per_minute=100_000),
    KeyRules(monthly_budget_usd=Decimal(1)),
]


def post(client, key, address, body):
    return client.post(address, body, content_type="application/json", headers={"x-api-key": key})


@pytest.mark.parametrize("rules", LIMITS, ids=str)
def test_a_limited_key_neither_makes_nor_rolls_another(client, ada, rules):
    limited = api_keys.create(ada.actor, "limited", scopes=[Scope.ADMIN], rules=rules).text
    other = api_keys.create(ada.actor, "other", scopes=[Scope.INFER]).key

    made = post(client, limited, "/governance/api-keys", {"name": "free", "scopes": ["infer"]})
    rolled = post(client, limited, f"/governance/api-keys/{other.pk}/roll", {})

    assert [made.status_code, rolled.status_code] == [403, 403]
    assert "without them" in made.json()["error"]["message"]


@pytest.mark.parametrize("rules", LIMITS, ids=str)
def test_it_rolls_itself_and_stays_as_limited(client, ada, rules):
    limited = api_keys.create(ada.actor, "limited", scopes=[Scope.ADMIN], rules=rules)

    rolled = post(client, limited.text, f"/governance/api-keys/{limited.key.pk}/roll", {})

    assert rolled.status_code == 201
    again = post(client, rolled.json()["api_key"], "/governance/api-keys", {"name": "free", "scopes": ["infer"]})
    assert again.status_code == 403


def test_a_key_that_is_held_to_networks_only_makes_keys_there(client, ada):
    rules = KeyRules(networks=("127.0.0.1/32",))
    key = api_keys.create(ada.actor, "provisioning", scopes=[Scope.ADMIN], rules=rules).text

    assert post(client, key, "/governance/api-keys", {"name": "CI", "scopes": ["infer"]}).status_code == 201
