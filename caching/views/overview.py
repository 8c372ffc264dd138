"""`/cache`: how the cache does, and how far the semantic tier has proven itself."""

from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.vary import vary_on_headers

from accounts.pages import PageRequest, page
from accounts.rights import Right
from caching import selectors_semantic, services_policies

_GATES_A_PAGE = 50


@vary_on_headers("HX-Request")
@page(GET=Right.READ_ANALYTICS)
def cache(request: PageRequest) -> HttpResponse:
    """Its figures are another app's, and come from there."""
    is_fragment = request.htmx and not request.htmx.boosted
    context = {
        "tier": selectors_semantic.tier(
            request.principal.organization_id,
            services_policies.defaults(),
            check_share(),
            limit=_GATES_A_PAGE,
            after=_after(request.GET.get("after", "")),
        ),
        "query": request.GET.urlencode(),
    }
    return render(request, "caching/_semantic.html" if is_fragment else "caching/cache.html", context)


def check_share() -> float:
    """The share of hits that is checked, to begin with."""
    percent: float = settings.ACRON.cache.semantic_check_percent
    return percent / 100


def _after(text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError as error:
        raise Http404 from error
