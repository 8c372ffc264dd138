"""A provider stand-in in a process of its own, whose list of calls is the truth the ledger is held against.

Run as `python -m tests.faults.upstream PORT`. The model `standin-100` begins to answer after 100 ms and takes as long
again for a stream; `standin-endless` streams until its caller hangs up; `sick-500` and its like fail as `sickness`
says until they are healed. Each answer names the `user` it was made for.
"""

import asyncio
import json
import sys
import time
from collections import Counter
from typing import Any

from tests.faults import answers, sickness
from tests.faults.answers import HungUpError, Line

_TLS = b"\x16"  # how a caller begins who takes this for an encrypted port


class Upstream:
    """`GET /state` tells the `user` of every call received, by which address they came, how many are being answered,
    how many were given up, and of each stream that was given up when, and after how many pieces.

    `PUT /well` heals all faults, `PUT /sick` brings them back.
    """

    def __init__(self) -> None:
        self._calls: list[str] = []
        self._addresses: Counter[str] = Counter()
        self._in_progress = 0
        self._hung_up = 0
        self._left: dict[str, tuple[float, int]] = {}
        self._is_sick = True

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                first = await reader.readexactly(1)
                if first == _TLS:
                    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                    return
                head = (first + await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                await self._respond(head, await reader.readexactly(_length(head)), Line(reader, writer))
        except HungUpError:
            self._hung_up += 1
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _respond(self, head: str, body: bytes, line: Line) -> None:
        method, address, _ = head.split(" ", 2)
        if method == "POST":
            await self._complete(address, json.loads(body), line)
            return
        if method == "PUT":
            self._is_sick = address == "/sick"
        line.send_whole(self._state())

    def _state(self) -> dict[str, Any]:
        return {
            "calls": self._calls,
            "addresses": self._addresses,
            "in_progress": self._in_progress,
            "hung_up": self._hung_up,
            "left": self._left,
        }

    async def _complete(self, address: str, asked: dict[str, Any], line: Line) -> None:
        user = answers.name_of(asked)
        self._calls.append(user)
        self._addresses[address] += 1
        self._in_progress += 1
        respond = (sickness.fault_of(asked) if self._is_sick else None) or answers.answer
        try:
            await respond(asked, line)
        except HungUpError:
            self._left[user] = (time.monotonic(), line.pieces)
            raise
        finally:
            self._in_progress -= 1


def _length(head: str) -> int:
    lengths = (line.split(":")[1] for line in head.split("\r\n") if line.lower().startswith("content-length:"))
    return int(next(lengths, 0))


async def main(port: int) -> None:
    server = await asyncio.start_server(Upstream().serve, "127.0.0.1", port, limit=1 << 24, backlog=2048)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
