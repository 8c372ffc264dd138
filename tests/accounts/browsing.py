"""What people do with a browser, in one line each."""

from accounts.models import AuditEvent
from tests.accounts.conftest import PASSWORD


def sign_up(client, email="ada@example.com", **fields):
    return client.post("/signup", {"email": email, "password1": PASSWORD, **fields})


def log_in(client, email="ada@example.com", password=PASSWORD, **fields):
    return client.post("/login", {"login": email, "password": password, **fields})


def is_logged_in(client):
    return "_auth_user_id" in client.session


def acts(person):
    events = AuditEvent.objects.for_organization(person.organization.pk)
    return [event.action for event in events.order_by("sequence") if event.action.startswith("user.")]
