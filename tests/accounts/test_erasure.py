"""Erasing: what goes goes everywhere, what is somebody else's stays, and nobody is left without an owner."""

import threading
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
import redis
from django.apps import apps
from django.db import connection, transaction
from django.test import Client

from accounts import actor as actors
from accounts import belongings, emails, revocations, tasks
from accounts.belongings import BelongingsUnavailableError
from accounts.models import ApiKey, Membership, Organization, User
from accounts.principal import Principal
from accounts.roles import Role
from accounts.scopes import Scope
from accounts.services import api_keys, clearing, erasure, members
from accounts.tenancy import OrganizationScopedModel
from acron_site.lib.config import Cache
from acron_site.lib.errors import ConflictError, InsufficientScopeError, NotFoundError
from acron_site.lib.ids import uuid7
from analytics import rows, services, wiring
from analytics.carrier import Batch, Carrier
from analytics.models import InferenceEvent
from caching import wiring as cache_wiring
from caching.belongings import CachedAnswers
from caching.exact import entry_key
from caching.protocols import Namespace
from tests.accounts import mail_servers
from tests.accounts.conftest import PASSWORD, Person, signed_up
from tests.analytics.facts import keep, paid_answer
from tests.architecture.plant import fingerprint, planted, tenant_tables


@pytest.fixture
def store(settings) -> Iterator["redis.Redis"]:
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        yield client
        for key in client.scan_iter("acron:{*"):
            client.delete(key)


def colleague(owner: Person, name: str, role: Role) -> User:
    user = User.objects.create_user(f"{name}@example.com", PASSWORD)
    members.add(owner.actor, owner.organization, user, role)
    return user


def cached(store: "redis.Redis", organization_id: UUID, count: int = 1) -> None:
    for number in range(count):
        key = entry_key(Namespace(organization_id, f"namespace {number}"), b"%032d" % number)
        store.set(key, b"sealed", ex=600)


def cached_keys(store: "redis.Redis", organization_id: UUID) -> int:
    return sum(1 for _ in store.scan_iter(f"acron:{{{organization_id.hex}}}:*"))


def ledger_rows(organization_id: UUID) -> int:
    return InferenceEvent.objects.for_organization(organization_id).count()


@pytest.mark.django_db(transaction=True)
def test_an_organization_goes_everywhere_and_its_rival_stays(store):
    ada, mallory = signed_up("Ada"), signed_up("Mallory")
    for person in (ada, mallory):
        keep(*(paid_answer(person.organization.pk) for _ in range(3)))
        cached(store, person.organization.pk, count=1_500)

    erasure.erase_organization(ada.actor)

    assert (ledger_rows(ada.organization.pk), cached_keys(store, ada.organization.pk)) == (0, 0)
    assert (ledger_rows(mallory.organization.pk), cached_keys(store, mallory.organization.pk)) == (3, 1_500)
    assert list(Organization.objects.all()) == [mallory.organization]


@pytest.mark.django_db(transaction=True)
def test_no_table_keeps_a_row(store):
    with transaction.atomic():
        ada, mallory = planted("Ada"), planted("Mallory")
    before = fingerprint(mallory.person.organization)

    erasure.erase_organization(ada.person.actor)

    gone = ada.person.organization
    assert [table.__name__ for table in tenant_tables() if table.all_organizations.filter(organization=gone)] == []
    assert fingerprint(mallory.person.organization) == before


def test_every_table_goes_with_the_organization_or_belongs_to_somebody_who_erases_it():
    scoped = [model for model in apps.get_models() if issubclass(model, OrganizationScopedModel)]
    untied = {model._meta.app_label for model in scoped if model not in erasure._tables()}

    assert untied == {"analytics"}
    assert untied <= {type(each).__module__.partition(".")[0] for each in belongings.registered()}


