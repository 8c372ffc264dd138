"""The pages of kept entries: the list, one of them, and what can be done with it."""

import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

import orjson
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render

from accounts.pages import PageRequest, page
from accounts.rights import Right
from acron_site.lib.errors import ConflictError, InvalidRequestError
from caching import entry_documents, entry_query, namespaces, selectors_entries, services_entries, wiring
from caching.forms import EntryFilterForm
from caching.shelf import Listed, Slice

_NOTHING = Slice(())


@page(GET=Right.READ_SETTINGS)
def kept(request: PageRequest) -> HttpResponse:
    form = EntryFilterForm(request.GET, reads_questions=request.principal.may(Right.MANAGE_SETTINGS))
    status, found = 200, _NOTHING
    try:
        found = _found(request)
    except InvalidRequestError as error:
        form.blame(error.message, error.param)
        status = error.status
    context = {
        "form": form,
        "entries": [line_of(row) for row in found.rows],
        "next": found.next,
        "query": _query(request),
        "is_filtered": any(request.GET.get(name) for name in form.fields),
    }
    return render(request, "caching/kept.html", context, status=status)


@page(GET=Right.MANAGE_SETTINGS)
def entry(request: PageRequest, entry_id: UUID) -> HttpResponse:
    """Each look is in the audit log."""
    opened = services_entries.read(wiring.shelves(), request.actor, entry_id)
    document = entry_documents.of_opened(opened, now=time.time())
    context = {"entry": line_of(opened.listed), "question": opened.question, "answer": _written(document["answer"])}
    return render(request, "caching/entry.html", context)


@page(GET=Right.MANAGE_SETTINGS, POST=Right.MANAGE_SETTINGS)
def delete(request: PageRequest, entry_id: UUID) -> HttpResponse:
    if request.method != "POST":
        return _asked_again(request, entry_id, "caching/entry_delete.html")
    services_entries.delete(wiring.shelves(), request.actor, entry_id)
    messages.success(request, "The entry is deleted. Who asks again gets a fresh answer.")
    return redirect("cache-kept")


@page(GET=Right.MANAGE_SETTINGS, POST=Right.MANAGE_SETTINGS)
def mark_wrong(request: PageRequest, entry_id: UUID) -> HttpResponse:
    if request.method != "POST":
        return _asked_again(request, entry_id, "caching/entry_mark_wrong.html")
    services_entries.mark_wrong(wiring.shelves(), request.actor, entry_id)
    messages.success(request, "The entry is marked as wrong. It is not served any more, in no tier.")
    return redirect("cache-kept")


@page(POST=Right.MANAGE_SETTINGS)
def pin(request: PageRequest, entry_id: UUID) -> HttpResponse:
    return _kept_on(request, entry_id, services_entries.pin, "The entry is pinned: it does not expire.")


@page(POST=Right.MANAGE_SETTINGS)
def unpin(request: PageRequest, entry_id: UUID) -> HttpResponse:
    return _kept_on(request, entry_id, services_entries.unpin, "The entry is unpinned. Its time to live begins anew.")


def line_of(row: Listed) -> dict[str, Any]:
    """As programs see it, but for the namespace, which a wall may divide."""
    name, side = namespaces.sides(row.namespace)
    return {**entry_documents.of_listed(row, now=time.time()), "namespace": name, "side": side}


def _found(request: PageRequest) -> Slice:
    chosen = entry_query.selection(request.GET, now=time.time())
    after, limit = entry_query.after(request.GET), entry_query.limit(request.GET)
    if chosen.wanted.reads_questions:
        return services_entries.search(wiring.shelves(), request.actor, chosen, after=after, limit=limit)
    organization_id = request.principal.organization_id
    return selectors_entries.page(wiring.shelves(), organization_id, chosen, after=after, limit=limit)


def _asked_again(request: PageRequest, entry_id: UUID, template: str) -> HttpResponse:
    listed = selectors_entries.one(wiring.shelves(), request.principal.organization_id, entry_id)
    return render(request, template, {"entry": line_of(listed)})


def _kept_on(request: PageRequest, entry_id: UUID, act: Callable[..., None], words: str) -> HttpResponse:
    try:
        act(wiring.shelves(), request.actor, entry_id)
    except ConflictError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, words)
    return redirect("cache-entry", entry_id)


def _query(request: PageRequest) -> str:
    """The page's own parameters without the place in the list, to be carried on."""
    query = request.GET.copy()
    query.pop("after", None)
    return query.urlencode()


def _written(answer: Any) -> str | None:
    """Structured answers as lines that can be read."""
    if answer is None or isinstance(answer, str):
        return answer
    return orjson.dumps(answer, option=orjson.OPT_INDENT_2).decode()
