"""The process's way to one Redis: a connection for each event loop, shared by everybody who asks it something."""

import asyncio

from acron_site.lib import redis_address
from acron_site.lib.redis_connection import Connection, Tally
from acron_site.lib.redis_link import Link


class Links:
    """Connections are made on first use and remade when they break. `close` is for the loop it runs in."""

    def __init__(self, url: str, *, timeout_seconds: float) -> None:
        self.tally = Tally()
        self._address = redis_address.parse(url)
        self._tls = self._address.tls_context()
        self._timeout_seconds = timeout_seconds
        self._links: dict[asyncio.AbstractEventLoop, Link] = {}
        # of the loop that asked last, mostly the only one; a pair, so that threads never see half of it
        self._latest: tuple[asyncio.AbstractEventLoop, Link] | None = None

    @property
    def connection(self) -> Connection | None:
        """Of the running loop; None while Redis is away."""
        loop = asyncio.get_running_loop()
        latest = self._latest
        if latest is not None and latest[0] is loop:
            return latest[1].connection
        link = self._links.get(loop) or self._new_link(loop)
        self._latest = (loop, link)
        return link.connection

    async def close(self) -> None:
        self._latest = None
        link = self._links.pop(asyncio.get_running_loop(), None)
        if link is not None:
            await link.close()

    def _new_link(self, loop: asyncio.AbstractEventLoop) -> Link:
        self._links = {known: link for known, link in self._links.items() if not known.is_closed()}
        link = Link(self._address, loop, self.tally, tls=self._tls, timeout_seconds=self._timeout_seconds)
        self._links[loop] = link
        return link