@pytest.mark.django_db(transaction=True)
def test_its_keys_end_in_every_worker(settings, client):
    ada = signed_up("Ada")
    key = api_keys.issue(ada.actor, ada.organization, "CI", scopes=[Scope.ANALYTICS])
    assert client.get("/metrics", headers={"x-api-key": key.text}).status_code == 200  # this worker knows it now

    with redis.Redis.from_url(settings.REDIS_URL) as news, news.pubsub(ignore_subscribe_messages=True) as channel:
        channel.subscribe(revocations.CHANNEL)
        channel.get_message(timeout=1)
        erasure.erase_organization(ada.actor)
        told = set()
        while message := channel.get_message(timeout=0.2):
            told.add(message["data"].decode())

    assert revocations.of_organization(ada.organization.pk) in told
    assert client.get("/metrics", headers={"x-api-key": key.text}).status_code == 401


@pytest.mark.django_db(transaction=True)
def test_a_row_that_arrives_later_brings_nothing_back_and_is_swept_away(tmp_path: Path):
    ada, mallory = signed_up("Ada"), signed_up("Mallory")
    keep(paid_answer(mallory.organization.pk))
    erasure.erase_organization(ada.actor)

    carrier = Carrier(wiring.connect, tmp_path / "rejects")
    carrier.carry(Batch("late", rows.COLUMNS, rows.encode(paid_answer(ada.organization.pk))))
    carrier.close()

    assert ledger_rows(ada.organization.pk) == 1
    assert not Organization.objects.filter(pk=ada.organization.pk).exists()
    assert tasks.sweep_belongings() == 1
    assert (ledger_rows(ada.organization.pk), ledger_rows(mallory.organization.pk)) == (0, 1)
    assert tasks.sweep_belongings() == 0


@pytest.mark.django_db
def test_the_ledger_knows_whose_rows_it_has_and_erases_them_part_by_part(ada, mallory):
    assert list(services.organizations()) == []
    keep(*(paid_answer(ada.organization.pk) for _ in range(5_001)), paid_answer(mallory.organization.pk))

    assert sorted(services.organizations()) == sorted([ada.organization.pk, mallory.organization.pk])
    assert list(services.erase(ada.organization.pk)) == [5_000, 1]
    assert ledger_rows(mallory.organization.pk) == 1


@pytest.mark.django_db
def test_what_takes_too_long_is_left_to_the_background_job(ada, store):
    cached(store, ada.organization.pk)
    keep(paid_answer(ada.organization.pk))

    assert clearing.clear(ada.organization.pk, within_seconds=0) is False
    assert ledger_rows(ada.organization.pk) == 1

    assert tasks.clear_belongings(str(ada.organization.pk)) is True
    assert (ledger_rows(ada.organization.pk), cached_keys(store, ada.organization.pk)) == (0, 0)


@pytest.mark.django_db(transaction=True)
def test_an_organization_goes_while_the_cache_is_away_and_the_rest_is_cleared_all_the_same(settings, caplog):
    ada = signed_up("Ada")
    keep(paid_answer(ada.organization.pk))
    settings.REDIS_URL = f"redis://127.0.0.1:{mail_servers.free_port()}/0"
    belongings.register(CachedAnswers())
    try:
        with pytest.raises(BelongingsUnavailableError):
            list(CachedAnswers().erase(ada.organization.pk))
        erasure.erase_organization(ada.actor)
    finally:
        belongings.register(CachedAnswers())

    assert ledger_rows(ada.organization.pk) == 0
    assert not Organization.objects.exists()
    assert "organization.not_cleared" in caplog.text


async def test_this_processs_memory_forgets_an_organization_and_no_other(settings):
    settings.REDIS_URL = ""
    kept = cache_wiring.exact_store(Cache(backend="memory"), redis_url="")
    ada, mallory = uuid7(), uuid7()
    mine, theirs = entry_key(Namespace(ada), b"1"), entry_key(Namespace(mallory), b"1")
    kept.put(mine, b"answer", 60)
    kept.put(theirs, b"answer", 60)

    list(CachedAnswers().erase(ada))

    assert await kept.get(mine) is None
    assert await kept.get(theirs) == b"answer"


