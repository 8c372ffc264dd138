"""Where a request comes from, for keys that may be used from certain networks only."""

from collections.abc import Mapping
from typing import Any

from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware


class Proxies:
    """The proxies that the operator trusts (FORWARDED_ALLOW_IPS): who they speak for is read as Django's side reads it.

    An X-Forwarded-For of anybody else is a claim, and not looked at.
    """

    def __init__(self, trusted: str) -> None:
        self._trusted = ProxyHeadersMiddleware(_nobody, trusted).trusted_hosts

    def caller_of(self, scope: Mapping[str, Any]) -> str | None:
        client = scope.get("client")
        peer: str | None = client[0] if client else None
        if peer not in self._trusted:
            return peer
        named = b", ".join(value for name, value in scope["headers"] if name == b"x-forwarded-for")
        if not named:
            return peer
        caller, _ = self._trusted.get_trusted_client_address(named.decode("latin-1"))
        return caller or peer


async def _nobody(*_: object) -> None:
    """The middleware wants an application behind it; none is ever called."""
