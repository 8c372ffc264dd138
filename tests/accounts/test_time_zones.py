"""Times on pages are shown in the zone that the person chose."""

from datetime import UTC, datetime

import pytest

from accounts import emails, time_zones
from accounts.models import ApiKey, User
from tests.accounts.conftest import PASSWORD

WHEN = datetime(2026, 1, 15, 22, 30, tzinfo=UTC)


def log_in(client, person, zone):
    User.objects.filter(pk=person.user.pk).update(time_zone=zone)
    ApiKey.objects.for_organization(person.organization.pk).update(created_at=WHEN)
    client.force_login(person.user)


@pytest.mark.parametrize(
    ("zone", "day", "time"),
    [
        ("UTC", "2026-01-15", "22:30 UTC"),
        ("Europe/Vienna", "2026-01-15", "23:30 CET"),
        ("Asia/Tokyo", "2026-01-16", "07:30 JST"),
        ("America/New_York", "2026-01-15", "17:30 EST"),
        ("Mars/Base", "2026-01-15", "22:30 UTC"),  # no longer known: the page is there all the same
    ],
)
def test_a_page_shows_times_in_the_persons_zone(client, ada, zone, day, time):
    log_in(client, ada, zone)

    page = client.get("/keys").content.decode()

    assert f"<span>{day}</span> <span>{time}</span>" in page
    assert 'datetime="2026-01-15T22:30:00+00:00"' in page


def test_pages_of_signing_in_do_so_too(client, ada):
    # these are rendered late, after their view has returned
    User.objects.filter(pk=ada.user.pk).update(time_zone="Asia/Tokyo")
    client.post("/login", {"login": ada.user.email, "password": PASSWORD})

    page = client.get("/profile/sessions").content.decode()

    assert " JST</span></time>" in page
    assert " UTC</span></time>" not in page


def test_the_next_person_in_the_same_process_is_not_shown_their_zone(client, ada, mallory):
    log_in(client, ada, "Asia/Tokyo")
    client.get("/keys")

    log_in(client, mallory, "UTC")

    assert "22:30 UTC" in client.get("/keys").content.decode()


def test_an_email_says_utc_whoever_had_it_written(ada):
    User.objects.filter(pk=ada.user.pk).update(time_zone="Asia/Tokyo")
    ada.user.refresh_from_db()

    with time_zones.shown_to(ada.user):
        message = emails.write(
            "grace@example.com", "security_notice", {"subject": "News", "happened": "It did.", "at": WHEN}
        )

    assert "2026-01-15 22:30 UTC" in message.text
    assert "2026-01-15 22:30 UTC" in message.html


def test_a_stranger_is_shown_utc():
    assert time_zones.zone_of(None) is UTC
