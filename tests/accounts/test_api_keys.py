"""API keys over the API: created, listed, rolled, revoked."""

import json
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from accounts import selectors_api_keys as selectors
from accounts import wiring
from accounts.actor import Actor, person
from accounts.database_records import DatabaseRecords
from accounts.models import ApiKey, AuditEvent, KeyMode, KeyPurpose, User
from accounts.principal import KeyRules
from accounts.roles import Role
from accounts.scopes import Scope
from accounts.selectors_api_keys import KeyState
from accounts.services import api_keys, members, people
from acron_site.lib.errors import ConflictError, InsufficientScopeError, InvalidRequestError, NotFoundError
from tests.accounts.conftest import PASSWORD

KEYS = "/governance/api-keys"
RULES = {
    "allowed_networks": ["203.0.113.0/24", "198.51.100.7", "2001:db8::1"],
    "allowed_models": ["mock-small", "openai/gpt-6:luna"],
    "requests_per_minute": 60,
    "tokens_per_minute": 100_000,
    "monthly_budget_usd": "12.5",
}


def call(client, method, path, key, body=None, **more):
    return client.generic(
        method,
        path,
        "" if body is None else json.dumps(body),
        content_type="application/json",
        headers=bearer(key),
        **more,
    )


def create(client, key, **body):
    return call(client, "POST", KEYS, key, {"name": "CI", "scopes": ["infer"], **body})


def test_a_key_is_shown_once_and_listed_without_its_secret(client, ada):
    made = create(client, ada.api_key, **RULES)

    assert made.status_code == 201
    assert made.headers["Cache-Control"] == "no-store"
    text = made.json()["api_key"]
    assert made.json()["prefix"] == text[:16]
    listed = call(client, "GET", KEYS, ada.api_key)
    newest = listed.json()["data"][0]
    assert newest == {name: value for name, value in made.json().items() if name != "api_key"}
    assert text[17:] not in listed.content.decode()
    assert newest["owner"] == "ada@example.com"
    assert newest["state"] == "active"
    assert newest["allowed_networks"] == ["203.0.113.0/24", "198.51.100.7/32", "2001:db8::1/128"]
    assert newest["monthly_budget_usd"] == "12.5"


def test_a_new_key_carries_its_rules_to_the_gateway(client, ada):
    text = create(client, ada.api_key, **RULES).json()["api_key"]

    principal = wiring.key_directory().resolve(text, "198.51.100.7")

    assert principal.scopes == {Scope.INFER}
    assert principal.rules == KeyRules(
        networks=("203.0.113.0/24", "198.51.100.7/32", "2001:db8::1/128"),
        models=frozenset({"mock-small", "openai/gpt-6:luna"}),
        requests_per_minute=60,
        tokens_per_minute=100_000,
        monthly_budget_usd=Decimal("12.5000"),
    )


def test_a_key_is_refused_from_outside_of_its_networks(client, ada):
    text = create(client, ada.api_key, scopes=["admin"], allowed_networks=["203.0.113.0/24"]).json()["api_key"]

    outside = call(client, "GET", KEYS, text, REMOTE_ADDR="198.51.100.1")
    inside = call(client, "GET", KEYS, text, REMOTE_ADDR="203.0.113.9")
    forged = call(client, "GET", KEYS, text, REMOTE_ADDR="198.51.100.1", HTTP_X_FORWARDED_FOR="203.0.113.9")

    assert [outside.status_code, inside.status_code, forged.status_code] == [403, 200, 403]
    assert outside.json()["error"]["code"] == "address_not_allowed"
    assert "198.51.100.1" in outside.json()["error"]["message"]


def test_a_test_key_is_marked_as_one(client, ada):
    made = create(client, ada.api_key, mode="test").json()

    assert made["api_key"].startswith("ak_test_")
    assert wiring.key_directory().resolve(made["api_key"]).is_test


