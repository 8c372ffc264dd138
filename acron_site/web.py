"""One web worker: uvicorn on a listening socket that its parent hands over."""

import asyncio
import ctypes
import socket
import sys
import time

import uvicorn

from acron_site import protocol

# of glibc's mallopt(3): give memory back early, and keep one heap for all threads. Saves some 3 MB a worker
_MALLOC = {-8: 1, -1: 131_072, -3: 131_072}  # M_ARENA_MAX, M_TRIM_THRESHOLD, M_MMAP_THRESHOLD

# so long a leaving worker tells its clients so before it closes what they keep for later; part of its grace
_FAREWELL_SECONDS = 2
_LOOK_SECONDS = 0.05


class LeavingServer(uvicorn.Server):
    """Lets each connection end with an answer that says so.

    One that is closed without a word may be closed just when its client sends the next request, which is then lost.
    """

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        state = self.server_state
        state.default_headers.append(protocol.CLOSE)  # also for answers under way, which share the list
        end = time.monotonic() + _FAREWELL_SECONDS
        while state.connections and time.monotonic() < end and not self.force_exit:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(_LOOK_SECONDS)
        await super().shutdown(sockets)


def serve(descriptor: int, grace_seconds: int) -> None:
    """Serves until SIGTERM, then finishes what it has begun, within the grace."""
    _save_memory()
    protocol.install()
    config = uvicorn.Config(
        "acron_site.asgi:application",
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        access_log=False,
        server_header=False,
        proxy_headers=False,  # `asgi` reads them for Django; the gateway has no use for them
        log_config=None,  # Django's logging serves the worker too
        log_level="warning",
        # longer than what usual clients keep a connection in their pool: else they send into a closing one
        timeout_keep_alive=75,
        timeout_graceful_shutdown=max(grace_seconds - _FAREWELL_SECONDS, 1),
    )
    LeavingServer(config).run(sockets=[socket.socket(fileno=descriptor)])


def _save_memory() -> None:
    set_option = getattr(ctypes.CDLL(None), "mallopt", None)  # other C libraries have none
    if set_option is not None:
        for option, value in _MALLOC.items():
            set_option(option, value)


if __name__ == "__main__":
    serve(int(sys.argv[1]), int(sys.argv[2]))
