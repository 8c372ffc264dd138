"""The pages of one gate: what its checks have found, and having it learn anew."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render

from accounts.pages import PageRequest, page
from accounts.rights import Right
from caching import gate_bars, selectors_gates, selectors_semantic, services_gates, services_policies
from caching.views.overview import check_share


@page(GET=Right.READ_ANALYTICS)
def gate(request: PageRequest, gate_id: UUID) -> HttpResponse:
    working, report = selectors_semantic.report(
        request.principal.organization_id, gate_id, services_policies.defaults(), check_share()
    )
    context = {
        "gate": working,
        "history": list(reversed(report.record.history)),
        "scores": gate_bars.bars(report.scores),
        "similarities": gate_bars.bars(report.similarities),
        "outlooks": report.outlooks,
    }
    return render(request, "caching/gate.html", context)


@page(GET=Right.MANAGE_SETTINGS, POST=Right.MANAGE_SETTINGS)
def begin_anew(request: PageRequest, gate_id: UUID) -> HttpResponse:
    if request.method != "POST":
        record = selectors_gates.record(request.principal.organization_id, gate_id)
        return render(request, "caching/gate_begin_anew.html", {"record": record})
    services_gates.reset(request.actor, gate_id)
    messages.success(request, "It learns anew: nothing is served here until checks from now on prove it.")
    return redirect("cache-gate", gate_id)
