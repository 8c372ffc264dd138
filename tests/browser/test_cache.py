"""The cache's pages with scripts and without: figures of another app, and acts that ask first."""

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.usefixtures("browser")


def test_the_figures_come_into_the_page_by_themselves(visit):
    seen = visit("frida")
    seen.open("/cache?days=90")

    figures = seen.page.locator("#cache-performance")

    expect(figures.get_by_role("heading", name="The last 90 days")).to_be_visible()
    figures.get_by_role("link", name="7 days", exact=True).click()
    expect(figures.get_by_role("heading", name="The last 7 days")).to_be_visible()
    assert seen.page.url.endswith("/cache?days=7")
    assert seen.complaints == []


def test_without_scripts_the_figures_are_a_link_away(visit):
    seen = visit("frida", java_script_enabled=False)
    seen.open("/cache?days=90")

    seen.page.get_by_role("link", name="Hit rate, savings and own cost").click()

    expect(seen.page.get_by_role("heading", name="The last 90 days")).to_be_visible()


@pytest.mark.parametrize("has_scripts", [True, False], ids=["with scripts", "without scripts"])
def test_an_entry_is_found_pinned_and_deleted(visit, has_scripts):
    seen = visit("frida", java_script_enabled=has_scripts)
    seen.open("/cache/kept")

    seen.page.locator("summary", has_text="Filters").click()
    seen.page.get_by_label("Namespace").fill("nightly-summaries")
    seen.page.get_by_role("button", name="Show").click()
    seen.page.get_by_role("link", name="Open").first.click()
    seen.page.get_by_role("button", name="Pin", exact=True).click()
    expect(seen.page.get_by_text("The entry is pinned")).to_be_visible()
    seen.page.get_by_role("link", name="Delete", exact=True).click()
    seen.page.get_by_role("button", name="Delete the entry").click()

    expect(seen.page.get_by_text("The entry is deleted")).to_be_visible()


def test_a_purge_shows_what_it_would_delete_first(visit):
    seen = visit("frida", java_script_enabled=False)
    seen.open("/cache/kept?tag=campaign:autumn-of-the-year-2021")

    seen.page.get_by_role("link", name="Purge these").click()
    expect(seen.page.get_by_role("heading", name="entries would be deleted")).to_be_visible()
    seen.page.get_by_role("link", name="Cancel").click()

    expect(seen.page).to_have_url(f"{seen.base}/cache/kept")


def test_a_policy_is_set_and_removed(visit):
    seen = visit("frida", java_script_enabled=False)
    seen.open("/cache/policies")

    seen.page.get_by_role("textbox", name="Namespace").fill("drafts/2026")
    seen.page.get_by_role("button", name="Go on").click()
    seen.page.get_by_label("Largest answer in bytes").fill("2000000000")
    seen.page.get_by_role("button", name="Save").click()
    expect(seen.page.get_by_text("the operator's limit")).to_be_visible()
    seen.page.get_by_label("Largest answer in bytes").fill("2000")
    seen.page.get_by_role("button", name="Save").click()
    seen.page.get_by_role("link", name="Change the policy of drafts/2026").click()
    seen.page.get_by_role("button", name="Remove the policy").click()

    expect(seen.page.get_by_text("The policy is removed")).to_be_visible()
