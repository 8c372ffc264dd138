"""Something to show once on the next page, such as a new key. It lies in the sealed session until then."""

from django.http import HttpRequest

_PREFIX = "flash:"


def keep(request: HttpRequest, name: str, value: str) -> None:
    request.session[_PREFIX + name] = value


def take(request: HttpRequest, name: str) -> str | None:
    """The value, which is gone afterwards."""
    value: str | None = request.session.pop(_PREFIX + name, None)
    return value
