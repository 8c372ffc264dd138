"""Every page in a real browser: no axe violation, no complaint of the browser, nothing that does not fit.

A screenshot of each lies in var/screenshots afterwards, to be looked at.
"""

import re
from dataclasses import dataclass
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.browser.conftest import NOBODY, SCREENSHOTS

AXE = Axe()


@dataclass(frozen=True)
class Case:
    """A page, and who looks at it. `status` is what it answers with."""

    path: str  # with names of `Site.ids` in braces
    who: str = NOBODY
    status: int = 200

    def __str__(self) -> str:
        return f"{re.sub('[^a-z0-9]+', '-', self.path.lower()).strip('-') or 'landing'}-{self.who}"


@dataclass(frozen=True)
class Look:
    """How a page is looked at."""

    scheme: Literal["light", "dark"]
    width: int
    is_checked: bool = False  # by axe: once for each scheme, once for each width

    def __str__(self) -> str:
        return f"{self.scheme}-{self.width}"


LOOKS = [
    Look("light", 390, is_checked=True),
    Look("light", 1280),
    Look("dark", 390),
    Look("dark", 1280, is_checked=True),
]

# a new page gets a line here
PAGES = [
    Case("/"),
    Case("/", "ada"),
    Case("/?spend=-1&repeated=200"),
    Case("/no-such-page", status=404),
    Case("/no-such-page", "grace", status=404),
    Case("/login"),
    Case("/signup"),
    Case("/profile", "ada"),
    Case("/members", "ada"),
    Case("/members", "grace"),
    Case("/audit", "ada"),
    Case("/audit", "grace", status=403),
    Case("/audit?verify=1", "ada"),
    Case("/settings", "ada"),
    Case("/settings/providers", "ada"),
    Case("/organizations/new", "ada"),
    Case("/getting-started", "ada"),
    Case("/cache", "ada"),
    Case("/cache/performance", "ada"),
    Case("/cache/kept", "ada"),
    Case("/cache/purge", "ada"),
    Case("/cache/policies", "ada"),
    Case("/cache", "grace"),
    Case("/cache/policies", "grace"),
    Case("/keys", "ada"),
    Case("/keys/new", "ada"),
    Case("/email", "ada"),
    Case("/password/change", "ada"),
    Case("/password/reset"),
    Case("/profile/sessions", "ada"),
    Case("/profile/security", "ada"),
    Case("/profile/security/app/add", "ada"),
    Case("/logout", "ada"),
    Case("/members/leave", "grace"),
    Case("/profile/delete", "ada"),
    Case("/settings/delete-organization", "ada"),
    Case("/profile/security/passkeys", "ada"),
    Case("/profile/security/passkeys/add", "ada"),
    Case("/reauthenticate", "ada"),
    *(
        Case(path, "frida")
        for path in [
            "/getting-started",
            "/cache",
            "/cache/performance?days=7",
            "/cache/similar/{gate}",
            "/cache/similar/{gate}/begin-anew",
            "/cache/kept",
            "/cache/kept?namespace=default&model=none",
            "/cache/kept/{entry}",
            "/cache/kept/{entry}/delete",
            "/cache/kept/{entry}/mark-wrong",
            "/cache/purge?namespace=default",
            "/cache/policies",
            "/cache/policy?namespace=support/eu",
            "/keys",
            "/keys/{key}/roll",
            "/keys/{key}/revoke",
            "/members",
            "/members/{member}/remove",
            "/members/{member}/ownership",
            "/audit",
            "/audit?action=no.such",
            "/settings",
            "/settings/providers",
            "/settings/providers/openai/remove",
            "/settings/delete-organization",
            "/profile",
            "/profile/security",
            "/profile/security/recovery-codes",
            "/profile/security/recovery-codes/new",
            "/profile/security/passkeys",
            "/profile/security/passkeys/{passkey}/rename",
            "/profile/security/passkeys/{passkey}/remove",
            "/reauthenticate/passkey",
        ]
    ),
    Case("/invitations/{invitation}"),
    Case("/invitations/{invitation}", "grace"),
    Case("/invitations/{invitation}", "mallory"),
    Case("/invitations/no-such-token", status=404),
    Case("/password/reset/done"),
    Case("/password/reset/key/1-no-such-key"),
    Case("/verify-email/no-such-key"),
    Case("/email", "grace"),
]


@pytest.mark.parametrize("case", PAGES, ids=str)
def test_a_page_is_accessible_quiet_and_fits(seats, site, case):
    seen, path = seats(case.who), case.path.format(**site.ids)

    response = seen.open(path)

    assert (response.status, response.url) == (case.status, f"{seen.base}{path}")
    problems = [f"{look}: {problem}" for look in LOOKS for problem in look_at(seen.page, look, f"{case}-{look}.png")]
    assert problems + seen.complaints == []
    seen.page.set_viewport_size({"width": 320, "height": 900})
    assert overflow(seen.page) == 0


def look_at(page: Page, look: Look, name: str) -> list[str]:
    """What is wrong with a page in a scheme, at a width."""
    page.emulate_media(color_scheme=look.scheme, reduced_motion="reduce")
    page.set_viewport_size({"width": look.width, "height": 900})
    picture = page.screenshot(path=SCREENSHOTS / name, full_page=True)
    results = AXE.run(page) if look.is_checked else None
    problems = [results.generate_report()] if results and results.violations_count else []
    if overflow(page) or width_of(picture) != look.width:
        problems.append(f"{width_of(picture) - look.width} pixels wider than the window")
    return problems


def width_of(png: bytes) -> int:
    """A picture of the whole page is as wide as what is on it."""
    return int.from_bytes(png[16:20], "big")


def overflow(page: Page) -> int:
    """By how many pixels the page is wider than the window."""
    pixels: int = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return pixels