def in_days(days):
    return (timezone.now() + timedelta(days=days)).isoformat()


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "a\u202eb"}, "name"),
        ({"name": "a\u0000b"}, "name"),
        ({"name": None}, "name"),
        ({"scopes": []}, "scopes"),
        ({"scopes": ["root"]}, "scopes.0"),
        ({"scopes": "infer"}, "scopes"),
        ({"mode": "demo"}, "mode"),
        ({"expires_at": "tomorrow"}, "expires_at"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"expires_at": "0001-01-01T00:00:00+14:00"}, "expires_at"),
        ({"expires_at": "9999-12-31T23:59:59-12:00"}, "expires_at"),
        ({"expires_at": in_days(3700)}, "expires_at"),
        ({"allowed_networks": ["203.0.113.0/33"]}, "allowed_networks"),
        ({"allowed_networks": ["203.0.113.7/24"]}, "allowed_networks"),
        ({"allowed_networks": ["fe80::1%eth0"]}, "allowed_networks"),
        ({"allowed_networks": ["example.com"]}, "allowed_networks"),
        ({"allowed_networks": [f"10.0.0.{n}" for n in range(51)]}, "allowed_networks"),
        ({"allowed_networks": "203.0.113.7"}, "allowed_networks"),
        ({"allowed_models": ["a model"]}, "allowed_models"),
        ({"allowed_models": ["x" * 201]}, "allowed_models.0"),
        ({"allowed_models": [f"m{n}" for n in range(101)]}, "allowed_models"),
        ({"requests_per_minute": 0}, "requests_per_minute"),
        ({"requests_per_minute": 3_000_000_000}, "requests_per_minute"),
        ({"requests_per_minute": "many"}, "requests_per_minute"),
        ({"tokens_per_minute": -1}, "tokens_per_minute"),
        ({"monthly_budget_usd": "0"}, "monthly_budget_usd"),
        ({"monthly_budget_usd": "-1"}, "monthly_budget_usd"),
        ({"monthly_budget_usd": "0.00001"}, "monthly_budget_usd"),
        ({"monthly_budget_usd": "NaN"}, "monthly_budget_usd"),
        ({"monthly_budget_usd": "1e30"}, "monthly_budget_usd"),
        ({"allowed_ips": ["203.0.113.7"]}, "allowed_ips"),
    ],
)
def test_a_wrong_wish_is_named_and_makes_no_key(client, ada, change, param):
    response = create(client, ada.api_key, **change)

    assert response.status_code == 400
    assert response.json()["error"]["param"] == param
    assert keys_of(ada).count() == 1


@pytest.mark.parametrize("budget", [Decimal("NaN"), Decimal("Infinity"), Decimal("0.00001"), Decimal("1e15")])
def test_a_budget_that_is_no_amount_is_refused_by_the_service_too(ada, budget):
    with pytest.raises(InvalidRequestError, match="monthly_budget_usd"):
        api_keys.create(ada.actor, "CI", scopes=[Scope.INFER], rules=KeyRules(monthly_budget_usd=budget))


def test_a_model_that_nobody_knows_is_refused_where_models_can_be_looked_up(ada):
    rules = KeyRules(models=frozenset({"mock-small", "mock-smal"}))

    with pytest.raises(NotFoundError, match="'mock-smal'"):
        api_keys.create(ada.actor, "CI", scopes=[Scope.INFER], rules=rules, knows_model={"mock-small"}.__contains__)


def test_networks_may_overlap_and_are_kept_once(ada):
    rules = KeyRules(networks=(" 10.0.0.0/8 ", "10.0.0.0/8", "::ffff:10.1.2.3", ""))

    key = api_keys.create(ada.actor, "CI", scopes=[Scope.INFER], rules=rules).key

    assert key.allowed_networks == ["10.0.0.0/8", "10.1.2.3/32"]


# who may


@pytest.fixture
def grace(ada) -> Actor:
    """A member."""
    return colleague(ada, "grace", Role.MEMBER)


def test_a_member_gives_a_key_no_more_than_a_member_has(ada, grace):
    issued = api_keys.create(grace, "CI", scopes=[Scope.INFER, Scope.ANALYTICS])
    assert issued.key.created_by_id == grace.principal.user_id

    for scope in (Scope.ADMIN, Scope.ALL):
        with pytest.raises(InsufficientScopeError, match=f"does not hold: {scope}"):
            api_keys.create(grace, "CI", scopes=[Scope.INFER, scope])


def test_a_viewer_makes_no_keys(ada):
    with pytest.raises(InsufficientScopeError, match="takes the role 'member'"):
        api_keys.create(colleague(ada, "vera", Role.VIEWER), "CI", scopes=[Scope.ANALYTICS])


