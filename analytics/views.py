"""Pages and fragments of what the ledger says."""

from datetime import timedelta

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.vary import vary_on_headers

from accounts.pages import PageRequest, page
from accounts.rights import Right
from analytics import cache_performance, cache_words, selectors
from analytics.first_request import Arrived

_SPANS = {"1": "24 hours", "7": "7 days", "30": "30 days", "90": "90 days"}
_USUAL_SPAN = "30"


@never_cache
@vary_on_headers("HX-Request")
@page(GET=Right.READ_ANALYTICS)
def first_request(request: PageRequest) -> HttpResponse:
    rows = selectors.recent(request.principal.organization_id, limit=1).rows
    template = "analytics/_first_request.html" if _is_fragment(request) else "analytics/first_request.html"
    return render(request, template, {"arrived": Arrived.of(rows[0]) if rows else None})


@vary_on_headers("HX-Request")
@page(GET=Right.READ_ANALYTICS)
def cache(request: PageRequest) -> HttpResponse:
    """How well the cache does, for pages that are about it."""
    days = request.GET.get("days", "")
    days, until = days if days in _SPANS else _USUAL_SPAN, timezone.now()
    found = cache_performance.of(request.principal.organization_id, until - timedelta(days=int(days)), until)
    context = {
        "performance": found,
        "tiers": cache_words.tiers(found),
        "not_asked": cache_words.reasons(found.not_asked),
        "not_kept": cache_words.reasons(found.not_kept),
        "spans": _SPANS,
        "days": days,
        "span": _SPANS[days],
    }
    template = "analytics/_cache_performance.html" if _is_fragment(request) else "analytics/cache_performance.html"
    return render(request, template, context)


def _is_fragment(request: PageRequest) -> bool:
    return bool(request.htmx) and not request.htmx.boosted
