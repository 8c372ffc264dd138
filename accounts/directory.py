"""The key directory: whose a key is, from memory, from the database, or on trust while the database is away."""

import asyncio
import hmac
import time
from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta
from math import inf
from typing import NoReturn
from uuid import UUID

from accounts import keys
from accounts.key_memory import RETRY_SECONDS, KeyMemory, identity_of
from accounts.key_records import KeyRecord, KeyRecords, RecordsUnavailableError
from accounts.keys import ParsedKey, Peppers
from accounts.lane import Lane, LaneClosedError
from accounts.principal import Principal
from accounts.revocations import Revocations
from acron_site.lib.errors import InvalidApiKeyError, OverloadedError

CHALLENGE = {"WWW-Authenticate": "Bearer"}
MISSING = "no API key came with the request; send it as `Authorization: Bearer <key>` or `x-api-key: <key>`"
MISTYPED = "this is no whole API key; copy it again: keys start with ak_live_ or ak_test_"
UNKNOWN = "there is no such API key; check it, or create one under /keys"
REVOKED = "this API key was revoked; create another one under /keys"
EXPIRED = "this API key has expired; log in again, or create another one under /keys"

_NOTE_EVERY_SECONDS = 5.0
_USE_PRECISION = timedelta(minutes=1)
_NOBODYS_DIGEST = bytes(32)


