"""Bad feedback about an answer to a near question is a failed check of the gate that let it through."""

from dataclasses import replace

import pytest
from django.utils import timezone

from acron_site.lib.ids import uuid7
from caching.gate_rules import CheckSource, GateKey
from caching.models import SemanticCheck
from caching.protocols import Namespace
from caching.services_complaints import keep_servings
from caching.servings import Serving
from tests.accounts.conftest import Person, signed_up
from tests.analytics.facts import keep, paid_answer
from tests.analytics.test_feedback import infer_key, say

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada() -> Person:
    return signed_up("Ada")


@pytest.fixture
def mallory() -> Person:
    return signed_up("Mallory")


def served(person: Person, request_id: str) -> None:
    """Its organization was answered from a neighbour."""
    organization_id = person.organization.pk
    keep(replace(paid_answer(organization_id), request_id=request_id))
    key = GateKey(Namespace(organization_id), "general", "a model", "1")
    keep_servings(organization_id, [Serving(uuid7(), key, request_id, uuid7(), 0.93, 0.97, timezone.now())])


def complaints(person: Person) -> list[tuple[float, bool, str]]:
    checks = SemanticCheck.objects.for_organization(person.organization.pk).filter(source=CheckSource.FEEDBACK)
    return [(check.score, check.agrees, check.gate.task_type) for check in checks]


@pytest.mark.parametrize("said", [{"thumbs": "down"}, {"score": 1.5}])
def test_a_complaint_is_a_failed_check_once_however_often_it_is_made(ada, said):
    served(ada, "req_near")
    keys = [infer_key(ada), infer_key(ada, "other")]

    answers = [say(key, "req_near", **said).status_code for key in (*keys, keys[0])]

    assert answers == [201, 201, 200]
    assert complaints(ada) == [(0.93, False, "general")]


@pytest.mark.parametrize("said", [{"thumbs": "up"}, {"score": 2}, {"outcome": "sold"}])
def test_what_is_no_complaint_is_no_check(ada, said):
    served(ada, "req_near")

    assert say(infer_key(ada), "req_near", **said).status_code == 201
    assert complaints(ada) == []


def test_a_complaint_about_a_providers_own_answer_says_nothing_of_a_gate(ada):
    facts = paid_answer(ada.organization.pk)
    keep(facts)

    assert say(infer_key(ada), facts.request_id, thumbs="down").status_code == 201
    assert complaints(ada) == []


def test_mallory_closes_nobodys_gate(ada, mallory):
    served(ada, "req_near")
    keep(replace(paid_answer(mallory.organization.pk), request_id="req_near"))

    said = say(infer_key(mallory), "req_near", thumbs="down").status_code

    assert said == 201
    assert complaints(ada) == complaints(mallory) == []
