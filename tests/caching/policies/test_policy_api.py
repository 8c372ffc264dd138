"""Setting cache policies: by those who may, on the record, for the organization alone."""

from dataclasses import replace

import pytest

from accounts import wiring as accounts_wiring
from accounts.models import AuditEvent
from accounts.scopes import Scope
from accounts.services import api_keys
from acron_site.lib.errors import ConflictError
from caching import selectors_policies, services_policies
from caching.models import CachePolicy
from caching.policies import ALL_OTHERS, Policy, Semantic, Wall, Wishes
from caching.policy_records import DatabasePolicies

PATH = "/governance/policies/cache"


def put(client, person, namespace, body):
    return client.put(
        f"{PATH}/{namespace}", body, content_type="application/json", headers={"x-api-key": person.api_key}
    )


def get(client, person, namespace=None):
    path = PATH if namespace is None else f"{PATH}/{namespace}"
    return client.get(path, headers={"x-api-key": person.api_key})


def values(page):
    return {setting["name"]: (setting["value"], setting["source"]) for setting in page["settings"]}


def test_where_nothing_is_set_the_defaults_are_shown(client, ada):
    (page,) = get(client, ada).json()["data"]

    assert (page["namespace"], page["changed_at"]) == (ALL_OTHERS, None)
    assert {setting["name"]: setting["value"] for setting in page["settings"]} == {
        "is_enabled": True,
        "ttl_seconds": 86_400,
        "max_entry_bytes": 1_048_576,
        "max_bytes": 0,
        "refresh_ahead_percent": 0,
        "keep_sampled": False,
        "keep_tool_calls": False,
        "wall": "organization",
        "semantic": "auto",
        "semantic_tolerance": 0.01,
        "semantic_threshold": 0.95,
    }
    assert all(setting["default"] == setting["value"] for setting in page["settings"])
    assert {setting["source"] for setting in page["settings"]} == {"default"}


def test_each_value_says_where_it_comes_from(client, ada, settings):
    settings.ACRON = replace(settings.ACRON, cache=replace(settings.ACRON.cache, keep_tool_calls=True))
    put(client, ada, "*", {"ttl_seconds": 60})

    answered = put(client, ada, "drafts", {"wall": "user", "semantic": "manual"})

    found = values(answered.json())
    assert answered.status_code == 200
    assert found["wall"] == ("user", "set for this namespace")
    assert found["ttl_seconds"] == (60, "set for all namespaces")
    assert found["keep_tool_calls"] == (True, "the operator's settings")
    assert found["is_enabled"] == (True, "default")
    assert [page["namespace"] for page in get(client, ada).json()["data"]] == ["*", "drafts"]


def test_what_is_left_out_is_not_set_any_more(client, ada):
    put(client, ada, "drafts", {"wall": "user", "ttl_seconds": 60})

    found = values(put(client, ada, "drafts", {"ttl_seconds": 61, "wall": None}).json())

    assert found["wall"] == ("organization", "default")
    assert found["ttl_seconds"] == (61, "set for this namespace")


@pytest.mark.parametrize(
    ("body", "param", "hint"),
    [
        ({"wal": "user"}, "wal", "did you mean 'wall'?"),
        ({"max_entry": 1}, "max_entry", "did you mean 'max_entry_bytes'?"),
        ({"zzz": 1}, "zzz", "known are is_enabled"),
        ({"wall": "team"}, "wall", "team"),
        ({"ttl_seconds": 0}, "ttl_seconds", "1"),
        ({"ttl_seconds": 31_536_001}, "ttl_seconds", "31536000"),
        ({"max_bytes": -1}, "max_bytes", "0"),
        ({"max_bytes": 2**63}, "max_bytes", str(2**50)),
        ({"refresh_ahead_percent": 51}, "refresh_ahead_percent", "50"),
        ({"max_entry_bytes": 1_048_577}, "max_entry_bytes", "the operator's limit"),
        ({"semantic_tolerance": 0}, "semantic_tolerance", "above 0"),
        ({"semantic_tolerance": 0.3}, "semantic_tolerance", "0.2"),
        ({"semantic_threshold": -1}, "semantic_threshold", "above 0"),
        ({"is_enabled": "perhaps"}, "is_enabled", "boolean"),
    ],
)
def test_what_is_wrong_is_refused_by_name_and_nothing_is_set(client, ada, body, param, hint):
    refused = put(client, ada, "drafts", body)

    assert refused.status_code == 400
    assert refused.json()["error"]["param"] == param
    assert hint in refused.json()["error"]["message"]
    assert not CachePolicy.objects.for_organization(ada.organization.pk).exists()


