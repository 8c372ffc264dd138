"""What templates and scripts refer to is there, and nothing is inline: the Content-Security-Policy would stop it."""

import re
from pathlib import Path

import lucide
import pytest
from django.conf import settings
from django.contrib.staticfiles import finders

from acron_site import navigation

TEMPLATES = sorted((settings.BASE_DIR / "templates").rglob("*.html"))
PAGES = [path for path in TEMPLATES if "emails" not in path.parts]  # mails have no stylesheet but their own
SCRIPTS = sorted((settings.BASE_DIR / "static" / "js").glob("*.js"))
INLINE = re.compile(
    r"<style|\sstyle\s*=|\son[a-z]+\s*=\s*[\"']|<script(?![^>]*(?:src=|application/json))|javascript:|hx-on|https?://[^\s\"']+\.(?:js|css)"
)


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def test_every_static_file_that_a_template_names_is_found():
    named = {name for path in TEMPLATES for name in re.findall(r"{% static ['\"]([^'\"]+)['\"]", text_of(path))}

    assert len(named) >= 5
    assert {name for name in named if finders.find(name) is None} == set()


def test_every_module_that_a_script_imports_is_found():
    imported = {(path.name, name) for path in SCRIPTS for name in re.findall(r'from "\./([^"]+)"', text_of(path))}

    assert len(imported) >= 5
    assert {pair for pair in imported if finders.find(f"js/{pair[1]}") is None} == set()


def test_htmx_comes_with_its_package():
    assert finders.find("django_htmx/htmx-2.min.js") or finders.find("django_htmx/htmx.min.js")


def test_every_icon_that_is_named_exists():
    named = {
        name for path in TEMPLATES for name in re.findall(r"{% (?:icon|lucide) ['\"]([^'\"]+)['\"]", text_of(path))
    }
    named |= {entry.icon for entry in (*navigation.ORGANIZATION, *navigation.PERSON)}

    assert len(named) >= 10
    for name in named:
        assert lucide._render_icon(name, 16).startswith("<svg")


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(settings.BASE_DIR)))
def test_nothing_is_inline(path):
    assert INLINE.findall(text_of(path)) == []


@pytest.mark.parametrize(
    "wrong",
    [
        '<p style="color: red">',
        "<style>p {}</style>",
        "<script>go()</script>",
        '<button onclick="go()">',
        '<a href="javascript:go()">',
        '<script src="https://cdn.example/x.js">',
    ],
)
def test_what_is_inline_would_be_noticed(wrong):
    assert INLINE.search(wrong)


def test_what_is_allowed_is_not_mistaken():
    assert not INLINE.search(
        '<script type="module" src="/static/js/app.js"></script><script id="x" type="application/json">'
    )
