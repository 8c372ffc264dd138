"""The same people as in the stories of accounts, in their browsers."""

from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import User
from accounts.roles import Role
from accounts.services import members
from tests.accounts.conftest import Person, _forgetful, ada, mallory

__all__ = ["_forgetful", "ada", "mallory"]

BACKEND = "django.contrib.auth.backends.ModelBackend"


@pytest.fixture
def browser(ada: Person) -> Client:
    return logged_in(ada.user)


@pytest.fixture
def graces_browser(ada: Person) -> Client:
    """Grace may only look."""
    grace = User.objects.create_user("grace@example.com", "correct horse battery")
    members.add(ada.actor, ada.organization, grace, Role.VIEWER)
    return logged_in(grace)


@pytest.fixture
def mallorys_browser(mallory: Person) -> Client:
    return logged_in(mallory.user)


@pytest.fixture
def audited(ada: Person) -> Callable[[], list[str]]:
    """What stands in the log of Ada's organization, newest first."""
    from accounts.models import AuditEvent

    def actions() -> list[str]:
        rows = AuditEvent.objects.for_organization(ada.organization.pk).order_by("-sequence")
        return list(rows.values_list("action", flat=True))

    return actions


def logged_in(user: User) -> Client:
    client = Client()
    client.force_login(user, backend=BACKEND)
    return client
