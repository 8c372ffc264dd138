"""Pages and fragments of what the ledger says."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.vary import vary_on_headers

from accounts.pages import PageRequest, page
from accounts.rights import Right
from analytics import selectors
from analytics.first_request import Arrived


@never_cache
@vary_on_headers("HX-Request")
@page(GET=Right.READ_ANALYTICS)
def first_request(request: PageRequest) -> HttpResponse:
    rows = selectors.recent(request.principal.organization_id, limit=1).rows
    is_fragment = request.htmx and not request.htmx.boosted
    template = "analytics/_first_request.html" if is_fragment else "analytics/first_request.html"
    return render(request, template, {"arrived": Arrived.of(rows[0]) if rows else None})
