"""What people do with their accounts from the first day to the last, in a real browser with real letters."""

import base64
import hashlib
import hmac
import re
import struct
import subprocess
import time
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser import town
from tests.browser.conftest import SCREENSHOTS
from tests.browser.town import Town

PASSWORD = "correct horse battery staple"
EMAIL = re.compile("e-?mail", re.IGNORECASE)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with town.built(tmp_path_factory.mktemp("town")) as built:
        yield built


@pytest.fixture
def desk(request: pytest.FixtureRequest, browser: Browser, place: Town) -> Iterator[Callable[..., Page]]:
    """Sits somebody down in front of a browser of their own; at the end nothing may have gone wrong in any."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def sit(*, has_scripts: bool = True) -> Page:
        context = browser.new_context(base_url=place.product.base, java_script_enabled=has_scripts)
        context.set_default_timeout(10_000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda line: complaints.append(line.text) if "Content Security" in line.text else None)
        return page

    yield sit
    for number, context in enumerate(contexts):
        name = f"{re.sub('[^a-z0-9]+', '-', request.node.name.lower())}-{number}.png"
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        context.pages[0].screenshot(path=SCREENSHOTS / f"journey-{name}", full_page=True)  # where it ended
        context.close()
    assert complaints == []


@pytest.mark.parametrize("has_scripts", [True, False], ids=["with scripts", "without scripts"])
def test_from_sign_up_to_the_first_request(desk, place, has_scripts):
    page = desk(has_scripts=has_scripts)
    email = f"ada.{has_scripts}@example.com".lower()
    sign_up(page, place, email, organization="Analytical Engines")

    expect(page).to_have_url(re.compile("/getting-started"))
    key = page.locator("#issued-key code").inner_text().strip()
    assert re.fullmatch(r"ak_live_[0-9A-Za-z]{8}_[0-9A-Za-z]{38}", key)
    curl = page.locator("details", has=page.get_by_text("curl", exact=True)).locator("code").first.text_content()
    assert curl is not None
    assert key in curl

    done = subprocess.run(["bash", "-c", curl], capture_output=True, text=True, timeout=30, check=False)
    assert '"choices"' in done.stdout, done.stdout + done.stderr

    if has_scripts:
        arrived = page.locator("#first-request", has_text="Request received")
    else:
        page.get_by_role("link", name="Look whether the first request has arrived").click()
        arrived = page.locator("#first-request")
        wait_until(lambda: "Request received" in arrived.inner_text() or page.reload() is None)
    expect(arrived).to_contain_text("Request received", timeout=15_000)
    expect(arrived).to_contain_text("$0.000")
    page.goto("/getting-started")
    expect(page.locator("#issued-key")).to_have_count(0)  # shown once


@pytest.mark.parametrize("has_scripts", [True, False], ids=["with scripts", "without scripts"])
def test_somebody_is_invited_and_joins(desk, place, has_scripts):
    ada, grace = desk(has_scripts=has_scripts), desk(has_scripts=has_scripts)
    name = f"invited{int(has_scripts)}"
    sign_up(ada, place, f"owner.{name}@example.com", organization=f"House of {name}")
    ada.goto("/members")
    ada.get_by_label(EMAIL).fill(f"grace.{name}@example.com")
    ada.locator("form", has_text="Send invitation").get_by_label("Role").select_option("viewer")
    ada.get_by_role("button", name="Send invitation").click()
    expect(ada.locator("main")).to_contain_text(f"grace.{name}@example.com")

    grace.goto(place.post.link(f"grace.{name}@example.com", "/invitations/"))
    grace.get_by_role("link", name="Sign up").first.click()
    fill_sign_up(grace, f"grace.{name}@example.com", "Grace's own")
    grace.goto(place.post.link(f"grace.{name}@example.com", "/verify-email/"))
    grace.get_by_role("button", name="Confirm").click()
    log_in_if_asked(grace, f"grace.{name}@example.com")
    grace.goto(place.post.link(f"grace.{name}@example.com", "/invitations/"))
    grace.get_by_role("button", name="Accept").click()

    grace.goto("/members")
    expect(grace.locator("main")).to_contain_text(f"House of {name}")
    expect(grace.get_by_role("button", name="Send invitation")).to_have_count(0)  # a viewer may not
    ada.goto("/members")
    expect(ada.get_by_role("row", name=re.compile(f"grace.{name}"))).to_contain_text("Viewer")


def test_a_second_factor_is_set_up_and_asked_for(desk, place):
    page = desk()
    email = "totp@example.com"
    sign_up(page, place, email)
    page.goto("/profile/security/app/add")
    give_password_if_asked(page)
    secret = page.locator("code").first.inner_text().strip()
    page.get_by_label("code").fill(totp(secret))
    page.get_by_role("button", name="Turn it on").click()
    log_out(page)

    page.goto("/login")
    fill_log_in(page, email)
    expect(page).to_have_url(re.compile("/login/code"))
    page.get_by_label("code").fill("000000")
    page.get_by_role("button", name="Log in").click()
    expect(page.locator("main")).to_contain_text(re.compile("incorrect|wrong", re.IGNORECASE))
    page.get_by_label("code").fill(totp(secret, steps_ahead=1))  # a code is good only once
    page.get_by_role("button", name="Log in").click()

    expect(page).to_have_url(re.compile("/getting-started"))


def test_a_passkey_is_added_and_logs_in(desk, place):
    page = desk()
    email = "passkey@example.com"
    sign_up(page, place, email)
    devices = page.context.new_cdp_session(page)
    devices.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
    }
    devices.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    # a passkey needs a name as its home, an IP address will not do
    at_name = place.product.base.replace("127.0.0.1", "localhost")
    page.goto(f"{at_name}/login")
    fill_log_in(page, email)
    page.goto(f"{at_name}/profile/security/passkeys/add")
    give_password_if_asked(page)
    page.get_by_label("Name").fill("My laptop")
    page.locator("input[name=passwordless]").check()
    page.locator("[data-passkey-start]").click()
    expect(page).not_to_have_url(re.compile("/passkeys/add"))
    log_out(page, at_name)

    page.goto(f"{at_name}/login")
    page.locator("[data-passkey-start]").click()

    expect(page).to_have_url(re.compile("/getting-started"))


@pytest.mark.parametrize("has_scripts", [True, False], ids=["with scripts", "without scripts"])
def test_a_key_is_made_rolled_and_revoked(desk, place, has_scripts):
    page = desk(has_scripts=has_scripts)
    sign_up(page, place, f"keys{int(has_scripts)}@example.com")
    page.goto("/keys/new")
    give_password_if_asked(page)
    page.get_by_label("Name", exact=True).fill("Nightly job")
    page.get_by_role("button", name=re.compile("Create")).click()
    first = page.locator("#issued-key code").inner_text().strip()
    assert answers(place, first) == 200

    page.get_by_role("link", name=re.compile("Roll Nightly job")).click()
    give_password_if_asked(page)
    page.get_by_role("button", name=re.compile("Roll")).click()
    second = page.locator("#issued-key code").inner_text().strip()
    assert [answers(place, key) for key in (first, second)] == [200, 200]

    page.get_by_role("row", name=re.compile(second[8:16])).get_by_role("link", name=re.compile("Revoke")).click()
    page.get_by_role("button", name=re.compile("Revoke")).click()
    wait_until(lambda: answers(place, second) == 401)
    assert answers(place, first) == 200


def test_a_forgotten_password_is_replaced(desk, place):
    page = desk()
    email = "forgetful@example.com"
    sign_up(page, place, email)
    log_out(page)
    page.goto("/password/reset")
    page.get_by_label(EMAIL).fill(email)
    page.locator("main .button--primary").click()
    page.goto(place.post.link(email, "/password/reset/key/"))
    page.locator("input[type=password]").first.fill("another long passphrase")
    for field in page.locator("input[type=password]").all()[1:]:
        field.fill("another long passphrase")
    page.locator("main form").get_by_role("button", name=re.compile("Save|Change|Set")).click()

    page.goto("/login")
    if "/login" in page.url:
        fill_log_in(page, email, "another long passphrase")
    expect(page).to_have_url(re.compile("/getting-started"))


@pytest.mark.parametrize("has_scripts", [True, False], ids=["with scripts", "without scripts"])
def test_an_account_is_deleted(desk, place, has_scripts):
    page = desk(has_scripts=has_scripts)
    email = f"leaver{int(has_scripts)}@example.com"
    sign_up(page, place, email)
    key = page.locator("#issued-key code").inner_text().strip()
    assert answers(place, key) == 200
    page.goto("/profile/delete")
    give_password_if_asked(page)
    page.get_by_label(EMAIL).fill(email)
    page.get_by_role("button", name="Delete my account").click()

    wait_until(lambda: answers(place, key) == 401)
    page.goto("/login")
    fill_log_in(page, email)
    expect(page).to_have_url(re.compile("/login"))


# what several journeys do


def sign_up(page: Page, place: Town, email: str, organization: str = "Journeys Ltd") -> None:
    """Up to the first page behind the log-in, over the letter that proves the address."""
    page.goto("/signup")
    fill_sign_up(page, email, organization)
    page.goto(place.post.link(email, "/verify-email/"))
    page.get_by_role("button", name="Confirm").click()
    log_in_if_asked(page, email)
    if "/getting-started" not in page.url:
        page.goto("/getting-started")


def fill_sign_up(page: Page, email: str, organization: str) -> None:
    page.get_by_label(EMAIL).fill(email)
    page.locator("input[name=password1]").fill(PASSWORD)
    page.get_by_label(re.compile("organi[sz]ation", re.IGNORECASE)).fill(organization)
    page.get_by_role("button", name="Sign up").click()


def log_in_if_asked(page: Page, email: str) -> None:
    if "/login" in page.url:
        fill_log_in(page, email)


def fill_log_in(page: Page, email: str, password: str = PASSWORD) -> None:
    page.get_by_label(EMAIL).fill(email)
    page.locator("input[name=password]").fill(password)
    page.get_by_role("button", name="Log in", exact=True).first.click()


def give_password_if_asked(page: Page) -> None:
    if "/reauthenticate" in page.url:
        page.locator("input[name=password]").fill(PASSWORD)
        page.locator("main form .button--primary").first.click()


def log_out(page: Page, base: str = "") -> None:
    page.goto(f"{base}/logout")
    page.locator("main").get_by_role("button", name="Log out").click()


def answers(place: Town, key: str) -> int:
    status, _, _ = place.product.call("/v1/models", key=key)
    return status


def wait_until(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)


def totp(secret: str, *, steps_ahead: int = 0) -> str:
    """RFC 6238: the code that an authenticator app would show, now or in some steps of 30 seconds."""
    padded = secret + "=" * (-len(secret) % 8)
    counter = struct.pack(">Q", int(time.time()) // 30 + steps_ahead)
    digest = hmac.digest(base64.b32decode(padded), counter, hashlib.sha1)
    start = digest[-1] & 0x0F
    number = struct.unpack(">I", digest[start : start + 4])[0] & 0x7FFFFFFF
    return f"{number % 1_000_000:06d}"
