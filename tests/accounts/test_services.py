"""Signing up, logging in and out, making and revoking keys."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.db import connections
from django.db.models import Model
from django.utils import timezone

from accounts import selectors, wiring
from accounts.actor import Actor, Origin
from accounts.database_records import DatabaseRecords
from accounts.directory import KeyDirectory
from accounts.models import ApiKey, KeyMode, KeyPurpose, Organization, User
from accounts.principal import Principal
from accounts.roles import Role
from accounts.scopes import Scope
from accounts.services import api_keys, members, organizations, people
from acron_site.lib.errors import (
    ConflictError,
    InsufficientScopeError,
    InvalidApiKeyError,
    InvalidRequestError,
    NotFoundError,
    OverloadedError,
    RateLimitedError,
)
from tests.accounts.conftest import PASSWORD, signed_up
from tests.accounts.kit import Clock, prefix_of


def test_signing_up_makes_a_person_an_organization_and_a_key_for_everything(db):
    made = people.sign_up(" Ada@Example.COM ", PASSWORD, full_name="Ada", organization_name="Ada Ltd")

    principal = who(made.api_key)
    assert made.user.email == "ada@example.com"
    assert principal.organization_id == made.organization.pk
    assert principal.user_id == made.user.pk
    assert principal.allows(Scope.INFER)
    assert principal.allows(Scope.ADMIN)
    assert selectors.principal_of(made.user) == Principal(
        made.organization.pk, frozenset({Scope.ADMIN}), user_id=made.user.pk, role=Role.OWNER
    )


@pytest.mark.django_db(transaction=True)
def test_fifty_sign_ups_at_once_with_one_email_make_one_account():
    start = threading.Barrier(50)

    def sign_up(number):
        start.wait()
        try:
            people.sign_up("ada@example.com", PASSWORD, organization_name="Ada Ltd")
        except ConflictError:
            return "conflict"
        finally:
            connections.close_all()
        return "made"

    with ThreadPoolExecutor(50) as threads:
        outcomes = list(threads.map(sign_up, range(50)))

    assert sorted(outcomes) == ["conflict"] * 49 + ["made"]
    assert [User.objects.count(), Organization.objects.count(), ApiKey.all_organizations.count()] == [1, 1, 1]


def test_a_taken_email_is_a_conflict_and_leaves_nothing_behind(ada):
    with pytest.raises(ConflictError) as conflict:
        people.sign_up("ADA@example.com", PASSWORD, organization_name="Another")

    assert conflict.value.param == "email"
    assert Organization.objects.count() == 1


@pytest.mark.parametrize("password", ["short", "password", "1234567890", "ada@example.com"])
def test_a_weak_password_is_refused_with_the_reason(db, password):
    with pytest.raises(InvalidRequestError) as refusal:
        people.sign_up("ada@example.com", password)

    assert refusal.value.param == "password"


def test_organizations_of_one_name_get_slugs_of_their_own(db):
    slugs = [organizations.create(name).slug for name in ("Acme", "Acme", "日本", "")]

    assert slugs[0] == "acme"
    assert slugs[1].startswith("acme-")
    assert slugs[2] == "organization"
    assert slugs[3].startswith("organization-")


# logging in


def test_logging_in_makes_a_key_for_a_month(ada):
    made = people.log_in("ADA@example.com ", PASSWORD)

    lifetime = (the_key(ada, made.api_key).expires_at or timezone.now()) - timezone.now()
    assert who(made.api_key).user_id == made.user_id == ada.user.pk
    assert made.organization_id == ada.organization.pk
    assert timedelta(days=29) < lifetime <= timedelta(days=30)


def test_a_viewers_log_in_key_may_only_look(ada):
    grace = signed_up_as_member_of(ada, "Grace", Role.VIEWER)

    made = people.log_in(grace.email, PASSWORD)

    assert who(made.api_key).scopes == {Scope.ANALYTICS}


@pytest.mark.parametrize("email", ["ada@example.com", "nobody@example.com"])
def test_a_wrong_password_and_an_unknown_email_are_refused_in_the_same_words(ada, email):
    with pytest.raises(InvalidApiKeyError, match="the email or the password is wrong"):
        people.log_in(email, "wrong")


def test_somebody_who_is_locked_out_cannot_log_in_and_loses_the_keys_of_log_ins(ada):
    made = people.log_in("ada@example.com", PASSWORD)
    User.objects.update(is_active=False)

    with pytest.raises(InvalidApiKeyError, match="wrong"):
        people.log_in("ada@example.com", PASSWORD)
    with pytest.raises(InvalidApiKeyError, match="revoked"):
        who(made.api_key)
    assert who(ada.api_key)  # programs go on


def test_somebody_without_an_organization_is_told_so(db):
    User.objects.create_user("ada@example.com", PASSWORD)

    with pytest.raises(InsufficientScopeError, match="invitation"):
        people.log_in("ada@example.com", PASSWORD)


def test_a_person_keeps_the_ten_newest_log_ins(ada):
    made = [people.log_in("ada@example.com", PASSWORD).api_key for _ in range(12)]

    assert [is_refused(key) for key in made] == [True] * 2 + [False] * 10
    assert not is_refused(ada.api_key)


@pytest.mark.django_db(transaction=True)
def test_log_ins_at_once_do_not_leave_more_than_ten():
    ada = signed_up("Ada")
    start = threading.Barrier(15)

    def log_in(number):
        start.wait()
        try:
            return people.log_in("ada@example.com", PASSWORD, origin=Origin(f"10.0.0.{number}")).api_key
        finally:
            connections.close_all()

    with ThreadPoolExecutor(15) as threads:
        made = list(threads.map(log_in, range(15)))

    own = ApiKey.objects.for_organization(ada.organization.pk)
    assert len(made) == 15
    assert own.filter(purpose=KeyPurpose.LOGIN, revoked_at=None).count() == 10


def test_logging_out_ends_the_key_of_a_log_in_and_no_other(ada):
    first, second = (people.log_in("ada@example.com", PASSWORD).api_key for _ in range(2))

    people.log_out(Actor(who(first)))
    people.log_out(Actor(who(ada.api_key)))

    assert [is_refused(key) for key in (first, second, ada.api_key)] == [True, False, False]


def test_ten_wrong_passwords_a_minute_are_allowed_and_then_even_the_right_one_waits(ada):
    for _ in range(10):
        with pytest.raises(InvalidApiKeyError):
            people.log_in("ada@example.com", "wrong", origin=Origin("1.2.3.4"))

    with pytest.raises(RateLimitedError) as refusal:
        people.log_in("Ada@example.com", PASSWORD, origin=Origin("1.2.3.4"))

    assert refusal.value.headers == {"Retry-After": "60"}
    assert people.log_in("ada@example.com", PASSWORD, origin=Origin("5.6.7.8"))


# keys


def test_a_key_does_what_its_scopes_say(ada):
    issued = api_keys.issue(ada.actor, ada.organization, "CI", scopes=[Scope.INFER], mode=KeyMode.TEST)

    principal = who(issued.text)

    assert principal == Principal(ada.organization.pk, frozenset({Scope.INFER}), key_id=issued.key.pk, is_test=True)


@pytest.mark.django_db(transaction=True)
def test_a_revoked_key_is_refused_at_once_in_this_process():
    ada = signed_up("Ada")
    issued = api_keys.issue(ada.actor, ada.organization, "CI", scopes=[Scope.INFER])
    directory = wiring.key_directory()
    directory.resolve(issued.text)

    api_keys.revoke(ada.actor, issued.key.pk)

    assert directory.cached(issued.text) is None
    with pytest.raises(InvalidApiKeyError, match="revoked"):
        directory.resolve(issued.text)


@pytest.mark.django_db(transaction=True)
def test_the_gateway_reads_keys_in_threads_of_its_own():
    ada = signed_up("Ada")
    directory = wiring.key_directory()

    async def serve() -> None:
        principal = await directory.look_up(ada.api_key)
        await directory.note_uses()
        assert directory.cached(ada.api_key) is principal
        await directory.stop()

    asyncio.run(serve())

    assert the_key(ada, ada.api_key).last_used_at


@pytest.mark.django_db(transaction=True)
def test_a_database_that_is_away_is_no_outage_for_known_keys():
    ada, mallory, clock = signed_up("Ada"), signed_up("Mallory"), Clock()
    directory = KeyDirectory(DatabaseRecords(), wiring.peppers(), clock=clock)

    async def serve() -> None:
        principal = await directory.look_up(ada.api_key)
        # the road to the table is closed for longer than the directory waits
        async with locked_out_of(ApiKey):
            clock.pass_seconds(5)
            assert await directory.identify(ada.api_key) is principal
            with pytest.raises(OverloadedError):
                await directory.identify(mallory.api_key)

        clock.pass_seconds(5)
        assert await directory.identify(mallory.api_key)
        await directory.stop()

    asyncio.run(serve())


def test_a_key_is_revoked_twice_without_moving_the_date(ada):
    issued = api_keys.issue(ada.actor, ada.organization, "CI", scopes=[Scope.INFER])

    api_keys.revoke(ada.actor, issued.key.pk)
    first = the_key(ada, issued.text).revoked_at
    api_keys.revoke(ada.actor, issued.key.pk)

    assert the_key(ada, issued.text).revoked_at == first


def test_mallory_cannot_revoke_adas_key(ada, mallory):
    key = the_key(ada, ada.api_key)

    with pytest.raises(NotFoundError):
        api_keys.revoke(mallory.actor, key.pk)

    assert not is_refused(ada.api_key)


def test_revoking_takes_the_admin_scope(ada):
    grace = Principal(ada.organization.pk, frozenset({Scope.ANALYTICS}))

    with pytest.raises(InsufficientScopeError):
        api_keys.revoke(Actor(grace), the_key(ada, ada.api_key).pk)


def test_a_run_key_ends_the_one_before_it(ada):
    first, second = api_keys.issue_run_key(ada.organization), api_keys.issue_run_key(ada.organization)

    assert [is_refused(key) for key in (first, second, ada.api_key)] == [True, False, False]


def test_the_use_of_a_key_is_written_down(ada):
    DatabaseRecords().note_use({the_key(ada, ada.api_key).pk: None})

    used_at = the_key(ada, ada.api_key).last_used_at
    assert used_at
    assert timezone.now() - used_at < timedelta(minutes=1)


# selectors


def test_an_organization_is_found_by_slug_by_id_or_because_it_is_the_only_one(ada):
    for name in ("ada-ltd", str(ada.organization.pk), ""):
        assert selectors.organization_named(name) == ada.organization


def test_an_unknown_organization_is_answered_with_those_there_are(ada, mallory):
    for name in ("nobody", ""):
        with pytest.raises(NotFoundError, match="ada-ltd, mallory-ltd"):
            selectors.organization_named(name)


@contextlib.asynccontextmanager
async def locked_out_of(model: type[Model]) -> AsyncIterator[None]:
    async with await psycopg.AsyncConnection.connect(**where_the_database_is()) as connection:
        await connection.execute(f"LOCK TABLE {model._meta.db_table} IN ACCESS EXCLUSIVE MODE")
        yield
        await connection.rollback()


def where_the_database_is() -> dict[str, Any]:
    """Where the test database is, for a connection beside Django's."""
    parameters = connections["default"].get_connection_params()
    return {name: parameters[name] for name in ("dbname", "user", "password", "host", "port") if parameters.get(name)}


def who(key: str) -> Principal:
    """Who the key belongs to, for a process that has never seen it."""
    wiring.key_directory.cache_clear()
    return wiring.key_directory().resolve(key)


def is_refused(key: str) -> bool:
    try:
        who(key)
    except InvalidApiKeyError:
        return True
    return False


def the_key(person, text: str) -> ApiKey:
    key: ApiKey = ApiKey.objects.for_organization(person.organization.pk).get(prefix=prefix_of(text))
    return key


def signed_up_as_member_of(owner, name: str, role: Role) -> User:
    user = User.objects.create_user(f"{name.lower()}@example.com", PASSWORD, full_name=name)
    members.add(owner.actor, owner.organization, user, role)
    return user
