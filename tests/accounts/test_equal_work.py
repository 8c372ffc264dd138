"""Time tells nobody who has an account: pages do the same work for an address with one and for one without.

Counted in questions to the database; `test_sign_in.py` counts hashes of passwords. The clock would make flaky tests.
"""

import pytest
from allauth.account import app_settings
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Organization, User
from tests.accounts.browsing import sign_up


@pytest.fixture
def verification_is_required(settings):
    settings.ACCOUNT_EMAIL_VERIFICATION = app_settings.EmailVerificationMethod.MANDATORY


def questions(act):
    cache.clear()
    with CaptureQueriesContext(
        connection,
    ) as asked:
        act()
    return len(asked)


def test_asking_for_a_reset_is_the_same_work_for_everybody(client, ada):
    def ask(email):
        return questions(lambda: client.post("/password/reset", {"email": email}))

    ask("ada@example.com")  # her address is noted by the first

    assert abs(ask("ada@example.com") - ask("nobody@example.com")) <= 1


def test_signing_up_with_a_taken_address_is_the_same_work_and_leaves_nothing(ada, verification_is_required):
    new = questions(lambda: sign_up(Client(), "grace@example.com"))
    before = (User.objects.count(), Organization.objects.count())

    taken = questions(lambda: sign_up(Client(), "ada@example.com"))

    assert 0.7 < taken / new < 1.3
    assert (User.objects.count(), Organization.objects.count()) == before
