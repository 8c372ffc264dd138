"""The pages of API keys: the list, making one, rolling one, ending one."""

from typing import cast
from uuid import UUID

from allauth.account.decorators import reauthentication_required
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache

from accounts import flash, keys
from accounts import selectors_api_keys as selectors
from accounts.forms.api_keys import NewKeyForm, RollForm
from accounts.models import KeyMode
from accounts.pages import PageRequest, page
from accounts.rights import Right
from accounts.scopes import Scope
from accounts.selectors_api_keys import ListedKey
from accounts.services import api_keys as services
from acron_site.lib.errors import AcronError, InvalidRequestError, NotFoundError

_KEYS_A_PAGE = 100
ISSUED = "issued_key"  # shown once, by the page that comes next


@never_cache
@page(GET=Right.MANAGE_OWN_KEYS)
def api_keys(request: PageRequest) -> HttpResponse:
    shows_all = request.GET.get("show") == "all"
    after = _after(request.GET.get("after", ""))
    try:
        rows = selectors.page(request.principal, _KEYS_A_PAGE, after, only_living=not shows_all)
    except InvalidRequestError as error:
        raise Http404 from error
    shown = rows[:_KEYS_A_PAGE]
    context = {
        "keys": shown,
        "next": shown[-1].id if len(rows) > _KEYS_A_PAGE else None,
        "shows_all": shows_all,
        "sees_everybodys": request.principal.may(Right.MANAGE_KEYS),
        "issued_key": flash.take(request, ISSUED) if request.method == "GET" else None,
        "pattern": keys.PATTERN,
    }
    return render(request, "accounts/api_keys.html", context)


@never_cache
@page(GET=Right.MANAGE_OWN_KEYS, POST=Right.MANAGE_OWN_KEYS)
@reauthentication_required  # type: ignore[untyped-decorator]  # allauth has no types
def new(request: PageRequest) -> HttpResponse:
    offered = [scope for scope in Scope if services.may_grant(request.principal, scope)]
    form = NewKeyForm(request.POST or None, scopes=offered)
    if request.method != "POST":
        return render(request, "accounts/api_key_new.html", {"form": form})
    status = 400
    if form.is_valid():
        try:
            return _create(request, form)
        except AcronError as error:
            form.blame(error.message, error.param)
            status = error.status
    return render(request, "accounts/api_key_new.html", {"form": form}, status=status)


@never_cache
@page(GET=Right.MANAGE_OWN_KEYS, POST=Right.MANAGE_OWN_KEYS)
def roll(request: PageRequest, key_id: UUID) -> HttpResponse:
    # first, so that a stranger's key is unknown before anybody is asked for a password
    key = _key(request, key_id)
    return cast(HttpResponse, _roll(request, key))


@page(GET=Right.MANAGE_OWN_KEYS, POST=Right.MANAGE_OWN_KEYS)
def revoke(request: PageRequest, key_id: UUID) -> HttpResponse:
    key = _key(request, key_id)
    if request.method != "POST":
        return render(request, "accounts/api_key_revoke.html", {"key": key})
    services.revoke(request.actor, key_id)
    messages.success(request, f"“{key.name}” was revoked. Calls with it are refused from now on.")
    return redirect("api-keys")


def _create(request: PageRequest, form: NewKeyForm) -> HttpResponse:
    issued = services.create(
        request.actor,
        form.cleaned_data["name"],
        scopes=form.scopes_asked,
        mode=KeyMode(form.cleaned_data["mode"]),
        expires_at=form.expires_at,
        rules=form.rules,
    )
    flash.keep(request, ISSUED, issued.text)
    messages.success(request, f"“{issued.key.name}” was created.")
    return redirect("api-keys")


@reauthentication_required  # type: ignore[untyped-decorator]  # allauth has no types
def _roll(request: PageRequest, key: ListedKey) -> HttpResponse:
    form = RollForm(request.POST if request.method == "POST" else None)
    if request.method != "POST":
        return render(request, "accounts/api_key_roll.html", {"key": key, "form": form})
    status = 400
    if form.is_valid():
        try:
            issued = services.roll(request.actor, key.id, form.cleaned_data["overlap"])
        except AcronError as error:
            form.add_error(None, error.message)
            status = error.status
        else:
            flash.keep(request, ISSUED, issued.text)
            messages.success(request, f"“{key.name}” was rolled. Put the new key where the old one is used.")
            return redirect("api-keys")
    return render(request, "accounts/api_key_roll.html", {"key": key, "form": form}, status=status)


def _key(request: PageRequest, key_id: UUID) -> ListedKey:
    try:
        return selectors.one(request.principal, key_id)
    except NotFoundError as error:
        raise Http404 from error


def _after(text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError as error:
        raise Http404 from error