def test_only_an_owner_erases(ada):
    grace = colleague(ada, "grace", Role.ADMIN)
    key = api_keys.issue(ada.actor, ada.organization, "CI", scopes=[Scope.ADMIN])

    for principal in (
        actors.person(ada.organization.pk, grace.pk, Role.ADMIN),
        # a role that was taken away since the page was opened
        actors.person(ada.organization.pk, grace.pk, Role.OWNER),
        actors.Actor(Principal(ada.organization.pk, frozenset({Scope.ADMIN}), key_id=key.key.pk)),
    ):
        with pytest.raises(InsufficientScopeError, match="'owner'"):
            erasure.erase_organization(principal)

    assert Organization.objects.count() == 1


def test_a_stranger_erases_nothing(ada, mallory):
    with pytest.raises(InsufficientScopeError):
        erasure.erase_organization(actors.person(ada.organization.pk, mallory.user.pk, Role.OWNER))

    assert Organization.objects.count() == 2


def test_an_account_takes_along_what_only_it_belongs_to(ada, mallory):
    members.add(mallory.actor, mallory.organization, ada.user, Role.VIEWER)

    erasure.delete_account(ada.user.pk)

    assert list(User.objects.all()) == [mallory.user]
    assert list(Organization.objects.all()) == [mallory.organization]
    assert Membership.objects.for_organization(mallory.organization.pk).get().user == mallory.user


def test_the_last_owner_of_others_cannot_go_and_is_told_what_to_do(ada):
    colleague(ada, "grace", Role.ADMIN)

    with pytest.raises(ConflictError, match=r"Ada Ltd.*make another member an owner"):
        erasure.delete_account(ada.user.pk)

    assert User.objects.count() == 2
    assert Membership.objects.for_organization(ada.organization.pk).count() == 2


def test_an_owner_among_owners_goes_and_the_organization_stays(ada):
    grace = colleague(ada, "grace", Role.OWNER)

    erasure.delete_account(ada.user.pk)

    assert Membership.objects.for_organization(ada.organization.pk).get().user == grace


def test_keys_for_programs_outlive_who_made_them_and_personal_ones_do_not(ada):
    grace = colleague(ada, "grace", Role.ADMIN)
    program = api_keys.issue(ada.actor, ada.organization, "CI", scopes=[Scope.INFER], created_by=grace)
    log_in = Client().post("/auth/login", {"email": grace.email, "password": PASSWORD}, "application/json").json()

    erasure.delete_account(grace.pk)

    key = ApiKey.objects.for_organization(ada.organization.pk).get(pk=program.key.pk)
    assert (key.created_by, key.revoked_at) == (None, None)
    assert Client().post("/auth/logout", headers={"x-api-key": program.text}).status_code == 204
    assert Client().post("/auth/logout", headers={"x-api-key": log_in["api_key"]}).status_code == 401


def test_nobody_is_deleted_twice(ada):
    erasure.delete_account(ada.user.pk)

    with pytest.raises(NotFoundError, match="was deleted"):
        erasure.delete_account(ada.user.pk)


@pytest.mark.django_db(transaction=True)
def test_of_two_owners_who_go_at_the_same_time_one_stays():
    ada = signed_up("Ada")
    grace = colleague(ada, "grace", Role.OWNER)
    colleague(ada, "bob", Role.MEMBER)
    together, refusals = threading.Barrier(2), []

    def go(user_id: UUID) -> None:
        together.wait(5)
        try:
            erasure.delete_account(user_id)
        except ConflictError as refusal:
            refusals.append(refusal)
        finally:
            connection.close()

    threads = [threading.Thread(target=go, args=[user_id]) for user_id in (ada.user.pk, grace.pk)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(refusals) == 1
    remaining = Membership.objects.for_organization(ada.organization.pk)
    assert sorted(remaining.values_list("role", flat=True)) == ["member", "owner"]


def test_a_farewell_is_written():
    written = emails.write("ada@example.com", "account_deleted", {})

    assert written.subject == "Your ACRON account was deleted"
    assert "gone" in written.text
    assert "gone" in written.html
