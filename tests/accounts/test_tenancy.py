"""Rows of an organization cannot be read without naming it."""

import pytest
from django.db import IntegrityError, transaction

from accounts.models import ApiKey, Membership, User
from accounts.roles import Role
from accounts.scopes import Scope
from accounts.services import api_keys, erasure, members
from accounts.tenancy import TenancyError

ROADS = {
    "all": lambda objects: objects.all(),
    "filter": lambda objects: objects.filter(name="x"),
    "exclude": lambda objects: objects.exclude(name="x"),
    "get": lambda objects: objects.get(pk=1),
    "first": lambda objects: objects.first(),
    "count": lambda objects: objects.count(),
    "exists": lambda objects: objects.exists(),
    "iterator": lambda objects: list(objects.iterator()),
    "values": lambda objects: objects.values("name"),
    "in_bulk": lambda objects: objects.in_bulk(),
    "none": lambda objects: objects.none(),
    "raw": lambda objects: objects.raw("SELECT 1"),
    "create": lambda objects: objects.create(name="x"),
    "get_or_create": lambda objects: objects.get_or_create(name="x"),
    "bulk_create": lambda objects: objects.bulk_create([]),
    "update": lambda objects: objects.update(name="x"),
    "select_for_update": lambda objects: objects.select_for_update(),
    "using": lambda objects: objects.using("default"),
    "db_manager": lambda objects: objects.db_manager("default").all(),
    "get_queryset": lambda objects: objects.get_queryset(),
    "explain": lambda objects: objects.explain(),
    "aggregate": lambda objects: objects.aggregate(),
}


@pytest.mark.parametrize("model", [ApiKey, Membership])
@pytest.mark.parametrize("road", ROADS)
def test_every_other_road_to_the_rows_raises(db, model, road):
    with pytest.raises(TenancyError, match=r"for_organization|cannot be scoped"):
        ROADS[road](model.objects)


@pytest.mark.parametrize("road", ["aexists", "acount", "afirst", "acreate"])
async def test_asynchronous_roads_raise_too(road):
    with pytest.raises(TenancyError):
        await getattr(ApiKey.objects, road)()


@pytest.mark.parametrize("organization_id", [None, "", 1, "0190b5a0-0000-7000-8000-000000000000"])
def test_what_is_no_organization_id_raises(organization_id):
    with pytest.raises(TenancyError, match="UUID"):
        ApiKey.objects.for_organization(organization_id)


def test_each_sees_its_own_rows_only(ada, mallory):
    mine = ApiKey.objects.for_organization(ada.organization.pk)
    theirs = ApiKey.objects.for_organization(mallory.organization.pk)

    assert mine.count() == theirs.count() == 1
    assert not mine.filter(pk__in=theirs.values("pk")).exists()


def test_deleting_an_organization_takes_its_rows_along(ada):
    erasure.erase_organization(ada.actor)

    assert not ApiKey.all_organizations.exists()
    assert not Membership.all_organizations.exists()
    assert User.objects.count() == 1


@pytest.mark.parametrize("scopes", [[], ["infer", "everything"]])
def test_the_database_refuses_scopes_that_do_not_exist(ada, scopes):
    with pytest.raises(IntegrityError, match="api_key_"), transaction.atomic():
        api_keys.issue(ada.actor, ada.organization, "odd", scopes=scopes)


def test_nobody_is_twice_in_an_organization(ada):
    with pytest.raises(IntegrityError, match="membership_once"), transaction.atomic():
        members.add(ada.actor, ada.organization, ada.user, Role.VIEWER)


def test_the_database_refuses_the_same_email_in_other_letters(ada):
    with pytest.raises(IntegrityError, match="user_email_unique_ignoring_case"), transaction.atomic():
        User(email="ADA@Example.com").save(force_insert=True)


def test_a_key_is_found_by_nothing_that_is_stored(ada):
    issued = api_keys.issue(ada.actor, ada.organization, "one", scopes=[Scope.INFER])

    row = str(ApiKey.objects.for_organization(ada.organization.pk).values().get(pk=issued.key.pk))

    assert issued.text not in row
    assert issued.text[-38:-6] not in row
