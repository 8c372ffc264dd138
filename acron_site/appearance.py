"""Light or dark: what somebody chose, remembered with the person, or in a cookie for those who are not logged in."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from accounts.models import Theme, User

COOKIE = "theme"
_COOKIE_SECONDS = 365 * 86_400


def chosen(request: HttpRequest) -> str:
    """light, dark, or nothing for the system's."""
    user = getattr(request, "user", None)
    return _known(user.theme if isinstance(user, User) else request.COOKIES.get(COOKIE, ""))


def remember(response: HttpResponse, theme: Theme) -> None:
    """In the browser, so that the log-in page looks the same as what follows it."""
    response.set_cookie(
        COOKIE,
        theme.value,
        max_age=_COOKIE_SECONDS,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _known(theme: str) -> str:
    return theme if theme in (Theme.LIGHT, Theme.DARK) else ""
