"""In which time zone somebody is shown times."""

import zoneinfo
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, tzinfo
from typing import Any

from django.http import HttpResponse
from django.template.response import SimpleTemplateResponse
from django.utils import timezone

from accounts.models import User


def zone_of(user: Any) -> tzinfo:
    """UTC for strangers, and where this machine does not know the zone (any more)."""
    if not isinstance(user, User):
        return UTC
    try:
        return zoneinfo.ZoneInfo(user.time_zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


@contextmanager
def shown_to(user: Any) -> Iterator[None]:
    with timezone.override(zone_of(user)):
        yield


def rendered(response: HttpResponse) -> HttpResponse:
    """The response with its text: Django would render a late one after the view, where no zone is set any more."""
    return response.render() if isinstance(response, SimpleTemplateResponse) else response
