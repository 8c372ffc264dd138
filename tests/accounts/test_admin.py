"""The operators' admin: every table can be looked at, nothing secret is shown, and what operators do is recorded."""

import base64
import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from allauth.account.models import EmailAddress, EmailConfirmation
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.apps import apps
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.db.models import Model
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import actor as actors
from accounts import audit
from accounts.actor import Origin
from accounts.models import (
    ApiKey,
    AuditEvent,
    AuditHead,
    Invitation,
    KeyPurpose,
    Membership,
    Organization,
    OutgoingEmail,
    ProviderCredential,
    User,
)
from accounts.roles import Role
from accounts.scopes import Scope
from accounts.services import api_keys, members, operators, organizations
from acron_site.lib.admin import LookOnly
from acron_site.lib.errors import InsufficientScopeError
from analytics.models import CostAdjustment, Feedback, InferenceEvent, KeptContent
from caching.models import CachePolicy, SemanticCheck, SemanticEntry, SemanticGate, SemanticPurge, SemanticServing
from inference.models import PriceEntry, RoutingEvidence, RoutingPair, RoutingPolicy, RoutingProof, RoutingWeights
from tests.accounts.conftest import PASSWORD, Person

BACKEND = "django.contrib.auth.backends.ModelBackend"
PLANTED = "PlantedSecret"

# tables that operators do not see
NOT_SHOWN = {
    "sessions.Session": "its primary key is the cookie that opens the session; see UserSession",
    "auth.Permission": "made by Django of the other tables",
    "contenttypes.ContentType": "made by Django of the other tables",
}
REGISTERED = sorted(admin.site._registry, key=lambda model: model._meta.label)


@pytest.fixture
def oscar(db) -> User:
    """An operator."""
    return User.objects.create_superuser("oscar@example.com", PASSWORD)


@pytest.fixture
def desk(client: Client, oscar: User) -> Client:
    """The operator's browser."""
    client.force_login(oscar, backend=BACKEND)
    return client


@pytest.fixture
def planted(ada: Person, oscar: User) -> dict[str, Any]:
    """A row of every table, with a secret wherever one can lie. The rows by the name of their table."""
    secret = PLANTED.encode()
    ada.user.password = PLANTED
    ada.user.save()
    key = ApiKey.objects.for_organization(ada.organization.pk).get()
    ApiKey.objects.for_organization(ada.organization.pk).update(digest=secret)
    later = timezone.now() + timedelta(days=1)
    own = {"organization": ada.organization}
    address = EmailAddress.objects.get_or_create(user=ada.user, email=ada.user.email)[0]
    gate = SemanticGate.all_organizations.create(**own, namespace="default", tolerance=0.01)
    proof = RoutingProof.all_organizations.create(
        **own, task_type="code", model="small", reference="large", epsilon=0.03
    )
    rows: list[Model] = [
        ada.user, ada.organization, key, address,
        Membership.objects.for_organization(ada.organization.pk).get(),
        AuditEvent.objects.for_organization(ada.organization.pk).get(sequence=1),
        AuditHead.objects.for_organization(ada.organization.pk).get(),
        Invitation.all_organizations.create(
            **own, email="g@example.com", role="member", digest=secret, expires_at=later
        ),
        ProviderCredential.all_organizations.create(**own, provider="openai", sealed=secret, last_four="1234"),
        OutgoingEmail.objects.create(sealed=secret),
        Authenticator.objects.create(user=ada.user, type="totp", data={"secret": PLANTED}),
        UserSession.objects.create(
            user=ada.user, ip="192.0.2.1", user_agent="x", session_key=PLANTED, data={"secret": PLANTED}
        ),
        EmailConfirmation.objects.create(email_address=address, key=PLANTED, sent=timezone.now()),
        Group.objects.create(name="Support"),
        LogEntry.objects.create(
            user=oscar, content_type=ContentType.objects.get_for_model(User), object_id="1", object_repr="x",
            action_flag=2, change_message="[]",
        ),
        Feedback.all_organizations.create(**own, request_id="req_1", score=4),
        CostAdjustment.all_organizations.create(
            **own, event_id=uuid4(), occurred_at=timezone.now(), new_price_version="v", created_at=timezone.now()
        ),
        PriceEntry.objects.create(
            provider="openai", model="m", sheet={}, version="v", as_of=later.date(), valid_from=timezone.now()
        ),
        CachePolicy.all_organizations.create(**own, namespace="default", changed_at=timezone.now()),
        RoutingPolicy.all_organizations.create(**own, changed_at=timezone.now()),
        proof,
        RoutingPair.all_organizations.create(
            **own, proof=proof, lost=False, method="exact", source="trial", occurred_at=timezone.now()
        ),
        RoutingEvidence.all_organizations.create(
            **own, pair_id=uuid4(), request_id="req_1", model="small", reference="large", task_type="code",
            source="trial", score=1, signals=[0.5], vector=secret, occurred_at=timezone.now(),
        ),
        RoutingWeights.all_organizations.create(**own, weights={"of": PLANTED}, prior="1", rows=1, newest_id=uuid4()),
        gate,
        SemanticCheck.all_organizations.create(
            **own, gate=gate, score=1, similarity=1, agrees=True, neighbour_id=uuid4(), occurred_at=timezone.now()
        ),
        SemanticPurge.all_organizations.create(**own, what=""),
        SemanticServing.all_organizations.create(
            **own, request_id="req_1", neighbour_id=uuid4(), namespace="default", space="s", likeness_version="1",
            score=1, similarity=1, served_at=timezone.now(),
        ),
        KeptContent.all_organizations.create(**own, event_id=uuid4(), occurred_at=timezone.now(), sealed=secret),
        SemanticEntry.all_organizations.create(
            **own, id=uuid4(), namespace="default", partition=secret, fingerprint=secret, space="s", question=secret,
            answer=secret, expires_at=later,
        ),
        InferenceEvent.all_organizations.create(
            **own, event_id=uuid4(), request_id="req_1", occurred_at=timezone.now(), status="ok", cost_status="unpriced"
        ),
    ]  # fmt: skip
    return {row._meta.label: row for row in rows}


