"""`/cache/purge`: entries by filter, counted before they are deleted."""

import time
from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render

from accounts.pages import PageRequest, page
from accounts.rights import Right
from acron_site.lib.errors import InvalidRequestError
from caching import entry_query, services_entries, wiring
from caching.forms import PurgeForm


@page(GET=Right.MANAGE_SETTINGS, POST=Right.MANAGE_SETTINGS)
def purge(request: PageRequest) -> HttpResponse:
    """A GET with filters counts, a POST deletes."""
    given = request.POST if request.method == "POST" else request.GET
    form = PurgeForm(given, reads_questions=True)
    context: dict[str, Any] = {"form": form, "sent": _sent(form, given)}
    try:
        if request.method == "POST":
            total = sum(_purge(request, given, is_trial=False).values())
            messages.success(request, f"{total:,} {'entry was' if total == 1 else 'entries were'} deleted.")
            return redirect("cache-kept")
        if context["sent"]:
            context["counts"] = _purge(request, given, is_trial=True)
            context["total"] = sum(context["counts"].values())
    except InvalidRequestError as error:
        form.blame(error.message, error.param)
        return render(request, "caching/purge.html", context, status=error.status)
    return render(request, "caching/purge.html", context)


def _purge(request: PageRequest, given: Mapping[str, str], *, is_trial: bool) -> dict[int, int]:
    chosen = entry_query.selection(given, now=time.time())
    return services_entries.purge(
        wiring.shelves(), request.actor, chosen, is_trial=is_trial, is_all=bool(given.get("all"))
    )


def _sent(form: PurgeForm, given: Mapping[str, str]) -> dict[str, str]:
    """The filters that were filled in, to be sent again as they are."""
    return {name: given[name] for name in form.fields if given.get(name)}
