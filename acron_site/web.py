"""One web worker: uvicorn on a listening socket that its parent hands over."""

import ctypes
import socket
import sys

import uvicorn

from acron_site import protocol

# of glibc's mallopt(3): give memory back early, and keep one heap for all threads. Saves some 3 MB a worker
_MALLOC = {-8: 1, -1: 131_072, -3: 131_072}  # M_ARENA_MAX, M_TRIM_THRESHOLD, M_MMAP_THRESHOLD


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
        timeout_graceful_shutdown=grace_seconds,
    )
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=descriptor)])


def _save_memory() -> None:
    set_option = getattr(ctypes.CDLL(None), "mallopt", None)  # other C libraries have none
    if set_option is not None:
        for option, value in _MALLOC.items():
            set_option(option, value)


if __name__ == "__main__":
    serve(int(sys.argv[1]), int(sys.argv[2]))
