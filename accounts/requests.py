"""From a request of Django's to who acts and from where."""

from uuid import UUID

from django.http import HttpRequest

from accounts.actor import Actor, Origin
from accounts.principal import Principal

_CHOSEN = "organization_id"


def origin_of(request: HttpRequest) -> Origin:
    """The address is the connection's own: X-Forwarded-For counts only from the proxies that the operator trusts
    (FORWARDED_ALLOW_IPS; uvicorn has replaced REMOTE_ADDR by then)."""
    return Origin(
        address=str(request.META.get("REMOTE_ADDR") or ""),
        user_agent=request.headers.get("user-agent", ""),
        request_id=str(getattr(request, "request_id", "")),
    )


def actor_of(request: HttpRequest, principal: Principal) -> Actor:
    return Actor(principal, origin_of(request))


def chosen_organization(request: HttpRequest) -> UUID | None:
    """The organization that a person switched to in this session. Whether they still belong there is asked anew."""
    chosen = request.session.get(_CHOSEN)
    return UUID(chosen) if chosen else None


def choose_organization(request: HttpRequest, organization_id: UUID) -> None:
    request.session[_CHOSEN] = str(organization_id)
