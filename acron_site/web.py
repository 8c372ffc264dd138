"""One web worker: uvicorn on a listening socket that its parent hands over."""

import socket
import sys

import uvicorn

from acron_site import protocol

GRACE_SECONDS = 5


def serve(descriptor: int) -> None:
    """Serves until SIGTERM, then finishes what it has begun, within GRACE_SECONDS."""
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
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=descriptor)])


if __name__ == "__main__":
    serve(int(sys.argv[1]))