@pytest.mark.parametrize("namespace", ["x" * 129, "%1F", "a%00b"])
def test_a_namespace_needs_a_usable_name(client, ada, namespace):
    assert put(client, ada, namespace, {}).status_code == 400
    assert get(client, ada, namespace).status_code == 400


def test_a_namespace_may_have_slashes(client, ada):
    assert put(client, ada, "team/drafts", {"wall": "key"}).json()["namespace"] == "team/drafts"


def test_a_policy_is_removed_once(client, ada):
    put(client, ada, "drafts", {"wall": "user"})

    codes = [client.delete(f"{PATH}/drafts", headers={"x-api-key": ada.api_key}).status_code for _ in range(2)]

    assert codes == [204, 404]
    assert values(get(client, ada, "drafts").json())["wall"] == ("organization", "default")


def test_mallory_neither_sees_nor_changes_adas_policies(client, ada, mallory):
    put(client, ada, "drafts", {"wall": "user"})

    theirs = get(client, mallory, "drafts").json()
    gone = client.delete(f"{PATH}/drafts", headers={"x-api-key": mallory.api_key})

    assert values(theirs)["wall"] == ("organization", "default")
    assert gone.status_code == 404
    assert DatabasePolicies(Policy()).read(mallory.organization.pk).named == {}
    assert DatabasePolicies(Policy()).read(ada.organization.pk).of("drafts").wall is Wall.USER


def test_a_key_without_the_right_changes_nothing(client, ada):
    infer = api_keys.issue(ada.actor, ada.organization, "CI", scopes=[Scope.INFER])

    refused = client.put(f"{PATH}/drafts", {}, content_type="application/json", headers={"x-api-key": infer.text})

    assert refused.status_code == 403


def test_what_changes_is_on_the_record(ada):
    services_policies.put(ada.actor, "drafts", Wishes(wall=Wall.USER, semantic_tolerance=0.05))
    services_policies.put(ada.actor, "drafts", Wishes(semantic=Semantic.OFF))
    services_policies.remove(ada.actor, "drafts")

    events = AuditEvent.objects.for_organization(ada.organization.pk).filter(action__startswith="cache_policy")
    assert [(event.action, event.before, event.after) for event in events.order_by("sequence")] == [
        ("cache_policy.changed", {}, {"namespace": "drafts", "wall": "user", "semantic_tolerance": "0.05"}),
        (
            "cache_policy.changed",
            {"namespace": "drafts", "wall": "user", "semantic_tolerance": "0.05"},
            {"namespace": "drafts", "semantic": "off"},
        ),
        ("cache_policy.removed", {"namespace": "drafts", "semantic": "off"}, {}),
    ]


def test_this_process_hears_of_a_change_once_it_is_through(ada, django_capture_on_commit_callbacks):
    class Listener:
        def __init__(self) -> None:
            self.news: list[str] = []

        def invalidate(self, news: str) -> None:
            self.news.append(news)

        def connected(self) -> None: ...

        def heard(self) -> None: ...

    listener = Listener()
    accounts_wiring.key_directory().share_news(listener)

    with django_capture_on_commit_callbacks(execute=True):
        services_policies.put(ada.actor, "drafts", Wishes(wall=Wall.USER))
        before = list(listener.news)

    assert before == []
    assert listener.news == [f"org:{ada.organization.pk}"]


def test_an_organization_has_so_many_policies_and_no_more(ada):
    rows = [
        CachePolicy(organization=ada.organization, namespace=str(number))
        for number in range(services_policies.MOST_POLICIES)
    ]
    CachePolicy.objects.for_organization(ada.organization.pk).bulk_create(rows)

    with pytest.raises(ConflictError):
        services_policies.put(ada.actor, "one more", Wishes())
    services_policies.put(ada.actor, "7", Wishes(wall=Wall.KEY))

    assert selectors_policies.wishes(ada.organization.pk)["7"] == Wishes(wall=Wall.KEY)
