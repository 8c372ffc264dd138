"""The left navigation."""

from uuid import uuid4

import pytest

from accounts.principal import Principal
from accounts.roles import Role, scopes_of
from acron_site import navigation


def somebody(role: Role) -> Principal:
    return Principal(uuid4(), scopes_of(role), user_id=uuid4(), role=role)


@pytest.mark.parametrize(
    ("path", "current"),
    [
        ("/settings", "/settings"),
        ("/settings/providers", "/settings/providers"),
        ("/settings/providers/openai/test", "/settings/providers"),
        ("/settingsx", None),
        ("/", None),
    ],
)
def test_the_nearest_entry_above_a_page_is_the_one_that_is_open(path, current):
    assert navigation.open_of(["/settings", "/settings/providers", "/keys"], path) == current


def test_an_owner_sees_every_entry_and_where_they_are():
    of_organization, of_person = navigation.links(somebody(Role.OWNER), "/settings/providers")

    assert [link.text for link in of_organization] == [entry.text for entry in navigation.ORGANIZATION]
    assert [link.text for link in (*of_organization, *of_person) if link.is_current] == ["Provider keys"]


def test_a_viewer_does_not_see_what_they_may_not_open():
    of_organization, _ = navigation.links(somebody(Role.VIEWER), "/")

    assert [link.text for link in of_organization] == ["Getting started", "Cache", "Members", "Settings"]


def test_who_belongs_nowhere_sees_only_what_is_their_own():
    of_organization, of_person = navigation.links(None, "/profile")

    assert of_organization == []
    assert [link.text for link in of_person] == ["Profile", "Two-factor", "Sessions"]
