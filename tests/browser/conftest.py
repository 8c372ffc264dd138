"""A real browser in front of the running product: the system's Chromium, driven by playwright."""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, Response, sync_playwright

from tests import live

SCREENSHOTS = live.ROOT / "var" / "screenshots"
_NAMES = ("chromium", "chromium-browser", "google-chrome")
_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
NOBODY = "nobody"


@dataclass
class Site:
    """The running product, the session of each person, and the ids that stand in paths."""

    base: str
    sessions: dict[str, str]
    ids: dict[str, str]


@dataclass
class Visit:
    """A page that is open, and everything that went wrong on it."""

    page: Page
    base: str
    complaints: list[str] = field(default_factory=list)

    def open(self, path: str) -> Response:
        response = self.page.goto(f"{self.base}{path}", wait_until="load")
        assert response is not None
        return response

    def note_console(self, message: ConsoleMessage) -> None:
        # the page itself may be an error page; what it loads may not fail
        is_about_page = message.location.get("url") == self.page.url and "Failed to load resource" in message.text
        if message.type == "error" and not is_about_page:
            self.complaints.append(message.text)

    def note_failed(self, request: Request) -> None:
        # who leaves a page at once aborts what it still loads, its icon first of all
        if request.failure != "net::ERR_ABORTED":
            self.complaints.append(f"not loaded: {request.url}")


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    settings = {"ASAHI_PROVIDERS_MOCK": "true", "DJANGO_SETTINGS_MODULE": "tests.browser.settings"}
    with live.running(tmp_path_factory.mktemp("site"), settings=settings) as running:
        made = json.loads(live._run(("-m", "tests.browser.people"), running.environ))
        yield Site(running.base, made["sessions"], made["ids"])


@pytest.fixture(scope="module")  # while it runs, this thread has an event loop: no other tests may run meanwhile
def browser() -> Iterator[Browser]:
    program = next((found for name in _NAMES if (found := shutil.which(name))), None)
    if program is None:
        pytest.skip("NO BROWSER TEST WAS RUN: Chromium is missing; scripts/browser installs it")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def visit(browser: Browser, site: Site) -> Iterator[Callable[..., Visit]]:
    """Opens a browser of somebody's: `visit("ada", scheme="dark", width=390)`."""
    contexts: list[BrowserContext] = []

    def begin(who: str = NOBODY, *, width: int = 1280, **options: Any) -> Visit:
        context = browser.new_context(viewport={"width": width, "height": 900}, reduced_motion="reduce", **options)
        contexts.append(context)
        return begin_visit(context, site, who)

    yield begin
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def seats(browser: Browser, site: Site) -> Iterator[Callable[[str], Visit]]:
    """One browser for each person, where page after page is looked at: `seats("ada")`."""
    taken: dict[str, Visit] = {}

    def seat(who: str) -> Visit:
        if who not in taken:
            taken[who] = begin_visit(browser.new_context(reduced_motion="reduce"), site, who)
        taken[who].complaints.clear()
        return taken[who]

    yield seat
    for visit in taken.values():
        visit.page.context.close()


def begin_visit(context: BrowserContext, site: Site, who: str) -> Visit:
    context.set_default_timeout(10_000)
    if who != NOBODY:
        context.add_cookies([{"name": "sessionid", "value": site.sessions[who], "url": site.base}])
    visit = Visit(context.new_page(), site.base)
    visit.page.on("console", visit.note_console)
    visit.page.on("pageerror", lambda error: visit.complaints.append(f"script: {error}"))
    visit.page.on("requestfailed", visit.note_failed)
    return visit
