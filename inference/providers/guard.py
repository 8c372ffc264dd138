"""Connects to servers that a tenant names: only to addresses that may be reached, asked for the very one."""

import asyncio
import errno
import socket
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from ipaddress import ip_address
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from acron_site.lib.outbound import Reach

_MOST_LOOK_UPS = 8  # at once


class GuardedConnector(aiohttp.TCPConnector):
    """Refuses to make sockets for addresses that are not admitted.

    aiohttp asks for a socket for each address that it is about to connect to, literal ones included. What a name led to
    a moment before does not count, so a name that leads elsewhere each time gains nothing.
    """

    def __init__(self, reach: Reach, **limits: Any) -> None:
        self._reach = reach
        self._look_ups = _LookUps()
        super().__init__(socket_factory=self._socket_for, resolver=self._look_ups, **limits)

    async def close(self, *, abort_ssl: bool = False) -> None:
        await super().close(abort_ssl=abort_ssl)
        await self._look_ups.close()

    def _socket_for(self, target: aiohttp.AddrInfoType) -> socket.socket:
        family, kind, protocol, _, address = target
        if not self._reach.admits(ip_address(address[0])):
            # as if nobody answered: who asks learns nothing of the network behind
            raise ConnectionRefusedError(errno.ECONNREFUSED, "not in the public network")
        return socket.socket(family=family, type=kind, proto=protocol)


class _LookUps(AbstractResolver):
    """Looks names up in threads of their own: a name server that never answers holds up nobody else's."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_MOST_LOOK_UPS, thread_name_prefix="own-endpoints")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        ask = partial(socket.getaddrinfo, host, port, family, socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
        found = await asyncio.get_running_loop().run_in_executor(self._threads, ask)
        return [
            ResolveResult(
                hostname=host,
                host=str(address[0]),
                port=port,
                family=found_family,
                proto=protocol,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for found_family, _, protocol, _, address in found
        ]

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
