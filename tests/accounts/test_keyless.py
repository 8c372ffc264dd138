"""Callers without a key, where the operator allows them: they carry what their organization's keys carry."""

import dataclasses

import pytest

from accounts import wiring
from accounts.database_records import DatabaseRecords
from accounts.models import ProviderCredential
from accounts.principal import Principal, ProviderKey
from accounts.revocations import of_organization
from accounts.scopes import Scope
from accounts.services import erasure, retention
from acron_site.lib.config import Governance
from acron_site.lib.errors import InvalidApiKeyError, OverloadedError
from acron_site.lib.ids import uuid7
from tests.accounts.kit import Clock, FakeRecords, make_directory

ANYBODY = Principal(uuid7(), frozenset({Scope.INFER}))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def records() -> FakeRecords:
    return FakeRecords()


@pytest.fixture
def directory(records, clock):
    return make_directory(records, clock, anonymous=ANYBODY)


async def test_they_carry_what_the_keys_of_their_organization_carry(directory, records):
    records.organization = {"keeps_content": True, "provider_keys": (ProviderKey(uuid7(), "openai", b"sealed"),)}

    principal = await directory.identify(None)

    assert (principal.organization_id, principal.scopes) == (ANYBODY.organization_id, ANYBODY.scopes)
    assert (principal.keeps_content, principal.own_providers) == (True, {"openai"})


async def test_the_organization_is_read_once_and_then_remembered(directory, records, clock):
    directory.connected()
    for _ in range(50):
        await directory.identify(None)
        directory.resolve(None)
        directory.resolve_keyless()
    clock.pass_seconds(0.5)
    await directory.identify(None)

    assert records.reads == 1


async def test_a_change_is_heard_of_at_once_and_without_news_within_a_second(directory, records, clock):
    directory.connected()
    assert not (await directory.identify(None)).keeps_content

    records.organization = {"keeps_content": True}
    directory.invalidate(of_organization(uuid7()))
    assert not (await directory.identify(None)).keeps_content
    directory.invalidate(of_organization(ANYBODY.organization_id))
    assert (await directory.identify(None)).keeps_content

    records.organization = {}
    clock.pass_seconds(1)
    assert not (await directory.identify(None)).keeps_content


async def test_of_an_organization_that_is_gone_nobody_is_served(directory, records):
    records.organization = None

    for _ in range(20):
        with pytest.raises(InvalidApiKeyError, match="ANONYMOUS_ORGANIZATION"):
            await directory.identify(None)
        assert directory.resolve_keyless() is None

    assert records.reads == 1


async def test_while_the_records_are_away_who_was_known_is_believed(directory, records, clock):
    records.organization = {"keeps_content": True}
    await directory.identify(None)
    records.is_away = True
    clock.pass_seconds(60)

    assert (await directory.identify(None)).keeps_content
    assert directory.resolve(None).keeps_content
    clock.pass_seconds(900)
    with pytest.raises(OverloadedError):
        await directory.identify(None)


async def test_before_anything_is_known_nobody_is_served_with_the_operators_keys(directory, records):
    records.is_away = True

    with pytest.raises(OverloadedError, match="try again shortly"):
        await directory.identify(None)


# with the database


@pytest.fixture
def anybody(ada, settings) -> Principal:
    governance = Governance(auth_api_key_required=False, anonymous_organization=str(ada.organization.pk))
    settings.ACRON = dataclasses.replace(settings.ACRON, governance=governance)
    return Principal(ada.organization.pk, frozenset({Scope.INFER, Scope.ANALYTICS}))


def test_what_an_owner_sets_reaches_them(ada, anybody, django_capture_on_commit_callbacks):
    directory = wiring.key_directory()
    assert directory.resolve(None) == anybody

    with django_capture_on_commit_callbacks(execute=True):
        retention.set_content_retention(ada.actor, keeps=True, days=7)

    assert directory.resolve(None).keeps_content


def test_the_organizations_own_provider_keys_are_theirs_too(ada, mallory, anybody):
    for each in (ada, mallory):
        kept = ProviderCredential(organization=each.organization, provider=f"openai-{each.user.full_name}")
        kept.sealed, kept.last_four = b"sealed", "1234"
        kept.save()

    found = DatabaseRecords().keyless(anybody)

    assert found is not None
    assert found.own_providers == {"openai-Ada"}


def test_an_erased_organization_serves_nobody_any_more(ada, anybody, django_capture_on_commit_callbacks):
    directory = wiring.key_directory()
    directory.resolve(None)

    with django_capture_on_commit_callbacks(execute=True):
        erasure.erase_organization(ada.actor)

    with pytest.raises(InvalidApiKeyError):
        directory.resolve(None)
