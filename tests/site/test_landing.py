"""The landing page: what changes in one's code, and the calculator, which works by GET."""

from decimal import Decimal

import pytest

from acron_site.landing import Savings

pytestmark = pytest.mark.django_db


def test_the_page_shows_the_address_it_was_reached_at(client):
    page = client.get("/", headers={"host": "localhost:8123"}).content.decode()

    assert "base_url=&quot;http://localhost:8123/v1&quot;" in page


def test_the_calculator_does_the_arithmetic_that_it_shows(client):
    page = client.get("/?spend=1500&repeated=12.5").content.decode()

    assert page.count("<dd") == 5
    for amount in ("$1,500.00", "12.5 %", "$187.50", "$1,312.50", "$2,250.00"):
        assert amount in page


@pytest.mark.parametrize(
    ("spend", "repeated", "saved", "left"),
    [
        ("0", "50", "0.00", "0.00"),
        ("2000", "0", "0.00", "2000.00"),
        ("2000", "100", "2000.00", "0.00"),
        ("0.99", "33.3", "0.33", "0.66"),
        ("100000000", "99.9", "99900000.00", "100000.00"),
    ],
)
def test_what_is_saved_and_what_is_left_are_the_whole(spend, repeated, saved, left):
    savings = Savings(Decimal(spend), Decimal(repeated))

    assert (savings.saved_usd, savings.left_usd) == (Decimal(saved), Decimal(left))
    assert savings.saved_in_a_year_usd == Decimal(saved) * 12


@pytest.mark.parametrize(
    "query",
    ["spend=-1&repeated=20", "spend=x&repeated=20", "spend=100&repeated=101", "spend=100", "spend=1e400&repeated=1"],
)
def test_a_wrong_number_is_marked_and_nothing_is_worked_out(client, query):
    response = client.get(f"/?{query}")
    page = response.content.decode()

    assert response.status_code == 200
    assert 'aria-invalid="true"' in page
    assert "Saved a month" not in page


def test_without_numbers_the_example_says_that_it_is_one(client):
    assert "These are example numbers" in client.get("/").content.decode()
    assert "These are example numbers" not in client.get("/?spend=1&repeated=1").content.decode()


def test_an_unrelated_parameter_is_no_answer_to_the_form(client):
    """Campaign links bring parameters of their own."""
    page = client.get("/?utm_source=mail").content.decode()

    assert "These are example numbers" in page
    assert "aria-invalid" not in page
