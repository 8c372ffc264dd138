"""The read side, as a program with a key meets it."""

from dataclasses import dataclass
from decimal import Decimal

import orjson
import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.test import Client

from accounts import actor, wiring
from accounts.models import Organization
from accounts.scopes import Scope
from accounts.services import api_keys, organizations
from analytics.events import CostStatus
from tests.analytics.facts import cache_hit, keep, paid_answer

pytestmark = pytest.mark.django_db


@dataclass(frozen=True)
class Person:
    organization: Organization
    client: Client

    def get(self, path: str, **headers: str):
        return self.client.get(path, headers=headers)


def person(name: str, scope: Scope) -> Person:
    organization = organizations.create(f"{name} Ltd")
    key = api_keys.issue(actor.system(organization.pk), organization, "test", scopes=[scope]).text
    return Person(organization, Client(headers={"authorization": f"Bearer {key}"}))


@pytest.fixture(autouse=True)
def _forgetful() -> None:
    wiring.key_directory.cache_clear()


@pytest.fixture
def ada() -> Person:
    return person("Ada", Scope.ANALYTICS)


@pytest.fixture
def mallory() -> Person:
    return person("Mallory", Scope.ALL)


def test_metrics_tell_what_was_paid_and_saved(ada: Person):
    keep(
        paid_answer(ada.organization.pk, cost_usd=Decimal("0.0000025"), baseline_cost_usd=Decimal("0.005")),
        cache_hit(ada.organization.pk, saved_usd=Decimal("0.0049975"), baseline_cost_usd=Decimal("0.005")),
    )

    shown = ada.get("/metrics").json()

    assert shown["total_cost"] == "0.0000025"
    assert (shown["savings"], shown["savings_percent"]) == ("0.0049975", 49.98)
    assert (shown["requests"], shown["provider_calls"], shown["cache_hit_rate"]) == (2, 1, 0.5)
    assert shown["tier_hits"] == {"1": 1, "2": 0, "3": 0}
    assert shown["avg_quality"] == 4.0


@pytest.mark.parametrize(
    "accept",
    [
        "text/plain",
        "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.1",
        "application/openmetrics-text",
    ],
)
def test_prometheus_gets_its_own_format(ada: Person, accept: str):
    keep(cache_hit(ada.organization.pk), paid_answer(ada.organization.pk, cost_usd=Decimal("0.0000025")))

    answer = ada.get("/metrics", accept=accept)

    lines = answer.content.decode().splitlines()
    assert answer["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert 'acron_cache_hits_total{tier="1"} 1' in lines
    assert "acron_cost_usd_total 0.0000025" in lines
    assert all(line.startswith("# ") or len(line.split(" ")) == 2 for line in lines)


@pytest.mark.parametrize("accept", ["", "*/*", "application/json", "text/html,application/xhtml+xml,*/*;q=0.8"])
def test_everybody_else_gets_json(ada: Person, accept: str):
    assert ada.get("/metrics", accept=accept)["content-type"].startswith("application/json")


def test_recent_inferences_show_each_billing_event(ada: Person):
    paid = paid_answer(ada.organization.pk, tags={"team": "search"}, stream=True)
    keep(paid)

    (row,) = ada.get("/analytics/recent-inferences").json()["data"]

    assert (row["request_id"], row["event_id"]) == (paid.request_id, str(paid.event_id))
    assert row["timestamp"] == paid.occurred_at.isoformat()
    assert (row["cost"], row["cost_status"], row["savings"]) == ("0.0025", "priced", "0")
    assert (row["tokens_input"], row["tokens_output"]) == (100, 20)
    assert (row["tags"], row["stream"], row["http_status"]) == ({"team": "search"}, True, 200)


def test_an_unknown_price_is_null_and_not_zero(ada: Person):
    keep(paid_answer(ada.organization.pk, cost_usd=None, cost_status=CostStatus.UNPRICED))

    (row,) = ada.get("/analytics/recent-inferences").json()["data"]

    assert (row["cost"], row["cost_status"]) == (None, "unpriced")


def test_a_list_is_read_part_by_part(ada: Person):
    keep(*(paid_answer(ada.organization.pk) for _ in range(5)))

    first = ada.get("/analytics/recent-inferences?limit=3").json()
    second = ada.get(f"/analytics/recent-inferences?limit=3&after={first['next']}").json()

    assert (len(first["data"]), first["has_more"]) == (3, True)
    assert (len(second["data"]), second["has_more"], second["next"]) == (2, False, None)


@pytest.mark.parametrize("query", ["limit=0", "limit=-1", "limit=1001", "limit=x", "limit=", "limit=1e3", "limit=٣"])
def test_a_bad_limit_is_refused_with_a_remedy(ada: Person, query: str):
    answer = ada.get(f"/analytics/recent-inferences?{query}")

    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "limit"
    assert "1 to 1000" in answer.json()["error"]["message"]


@pytest.mark.parametrize("after", ["x", "", "%00", "01a20674-5445-7679-a9e4-6e98c19590a3"])
def test_a_bad_place_in_the_list_is_refused_with_a_remedy(ada: Person, after: str):
    answer = ada.get(f"/analytics/recent-inferences?after={after}")

    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "after"


def test_mallory_sees_nothing_of_adas(ada: Person, mallory: Person):
    facts = paid_answer(ada.organization.pk)
    keep(facts)

    assert mallory.get("/metrics").json()["requests"] == 0
    assert mallory.get("/analytics/recent-inferences").json()["data"] == []
    assert mallory.get(f"/analytics/recent-inferences?after={facts.event_id}").status_code == 400


@pytest.mark.parametrize("path", ["/metrics", "/analytics/recent-inferences"])
def test_who_may_read(path: str, client: Client):
    assert client.get(path).status_code == 401
    assert person("Grace", Scope.ANALYTICS).get(path).status_code == 200
    assert person("Grace", Scope.INFER).get(path).status_code == 403
    assert person("Grace", Scope.ANALYTICS).client.post(path).status_code == 405


def test_the_command_prints_one_line_for_each_organization(ada: Person, mallory: Person, capsys):
    keep(paid_answer(ada.organization.pk), cache_hit(ada.organization.pk))

    call_command("metrics")

    lines = {line.split(":")[0]: line for line in capsys.readouterr().out.splitlines()}
    assert "2 requests, 1 provider calls, 50.0% from the cache" in lines[ada.organization.slug]
    assert "paid $0.0025" in lines[ada.organization.slug]
    assert "0 requests" in lines[mallory.organization.slug]


@pytest.mark.parametrize("by", ["slug", "pk"])
def test_the_command_can_look_at_one_organization(ada: Person, mallory: Person, capsys, by: str):
    keep(paid_answer(ada.organization.pk))

    call_command("metrics", "--json", "--organization", str(getattr(ada.organization, by)))

    (shown,) = orjson.loads(capsys.readouterr().out)
    assert (shown["organization_id"], shown["requests"]) == (str(ada.organization.pk), 1)


def test_the_command_says_when_there_is_no_such_organization():
    with pytest.raises(CommandError, match="nobody"):
        call_command("metrics", "--organization", "nobody")


def test_operators_can_look_at_rows_but_not_change_them(ada: Person, admin_client: Client):
    facts = paid_answer(ada.organization.pk)
    keep(facts)
    address = f"/admin/analytics/inferenceevent/{facts.event_id}"

    assert facts.request_id in admin_client.get("/admin/analytics/inferenceevent/").content.decode()
    assert admin_client.get(f"{address}/change/").status_code == 200
    assert admin_client.post(f"{address}/delete/").status_code == 403
    assert get_user_model().objects.filter(is_superuser=True).exists()
