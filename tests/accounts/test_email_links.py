"""Every address that an email's template writes out exists."""

import re
from pathlib import Path

import pytest
from django.urls import Resolver404, resolve

from tests.live import ROOT

TEMPLATES = sorted((ROOT / "templates" / "emails").glob("*.*"))
_WRITTEN = re.compile(r"\{\{ public_url \}\}(/[\w/-]*)")


def dead_links(text: str) -> list[str]:
    return [path for path in _WRITTEN.findall(text) if not _exists(path)]


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_a_link_leads_somewhere(template: Path):
    assert dead_links(template.read_text(encoding="utf-8")) == []


def test_a_link_to_nowhere_would_be_noticed():
    assert dead_links("{{ public_url }}/keys and {{ public_url }}/no-such-page") == ["/no-such-page"]


def _exists(path: str) -> bool:
    try:
        resolve(path)
    except Resolver404:
        return False
    return True