def shown(response: Any) -> str:
    assert response.status_code == 200, response.content
    return str(response.content.decode())


def leaks(page: str) -> list[str]:
    """The planted secret in the ways it could be written."""
    secret = PLANTED.encode()
    spellings = [PLANTED, secret.hex(), base64.b64encode(secret).decode()[:-2], repr(secret)]
    return [each for each in spellings if each.lower() in page.lower()]


def address(model: type[Model], view: str, *arguments: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{view}", args=arguments)


def each_table() -> pytest.MarkDecorator:
    return pytest.mark.parametrize("model", REGISTERED, ids=lambda model: model._meta.label)


def test_every_table_is_registered_or_listed():
    missing = {model._meta.label for model in apps.get_models()} - {model._meta.label for model in REGISTERED}

    assert missing == set(NOT_SHOWN)


def test_every_table_only_shows_what_is_named():
    assert [model.__name__ for model in REGISTERED if not isinstance(admin.site._registry[model], LookOnly)] == []
    assert [model.__name__ for model in REGISTERED if not admin.site._registry[model].search_fields] == []


@each_table()
def test_nothing_secret_is_shown(desk, planted, model):
    row = planted[model._meta.label]

    pages = [
        shown(desk.get(address(model, "changelist"))),
        shown(desk.get(address(model, "change", row.pk))),
        shown(desk.get(address(model, "history", row.pk))),
    ]

    assert [leaks(page) for page in pages] == [[], [], []]
    assert str(row.pk) in pages[0]


@pytest.mark.parametrize("text", [PLANTED, PLANTED.encode().hex(), "UGxhbnRlZFNlY3JldA==", "b'PlantedSecret'"])
def test_a_secret_that_is_shown_would_be_noticed(text):
    assert leaks(f"<td>{text}</td>")


@each_table()
def test_every_table_can_be_searched_by_anything(desk, planted, model):
    for words in ("nothing", "x@example.com", "100%", str(uuid4()), "\U0001f600"):
        shown(desk.get(address(model, "changelist"), {"q": words}))


@each_table()
def test_no_table_is_added_to_or_removed_from_here(desk, planted, model):
    pk = planted[model._meta.label].pk

    assert desk.get(address(model, "add")).status_code == 403
    assert desk.post(address(model, "delete", pk), {"post": "yes"}).status_code == 403
    desk.post(address(model, "changelist"), {"action": "delete_selected", "_selected_action": [str(pk)], "post": "yes"})
    assert model._base_manager.filter(pk=pk).exists()


@each_table()
def test_nothing_but_access_is_changed_here(desk, planted, model):
    page = shown(desk.get(address(model, "change", planted[model._meta.label].pk)))

    offered = set(re.findall(r'<(?:input|select|textarea)[^>]*name="(\w+)"', page))

    expected = {"is_active", "is_staff"} if model is User else set()
    assert offered - {"csrfmiddlewaretoken", "_save", "_continue", "_addanother", "next"} == expected


@each_table()
def test_lists_take_a_few_queries_however_long_they_are(desk, planted, model, django_assert_max_num_queries):
    with django_assert_max_num_queries(12):
        desk.get(address(model, "changelist"))


@each_table()
def test_who_is_no_operator_sees_nothing(client, ada, model):
    client.force_login(ada.user, backend=BACKEND)

    assert client.get(address(model, "changelist")).status_code == 302


def test_sessions_are_not_to_be_taken_over():
    routes = " ".join(str(pattern.pattern) for pattern in admin.site.urls[0])

    assert "hijack" not in routes
    assert "impersonat" not in routes
    assert not admin.site.is_registered(Session)


# what operators do


def change(desk: Client, user: User, **flags: bool) -> Any:
    """As a browser sends it: a box that is not ticked does not come along."""
    return desk.post(address(User, "change", user.pk), {name: "on" for name, is_on in flags.items() if is_on})


def acts(organization: Organization) -> list[AuditEvent]:
    own = AuditEvent.objects.for_organization(organization.pk)
    return list(own.filter(action__startswith="operator.").order_by("sequence"))


def test_locking_somebody_out_is_recorded_in_each_of_their_organizations(desk, oscar, ada, mallory):
    second = organizations.found_for(ada.user, "Second")

    response = change(desk, ada.user, is_active=False, is_staff=False)

    assert response.status_code == 302
    for organization in (ada.organization, second):
        [act] = acts(organization)
        assert (act.action, act.object_id) == ("operator.changed_access", str(ada.user.pk))
        assert (act.actor_user_id, act.before, act.after) == (oscar.pk, {"is_active": True}, {"is_active": False})
        assert act.address == "127.0.0.1"
    assert acts(mallory.organization) == []
    assert LogEntry.objects.filter(user=oscar, object_id=str(ada.user.pk)).count() == 1


def test_who_is_locked_out_loses_session_and_personal_keys_at_once(desk, ada):
    program = api_keys.issue(ada.actor, ada.organization, "CI", scopes=[Scope.ANALYTICS], created_by=ada.user).text
    browser = Client()
    browser.force_login(ada.user, backend=BACKEND)
    assert browser.get("/audit").status_code == 200
    assert Client().get("/models", headers={"x-api-key": ada.api_key}).status_code == 200

    change(desk, ada.user, is_active=False, is_staff=False)

    assert browser.get("/audit").status_code == 302
    personal = ApiKey.objects.for_organization(ada.organization.pk).filter(purpose=KeyPurpose.SIGN_UP)
    assert [key.revoked_at is None for key in personal] == [False]
    assert Client().get("/models", headers={"x-api-key": program}).status_code == 200


def test_the_organization_reads_that_an_operator_did_it(desk, ada):
    grace = User.objects.create_user("grace@example.com", PASSWORD)
    members.add(ada.actor, ada.organization, grace, Role.MEMBER)

    change(desk, grace, is_active=False, is_staff=False)

    log = Client().get("/governance/audit?actor=operator", headers={"x-api-key": ada.api_key}).json()["data"]
    assert [(row["actor_label"], row["object_label"]) for row in log] == [("operator", "grace@example.com")]


def test_making_an_operator_is_recorded_too(desk, ada):
    change(desk, ada.user, is_active=True, is_staff=True)

    [act] = acts(ada.organization)
    assert (act.before, act.after) == ({"is_staff": False}, {"is_staff": True})
    assert User.objects.get(pk=ada.user.pk).is_staff


def test_saving_without_a_change_records_nothing(desk, ada):
    change(desk, ada.user, is_active=True, is_staff=False)

    assert acts(ada.organization) == []


def test_nothing_else_can_be_slipped_in(desk, ada):
    data = {"is_active": "on", "email": "new@example.com", "is_superuser": "on", "password": "x", "full_name": "X"}

    desk.post(address(User, "change", ada.user.pk), data)

    after = User.objects.get(pk=ada.user.pk)
    assert (after.email, after.is_superuser, after.full_name) == ("ada@example.com", False, "Ada")
    assert after.check_password(PASSWORD)


def test_operators_do_not_change_themselves(desk, oscar):
    change(desk, oscar, is_active=False, is_staff=False)

    assert User.objects.get(pk=oscar.pk).is_staff
    with pytest.raises(InsufficientScopeError, match="their own"):
        operators.set_access(oscar, oscar.pk, is_active=True, is_staff=False, origin=Origin())


def test_only_superusers_make_operators_or_change_superusers(oscar, ada):
    olga = User.objects.create_user("olga@example.com", PASSWORD, is_staff=True)

    for person, flags in ((ada.user, (True, True)), (oscar, (False, True))):
        with pytest.raises(InsufficientScopeError, match="superuser"):
            operators.set_access(olga, person.pk, is_active=flags[0], is_staff=flags[1], origin=Origin())
    with pytest.raises(InsufficientScopeError, match="operators"):
        operators.set_access(ada.user, olga.pk, is_active=False, is_staff=True, origin=Origin())
    operators.set_access(olga, ada.user.pk, is_active=False, is_staff=False, origin=Origin())
    assert not User.objects.get(pk=ada.user.pk).is_active


def test_an_act_of_the_system_is_shown_without_a_person(desk, ada):
    event = audit.record(actors.system(ada.organization.pk), "organization.changed", ada.organization)

    assert "system" in shown(desk.get(address(AuditEvent, "change", event.pk)))
