"""The pages of cache policies: what holds in each namespace, and setting it."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render

from accounts.pages import PageRequest, page
from accounts.rights import Right
from acron_site.lib.errors import InvalidRequestError
from caching import policy_words, selectors_policies, services_policies
from caching.forms import PolicyForm
from caching.policies import ALL_OTHERS, NO_WISHES
from caching.selectors_policies import PolicyPage


@page(GET=Right.READ_SETTINGS)
def policies(request: PageRequest) -> HttpResponse:
    pages = selectors_policies.pages(request.principal.organization_id, services_policies.defaults())
    wishes = selectors_policies.wishes(request.principal.organization_id)
    shown = [policy_words.lines(each, wishes.get(each.namespace, NO_WISHES)) for each in pages]
    return render(request, "caching/policies.html", {"policies": shown})


@page(GET=Right.MANAGE_SETTINGS, POST=Right.MANAGE_SETTINGS)
def policy(request: PageRequest) -> HttpResponse:
    """Of the namespace in the query, or of all of them; a POST takes the place of what was set for it."""
    namespace, status = _namespace(request), 200
    found, form = _form(request, namespace)
    if request.method == "POST":
        status = 400
        if form.is_valid():
            try:
                services_policies.put(request.actor, namespace, form.wishes)
            except InvalidRequestError as error:
                form.blame(error.message, error.param)
            else:
                messages.success(request, "The policy is set. Every worker goes by it within a second.")
                return redirect("cache-policies")
    context = {"form": form, "namespace": namespace, "heading": policy_words.heading(namespace)}
    return render(request, "caching/policy.html", {**context, "is_set": found.changed_at is not None}, status=status)


@page(POST=Right.MANAGE_SETTINGS)
def remove(request: PageRequest) -> HttpResponse:
    services_policies.remove(request.actor, _namespace(request))
    messages.success(request, "The policy is removed. Every worker goes by that within a second.")
    return redirect("cache-policies")


def _namespace(request: PageRequest) -> str:
    """Raises InvalidRequestError for what is no namespace's name; what is changed must be named."""
    if request.method == "POST":
        namespace = request.POST.get("namespace", "")
    else:
        namespace = request.GET.get("namespace") or ALL_OTHERS
    services_policies.require_name(request.actor, namespace)
    return namespace


def _form(request: PageRequest, namespace: str) -> tuple[PolicyPage, PolicyForm]:
    organization_id = request.principal.organization_id
    found = selectors_policies.page(organization_id, namespace, services_policies.defaults())
    wishes = selectors_policies.wishes(organization_id).get(namespace, NO_WISHES)
    return found, PolicyForm(found, wishes, request.POST if request.method == "POST" else None)
