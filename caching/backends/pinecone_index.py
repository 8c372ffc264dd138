"""Pinecone's data plane over plain HTTPS, as far as tier 2 needs it.

Facts: docs.pinecone.io/reference/api/2026-04/data-plane (query, upsert, delete, listnamespaces, deletenamespace).
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson

from caching.protocols import Vector

_VERSION = "2026-04"
_MOST_BYTES = 1_048_576  # of a reply; ours are a few kilobytes
_PIECE_BYTES = 65_536
# below the 1,000 records and 2 MB of one request, at 16 bytes for each of 1,536 numbers
UPSERTED_AT_ONCE = 50
DELETED_AT_ONCE = 1_000
# aiohttp raises RuntimeError for a connection that is gone already
_FOREIGN = (aiohttp.ClientError, aiohttp.http_exceptions.HttpProcessingError, OSError, RuntimeError, ValueError)


class PineconeError(Exception):
    """Pinecone is away, refuses, or says what we do not understand."""


@dataclass(frozen=True, slots=True)
class Record:
    id: str
    vector: Vector
    metadata: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Match:
    id: str
    score: float


class PineconeIndex:
    """One index. A client for each event loop, made on first use; `close` is for the loop it runs in."""

    def __init__(self, host: str, api_key: str) -> None:
        self._address = (host if "://" in host else f"https://{host}").rstrip("/")
        self._headers = {"Api-Key": api_key, "X-Pinecone-Api-Version": _VERSION, "Content-Type": "application/json"}
        self._sessions: dict[asyncio.AbstractEventLoop, aiohttp.ClientSession] = {}

    async def query(
        self, namespace: str, vector: Vector, *, metadata: Mapping[str, str], limit: int, timeout_seconds: float
    ) -> list[Match]:
        """The nearest first, with all of this metadata. Raises PineconeError."""
        found = await self._ask(
            "POST",
            "/query",
            {
                "namespace": namespace,
                "vector": vector,
                "topK": limit,
                "filter": {name: {"$eq": value} for name, value in metadata.items()},
                "includeValues": False,
                "includeMetadata": False,
            },
            timeout_seconds=timeout_seconds,
        )
        try:
            return [Match(str(match["id"]), float(match["score"])) for match in found["matches"]]
        except (KeyError, TypeError, ValueError) as error:
            raise PineconeError("a reply that is no list of matches") from error

    async def upsert(self, namespace: str, records: Sequence[Record], *, timeout_seconds: float) -> None:
        """At most UPSERTED_AT_ONCE. Raises PineconeError."""
        vectors = [{"id": each.id, "values": each.vector, "metadata": each.metadata} for each in records]
        body = {"namespace": namespace, "vectors": vectors}
        await self._ask("POST", "/vectors/upsert", body, timeout_seconds=timeout_seconds)

    async def delete(self, namespace: str, ids: Sequence[str], *, timeout_seconds: float) -> None:
        """At most DELETED_AT_ONCE. Raises PineconeError."""
        body = {"namespace": namespace, "ids": list(ids)}
        await self._ask("POST", "/vectors/delete", body, timeout_seconds=timeout_seconds)

    async def namespaces(self, prefix: str, *, timeout_seconds: float) -> AsyncIterator[str]:
        """Those whose names begin so. Raises PineconeError."""
        token = ""
        while True:
            address = f"/namespaces?limit=100&prefix={prefix}" + (f"&paginationToken={token}" if token else "")
            page = await self._ask("GET", address, None, timeout_seconds=timeout_seconds)
            try:
                names = [str(each["name"]) for each in page.get("namespaces") or ()]
                token = str((page.get("pagination") or {}).get("next") or "")
            except (KeyError, TypeError, AttributeError) as error:
                raise PineconeError("a reply that is no list of namespaces") from error
            for name in names:
                if name.startswith(prefix):
                    yield name
            if not token:
                return

    async def delete_namespace(self, name: str, *, timeout_seconds: float) -> None:
        """Raises PineconeError."""
        await self._ask("DELETE", f"/namespaces/{name}", None, timeout_seconds=timeout_seconds)

    async def close(self) -> None:
        session = self._sessions.pop(asyncio.get_running_loop(), None)
        if session is not None:
            await session.close()

    async def _ask(self, method: str, path: str, body: Mapping[str, Any] | None, *, timeout_seconds: float) -> Any:
        sent = None if body is None else orjson.dumps(body, option=orjson.OPT_SERIALIZE_NUMPY)
        try:
            async with (
                asyncio.timeout(timeout_seconds),
                self._session().request(method, self._address + path, data=sent, allow_redirects=False) as reply,
            ):
                if reply.status != 200:  # noqa: PLR2004 - HTTP
                    raise PineconeError(f"HTTP {reply.status}")
                return orjson.loads(await _read(reply))
        except TimeoutError as error:
            raise PineconeError("no answer in time") from error
        except _FOREIGN as error:
            raise PineconeError(type(error).__name__) from error

    def _session(self) -> aiohttp.ClientSession:
        loop = asyncio.get_running_loop()
        session = self._sessions.get(loop)
        if session is None:
            self._sessions = {known: each for known, each in self._sessions.items() if not known.is_closed()}
            session = self._sessions[loop] = aiohttp.ClientSession(headers=self._headers, trust_env=False)
        return session


async def _read(reply: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for piece in reply.content.iter_chunked(_PIECE_BYTES):
        body += piece
        if len(body) > _MOST_BYTES:
            raise PineconeError("a reply that is too long")
    return bytes(body)
