"""Logs people in to the running product without its log-in page, once for all browser tests.

Run as `python -m tests.browser.people` with the product's environment; prints each one's session id as JSON.
Ada owns her organisation, Grace may look at it, Mallory owns a rival one.
"""

import json
import sys
from importlib import import_module

import django
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.http import HttpRequest

A_LONG_RUN_SECONDS = 3_600


def main() -> None:
    django.setup()
    from accounts import actor, selectors
    from accounts.models import User
    from accounts.roles import Role
    from accounts.services import members

    ada, mallory = (User.objects.get(email=f"{name}@example.com") for name in ("ada", "mallory"))
    User.objects.filter(pk=ada.pk).update(full_name="Ada Lovelace")
    grace = User.objects.create_user("grace@example.com", "correct horse battery", full_name="Grace Hopper")
    organization = selectors.memberships_of(ada)[0].organization
    members.add(actor.person(organization.pk, ada.pk, Role.OWNER), organization, grace, Role.VIEWER)
    people = {"ada": ada, "grace": grace, "mallory": mallory}
    sys.stdout.write(json.dumps({name: session_of(user) for name, user in people.items()}))


def session_of(user) -> str:
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
