"""What scripts add, and that the same works without them."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.conftest import SCREENSHOTS

pytestmark = pytest.mark.usefixtures("browser")


def shown_theme(page) -> str:
    """What the eye sees: the canvas is light or dark."""
    color: str = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return "light" if color == "rgb(255, 255, 255)" else "dark"


@pytest.mark.parametrize("has_scripts", [True, False], ids=["with scripts", "without scripts"])
def test_the_theme_is_switched_and_stays(visit, has_scripts):
    seen = visit(color_scheme="light", java_script_enabled=has_scripts)
    seen.open("/?spend=10&repeated=5")

    with seen.page.expect_response("**/theme"):
        seen.page.get_by_role("button", name="Dark").click()
    expect(seen.page.get_by_role("button", name="Dark")).to_have_attribute("aria-pressed", "true")
    expect(seen.page.locator("html")).to_have_attribute("data-theme", "dark")
    assert seen.page.url.endswith("/?spend=10&repeated=5")

    seen.open("/login")
    expect(seen.page.locator("html")).to_have_attribute("data-theme", "dark")


def test_the_chosen_theme_is_what_is_painted(visit):
    seen = visit(color_scheme="dark")
    seen.open("/")
    before = shown_theme(seen.page)

    seen.page.get_by_role("button", name="Light").click()
    expect(seen.page.locator("html")).to_have_attribute("data-theme", "light")

    assert (before, shown_theme(seen.page)) == ("dark", "light")


def test_code_is_copied(visit):
    seen = visit(permissions=["clipboard-read", "clipboard-write"])
    seen.open("/")

    seen.page.get_by_role("button", name="Copy: Python example").click()

    expect(seen.page.locator(".copy-button").first).to_have_text("Copied")
    assert f'base_url="{seen.base}/v1"' in seen.page.evaluate("navigator.clipboard.readText()")


def test_a_password_can_be_looked_at_and_is_sent_as_one(visit):
    seen = visit()
    seen.open("/login")
    password = seen.page.locator("input[name=password]")

    seen.page.get_by_role("button", name="Show Password", exact=True).click()
    expect(password).to_have_attribute("type", "text")

    password.evaluate("input => input.form.dispatchEvent(new Event('submit'))")
    expect(password).to_have_attribute("type", "password")


def test_a_menu_opens_by_keyboard_and_closes_on_escape(visit):
    seen = visit("ada")
    seen.open("/members")
    menu = seen.page.locator(".sidebar .switcher")

    menu.locator("summary").focus()
    seen.page.keyboard.press("Enter")
    expect(menu).to_have_attribute("open", "")

    seen.page.keyboard.press("Escape")
    expect(menu).not_to_have_attribute("open", "")
    expect(menu.locator("summary")).to_be_focused()


def test_a_menu_closes_when_something_else_is_clicked(visit):
    seen = visit("ada")
    seen.open("/members")
    seen.page.locator(".sidebar .user-menu summary").click()

    seen.page.locator("h1").click()

    expect(seen.page.locator(".sidebar .user-menu")).not_to_have_attribute("open", "")


def test_on_a_phone_the_navigation_opens_without_scripts(visit):
    seen = visit("ada", width=390, java_script_enabled=False)
    seen.open("/members")

    seen.page.get_by_text("Menu", exact=True).click()
    seen.page.get_by_role("navigation", name="Main").get_by_role("link", name="Audit log").click()

    expect(seen.page).to_have_url(f"{seen.base}/audit")


def test_the_first_tab_leads_to_the_content(visit):
    seen = visit("ada")
    seen.open("/members")

    seen.page.keyboard.press("Tab")
    expect(seen.page.get_by_role("link", name="Skip to the content")).to_be_focused()
    seen.page.keyboard.press("Enter")

    expect(seen.page.locator("main")).to_be_focused()


def test_pages_are_told_when_to_look_anew_only_while_they_are_looked_at(visit):
    seen = visit()
    seen.page.clock.install()
    seen.open("/")
    seen.page.evaluate("window.ticks = 0; document.body.addEventListener('acron:tick', () => window.ticks++)")

    seen.page.clock.run_for(61_000)
    quiet = seen.page.evaluate("window.ticks")
    seen.page.keyboard.press("a")
    seen.page.clock.run_for(31_000)
    busy = seen.page.evaluate("window.ticks") - quiet
    seen.page.evaluate("Object.defineProperty(document, 'hidden', {value: true})")
    before = seen.page.evaluate("window.ticks")
    seen.page.clock.run_for(120_000)

    assert quiet == 1
    assert 9 <= busy <= 11
    assert seen.page.evaluate("window.ticks") == before


def help_of(seen):
    return seen.page.get_by_role("dialog", name="Keyboard shortcuts")


def test_g_and_a_letter_lead_to_a_page(visit):
    seen = visit("ada")
    seen.open("/getting-started")

    for key, path in {"k": "/keys", "m": "/members", "a": "/audit", "s": "/settings"}.items():
        seen.page.keyboard.press("g")
        seen.page.keyboard.press(key)
        seen.page.wait_for_url(f"**{path}")


def test_a_slash_goes_to_the_filter(visit):
    seen = visit("ada")
    seen.open("/audit")

    seen.page.keyboard.press("/")

    expect(seen.page.get_by_label("Action")).to_be_focused()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_question_mark_shows_the_keys_and_escape_hides_them(visit, scheme):
    seen = visit("ada", color_scheme=scheme)
    seen.open("/audit")

    seen.page.keyboard.press("?")

    expect(help_of(seen)).to_be_visible()
    assert help_of(seen).locator("dd").all_inner_texts() == [
        "Cache",
        "API keys",
        "Members",
        "Audit log",
        "Settings",
        "Filter this page",
        "This help",
        "Close what is open",
    ]
    assert Axe().run(seen.page).violations_count == 0
    seen.page.screenshot(path=SCREENSHOTS / f"help-ada-{scheme}-1280.png")
    seen.page.keyboard.press("Escape")
    expect(help_of(seen)).to_be_hidden()


def test_who_types_is_left_alone(visit):
    seen = visit("ada")
    seen.open("/members")

    seen.page.get_by_label("Email address").press_sequentially("g k?/")

    expect(seen.page.get_by_label("Email address")).to_have_value("g k?/")
    expect(help_of(seen)).to_be_hidden()
    assert seen.page.url.endswith("/members")


def test_the_keys_can_be_switched_off_and_on_again(visit):
    # speech input presses keys by accident (WCAG 2.1.4)
    seen = visit("ada")
    seen.open("/settings")
    seen.page.keyboard.press("?")
    help_of(seen).get_by_label("Use these shortcuts").uncheck()
    help_of(seen).get_by_role("button", name="Close").click()

    seen.open("/settings")
    seen.page.keyboard.press("?")
    expect(help_of(seen)).to_be_hidden()

    seen.page.locator(".sidebar .user-menu > summary").click()
    seen.page.locator(".sidebar").get_by_role("button", name="Keyboard shortcuts").click()
    help_of(seen).get_by_label("Use these shortcuts").check()
    seen.page.keyboard.press("Escape")
    expect(help_of(seen)).to_be_hidden()
    expect(seen.page.locator(".sidebar .user-menu > summary")).to_be_focused()
    seen.page.keyboard.press("?")
    expect(help_of(seen)).to_be_visible()
