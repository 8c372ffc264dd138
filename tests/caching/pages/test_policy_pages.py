"""The pages of cache policies."""

import pytest

from caching import selectors_policies, services_policies
from caching.policies import ALL_OTHERS, Semantic, Wall, Wishes

pytestmark = pytest.mark.django_db

FORM = {
    "namespace": "team/support",
    "ttl_seconds": "3600",
    "wall": "user",
    "semantic": "shadow",
    "keep_sampled": "true",
}
WISHES = Wishes(ttl_seconds=3_600, wall=Wall.USER, semantic=Semantic.SHADOW, keep_sampled=True)


def test_each_value_says_its_default_and_where_it_comes_from(graces_browser, ada):
    services_policies.put(ada.actor, ALL_OTHERS, Wishes(ttl_seconds=7_200))

    page = graces_browser.get("/cache/policies").content.decode()

    assert "<td>7,200</td><td>86,400</td><td>set for all namespaces</td>" in page
    assert "/cache/policy" not in page.replace("/cache/policies", "")


def test_a_policy_is_set_on_the_record(browser, ada, audited):
    response = browser.post("/cache/policy", FORM)

    assert response.url == "/cache/policies"
    assert selectors_policies.wishes(ada.organization.pk) == {"team/support": WISHES}
    assert audited()[0] == "cache_policy.changed"


def test_the_form_shows_what_is_set_and_leaves_the_rest_open(browser, ada):
    services_policies.put(ada.actor, "team/support", WISHES)

    form = browser.get("/cache/policy", {"namespace": "team/support"}).context["form"]

    assert {name: form[name].value() for name in form.fields if form[name].value() is not None} == {
        "ttl_seconds": 3_600, "wall": "user", "semantic": "shadow", "keep_sampled": "true",
    }  # fmt: skip
    assert "Now: 3,600 (set for this namespace). Default: 86,400." in form["ttl_seconds"].help_text


def test_an_empty_form_sets_nothing_but_the_policy_itself(browser, ada):
    browser.post("/cache/policy", {"namespace": "drafts"})

    assert selectors_policies.wishes(ada.organization.pk) == {"drafts": Wishes()}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ttl_seconds", "0"),
        ("ttl_seconds", "soon"),
        ("max_entry_bytes", "2147483647"),
        ("semantic_tolerance", "0.5"),
        ("semantic_tolerance", "nan"),
        ("semantic_threshold", "0"),
        ("wall", "moat"),
    ],
)
def test_what_cannot_be_is_refused_at_its_field(browser, ada, name, value):
    response = browser.post("/cache/policy", FORM | {name: value})

    assert response.status_code == 400
    assert list(response.context["form"].errors) == [name]
    assert selectors_policies.wishes(ada.organization.pk) == {}


@pytest.mark.parametrize("namespace", ["x" * 129, "a\x1fb"])
def test_a_name_that_cannot_be_is_refused(browser, namespace):
    assert browser.get("/cache/policy", {"namespace": namespace}).status_code == 400
    assert browser.post("/cache/policy", FORM | {"namespace": namespace}).status_code == 400


@pytest.mark.parametrize("path", ["/cache/policy", "/cache/policy/remove"])
def test_what_names_no_namespace_changes_nothing(browser, ada, path):
    services_policies.put(ada.actor, ALL_OTHERS, WISHES)

    assert browser.post(path, {"wall": "key"}).status_code == 400
    assert selectors_policies.wishes(ada.organization.pk) == {ALL_OTHERS: WISHES}


def test_a_policy_is_removed(browser, ada):
    services_policies.put(ada.actor, "team/support", WISHES)

    assert "Remove this policy" in browser.get("/cache/policy", {"namespace": "team/support"}).content.decode()
    assert browser.post("/cache/policy/remove", {"namespace": "team/support"}).url == "/cache/policies"
    assert browser.post("/cache/policy/remove", {"namespace": "team/support"}).status_code == 404
    assert selectors_policies.wishes(ada.organization.pk) == {}


def test_of_a_namespace_stands_first_what_is_set_for_it(browser, ada):
    services_policies.put(ada.actor, "team/support", Wishes(wall=Wall.USER))

    _, own = browser.get("/cache/policies").context["policies"]

    assert [(line.title, line.value) for line in own.own] == [("Who shares answers", "each end user has their own")]
    assert len(own.lines) == 11
