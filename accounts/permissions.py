"""What a caller needs for a method of an address."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from allauth.account.internal.flows.reauthentication import is_reauthentication_required
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from accounts.directory import CHALLENGE, MISSING
from accounts.models import User
from accounts.principal import Principal
from accounts.rights import Right
from acron_site.lib.errors import InsufficientScopeError, InvalidApiKeyError

if TYPE_CHECKING:  # the framework's views import this module by its setting, so it cannot import them
    from rest_framework.views import APIView

# method -> what it takes (see accounts.rights); None: whoever has a key or is logged in
Rights = Mapping[str, Right | None]

_SAME_AS = {"HEAD": "GET"}
_DESCRIBES = "OPTIONS"


class HasRight(BasePermission):
    """Reads the view's table `rights`; a method that does not stand there is refused."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        principal = request.auth
        if not isinstance(principal, Principal):
            raise InvalidApiKeyError(MISSING, headers=CHALLENGE)
        method = _SAME_AS.get(request.method or "", request.method or "")
        # what the view cannot do at all is answered with 405 after this
        if method == _DESCRIBES or not hasattr(view, method.lower()):
            return True
        rights: Rights = getattr(view, "rights", {})
        if method not in rights:
            raise InsufficientScopeError(f"{method} is not open to API keys here; see /docs for what is")
        right = rights[method]
        if right is not None:
            principal.require_right(right)
        if method in getattr(view, "asks_password", ()):
            _require_password_typed(request)
        return True


def _require_password_typed(request: Request) -> None:
    """Where a page asks for the password again, the API is no way round it for who has found an open browser."""
    if isinstance(request.user, User) and is_reauthentication_required(request._request, app="account"):
        raise InsufficientScopeError(
            "in a browser this takes the password, typed a moment ago: go to /reauthenticate, then try again; "
            "programs send an API key"
        )
