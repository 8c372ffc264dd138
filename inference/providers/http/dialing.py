"""Makes connections: looks names up, tries their addresses, and checks each one that it is about to connect to."""

import asyncio
import errno
import socket
import ssl
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from ipaddress import ip_address
from typing import Any

import aiohappyeyeballs

from acron_site.lib.outbound import Reach
from inference.providers.http.addresses import Origin

AddressInfo = tuple[int, int, int, str, tuple[str, int] | tuple[str, int, int, int]]

_DNS_SECONDS = 60.0
_MOST_LOOK_UPS = 8  # at once
_MOST_KNOWN = 1024
# the next address of a server is tried when the one before has said nothing for so long (RFC 8305, section 5)
_NEXT_ADDRESS_SECONDS = 0.25


class Dialer:
    """Of one event loop. With a `reach` it connects only to addresses that this admits.

    The socket for an address is made by the check itself, so what a name led to a moment before does not count: a name
    that leads elsewhere each time gains nothing.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, reach: Reach | None) -> None:
        self._loop, self._reach = loop, reach
        # of its own: a name server that never answers holds up nothing else that the process does in threads
        self._threads = ThreadPoolExecutor(_MOST_LOOK_UPS, thread_name_prefix="look-up")
        self._known: dict[Origin, tuple[float, Sequence[AddressInfo]]] = {}
        self._tls: ssl.SSLContext | None = None

    async def connect(self, origin: Origin, protocol: asyncio.Protocol) -> None:
        """Raises OSError, of which ssl's errors and failed look-ups are kinds."""
        found = await self._look_up(origin)
        try:
            connected = await aiohappyeyeballs.start_connection(
                found,
                happy_eyeballs_delay=_NEXT_ADDRESS_SECONDS,
                loop=self._loop,
                socket_factory=self._socket_for,
            )
        except OSError:
            self._known.pop(origin, None)  # it may have moved
            raise
        is_taken = False
        try:
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            await self._loop.create_connection(
                lambda: protocol,
                sock=connected,
                ssl=self._context() if origin.is_secure else None,
                server_hostname=origin.host.rstrip(".") if origin.is_secure else None,
            )
            is_taken = True
        finally:
            if not is_taken:
                connected.close()

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _look_up(self, origin: Origin) -> Sequence[AddressInfo]:
        now = self._loop.time()
        until, found = self._known.get(origin, (0.0, ()))
        if now >= until:
            ask: Callable[[], Any] = partial(
                socket.getaddrinfo, origin.host, origin.port, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG
            )
            found = await self._loop.run_in_executor(self._threads, ask)
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known[origin] = (now + _DNS_SECONDS, found)
        return found

    def _socket_for(self, target: AddressInfo) -> socket.socket:
        family, kind, protocol, _, address = target
        if self._reach is not None and not self._reach.admits(ip_address(address[0].partition("%")[0])):
            # as if nobody answered: who asks learns nothing of the network behind
            raise ConnectionRefusedError(errno.ECONNREFUSED, "not in the public network")
        return socket.socket(family=family, type=kind, proto=protocol)

    def _context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = ssl.create_default_context()
            self._tls.set_alpn_protocols(["http/1.1"])
        return self._tls
