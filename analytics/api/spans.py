"""The span of time that a caller asks about: `since` and `until`."""

from datetime import UTC, datetime, timedelta

from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from acron_site.lib.errors import InvalidRequestError

_DAYS = 30

PARAMETERS = [
    OpenApiParameter("since", OpenApiTypes.DATETIME, description=f"default: {_DAYS} days before `until`"),
    OpenApiParameter("until", OpenApiTypes.DATETIME, description="default: now; itself not included"),
]


def asked(request: Request) -> tuple[datetime, datetime]:
    """Raises InvalidRequestError for what is no moment, and for a span that ends before it begins."""
    until = _moment(request, "until") or timezone.now()
    since = _moment(request, "since") or _days_before(until)
    if since >= until:
        raise InvalidRequestError("since must be before until", param="since")
    return since, until


def _moment(request: Request, name: str) -> datetime | None:
    text = request.query_params.get(name)
    if not text:
        return None
    try:
        # a `+` that was not escaped arrives as a space
        moment = datetime.fromisoformat(text.replace(" ", "+"))
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidRequestError(f"{name} must be a moment like 2026-11-27T12:00:00Z", param=name) from None


def _days_before(until: datetime) -> datetime:
    try:
        return until - timedelta(days=_DAYS)
    except OverflowError:
        return until.min.replace(tzinfo=UTC)
