"""The gates as programs see them."""

import pytest

from accounts.scopes import Scope
from accounts.services import api_keys
from caching import services_gates
from caching.gate_book import SamePolicy
from caching.gate_rules import TierPolicy
from caching.protocols import Namespace
from tests.accounts.conftest import Person
from tests.caching.gates.kit import NOW, checks, key_of

pytestmark = pytest.mark.django_db


def keep(person: Person, name: str = "default", count: int = 1) -> None:
    namespace = Namespace(person.organization.pk, name)
    services_gates.keep_checks(person.organization.pk, checks(namespace, count), SamePolicy(TierPolicy()))
    services_gates.recalibrate(key_of(namespace), TierPolicy(), NOW)


def call(client, person: Person, path: str, **given):
    response = client.get(path, given, headers={"x-api-key": person.api_key})
    assert response.status_code == 200, response.content
    return response.json()


def reset(client, key: str, body):
    return client.post("/cache/gates/reset", body, content_type="application/json", headers={"x-api-key": key})


def test_the_list_says_of_each_gate_where_it_stands_and_why(client, ada, mallory):
    keep(ada, count=299)
    keep(mallory)

    (gate,) = call(client, ada, "/cache/gates")["data"]

    assert (gate["state"], gate["threshold"], gate["checked"], gate["wrong"]) == ("serving", 0.95, 299, 0)
    assert gate["upper_bound"] <= gate["tolerance"] == 0.01
    assert "0 of 299" in gate["reason"]
    assert [line["state"] for line in gate["history"]] == ["serving"]


def test_the_list_comes_in_parts_and_by_namespace(client, ada):
    for name in ("one", "two", "three"):
        keep(ada, name)

    first = call(client, ada, "/cache/gates", limit=2)
    rest = call(client, ada, "/cache/gates", limit=2, after=first["next"])
    one = call(client, ada, "/cache/gates", namespace="three")

    assert [gate["namespace"] for gate in first["data"]] == ["one", "two"]
    assert [gate["namespace"] for gate in rest["data"]] == ["three"]
    assert (first["has_more"], rest["has_more"]) == (True, False)
    assert [gate["namespace"] for gate in one["data"]] == ["three"]


@pytest.mark.parametrize("name", ["", "x" * 129, "a\x00b"])
def test_a_namespace_that_cannot_be_is_refused(client, ada, name):
    response = client.get("/cache/gates", {"namespace": name}, headers={"x-api-key": ada.api_key})

    assert response.status_code == 400
    assert "namespace" in response.json()["error"]["message"]


def test_one_gate_is_shown_with_its_checks(client, ada):
    keep(ada)
    (gate,) = call(client, ada, "/cache/gates")["data"]

    shown = call(client, ada, f"/cache/gates/{gate['id']}")

    assert shown["id"] == gate["id"]
    assert len(shown["scores"]) == len(shown["similarities"]) == 20
    assert [outlook["threshold"] for outlook in shown["outlooks"]][-1] == 0.99


def test_a_reset_gate_is_answered_as_it_then_stands(client, ada):
    keep(ada, count=299)
    (gate,) = call(client, ada, "/cache/gates")["data"]

    response = reset(client, ada.api_key, {"id": gate["id"]})

    assert response.status_code == 200
    assert (response.json()["state"], response.json()["threshold"], response.json()["needed"]) == ("shadow", None, 299)


def test_a_key_for_analytics_may_look_and_not_reset(client, ada):
    keep(ada)
    key = api_keys.issue(ada.actor, ada.organization, "look", scopes=[Scope.ANALYTICS]).text
    response = client.get("/cache/gates", headers={"x-api-key": key})

    assert response.status_code == 200
    assert reset(client, key, {"id": response.json()["data"][0]["id"]}).status_code == 403


def test_mallory_finds_nothing_of_adas(client, ada, mallory):
    keep(ada)
    (gate,) = call(client, ada, "/cache/gates")["data"]

    assert call(client, mallory, "/cache/gates")["data"] == []
    assert client.get(f"/cache/gates/{gate['id']}", headers={"x-api-key": mallory.api_key}).status_code == 404
    assert reset(client, mallory.api_key, {"id": gate["id"]}).status_code == 404


@pytest.mark.parametrize("body", [{}, {"id": "x"}, {"id": None}, {"id": []}])
def test_a_reset_that_names_no_gate_is_refused(client, ada, body):
    response = reset(client, ada.api_key, body)

    assert response.status_code == 400
    assert response.json()["error"]["param"] == "id"
