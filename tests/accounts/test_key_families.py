"""Rolled keys: each belongs with those before it, so that rolling is no way to a second budget."""

import importlib
from decimal import Decimal

import pytest
from django.db import connection

from accounts import keys, selectors_api_keys
from accounts.database_records import DatabaseRecords
from accounts.models import ApiKey
from accounts.principal import KeyRules
from accounts.scopes import Scope
from accounts.services import api_keys

pytestmark = pytest.mark.django_db


def make(person, name: str = "batch") -> ApiKey:
    rules = KeyRules(requests_per_minute=3, monthly_budget_usd=Decimal(1))
    return api_keys.create(person.actor, name, scopes=[Scope.INFER], rules=rules).key


def chain_of(person, length: int = 3) -> list[ApiKey]:
    chain = [make(person)]
    while len(chain) < length:
        chain.append(api_keys.roll(person.actor, chain[-1].pk).key)
    return chain


def test_a_rolled_key_belongs_to_the_first_of_its_chain(ada):
    first, second, third = chain_of(ada)

    assert (first.family_id, second.family_id, third.family_id) == (None, first.pk, first.pk)


def test_uses_are_counted_under_the_first_key(ada):
    issued = api_keys.create(ada.actor, "batch", scopes=[Scope.INFER])
    rolled = api_keys.roll(ada.actor, api_keys.roll(ada.actor, issued.key.pk).key.pk)

    for text, key in ((issued.text, issued.key), (rolled.text, rolled.key)):
        parsed = keys.parse(text)
        assert parsed is not None
        record = DatabaseRecords().read(parsed.prefix)
        assert record is not None
        assert (record.principal.key_id, record.principal.limits_id) == (key.pk, issued.key.pk)


def test_a_family_is_the_whole_chain_and_nobody_else(ada, mallory):
    chain, other = chain_of(ada), make(ada, "other")
    chain_of(mallory)

    assert sorted(selectors_api_keys.family(ada.organization.pk, chain[0].pk)) == sorted(each.pk for each in chain)
    assert selectors_api_keys.family(ada.organization.pk, other.pk) == [other.pk]
    assert selectors_api_keys.family(mallory.organization.pk, chain[0].pk) == [chain[0].pk]


def test_keys_that_were_rolled_before_families_were_kept_get_theirs(ada, mallory):
    chains = {person: chain_of(person) for person in (ada, mallory)}
    ApiKey.all_organizations.update(family_id=None)

    with connection.cursor() as cursor:
        cursor.execute(importlib.import_module("accounts.migrations.0004_key_families").FORWARD)

    for person, (first, *rolled) in chains.items():
        own = ApiKey.objects.for_organization(person.organization.pk)
        families = dict(own.exclude(family_id=None).values_list("pk", "family_id"))
        assert families == {each.pk: first.pk for each in rolled}
