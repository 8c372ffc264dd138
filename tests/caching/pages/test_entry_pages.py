"""The pages of kept entries, as people in the browser meet them."""

from uuid import UUID

import pytest

from caching import selectors_entries, wiring
from caching.entry_query import selection
from caching.protocols import Label
from tests.caching.entries.kept import keep, keep_all

pytestmark = pytest.mark.django_db

QUESTION = "What is the capital of France?"


def kept(organization_id: UUID) -> list[UUID]:
    everything = selection({}, now=0)
    return [
        row.id
        for row in selectors_entries.page(wiring.shelves(), organization_id, everything, after=None, limit=500).rows
    ]


def test_the_list_says_what_is_kept_and_nothing_of_what_was_said(browser, ada, audited):
    keep(ada.organization.pk, QUESTION, namespace="support")

    page = browser.get("/cache/kept").content.decode()

    assert [word for word in ("mock-small", "support", "team:search") if word not in page] == []
    assert "France" not in page
    assert "cache_entries.searched" not in audited()


def test_the_list_is_narrowed_by_namespace_model_and_tag(browser, ada):
    keep(ada.organization.pk, QUESTION, label=Label("mock-large", "mock", "general", (("team", "sales"),)))
    keep(ada.organization.pk, QUESTION, namespace="support")

    def models(**query):
        page = browser.get("/cache/kept", query).content.decode()
        return [name for name in ("mock-large", "mock-small") if f'<th scope="row">{name}' in page]

    assert models() == ["mock-large", "mock-small"]
    assert models(model="mock-large") == models(tag="team:sales") == models(namespace="default") == ["mock-large"]
    assert models(namespace="support") == ["mock-small"]
    assert models(older_than="1h") == models(namespace="elsewhere") == []


def test_a_wrong_filter_is_named_at_its_field(browser):
    response = browser.get("/cache/kept", {"older_than": "yesterday"})

    assert response.status_code == 400
    assert response.context["form"].errors["older_than"]


def test_whoever_looks_for_words_is_on_record(browser, ada, audited):
    keep(ada.organization.pk, QUESTION)

    page = browser.get("/cache/kept", {"q": "france"}).content.decode()

    assert '<th scope="row">mock-small' in page
    assert audited()[0] == "cache_entries.searched"


def test_a_viewer_may_neither_look_for_words_nor_open_an_entry(graces_browser, ada, audited):
    entry_id = keep(ada.organization.pk, QUESTION)

    listed = graces_browser.get("/cache/kept").content.decode()

    assert str(entry_id) not in listed
    assert 'name="q"' not in listed
    assert graces_browser.get("/cache/kept", {"q": "france"}).status_code == 403
    assert graces_browser.get(f"/cache/kept/{entry_id}").status_code == 403
    assert "cache_entry.read" not in audited()


def test_an_entry_is_opened_on_the_record(browser, ada, audited):
    entry_id = keep(ada.organization.pk, QUESTION)

    response = browser.get(f"/cache/kept/{entry_id}")

    assert QUESTION in response.content.decode()
    assert "the answer to What is the capital of France?" in response.content.decode()
    assert audited()[0] == "cache_entry.read"
    assert "no-store" in response.headers["Cache-Control"]


def test_markup_in_an_answer_is_shown_as_text(browser, ada):
    entry_id = keep(ada.organization.pk, "<script>alert(1)</script>")

    page = browser.get(f"/cache/kept/{entry_id}").content.decode()

    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_deleting_asks_first(browser, ada, audited):
    entry_id = keep(ada.organization.pk, QUESTION)

    asked = browser.get(f"/cache/kept/{entry_id}/delete")

    assert "France" not in asked.content.decode()
    assert kept(ada.organization.pk) == [entry_id]
    assert browser.post(f"/cache/kept/{entry_id}/delete").url == "/cache/kept"
    assert kept(ada.organization.pk) == []
    assert audited()[0] == "cache_entry.deleted"


def test_an_entry_is_pinned_and_unpinned(browser, ada):
    entry_id = keep(ada.organization.pk, QUESTION)

    pinned = browser.post(f"/cache/kept/{entry_id}/pin", follow=True).content.decode()
    unpinned = browser.post(f"/cache/kept/{entry_id}/unpin", follow=True).content.decode()

    assert f"/cache/kept/{entry_id}/unpin" in pinned
    assert f"/cache/kept/{entry_id}/unpin" not in unpinned


def test_what_is_marked_as_wrong_can_no_longer_be_pinned(browser, ada):
    entry_id = keep(ada.organization.pk, QUESTION)

    browser.post(f"/cache/kept/{entry_id}/mark-wrong")
    page = browser.post(f"/cache/kept/{entry_id}/pin", follow=True).content.decode()

    assert "is marked as wrong and is not served" in page
    assert "the answer to" not in page


@pytest.mark.parametrize("act", ["", "/delete", "/mark-wrong"])
def test_a_rivals_entry_is_not_there(mallorys_browser, ada, act):
    entry_id = keep(ada.organization.pk, QUESTION)

    assert mallorys_browser.get(f"/cache/kept/{entry_id}{act}").status_code == 404


def test_a_purge_is_counted_before_anything_goes(browser, ada, audited):
    keep_all(ada.organization.pk, ["one", "two"], namespace="support")
    keep(ada.organization.pk, "three")

    counted = browser.get("/cache/purge", {"namespace": "support"})

    assert counted.context["counts"][1] == 2
    assert len(kept(ada.organization.pk)) == 3
    purged = browser.post("/cache/purge", {"namespace": "support"}, follow=True)
    assert "2 entries were deleted." in purged.content.decode()
    assert len(kept(ada.organization.pk)) == 1
    assert audited()[0] == "cache.purged"


def test_nothing_is_counted_or_purged_where_nothing_says_which(browser, ada):
    keep(ada.organization.pk, QUESTION)

    assert "counts" not in browser.get("/cache/purge").context
    assert browser.post("/cache/purge", {}).status_code == 400
    assert len(kept(ada.organization.pk)) == 1
    assert "1 entry was deleted." in browser.post("/cache/purge", {"all": "on"}, follow=True).content.decode()


def test_what_lies_behind_a_wall_says_so(browser, ada):
    keep(ada.organization.pk, QUESTION, namespace="support\x1fuser:0123abcd")

    page = browser.get("/cache/kept").content.decode()

    assert "support <span" in page
    assert "behind a wall" in page
    assert "0123abcd" not in page


def test_long_lists_come_in_parts(browser, ada):
    keep_all(ada.organization.pk, [f"question {number}" for number in range(3)])

    first = browser.get("/cache/kept", {"limit": "2", "namespace": "default"})
    rest = browser.get("/cache/kept", {"limit": "2", "after": str(first.context["next"])})

    assert [len(page.context["entries"]) for page in (first, rest)] == [2, 1]
    assert f"limit=2&amp;namespace=default&amp;after={first.context['next']}" in first.content.decode()
