"""The semantic tier on the cache's page, and each of its gates."""

from uuid import UUID

import pytest

from caching import gate_bars, services_gates, services_policies
from caching.gate_book import SamePolicy
from caching.gate_outlook import histogram
from caching.gate_rules import TierPolicy
from caching.models import SemanticGate
from caching.policies import ALL_OTHERS, Semantic, Wishes
from caching.protocols import Namespace
from tests.caching.gates.kit import NOW, checks, key_of

pytestmark = pytest.mark.django_db


def checked(organization_id: UUID, right: int, wrong: int = 0, name: str = "support"):
    namespace = Namespace(organization_id, name)
    found = [*checks(namespace, right, 0.95), *checks(namespace, wrong, 0.62, agrees=False)]
    services_gates.keep_checks(organization_id, found, SamePolicy(TierPolicy()))
    services_gates.recalibrate(key_of(namespace), TierPolicy(), NOW)
    gate: SemanticGate = SemanticGate.objects.for_organization(organization_id).get(namespace=name)
    return gate.pk


def test_a_gate_that_learns_says_how_far_it_is(browser, ada):
    checked(ada.organization.pk, right=120)

    page = browser.get("/cache").content.decode()

    assert "Learning in the shadow" in page
    assert "120 of 299 checks" in page


def test_a_gate_that_serves_says_from_where_and_how_many_are_wrong_at_most(browser, ada):
    checked(ada.organization.pk, right=299, wrong=3)

    page = browser.get("/cache").content.decode()

    assert "At most 1.00\xa0% wrong, at 95 %." in page
    assert '<td class="num">0.950</td>' in page


@pytest.mark.parametrize(
    ("mode", "words"),
    [(Semantic.OFF, "The cache policy has it switched off."), (Semantic.SHADOW, "Compared only")],
)
def test_a_gate_on_record_as_serving_is_shown_as_its_policy_has_it(browser, ada, mode, words):
    checked(ada.organization.pk, right=299)
    services_policies.put(ada.actor, "support", Wishes(semantic=mode))

    page = browser.get("/cache").content.decode()

    assert words in page
    assert "At most 1.00\xa0% wrong" not in page


def test_a_threshold_that_is_set_by_hand_is_not_shown_as_proven(browser, ada):
    gate_id = checked(ada.organization.pk, right=299)
    services_policies.put(ada.actor, ALL_OTHERS, Wishes(semantic=Semantic.MANUAL, semantic_threshold=0.5))

    listed, alone = (browser.get(path).content.decode() for path in ("/cache", f"/cache/similar/{gate_id}"))

    assert "nothing proves it" in listed
    assert "1.00\xa0%</td>" not in listed
    assert "nothing proves it" in alone
    assert "not known; 1.00\xa0% is put up with" in alone


def test_without_gates_the_page_says_what_will_be_here(browser):
    assert "Nothing to compare yet" in browser.get("/cache").content.decode()


def test_htmx_gets_the_section_alone(browser, ada):
    checked(ada.organization.pk, right=1)

    fragment = browser.get("/cache", headers={"HX-Request": "true"})

    assert "<html" not in fragment.content.decode()
    assert 'id="semantic"' in fragment.content.decode()
    assert "HX-Request" in fragment.headers["Vary"]


def test_the_list_of_gates_goes_on(browser, ada):
    names = [f"room {number}" for number in range(51)]
    for name in names:
        checked(ada.organization.pk, right=1, name=name)

    first = browser.get("/cache")
    rest = browser.get("/cache", {"after": str(first.context["tier"].next)})

    shown = [gate.record.key.namespace.name for page in (first, rest) for gate in page.context["tier"].gates]
    assert shown == names
    assert browser.get("/cache", {"after": "no-id"}).status_code == 404


def test_a_gates_page_shows_checks_what_if_and_history(graces_browser, ada):
    gate_id = checked(ada.organization.pk, right=299, wrong=3)

    page = graces_browser.get(f"/cache/similar/{gate_id}")

    bars = [(bar.low, bar.agree, bar.disagree) for bar in page.context["scores"]]
    assert (bars[0], bars[-1]) == ((0.95, 299, 0), (0.6, 0, 3))
    outlooks = {outlook.threshold: (outlook.checked, outlook.wrong) for outlook in page.context["outlooks"]}
    assert (outlooks[0.5], outlooks[0.9]) == ((302, 3), (299, 0))
    assert [change.state for change in page.context["history"]] == ["serving"]
    assert "begin-anew" not in page.content.decode()


def test_a_gate_begins_anew_after_it_was_asked_and_on_the_record(browser, ada, audited):
    gate_id = checked(ada.organization.pk, right=299)

    asked = browser.get(f"/cache/similar/{gate_id}/begin-anew").content.decode()

    assert "299 checks would be left aside" in asked
    assert SemanticGate.objects.for_organization(ada.organization.pk).get().state == "serving"
    anew = browser.post(f"/cache/similar/{gate_id}/begin-anew", follow=True).content.decode()
    assert "0 of 299 checks" in anew
    assert audited()[0] == "cache_gate.reset"


def test_one_wrong_answer_among_thousands_is_to_be_seen():
    findings = [(0.97, True)] * 5_000 + [(0.97, False), (0.91, False)]

    bars = gate_bars.bars(histogram(findings))

    assert [(bar.low, bar.agree_length, bar.disagree_length) for bar in bars] == [(0.95, 99, 1), (0.9, 0, 1)]
    assert gate_bars.bars(histogram([])) == []


def test_a_rival_sees_none_of_it(mallorys_browser, ada):
    gate_id = checked(ada.organization.pk, right=1, name="secret plans")

    assert "secret plans" not in mallorys_browser.get("/cache").content.decode()
    assert mallorys_browser.get(f"/cache/similar/{gate_id}").status_code == 404
    assert mallorys_browser.post(f"/cache/similar/{gate_id}/begin-anew").status_code == 404
