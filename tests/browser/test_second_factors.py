"""A passkey and an authenticator app in a real browser, from adding them to logging in with them."""

import time
from collections.abc import Callable

from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from playwright.sync_api import Page

from tests.browser.conftest import Visit

PASSWORD = "correct horse battery"


def at_localhost(visit: Visit, email: str) -> Page:
    """Passkeys take a host name. A new person, who has just proven who they are."""
    visit.base = visit.base.replace("127.0.0.1", "localhost")
    page = visit.page
    visit.open("/signup")
    page.get_by_label("Email").fill(email)
    page.get_by_role("textbox", name="Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign up").click()
    page.wait_for_url("**/getting-started")
    return page


def prove(page: Page) -> None:
    page.wait_for_url("**/reauthenticate?**")
    page.get_by_role("textbox", name="Password").fill(PASSWORD)
    page.get_by_role("button", name="Go on").click()


def log_out(page: Page, visit: Visit) -> None:
    visit.open("/logout")
    page.get_by_role("main").get_by_role("button", name="Log out").click()
    page.wait_for_url(f"{visit.base}/")


def test_a_passkey_is_added_and_logs_in(visit: Callable[..., Visit]) -> None:
    one = visit()
    page = at_localhost(one, "passkey@example.com")
    device = page.context.new_cdp_session(page)
    device.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
    }
    device.send("WebAuthn.addVirtualAuthenticator", {"options": options})

    one.open("/profile/security/passkeys/add")
    prove(page)
    page.get_by_label("Passwordless").check()
    page.get_by_role("button", name="Add").click()
    page.wait_for_url("**/profile/security/recovery-codes")
    log_out(page, one)
    one.open("/login?next=/profile/security/passkeys")
    page.get_by_role("button", name="Log in with a passkey").click()
    page.wait_for_url(f"{one.base}/profile/security/passkeys")

    assert page.get_by_text("passkey", exact=True).is_visible()
    assert one.complaints == []


def test_an_authenticator_app_is_set_up_and_asked_for(visit: Callable[..., Visit]) -> None:
    one = visit()
    page = at_localhost(one, "app@example.com")

    one.open("/profile/security/app/add")
    prove(page)
    secret = page.locator("main code").inner_text()
    assert page.get_by_alt_text("QR code").evaluate("image => image.complete && image.naturalWidth > 0")
    page.get_by_label("Authenticator code").fill(code_of(secret))
    page.get_by_role("button", name="Turn it on").click()
    page.wait_for_url("**/profile/security/recovery-codes")
    log_out(page, one)
    one.open("/login")
    page.get_by_label("Email").fill("app@example.com")
    page.get_by_role("textbox", name="Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in", exact=True).click()
    page.wait_for_url("**/login/code")
    page.get_by_label("Code").fill(code_of(secret))
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/getting-started")

    assert one.complaints == []


def code_of(secret: str) -> str:
    return str(format_hotp_value(hotp_value(secret, int(time.time()) // 30)))
