"""Who calls an address of the API: the holder of a key, or a person in the browser."""

from dataclasses import dataclass
from typing import Any

from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.request import Request

from accounts import selectors
from accounts.directory import KeyDirectory
from accounts.keys import token_from
from accounts.models import User
from accounts.principal import Principal
from accounts.requests import chosen_organization, origin_of
from accounts.wiring import key_directory

__all__ = ["ApiKeyAuthentication", "KeyDirectory", "KeyHolder", "token_from"]


@dataclass(frozen=True, slots=True)
class KeyHolder:
    """What the REST framework takes for a user when the caller is a program."""

    principal: Principal
    is_authenticated: bool = True
    is_active: bool = True

    @property
    def pk(self) -> Any:
        return self.principal.key_id or self.principal.organization_id


class ApiKeyAuthentication(BaseAuthentication):
    """Sets `request.auth` to the Principal. A key that is presented must be good, also where none is needed."""

    def authenticate(self, request: Request) -> tuple[User | KeyHolder, Principal] | None:
        token = token_from(request.headers.get("authorization"), request.headers.get("x-api-key"))
        if token is None:
            person = _person_in_browser(request)
            if person is not None:
                return person
            return _holder(self.directory().resolve_keyless())
        return _holder(self.directory().resolve(token, origin_of(request._request).address))

    def directory(self) -> KeyDirectory:
        return key_directory()

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002
        return "Bearer"


def _holder(principal: Principal | None) -> tuple[KeyHolder, Principal] | None:
    return None if principal is None else (KeyHolder(principal), principal)


def _person_in_browser(request: Request) -> tuple[User, Principal] | None:
    user = getattr(request._request, "user", None)
    if not isinstance(user, User) or not user.is_active:
        return None
    # browsers send cookies by themselves; keys they do not
    SessionAuthentication().enforce_csrf(request)
    principal = selectors.principal_of(user, chosen_organization(request._request))
    return None if principal is None else (user, principal)
