"""Makes the people of the browser tests in the running product, logged in without its log-in page.

Run as `python -m tests.browser.people` with the product's environment; prints as JSON each one's session id and what
paths of pages are made of. Ada owns her organization, Grace may look at it, Mallory owns a rival one. Frida's is full.
"""

import json
import sys
from datetime import timedelta
from decimal import Decimal
from importlib import import_module
from typing import Any

import django
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.http import HttpRequest

A_LONG_RUN_SECONDS = 3_600
PASSWORD = "correct horse battery"
MEMBERS, KEYS, AUDIT_ENTRIES = 15, 20, 60


def main() -> None:
    django.setup()
    from accounts import actor, selectors
    from accounts.models import User
    from accounts.roles import Role
    from accounts.services import members

    ada, mallory = (User.objects.get(email=f"{name}@example.com") for name in ("ada", "mallory"))
    User.objects.filter(pk=ada.pk).update(full_name="Ada Lovelace")
    grace = User.objects.create_user("grace@example.com", PASSWORD, full_name="Grace Hopper")
    organization = selectors.memberships_of(ada)[0].organization
    members.add(actor.person(organization.pk, ada.pk, Role.OWNER), organization, grace, Role.VIEWER)
    frida, ids = full_organization()
    people = {"ada": ada, "grace": grace, "mallory": mallory, "frida": frida}
    sessions = {name: session_of(user) for name, user in people.items()}
    sys.stdout.write(json.dumps({"sessions": sessions, "ids": ids}))


def full_organization() -> tuple[Any, dict[str, str]]:
    """Somebody who has used everything for long, and the ids of what she has."""
    from accounts import actor
    from accounts.models import AuditEvent
    from accounts.roles import Role
    from accounts.services import invitations, people, policies, provider_credentials
    from tests.accounts import company
    from tests.browser import cache_of_a_year

    made = people.sign_up(
        "frida.with.quite.a.long.address@subsidiary.of.a.large.company.example.com",
        PASSWORD,
        full_name="Frida Fernanda Featherstonehaugh-Cholmondeley",
        organization_name="Fernandez, Featherstonehaugh & Partners, Department of Applied Languages",
    )
    acting = actor.person(made.organization.pk, made.user.pk, Role.OWNER)
    ids = {
        "key": add_keys(acting),
        "member": add_members(acting, made.organization),
        "passkey": add_second_factors(made.user),
        **cache_of_a_year.filled(acting),
    }
    provider_credentials.put(acting, "openai", "sk-proj-0123456789abcdef")
    invitations.invite(acting, "somebody.who.has.not.answered.yet@another.company.example.com", Role.ADMIN)
    invitations.invite(acting, "grace@example.com", Role.MEMBER)
    ids["invitation"] = company.tokens()[-1]
    own = AuditEvent.objects.for_organization(made.organization.pk)
    for number in range(AUDIT_ENTRIES - own.count()):
        policies.change(acting, name=f"{made.organization.name} {number}")
    return made.user, ids


def add_keys(acting: Any) -> str:
    from django.utils import timezone

    from accounts.principal import KeyRules
    from accounts.scopes import Scope
    from accounts.services import api_keys

    rules = KeyRules(requests_per_minute=600, tokens_per_minute=1_000_000, monthly_budget_usd=Decimal("2500.50"))
    for number in range(KEYS):
        made = api_keys.create(
            acting,
            f"Nightly summaries of support conversations in region {number}, staging"[: 40 if number % 2 else 100],
            scopes=[Scope.INFER, Scope.ANALYTICS],
            expires_at=timezone.now() + timedelta(days=3 + 30 * number),
            rules=rules if number % 3 else None,
        )
    return str(made.key.pk)


def add_members(acting: Any, organization: Any) -> str:
    from accounts.models import User
    from accounts.roles import Role
    from accounts.services import members

    roles = list(Role)
    for number in range(MEMBERS):
        email = f"colleague.number.{number}.of.the.department@subsidiary.of.a.large.company.example.com"
        user = User(email=email, full_name=f"Colleague Number {number}" if number % 2 else "")
        user.set_unusable_password()
        user.save()
        member = members.add(acting, organization, user, roles[number % len(roles)])
    return str(member.pk)


def add_second_factors(user: Any) -> str:
    from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
    from allauth.mfa.webauthn.internal.auth import WebAuthn

    from tests.accounts.passkeys import SoftPasskey

    credential = SoftPasskey().register({"publicKey": {"user": {"id": "frida"}, "challenge": "b2YgdGhlIHRlc3Q"}})
    passkey = WebAuthn.add(user, "The laptop that lies on the desk in the office", json.loads(credential))
    RecoveryCodes.activate(user)
    return str(passkey.instance.pk)


def session_of(user: Any) -> str:
    from allauth.account.internal.flows.login import AUTHENTICATION_METHODS_SESSION_KEY, record_authentication

    session = import_module(settings.SESSION_ENGINE).SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    request = HttpRequest()
    request.session = session
    # otherwise some pages would ask for the password again: now, or, with a time of now, in five minutes
    record_authentication(request, user, "password", reauthenticated=True)
    session[AUTHENTICATION_METHODS_SESSION_KEY][-1]["at"] += A_LONG_RUN_SECONDS
    session.save()
    return str(session.session_key)


if __name__ == "__main__":
    main()
