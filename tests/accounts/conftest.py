"""The people of the stories: Ada owns one organization, Mallory a rival one."""

from dataclasses import dataclass

import pytest
from django.core.cache import cache

from accounts import actor as actors
from accounts import wiring
from accounts.actor import Actor
from accounts.models import Organization, User
from accounts.principal import Principal
from accounts.roles import Role
from accounts.scopes import Scope
from accounts.services import people

PASSWORD = "correct horse battery"


@dataclass(frozen=True)
class Person:
    """Somebody who has signed up."""

    user: User
    organization: Organization
    api_key: str

    @property
    def principal(self) -> Principal:
        return Principal(self.organization.pk, frozenset({Scope.ADMIN}), user_id=self.user.pk, role=Role.OWNER)

    @property
    def actor(self) -> Actor:
        return actors.person(self.organization.pk, self.user.pk, Role.OWNER)


def signed_up(name: str) -> Person:
    made = people.sign_up(f"{name.lower()}@example.com", PASSWORD, full_name=name, organization_name=f"{name} Ltd")
    return Person(made.user, made.organization, made.api_key)


@pytest.fixture(autouse=True)
def _forgetful():
    """What processes and Redis remember does not outlive a test."""
    cache.clear()
    wiring.key_directory.cache_clear()


@pytest.fixture
def ada(db) -> Person:
    return signed_up("Ada")


@pytest.fixture
def mallory(db) -> Person:
    return signed_up("Mallory")
