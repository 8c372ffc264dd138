"""The ASGI application of a web worker: gateway paths to the door, the rest to Django."""

import gc
import os
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "acron_site.settings")

from acron_site import embedded

embedded.start(os.environ)

from django.conf import settings
from django.core.asgi import get_asgi_application
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

django_application = ProxyHeadersMiddleware(
    get_asgi_application(),  # type: ignore[arg-type]  # Django and uvicorn type the same protocol differently
    trusted_hosts=settings.ENVIRON.get("FORWARDED_ALLOW_IPS", "127.0.0.1"),
)

from inference import wiring
from inference.door import Door

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

parts = wiring.parts()
door = parts.door


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        await _lifespan(receive, send)
    elif scope["type"] == "http" and Door.owns(scope["path"]):
        await door(scope, receive, send)
    else:
        await django_application(scope, receive, send)  # type: ignore[arg-type]


async def _lifespan(receive: Receive, send: Send) -> None:
    """Starts the ledger and the keys' listener with the worker, and stops them with it."""
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            # what was imported lives as long as the worker: looking through it again and again costs the callers
            gc.collect()
            gc.freeze()
            gc.set_threshold(10_000, 20, 20)  # nearly all of a request's objects are freed without the collector
            await parts.start()
            await send({"type": "lifespan.startup.complete"})
        elif message["type"] == "lifespan.shutdown":
            await parts.stop()
            await send({"type": "lifespan.shutdown.complete"})
            return
