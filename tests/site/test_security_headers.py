"""What protects every page: headers that say what a browser may do with it."""

import pytest

POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "connect-src": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
    "base-uri": "'none'",
}


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/", "/docs", "/login", "/signup", "/health", "/not-there"])
def test_nothing_inline_and_nothing_from_elsewhere_runs(client, path):
    response = client.get(path, headers={"accept": "text/html"})

    given = dict(part.strip().split(" ", 1) for part in response["Content-Security-Policy"].split(";"))
    assert {name: given.get(name) for name in POLICY} == POLICY
    assert response["X-Frame-Options"] == "DENY"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Referrer-Policy"] == "same-origin"
    assert response["Cross-Origin-Opener-Policy"] == "same-origin"


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/docs", "/docs?script="])
def test_the_api_reference_has_no_inline_script_or_style(client, path):
    text = client.get(path).content.decode()

    assert "<style" not in text
    assert "<script>" not in text