class KeyDirectory:
    """Shared by the gateway's door and Django's API; one per process.

    A key is read from the records once and remembered for `ttl_seconds` while news of revocations arrive, else for
    a second. Without records, a key that was proven in the last 15 minutes is believed.
    """

    def __init__(
        self,
        records: KeyRecords,
        peppers: Peppers,
        *,
        ttl_seconds: float = 60.0,
        max_entries: int = 10_000,
        revocations: Revocations | None = None,
        anonymous: Principal | None = None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._records, self._peppers = records, peppers
        self._revocations, self._now = revocations, now
        self.anonymous = anonymous  # who calls without a key act as, where the operator allows them
        self._memory = KeyMemory(ttl_seconds=ttl_seconds, max_entries=max_entries, clock=clock)
        self._readings: dict[bytes, asyncio.Task[Principal]] = {}
        # apart, so that a flood of invented keys cannot hold up the known ones
        self._known_keys = self._lane("known-keys", limit_seconds=0.5, clock=clock)
        self._unknown_keys = self._lane("unknown-keys", limit_seconds=2.0, clock=clock)
        self._used: set[UUID] = set()
        self._tasks: list[asyncio.Task[None]] = []

    def cached(self, token: str) -> Principal | None:
        """The principal, if it is known well enough to do without the records."""
        return self._memory.find(identity_of(token))

    async def identify(self, token: str | None) -> Principal:
        """The principal of a request, which may have come without a key. Raises as `look_up` does."""
        if token is None:
            return self.without_key()
        return self.cached(token) or await self.look_up(token)

    async def look_up(self, token: str) -> Principal:
        """Reads the records. Raises InvalidApiKeyError, or OverloadedError when it cannot tell."""
        key, identity = self._examine(token)
        reading = self._readings.get(identity)
        if reading is None:
            reading = asyncio.get_running_loop().create_task(self._read(key, identity))
            self._readings[identity] = reading
            reading.add_done_callback(lambda task: self._finish(identity, task))
        # shielded: others may wait for the same reading when this caller hangs up
        return await asyncio.shield(reading)

    def resolve(self, token: str | None) -> Principal:
        """As `identify`, for code that may block: reads in the caller's thread."""
        if token is None:
            return self.without_key()
        principal = self.cached(token)
        if principal is not None:
            return principal
        key, identity = self._examine(token)
        generation = self._memory.generation
        try:
            record = self._records.read(key.prefix)
        except RecordsUnavailableError:
            return self._believe(identity)
        return self._admit(key, identity, record, generation=generation)

    def without_key(self) -> Principal:
        if self.anonymous is None:
            raise InvalidApiKeyError(MISSING, headers=CHALLENGE)
        return self.anonymous

    def invalidate(self, prefix: str) -> None:
        """Forgets a revoked key at once."""
        self._memory.forget(prefix)

    def connected(self) -> None:
        self._memory.cover(is_gapless=False)

    def heard(self) -> None:
        self._memory.cover(is_gapless=True)

    async def start(self) -> None:
        """Begins to listen for revocations, and to note which keys are used."""
        self._tasks = [asyncio.create_task(self._note_uses())]
        if self._revocations is not None:
            self._tasks.append(asyncio.create_task(self._revocations.follow(self)))

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        self._known_keys.shut_down()
        self._unknown_keys.shut_down()

    def _lane(self, name: str, *, limit_seconds: float, clock: Callable[[], float]) -> Lane:
        return Lane(
            name,
            failure=RecordsUnavailableError,
            limit_seconds=limit_seconds,
            retry_seconds=RETRY_SECONDS,
            clock=clock,
        )

    def _examine(self, token: str) -> tuple[ParsedKey, bytes]:
        """Sends away what needs no records: malformed keys, and those refused a moment ago."""
        key = keys.parse(token)
        if key is None:
            raise InvalidApiKeyError(MISTYPED, headers=CHALLENGE)
        identity = identity_of(token)
        refusal = self._memory.refusal(identity)
        if refusal is not None:
            raise InvalidApiKeyError(refusal, headers=CHALLENGE)
        return key, identity

    async def _read(self, key: ParsedKey, identity: bytes) -> Principal:
        lane = self._known_keys if identity in self._memory else self._unknown_keys
        generation = self._memory.generation
        try:
            record = await lane.run(lambda: self._in_thread(key.prefix))
        except LaneClosedError:
            return self._believe(identity)
        return self._admit(key, identity, record, generation=generation)

    def _in_thread(self, prefix: str) -> KeyRecord | None:
        try:
            return self._records.read(prefix)
        finally:
            self._records.release()

    def _finish(self, identity: bytes, reading: asyncio.Task[Principal]) -> None:
        self._readings.pop(identity, None)
        if not reading.cancelled():
            reading.exception()  # looked at here, since every caller may have hung up

    def _admit(self, key: ParsedKey, identity: bytes, record: KeyRecord | None, *, generation: int) -> Principal:
        # an unknown key goes the same way as a wrong one, so that their times do not tell them apart
        pepper = self._peppers.by_id.get(record.pepper_id) if record else None
        proof = keys.digest(key.text, pepper or self._peppers.current)
        is_proven = hmac.compare_digest(proof, record.digest if record else _NOBODYS_DIGEST)
        if record is None or not is_proven:
            self._refuse(identity, UNKNOWN)
        if record.is_revoked:
            self._refuse(identity, REVOKED)
        lifetime_seconds = (record.expires_at - self._now()).total_seconds() if record.expires_at else inf
        if lifetime_seconds <= 0:
            self._refuse(identity, EXPIRED)
        self._memory.keep(
            identity,
            record.principal,
            prefix=key.prefix,
            lifetime_seconds=lifetime_seconds,
            generation=generation,
        )
        self._remember_use(record)
        return record.principal

    def _refuse(self, identity: bytes, message: str) -> NoReturn:
        self._memory.refuse(identity, message)
        raise InvalidApiKeyError(message, headers=CHALLENGE)

    def _believe(self, identity: bytes) -> Principal:
        principal = self._memory.find_stale(identity)
        if principal is None:
            raise OverloadedError("keys cannot be checked just now; try again shortly", headers={"Retry-After": "1"})
        return principal

    def _remember_use(self, record: KeyRecord) -> None:
        # a key in use is read again at least once per `ttl_seconds`, so this costs the hot path nothing
        is_noted = record.last_used_at is not None and self._now() - record.last_used_at < _USE_PRECISION
        if record.principal.key_id is not None and not is_noted:
            self._used.add(record.principal.key_id)

    async def _note_uses(self) -> None:
        while True:
            await asyncio.sleep(_NOTE_EVERY_SECONDS)
            await self.note_uses()

    async def note_uses(self) -> None:
        """Writes down which keys were used since the last time."""
        used, self._used = self._used, set()
        if not used:
            return
        try:
            await self._known_keys.run(lambda: self._write_uses(used))
        except LaneClosedError:
            self._used |= used

    def _write_uses(self, used: Collection[UUID]) -> None:
        try:
            self._records.note_use(used)
        finally:
            self._records.release()
