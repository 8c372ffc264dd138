"""`/settings/providers`: an organization's own keys at providers, as a page."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render

from accounts.pages import PageRequest, page
from accounts.rights import Right
from accounts.services import provider_credentials
from acron_site.lib.errors import InvalidRequestError, NotFoundError
from inference import own_keys
from inference.forms import ProviderKeyForm
from inference.own_keys import ProviderState

_PAGE = "provider-credentials"


@page(GET=Right.MANAGE_PROVIDER_CREDENTIALS, POST=Right.MANAGE_PROVIDER_CREDENTIALS)
def overview(request: PageRequest) -> HttpResponse:
    """Every provider with its state; a POST keeps a key."""
    if request.method != "POST":
        return _show(request)
    name = request.POST.get("provider", "")
    form = ProviderKeyForm(request.POST, auto_id=_ids(name))
    if form.is_valid():
        try:
            own_keys.put(request.actor, name, form.cleaned_data["api_key"], base_url=form.cleaned_data["base_url"])
        except InvalidRequestError as error:
            form.add_error("base_url" if error.param == "base_url" else "api_key", error.message)
        else:
            messages.success(request, f"The key for {name} is kept. Test it to see that {name} takes it.")
            return redirect(_PAGE)
    return _show(request, wrong=form, status=400)


@page(POST=Right.MANAGE_PROVIDER_CREDENTIALS)
def test(request: PageRequest, provider: str) -> HttpResponse:
    outcome = own_keys.test(request.actor, provider)
    if outcome.is_ok:
        messages.success(request, f"{provider} takes this key.")
    else:
        messages.error(request, f"{provider}: {outcome.says}.")
    return redirect(_PAGE)


@page(GET=Right.MANAGE_PROVIDER_CREDENTIALS, POST=Right.MANAGE_PROVIDER_CREDENTIALS)
def remove(request: PageRequest, provider: str) -> HttpResponse:
    state = _state_with_key(request, provider)
    if request.method != "POST":
        return render(request, "inference/provider_credential_remove.html", {"state": state})
    provider_credentials.remove(request.actor, provider)
    messages.success(request, f"The key for {state.title} is removed.")
    return redirect(_PAGE)


def _show(request: PageRequest, *, wrong: ProviderKeyForm | None = None, status: int = 200) -> HttpResponse:
    cards = [(state, _form_for(state, wrong)) for state in own_keys.states(request.principal.organization_id)]
    context: dict[str, Any] = {"cards": cards}
    return render(request, "inference/provider_credentials.html", context, status=status)


def _form_for(state: ProviderState, wrong: ProviderKeyForm | None) -> ProviderKeyForm:
    """The form that came in with a mistake stays where it was filled in; the others are new."""
    if wrong is not None and wrong.data.get("provider") == state.name:
        return wrong
    return ProviderKeyForm(initial={"provider": state.name}, auto_id=_ids(state.name))


def _state_with_key(request: PageRequest, provider: str) -> ProviderState:
    for state in own_keys.states(request.principal.organization_id):
        if state.name == provider and state.credential is not None:
            return state
    raise NotFoundError(f"your organization has no key of its own for {provider[:64]}")


def _ids(provider: str) -> str:
    # the form puts its fields' names in with `%`; a name that was sent may be anything
    return f"id_{provider.replace('%', '%%')}_%s"
