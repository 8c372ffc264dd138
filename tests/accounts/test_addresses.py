"""An email address has one spelling: what mail servers take for one mailbox is one account."""

import pytest

from accounts.models import User, normalised_email

ADA = "ada@example.com"


@pytest.mark.parametrize(
    "spelling",
    [
        " Ada@Example.COM ",
        "ada@\uff45xample.com",  # a full-width letter
        "ada@example.com\u200b",  # ends with an invisible character
        "ada@exam\u00adple.com",  # a soft hyphen
        "\uff41da@example.com",
    ],
)
def test_one_mailbox_has_one_spelling(spelling):
    assert normalised_email(spelling) == ADA


@pytest.mark.parametrize("address", ["ada@bücher.example", "\u0430da@example.com", "ada@", "@", "", "ada@a..\uff42"])
def test_what_is_another_mailbox_or_none_stays_so(address):
    assert normalised_email(address) != ADA
    assert normalised_email(normalised_email(address)) == normalised_email(address)


def test_a_spelling_that_looks_the_same_makes_no_second_account(client, ada):
    body = {"email": "ada@example.com\u200b", "password": "correct horse battery"}

    answer = client.post("/auth/signup", body, content_type="application/json")

    assert answer.status_code == 409
    assert User.objects.count() == 1
