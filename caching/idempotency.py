"""Answers under the caller's `Idempotency-Key`: a request that is sent again is answered again, and done once."""

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self
from uuid import UUID

from acron_site.lib.errors import ConflictError, InvalidRequestError
from caching import leases as shared
from caching.exact import Entry, ExactCache
from caching.leases import Lease, Leases
from caching.places import IDEMPOTENCY
from caching.protocols import Namespace

MAX_KEY_CHARACTERS = 255
TTL_SECONDS = 86_400
_DIGEST_BYTES = 16


class OtherRequestError(ConflictError):
    """The key stands for another request already."""


class StillAnsweringError(ConflictError):
    """The first request under the key is not answered yet."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the answer to a request under a key lies; `mark` is the request's own."""

    namespace: Namespace
    fingerprint: bytes
    mark: bytes

    @property
    def lease_key(self) -> bytes:
        return shared.lease_key(self.namespace, self.fingerprint)


class Claim:
    """The first request under its key: keep its answer, or release the key for another try."""

    __slots__ = ("_lease", "_put")

    def __init__(self, put: Callable[[bytes, bytes], None], lease: Lease) -> None:
        self._put, self._lease = put, lease

    def keep(self, *, note: bytes, body: bytes) -> None:
        """For a whole answer. Whoever waits for the key gets it."""
        self._put(note, body)
        self._lease.release()

    def release(self) -> None:
        """Safe to call after `keep`: what is kept stays."""
        self._lease.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.release()


class Idempotency:
    """The organization is the wall: a key that was rolled finds what its predecessor was answered.

    `spare` lies in this process: it serves while `cache` is away. `secret` keys all digests, so that a reader of the
    store can try out neither keys nor requests.
    """

    def __init__(
        self,
        cache: ExactCache,
        spare: ExactCache,
        leases: Leases,
        *,
        secret: bytes,
        patience_seconds: float,
        ttl_seconds: int = TTL_SECONDS,
    ) -> None:
        self._caches = (spare, cache)
        self._leases = leases
        self._secret = secret
        self._patience_seconds = patience_seconds
        self._ttl_seconds = ttl_seconds

    async def open(self, organization_id: UUID, key: str, request: bytes) -> Claim | Entry:
        """The answer that was kept under `key`, or the claim to be the first; waits while another one is.

        `request` is all that makes two requests the same, or a digest of it. Raises OtherRequestError,
        StillAnsweringError when patience ends, and InvalidRequestError for what is no usable key.
        """
        place = self._place(organization_id, key, request)
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + self._patience_seconds
        while True:
            opened = await self._claim_or_entry(place)
            if opened is not None:
                return opened
            _compare(await self._leases.mark_of(place.lease_key) or place.mark, place.mark)
            is_free = await self._leases.wait(place.lease_key, within_seconds=ends_at - loop.time())
            if not is_free or loop.time() >= ends_at:
                raise StillAnsweringError(
                    "the first request with this Idempotency-Key is not answered yet; send it again later",
                    headers={"retry-after": "5"},
                )

    async def _claim_or_entry(self, place: _Place) -> Claim | Entry | None:
        async def find() -> Entry | None:
            return await self._find(place)

        def put(note: bytes, body: bytes) -> None:
            self._keep(place, note=note, body=body)

        found = await shared.acquire_or_look(self._leases, place.lease_key, find, mark=place.mark)
        return Claim(put, found) if isinstance(found, Lease) else found

    async def _find(self, place: _Place) -> Entry | None:
        for cache in self._caches:
            entry = await cache.look_up(place.namespace, place.fingerprint)
            if entry is not None:
                _compare(entry.note[:_DIGEST_BYTES], place.mark)
                return replace(entry, note=entry.note[_DIGEST_BYTES:])
        return None

    def _keep(self, place: _Place, *, note: bytes, body: bytes) -> None:
        for cache in self._caches:
            cache.keep(
                place.namespace, place.fingerprint, note=place.mark + note, body=body, ttl_seconds=self._ttl_seconds
            )

    def _place(self, organization_id: UUID, key: str, request: bytes) -> _Place:
        if not 1 <= len(key) <= MAX_KEY_CHARACTERS:
            raise InvalidRequestError(
                f"an Idempotency-Key needs 1 to {MAX_KEY_CHARACTERS} characters; a UUID makes a good one",
                param="Idempotency-Key",
            )
        name = key.encode("utf-8", "surrogatepass")
        return _Place(
            Namespace(organization_id, IDEMPOTENCY), self._digest(name, b"key"), self._digest(request, b"request")
        )

    def _digest(self, value: bytes, kind: bytes) -> bytes:
        return hashlib.blake2b(value, digest_size=_DIGEST_BYTES, key=self._secret, person=kind).digest()


def _compare(held: bytes, asked: bytes) -> None:
    if held != asked:
        raise OtherRequestError(
            "this Idempotency-Key was used for another request; send the same request again, or use a new key"
        )
