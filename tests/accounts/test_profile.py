"""The page of a person's own account."""

import pytest

from accounts.models import AuditEvent, User
from accounts.views.profile import time_zones


def test_name_time_zone_and_theme_are_saved(client, ada):
    client.force_login(ada.user)

    done = client.post("/profile", {"full_name": "Ada L.", "time_zone": "Europe/Vienna", "theme": "dark"})
    page = client.get("/profile").content.decode()

    user = User.objects.get()
    event = AuditEvent.objects.for_organization(ada.organization.pk).get(action="user.profile_changed")
    assert (done.status_code, done.url) == (302, "/profile")
    assert (user.full_name, user.time_zone, user.theme) == ("Ada L.", "Europe/Vienna", "dark")
    assert event.after == {"fields": ["full_name", "time_zone"]}  # no name: a chain cannot forget one
    assert 'value="Ada L."' in page
    assert "Your profile is saved" in page


@pytest.mark.parametrize(
    "fields",
    [{"time_zone": "Mars/Base"}, {"theme": "pink"}, {"full_name": "x" * 201}, {"full_name": "a\0b"}, {"time_zone": ""}],
)
def test_what_does_not_fit_is_refused(client, ada, fields):
    client.force_login(ada.user)

    response = client.post("/profile", {"full_name": "Ada", "time_zone": "UTC", "theme": "light", **fields})

    assert response.status_code == 200
    assert response.context["form"].errors
    assert User.objects.get().time_zone == "UTC"


def test_the_page_leads_to_everything_about_the_account(client, ada):
    client.force_login(ada.user)

    page = client.get("/profile").content.decode()

    for path in ("/email", "/password/change", "/profile/security", "/profile/sessions", "/profile/delete"):
        assert f'href="{path}"' in page


def test_every_zone_that_is_offered_can_be_used():
    assert time_zones()[0] == "UTC"
    assert {"Europe/Vienna", "America/New_York", "Asia/Kolkata"} <= set(time_zones())
    assert not [name for name in time_zones() if name.startswith("Etc/")]
