"""Light and dark, as a form: nothing here needs a script."""

import pytest
from django.test import Client

from accounts.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada() -> User:
    return User.objects.create_user("ada@example.com", "correct horse battery")


def theme_of(client: Client) -> str:
    """What the page's first element says."""
    html = client.get("/").content.decode()
    return html.partition('data-theme="')[2].partition('"')[0] if '<html lang="en" data-theme' in html else "system"


def test_who_is_not_logged_in_keeps_a_theme_in_a_cookie(client):
    before = theme_of(client)

    response = client.post("/theme", {"theme": "dark", "next": "/?spend=1&repeated=2"})

    assert (before, theme_of(client)) == ("system", "dark")
    assert (response.status_code, response.url) == (302, "/?spend=1&repeated=2")
    assert response.cookies["theme"]["httponly"]


def test_a_persons_theme_follows_them_to_another_browser(client, ada):
    client.force_login(ada)
    client.post("/theme", {"theme": "dark"})

    elsewhere = Client()
    elsewhere.force_login(ada)

    assert theme_of(elsewhere) == "dark"


def test_a_persons_theme_wins_over_the_browsers(client, ada):
    client.post("/theme", {"theme": "dark"})

    client.force_login(ada)

    assert theme_of(client) == "system"


def test_the_systems_theme_can_be_chosen_again(client):
    client.post("/theme", {"theme": "light"})
    client.post("/theme", {"theme": "system"})

    assert theme_of(client) == "system"


def test_a_forged_cookie_is_no_theme(client):
    client.cookies["theme"] = 'dark"><script>'

    assert theme_of(client) == "system"


@pytest.mark.parametrize(
    "way_back", ["https://evil.example/", "//evil.example", "javascript:alert(1)", "", "/\\evil.example"]
)
def test_the_way_back_never_leads_elsewhere(client, way_back):
    response = client.post("/theme", {"theme": "dark", "next": way_back})

    assert response.url == "/"


@pytest.mark.parametrize("theme", ["", "purple", "x" * 5000])
def test_an_unknown_theme_is_refused_with_those_there_are(client, theme):
    response = client.post("/theme", {"theme": theme})

    assert response.status_code == 400
    assert "system, light, dark" in response.json()["error"]["message"]


def test_switching_takes_a_token(ada):
    careful = Client(enforce_csrf_checks=True)

    response = careful.post("/theme", {"theme": "dark"}, headers={"accept": "text/html"})

    assert response.status_code == 403
    assert "This form has expired" in response.content.decode()
