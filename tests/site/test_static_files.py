"""Static files come with a fresh checkout, quickly, and are never older than what is written."""

import os
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.core.management import call_command
from django.http import HttpResponse
from django.test import RequestFactory

from acron_site.static_files import StaticFilesMiddleware

CSS = "/static/css/base.css"
LONG_AGO = 1_000_000_000


def text_of(name):
    found = finders.find(name)
    assert found is not None
    return Path(found).read_bytes()


@pytest.fixture
def collected(settings, tmp_path):
    """The folder that files are collected into; empty at first."""
    settings.STATIC_ROOT = tmp_path / "collected"
    settings.WHITENOISE_AUTOREFRESH = False
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
    }
    return settings.STATIC_ROOT


def get(path, **headers):
    """As a newly started worker answers."""
    serve = StaticFilesMiddleware(lambda _: HttpResponse(status=404))
    return serve(RequestFactory().get(path, headers=headers))


def test_a_fresh_checkout_has_its_styles(collected):
    response = get(CSS)

    assert not collected.exists()
    assert (response.status_code, response["Content-Type"]) == (200, 'text/css; charset="utf-8"')
    assert response.content == text_of("css/base.css")
    assert int(response["Content-Length"]) == len(response.content)
    assert response["Cache-Control"] == "max-age=60, public"


def test_what_is_collected_is_served_compressed(collected):
    call_command("collectstatic", interactive=False, verbosity=0)

    response = get(CSS, accept_encoding="gzip")

    assert (response["Content-Encoding"], response["Vary"]) == ("gzip", "Accept-Encoding")
    assert len(response.content) < len(text_of("css/base.css")) / 2


def test_an_old_collection_does_not_hide_a_newer_file(collected):
    old = collected / "css" / "base.css"
    old.parent.mkdir(parents=True)
    old.write_text("old", encoding="utf-8")
    os.utime(old, (LONG_AGO, LONG_AGO))

    assert get(CSS).content == text_of("css/base.css")


def test_a_browser_that_has_a_file_is_not_sent_it_again(collected):
    etag = get(CSS)["ETag"]

    response = get(CSS, if_none_match=etag)

    assert (response.status_code, response.content) == (304, b"")


def test_a_part_of_a_file_can_be_asked_for(collected):
    response = get(CSS, range="bytes=0-9")

    assert (response.status_code, response.content) == (206, text_of("css/base.css")[:10])


def test_nothing_is_streamed_as_django_would_warn_of_it(client):
    response = client.get(CSS)

    assert (response.status_code, response.streaming) == (200, False)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "path", ["/static/../manage.py", "/static/%2e%2e/manage.py", "/static//etc/passwd", "/static/"]
)
def test_nothing_else_is_served(client, path):
    assert client.get(path).status_code == 404