def test_a_key_of_somebody_who_was_an_admin_gives_no_more_than_a_member_has(ada, client):
    key = api_keys.issue(
        ada.actor, ada.organization, "old", scopes=[Scope.ADMIN], created_by=ada.user, purpose=KeyPurpose.SIGN_UP
    ).text
    ada.user.memberships.update(role=Role.MEMBER)

    assert create(client, key, scopes=["admin"]).status_code == 403
    assert create(client, key, scopes=["infer"]).status_code == 201


def test_a_test_key_makes_test_keys_only(client, ada):
    key = create(client, ada.api_key, scopes=["admin"], mode="test").json()["api_key"]

    assert create(client, key).status_code == 403
    assert create(client, key, mode="test").status_code == 201
    live = keys_of(ada).get(purpose=KeyPurpose.SIGN_UP)
    assert call(client, "POST", f"{KEYS}/{live.pk}/roll", key).status_code == 403


def test_a_member_sees_and_ends_own_keys_only(ada, grace):
    own = api_keys.create(grace, "mine", scopes=[Scope.INFER]).key
    adas = keys_of(ada).get(created_by=ada.user)

    assert [key.id for key in selectors.page(grace.principal, 10)] == [own.pk]
    for act in (api_keys.revoke, api_keys.roll):
        with pytest.raises(NotFoundError):
            act(grace, adas.pk)
    with pytest.raises(NotFoundError):
        selectors.one(grace.principal, adas.pk)
    api_keys.revoke(grace, own.pk)
    assert {key.id for key in selectors.page(ada.principal, 10)} == {own.pk, adas.pk}


def test_an_organization_has_500_keys_at_most(ada):
    made = api_keys.create(ada.actor, "CI", scopes=[Scope.INFER]).key
    copies = [copy_of(made, number) for number in range(498)]
    keys_of(ada).bulk_create(copies)

    with pytest.raises(ConflictError, match="500 keys at most"):
        api_keys.create(ada.actor, "CI", scopes=[Scope.INFER])
    with pytest.raises(ConflictError, match="500 keys at most"):
        api_keys.roll(ada.actor, made.pk)
    api_keys.roll(ada.actor, made.pk, timedelta(0))
    api_keys.revoke(ada.actor, copies[0].pk)
    assert api_keys.create(ada.actor, "CI", scopes=[Scope.INFER])


def copy_of(key, number):
    return ApiKey(
        organization_id=key.organization_id,
        name="CI",
        prefix=f"{number:08}",
        digest=bytes(32),
        pepper_id=1,
        scopes=["infer"],
    )


# lists


def test_the_list_comes_in_parts_newest_first(client, ada):
    for number in range(4):
        api_keys.create(ada.actor, f"key {number}", scopes=[Scope.INFER])

    names, after = [], ""
    for _ in range(3):
        part = call(client, "GET", f"{KEYS}?limit=2{after}", ada.api_key).json()
        names += [key["name"] for key in part["data"]]
        after = f"&after={part['next']}"

    assert names == ["key 3", "key 2", "key 1", "key 0", "Sign-up"]
    assert (part["has_more"], part["next"]) == (False, None)


def test_the_list_can_be_of_living_keys(client, ada):
    ended = api_keys.create(ada.actor, "ended", scopes=[Scope.INFER]).key
    expired = api_keys.create(ada.actor, "expired", scopes=[Scope.INFER]).key
    api_keys.revoke(ada.actor, ended.pk)
    keys_of(ada).filter(pk=expired.pk).update(expires_at=timezone.now())

    part = call(client, "GET", f"{KEYS}?state=living", ada.api_key).json()

    assert [key["name"] for key in part["data"]] == ["Sign-up"]


@pytest.mark.parametrize("query", ["limit=0", "limit=x", "after=x", "state=dead"])
def test_a_wrong_parameter_is_named(client, ada, query):
    response = call(client, "GET", f"{KEYS}?{query}", ada.api_key)

    assert response.status_code == 400
    assert response.json()["error"]["param"] == query.partition("=")[0]


def test_a_list_does_not_go_on_after_a_strangers_key(client, ada, mallory):
    theirs = keys_of(mallory).get()

    assert call(client, "GET", f"{KEYS}?after={theirs.pk}", ada.api_key).status_code == 400


DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("made", "used", "expires", "revoked", "state"),
    [
        (0, None, None, None, KeyState.ACTIVE),
        (-89, None, None, None, KeyState.ACTIVE),
        (-90, None, None, None, KeyState.UNUSED),
        (-400, -89, None, None, KeyState.ACTIVE),
        (-400, -90, None, None, KeyState.UNUSED),
        (-400, -90, 7, None, KeyState.EXPIRES_SOON),
        (0, None, 8, None, KeyState.ACTIVE),
        (0, None, 0, None, KeyState.EXPIRED),
        (0, None, -1, -2, KeyState.REVOKED),
    ],
)
def test_the_state_of_a_key(made, used, expires, revoked, state):
    now = timezone.now()
    created_at, last_used_at, expires_at, revoked_at = (
        None if days is None else now + days * DAY for days in (made, used, expires, revoked)
    )

    assert created_at
    found = selectors.state_of(
        created_at=created_at, last_used_at=last_used_at, expires_at=expires_at, revoked_at=revoked_at, now=now
    )
    assert found is state


# rolling


def test_a_rolled_key_may_do_the_same_and_the_old_one_works_for_the_overlap(client, ada):
    old = create(client, ada.api_key, **{**RULES, "allowed_networks": []}).json()

    rolled = call(client, "POST", f"{KEYS}/{old['id']}/roll", ada.api_key, {"overlap_seconds": 3600})

    assert rolled.status_code == 201
    new = rolled.json()
    same = ("name", "mode", "scopes", "allowed_models", "requests_per_minute", "monthly_budget_usd", "owner")
    assert {name: new[name] for name in same} == {name: old[name] for name in same}
    assert new["rolled_from"] == old["id"]
    assert {who(new["api_key"]).key_id, who(old["api_key"]).key_id} == {row(new).pk, row(old).pk}
    assert row(old).expires_at - timezone.now() == pytest.approx(timedelta(hours=1), abs=timedelta(minutes=1))
    assert call(client, "GET", f"{KEYS}/{old['id']}", ada.api_key).json()["state"] == "expires_soon"


def test_without_an_overlap_the_old_key_ends_at_once(client, ada, django_capture_on_commit_callbacks):
    old = create(client, ada.api_key, scopes=["admin"]).json()
    assert call(client, "GET", KEYS, old["api_key"]).status_code == 200

    with django_capture_on_commit_callbacks(execute=True):
        new = call(client, "POST", f"{KEYS}/{old['id']}/roll", ada.api_key, {"overlap_seconds": 0}).json()

    assert call(client, "GET", KEYS, old["api_key"]).status_code == 401
    assert call(client, "GET", KEYS, new["api_key"]).status_code == 200


def test_the_overlap_is_a_day_unless_it_is_said(client, ada):
    old = create(client, ada.api_key).json()

    call(client, "POST", f"{KEYS}/{old['id']}/roll", ada.api_key, {})

    assert row(old).expires_at - timezone.now() == pytest.approx(timedelta(days=1), abs=timedelta(minutes=1))


def test_a_roll_never_makes_the_old_key_live_longer(ada):
    soon = timezone.now() + timedelta(hours=1)
    key = api_keys.create(ada.actor, "CI", scopes=[Scope.INFER], expires_at=soon).key

    rolled = api_keys.roll(ada.actor, key.pk, timedelta(days=30)).key

    key.refresh_from_db()
    assert key.expires_at == soon
    assert rolled.expires_at
    assert rolled.expires_at - rolled.created_at == pytest.approx(timedelta(hours=1), abs=timedelta(minutes=1))


@pytest.mark.parametrize("overlap_seconds", [-1, 30 * 86_400 + 1, "a day", 10**400])
def test_a_wrong_overlap_is_named(client, ada, overlap_seconds):
    key = keys_of(ada).get()

    response = call(client, "POST", f"{KEYS}/{key.pk}/roll", ada.api_key, {"overlap_seconds": overlap_seconds})

    assert response.status_code == 400
    assert key.expires_at is None


def test_a_key_that_ended_cannot_be_rolled(ada):
    revoked = api_keys.create(ada.actor, "CI", scopes=[Scope.INFER]).key
    api_keys.revoke(ada.actor, revoked.pk)
    expired = api_keys.create(ada.actor, "CI", scopes=[Scope.INFER]).key
    keys_of(ada).filter(pk=expired.pk).update(expires_at=timezone.now())

    for key in (revoked, expired):
        with pytest.raises(ConflictError, match="has ended"):
            api_keys.roll(ada.actor, key.pk)


def test_a_key_is_rolled_once(ada):
    key = api_keys.create(ada.actor, "CI", scopes=[Scope.INFER]).key
    followed = api_keys.roll(ada.actor, key.pk).key

    with pytest.raises(ConflictError, match="rolled already"):
        api_keys.roll(ada.actor, key.pk)
    assert api_keys.roll(ada.actor, followed.pk)


