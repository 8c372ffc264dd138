"""Getting started: a key, a call, and the proof that it arrived."""

from dataclasses import dataclass
from typing import cast

from allauth.account.decorators import reauthentication_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache

from accounts import flash, snippets
from accounts import selectors_api_keys as selectors
from accounts.pages import PageRequest, page
from accounts.rights import Right
from accounts.scopes import Scope
from accounts.services import api_keys
from accounts.views.api_keys import ISSUED
from acron_site.lib.errors import ConflictError


@dataclass(frozen=True, slots=True)
class Shown:
    """A snippet with its key and address in place."""

    name: str
    text: str


@never_cache
@page(GET=None, POST=Right.MANAGE_OWN_KEYS)
def getting_started(request: PageRequest) -> HttpResponse:
    if request.method == "POST":
        return cast(HttpResponse, _make_key(request))
    return _page(request)


def _page(request: PageRequest, problem: str = "", status: int = 200) -> HttpResponse:
    principal = request.principal
    issued_key = flash.take(request, ISSUED) if request.method == "GET" else None
    base_url = request.build_absolute_uri("/").rstrip("/")
    context = {
        "issued_key": issued_key,
        "problem": problem,
        "has_key": bool(selectors.page(principal, 1, only_living=True)),
        "may_make_key": principal.may(Right.MANAGE_OWN_KEYS),
        "may_watch": principal.may(Right.READ_ANALYTICS),
        "base_url": base_url,
        "snippets": [Shown(each.name, each.render(base_url, issued_key)) for each in snippets.ALL],
    }
    return render(request, "accounts/getting_started.html", context, status=status)


@reauthentication_required  # type: ignore[untyped-decorator]  # allauth has no types
def _make_key(request: PageRequest) -> HttpResponse:
    try:
        issued = api_keys.create(request.actor, "Getting started", scopes=[Scope.INFER])
    except ConflictError as error:
        return _page(request, problem=error.message, status=error.status)
    flash.keep(request, ISSUED, issued.text)
    return redirect("getting-started")
