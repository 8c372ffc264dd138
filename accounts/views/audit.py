"""The audit log as a page."""

from typing import Any, cast

from django.http import HttpResponse
from django.shortcuts import render

from accounts import audit_export, audit_query, selectors_audit
from accounts.forms.audit import AuditFilterForm
from accounts.pages import PageRequest, page
from accounts.rights import Right
from accounts.selectors_audit import Page
from accounts.services import audit_exports
from acron_site.lib.errors import InvalidRequestError

_NOTHING = Page(rows=(), next=None)


@page(GET=Right.READ_AUDIT)
def log(request: PageRequest) -> HttpResponse:
    organization_id = request.principal.organization_id
    form = AuditFilterForm(request.GET, selectors_audit.actions(organization_id))
    context: dict[str, Any] = {"form": form, "head": selectors_audit.head(organization_id), "log": _NOTHING}
    try:
        filters = audit_query.filters(request.GET)
        limit, after = audit_query.limit(request.GET), audit_query.after(request.GET)
        context["log"] = selectors_audit.page(organization_id, filters, limit=limit, after=after)
        context["is_filtered"] = bool(filters)
        if audit_query.wants_verification(request.GET):
            context["verdict"] = selectors_audit.verify(organization_id)
    except InvalidRequestError as error:
        form.add_error(error.param if error.param in form.fields else None, error.message)
        return render(request, "accounts/audit.html", {**context, **_links(request)}, status=400)
    return render(request, "accounts/audit.html", {**context, **_links(request)})


@page(GET=Right.READ_AUDIT)
def export(request: PageRequest) -> HttpResponse:
    filters, export_format = audit_query.filters(request.GET), audit_query.export_format(request.GET)
    streamed = audit_export.response(audit_exports.begin(request.actor, filters, export_format))
    return cast(HttpResponse, streamed)  # streamed ones have a type beside it


def _links(request: PageRequest) -> dict[str, str]:
    """The page's own parameters, to be carried on: with the place in the list and without."""
    query = request.GET.copy()
    for name in ("verify", "after"):
        query.pop(name, None)
    return {"query": query.urlencode()}
