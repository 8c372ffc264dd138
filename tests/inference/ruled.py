"""Keys of Ada's that are held to something, and how they fare at the door."""

import asyncio
from dataclasses import replace
from decimal import Decimal
from typing import Any

from accounts import networks
from accounts.limits.limiter import Limiter
from accounts.principal import KeyRules, Principal
from acron_site.lib.ids import uuid7
from tests.inference.asgi import Response, call
from tests.inference.doors import CHAT, make_door
from tests.inference.kit import ADA, Kit


def key(**rules: Any) -> Principal:
    """A new key of Ada's."""
    return replace(ADA, key_id=uuid7(), rules=KeyRules(**rules))


def budget(usd: str, **more: Any) -> Principal:
    return key(monthly_budget_usd=Decimal(usd), **more)


class Keys:
    """One key, remembered or not, and where its callers come from."""

    def __init__(self, principal: Principal) -> None:
        self.principal = principal

    def cached(self, token: str) -> Principal | None:
        return None if networks.are_limited(self.principal) else self.principal

    async def identify(self, token: str | None, address: str | None = None) -> Principal:
        networks.require(self.principal, address)
        return self.principal


async def at_the_door(
    kit: Kit,
    principal: Principal,
    path: str = "/v1/chat/completions",
    *,
    method: str = "POST",
    peer: str = "127.0.0.1",
    forwarded: str = "",
    trusted: str = "127.0.0.1",
    body: Any = CHAT,
) -> Response:
    door = make_door(kit, keys=Keys(principal), trusted=trusted)

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await door({**scope, "client": (peer, 5000)}, receive, send)

    headers = {"Authorization": "Bearer any"} | ({"X-Forwarded-For": forwarded} if forwarded else {})
    return await call(application, path, b"" if method == "GET" else body, method=method, headers=headers)


async def charged(limiter: Limiter) -> None:
    """Once what was used is counted."""
    while limiter._tasks:
        await asyncio.wait(limiter._tasks)
