"""Gates whose place another has taken, and what people call wrong where a person has set the threshold."""

from datetime import timedelta

import pytest
from django.utils import timezone

from caching import selectors_gates, services_gates, services_policies
from caching.gate_book import SamePolicy
from caching.gate_rules import GateKey, TierPolicy
from caching.policies import ALL_OTHERS, Semantic, Wishes
from caching.protocols import Namespace
from tests.caching.gates.kit import SPACE, VERSION, a_complaint, checks

pytestmark = pytest.mark.django_db

SWITCHED = Wishes(semantic=Semantic.MANUAL, semantic_threshold=0.5)


@pytest.fixture
def browser(client, ada):
    client.force_login(ada.user)
    return client


def proven(person, *, space=SPACE, version=VERSION, minutes_ago, count=299):
    """A gate whose last check was so long ago."""
    namespace, now = Namespace(person.organization.pk, "default"), timezone.now()
    given = {"space": space, "likeness_version": version, "occurred_at": now - timedelta(minutes=minutes_ago)}
    services_gates.keep_checks(person.organization.pk, checks(namespace, count, **given), SamePolicy(TierPolicy()))
    services_gates.recalibrate(GateKey(namespace, "chat", space, version), TierPolicy(), now)


def complain(person, score, **given):
    given = {"occurred_at": timezone.now() - timedelta(minutes=1), **given}
    complaint = a_complaint(Namespace(person.organization.pk, "default"), score, **given)
    services_gates.keep_checks(person.organization.pk, [complaint], SamePolicy(TierPolicy()))


def gates(client, person):
    response = client.get("/cache/gates", headers={"x-api-key": person.api_key})
    return {(gate["space"], gate["likeness_version"]): gate for gate in response.json()["data"]}


@pytest.mark.parametrize(("space", "version"), [("another model@1", VERSION), (SPACE, "2")])
def test_of_one_place_only_the_gate_that_was_checked_last_is_live(client, ada, space, version):
    proven(ada, minutes_ago=60)
    proven(ada, space=space, version=version, minutes_ago=10, count=5)

    found = gates(client, ada)

    former, present = found[SPACE, VERSION], found[space, version]
    assert (former["state"], former["threshold"], former["is_retired"]) == ("off", None, True)
    assert (present["state"], present["is_retired"]) == ("shadow", False)


def test_back_with_the_former_embedder_its_gate_is_live_again(client, ada):
    proven(ada, minutes_ago=60)
    proven(ada, space="another model@1", minutes_ago=30)
    proven(ada, minutes_ago=10, count=1)

    assert {key: gate["is_retired"] for key, gate in gates(client, ada).items()} == {
        (SPACE, VERSION): False,
        ("another model@1", VERSION): True,
    }


def test_a_complaint_about_a_former_answer_does_not_bring_its_gate_back(client, ada, mallory):
    proven(ada, minutes_ago=60)
    proven(ada, space="another model@1", minutes_ago=30)
    proven(mallory, minutes_ago=10)
    complain(ada, 0.9)

    assert gates(client, ada)[SPACE, VERSION]["is_retired"]
    assert not gates(client, mallory)[SPACE, VERSION]["is_retired"]


def test_the_page_shows_a_former_gate_as_retired(browser, ada):
    proven(ada, minutes_ago=60)
    proven(ada, space="another model@1", minutes_ago=10, count=5)

    page = browser.get("/cache").content.decode()

    assert "Retired" in page
    assert "1 serving" not in page


def test_complaints_above_a_threshold_that_is_set_by_hand_are_shown_there(browser, ada, mallory):
    services_policies.put(ada.actor, ALL_OTHERS, SWITCHED)
    proven(ada, minutes_ago=60)
    for score in (0.9, 0.6, 0.4):
        complain(ada, score)
    proven(mallory, minutes_ago=60)
    complain(mallory, 0.9)

    page = browser.get("/cache").content.decode()

    assert "2 answers above it were called wrong in the last 30 days" in page
    assert gates(browser, ada)[SPACE, VERSION]["complaints"] == 3


def test_complaints_from_before_it_was_begun_anew_do_not_count(client, ada):
    proven(ada, minutes_ago=60)
    complain(ada, 0.9)
    (record,) = selectors_gates.records(ada.organization.pk, limit=2)

    services_gates.reset(ada.actor, record.id)

    assert gates(client, ada)[SPACE, VERSION]["complaints"] == 0
