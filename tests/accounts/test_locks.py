"""Acts that run at the same time wait for each other in a line, and never in a circle."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, connections, transaction

from accounts.actor import Origin
from accounts.models import User
from accounts.scopes import Scope
from accounts.services import api_keys, email_addresses, operators, people
from tests.accounts.conftest import PASSWORD, Person

SECONDS = 20.0


def change_address(ada: Person) -> None:
    email_addresses.confirm(email_addresses.ask_to_change(ada.user, "ada@new.example"), origin=Origin())


def lock_out(ada: Person) -> None:
    operator = User.objects.get(email="operator@example.com")
    operators.set_access(operator, ada.user.pk, is_active=False, is_staff=False, origin=Origin())


def reset(ada: Person) -> None:
    people.set_password(ada.user, "staple battery horse", method="reset", origin=Origin())


def log_in(_ada: Person) -> None:
    people.log_in("ada@example.com", PASSWORD)


@pytest.mark.parametrize("act", [log_in, change_address, lock_out, reset])
def test_what_concerns_a_person_does_not_deadlock_with_a_key_they_make(transactional_db, ada, act):
    """A key names its maker: when its transaction ends, PostgreSQL locks the maker's row lightly. Whoever holds that
    row for themselves and waits for the end of the audit log would never get it."""
    User.objects.create_superuser("operator@example.com", PASSWORD)

    with ThreadPoolExecutor(1) as threads:
        with transaction.atomic():
            api_keys.create(ada.actor, "CI", scopes=[Scope.INFER])
            other = threads.submit(apart, lambda: act(ada))
            wait_until_somebody_waits()
        other.result(SECONDS)


def apart(act: Callable[[], None]) -> None:
    """In a thread, with a connection that is given back."""
    try:
        act()
    finally:
        connections.close_all()


def wait_until_somebody_waits() -> None:
    end, pause = time.monotonic() + SECONDS, threading.Event()
    while time.monotonic() < end:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            (waiting,) = cursor.fetchone()
        if waiting:
            return
        pause.wait(0.01)
    raise AssertionError("the other act never had to wait: it does not try what it should")
