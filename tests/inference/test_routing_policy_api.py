"""Setting the routing policy: by those who may, on the record, for the organization alone."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from accounts.models import AuditEvent
from accounts.scopes import Scope
from accounts.services import api_keys
from acron_site.lib.ids import uuid7
from inference import services_proofs, services_routing
from inference.models import RoutingPolicy
from inference.routing.policies import CascadeUse, Policy, Wishes
from inference.routing.proofs import Pair, PairSource
from inference.routing_records import DatabasePolicies
from tests.accounts.conftest import Person, signed_up

pytestmark = pytest.mark.django_db

PATH = "/governance/policies/routing"


@pytest.fixture
def ada() -> Person:
    return signed_up("Ada")


@pytest.fixture
def mallory() -> Person:
    return signed_up("Mallory")


def put(client, person, body):
    return client.put(PATH, body, content_type="application/json", headers={"x-api-key": person.api_key})


def get(client, person):
    return client.get(PATH, headers={"x-api-key": person.api_key}).json()


def values(page):
    return {setting["name"]: (setting["value"], setting["source"]) for setting in page["settings"]}


def test_where_nothing_is_set_nobody_explores_and_two_percent_are_held_out(client, ada):
    page = get(client, ada)

    assert values(page) == {
        "quality_threshold": (None, "default"),
        "epsilon": (0.03, "default"),
        "explores": (False, "default"),
        "explore_percent": (2.0, "default"),
        "holdout_percent": (2.0, "default"),
        "cascades": ("proven", "default"),
    }
    assert (page["changed_at"], page["proofs"]) == (None, [])


def test_each_value_says_where_it_comes_from_and_what_is_left_out_is_not_set_any_more(client, ada, settings):
    settings.ACRON = replace(settings.ACRON, routing=replace(settings.ACRON.routing, holdout_percent=5.0))
    put(client, ada, {"explores": True, "epsilon": 0.05})

    answered = put(client, ada, {"explores": True, "quality_threshold": 4, "cascades": "off", "epsilon": None})

    found = values(answered.json())
    assert answered.status_code == 200
    assert found["explores"] == (True, "set by the organization")
    assert found["quality_threshold"] == (4.0, "set by the organization")
    assert found["epsilon"] == (0.03, "default")
    assert found["holdout_percent"] == (5.0, "the operator's settings")
    assert DatabasePolicies(Policy()).read(ada.organization.pk) == Policy(
        quality_threshold=4.0, explores=True, cascades=CascadeUse.OFF
    )


@pytest.mark.parametrize(
    ("body", "param", "hint"),
    [
        ({"explore": True}, "explore", "did you mean 'explores'?"),
        ({"zzz": 1}, "zzz", "known are quality_threshold"),
        ({"epsilon": 0.001}, "epsilon", "from 0.005 to 0.2"),
        ({"epsilon": 0.21}, "epsilon", "from 0.005 to 0.2"),
        ({"quality_threshold": 5.1}, "quality_threshold", "from 0 to 5"),
        ({"quality_threshold": "NaN"}, "quality_threshold", "valid number"),
        ({"holdout_percent": 21}, "holdout_percent", "from 0 to 20"),
        ({"explore_percent": -1}, "explore_percent", "from 0 to 100"),
        ({"cascades": "sometimes"}, "cascades", "sometimes"),
        ({"explores": "perhaps"}, "explores", "boolean"),
    ],
)
def test_what_is_wrong_is_refused_by_name_and_nothing_is_set(client, ada, body, param, hint):
    refused = put(client, ada, body)

    assert refused.status_code == 400
    assert refused.json()["error"]["param"] == param
    assert hint in refused.json()["error"]["message"]
    assert not RoutingPolicy.objects.for_organization(ada.organization.pk).exists()


def test_proofs_are_shown_to_their_owner_alone(client, ada, mallory):
    pairs = [
        Pair(
            id=uuid7(),
            organization_id=ada.organization.pk,
            task_type="classification",
            model="small",
            reference="large",
            lost=number == 3,
            method="exact",
            source=PairSource.TRIAL,
            request_id="req_1",
            occurred_at=datetime.now(UTC),
        )
        for number in range(40)
    ]
    services_proofs.keep_pairs(ada.organization.pk, pairs, 0.03)

    (shown,) = get(client, ada)["proofs"]

    assert (shown["task_type"], shown["model"], shown["reference"]) == ("classification", "small", "large")
    assert (shown["state"], shown["pairs"], shown["losses"], shown["has_lapsed"]) == ("prior", 40, 1, False)
    assert shown["needed"] > 117 - 40
    assert 0.03 < shown["upper_bound"] < 0.2
    assert get(client, mallory)["proofs"] == []


def test_mallory_neither_sees_nor_changes_adas_policy(client, ada, mallory):
    put(client, ada, {"explores": True})
    put(client, mallory, {"holdout_percent": 0})

    assert values(get(client, ada))["explores"] == (True, "set by the organization")
    assert values(get(client, ada))["holdout_percent"] == (2.0, "default")
    assert values(get(client, mallory))["explores"] == (False, "default")


def test_a_key_without_the_right_changes_nothing(client, ada):
    infer = api_keys.issue(ada.actor, ada.organization, "CI", scopes=[Scope.INFER])

    refused = client.put(PATH, {}, content_type="application/json", headers={"x-api-key": infer.text})

    assert refused.status_code == 403


def test_what_changes_is_on_the_record(ada):
    services_routing.put(ada.actor, Wishes(explores=True, epsilon=0.05))
    services_routing.put(ada.actor, Wishes(cascades=CascadeUse.OFF))

    events = AuditEvent.objects.for_organization(ada.organization.pk).filter(action="routing_policy.changed")
    assert [(event.before, event.after) for event in events.order_by("sequence")] == [
        ({}, {"epsilon": "0.05", "explores": True}),
        ({"epsilon": "0.05", "explores": True}, {"cascades": "off"}),
    ]