def test_keys_that_end_by_themselves_are_not_rolled(ada):
    people.log_in("ada@example.com", PASSWORD)
    api_keys.issue_run_key(ada.organization)

    for purpose in (KeyPurpose.LOGIN, KeyPurpose.RUN):
        with pytest.raises(ConflictError, match="end by themselves"):
            api_keys.roll(ada.actor, keys_of(ada).get(purpose=purpose).pk)


def test_an_admin_does_not_become_owner_by_rolling_the_owners_sign_up_key(ada):
    owners = keys_of(ada).get(purpose=KeyPurpose.SIGN_UP)
    grace = colleague(ada, "grace", Role.ADMIN)
    program = api_keys.create(ada.actor, "CI", scopes=[Scope.ADMIN]).text

    for actor in (grace, Actor(who(program))):
        with pytest.raises(InsufficientScopeError, match="by its person alone"):
            api_keys.roll(actor, owners.pk)
    assert who(api_keys.roll(ada.actor, owners.pk).text).role is Role.OWNER


def test_a_member_does_not_roll_a_key_that_holds_more(ada, grace):
    user = User.objects.get(pk=grace.principal.user_id)
    key = api_keys.issue(ada.actor, ada.organization, "from better days", scopes=[Scope.ADMIN], created_by=user).key

    with pytest.raises(InsufficientScopeError, match="does not hold: admin"):
        api_keys.roll(grace, key.pk)


def test_the_audit_log_knows_who_made_rolled_and_revoked_a_key(ada):
    key = api_keys.create(ada.actor, "CI", scopes=[Scope.INFER], mode=KeyMode.TEST).key
    rolled = api_keys.roll(ada.actor, key.pk).key
    api_keys.revoke(ada.actor, key.pk)

    events = list(AuditEvent.objects.for_organization(ada.organization.pk).order_by("sequence"))[-4:]
    assert [event.action for event in events] == [
        "api_key.created",
        "api_key.created",
        "api_key.rolled",
        "api_key.revoked",
    ]
    assert events[0].after == {"purpose": "standard", "scopes": ["infer"], "mode": "test"}
    assert events[1].after["rolled_from"] == str(key)
    assert events[1].object_id == str(rolled.pk)
    assert events[2].before == {"expires_at": None}
    assert {event.actor_user_id for event in events} == {ada.user.pk}


# revoking


def test_a_revoked_key_is_refused_and_stays_in_the_list(client, ada, django_capture_on_commit_callbacks):
    made = create(client, ada.api_key, scopes=["admin"]).json()
    assert call(client, "GET", KEYS, made["api_key"]).status_code == 200

    with django_capture_on_commit_callbacks(execute=True):
        statuses = [call(client, "DELETE", f"{KEYS}/{made['id']}", ada.api_key).status_code for _ in range(2)]

    assert statuses == [204, 204]
    assert call(client, "GET", KEYS, made["api_key"]).status_code == 401
    assert call(client, "GET", f"{KEYS}/{made['id']}", ada.api_key).json()["state"] == "revoked"


# uses


def test_the_last_use_is_listed_with_its_address(ada):
    key, records = keys_of(ada).get(), DatabaseRecords()
    records.note_use({key.pk: "::ffff:203.0.113.7"})
    records.note_use({key.pk: "198.51.100.1"})  # within the same minute

    listed = selectors.one(ada.principal, key.pk)
    assert listed.last_used_address == "203.0.113.7"

    keys_of(ada).filter(pk=key.pk).update(last_used_at=timezone.now() - timedelta(minutes=1))
    records.note_use({key.pk: "198.51.100.1"})
    assert selectors.one(ada.principal, key.pk).last_used_address == "198.51.100.1"


def bearer(key):
    return {"authorization": f"Bearer {key}"}


def who(text):
    return wiring.key_directory().resolve(text)


def keys_of(owner):
    return ApiKey.objects.for_organization(owner.organization.pk)


def row(document):
    return ApiKey.all_organizations.get(pk=document["id"])


def colleague(owner, name, role) -> Actor:
    user = User.objects.create_user(f"{name}@example.com", PASSWORD)
    members.add(owner.actor, owner.organization, user, role)
    return person(owner.organization.pk, user.pk, role, None)
