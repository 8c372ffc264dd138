"""The key directory: whose a key is, from memory, from the database, or on trust while the database is away."""

import asyncio
import hmac
import time
from collections.abc import Callable, Coroutine, Mapping
from datetime import UTC, datetime, timedelta
from math import inf
from typing import Any, NoReturn, TypeVar
from uuid import UUID

from accounts import keys, networks
from accounts.key_memory import RETRY_SECONDS, KeyMemory, identity_of
from accounts.key_records import KeyRecord, KeyRecords, NewDigest, RecordsUnavailableError
from accounts.keys import ParsedKey, Peppers
from accounts.lane import Lane, LaneClosedError
from accounts.principal import Principal
from accounts.revocations import Listener, Revocations, organization_in
from acron_site.lib.errors import InvalidApiKeyError, OverloadedError

Value = TypeVar("Value")

CHALLENGE = {"WWW-Authenticate": "Bearer"}
MISSING = "no API key came with the request; send it as `Authorization: Bearer <key>` or `x-api-key: <key>`"
MISTYPED = "this is no whole API key; copy it again: keys start with ak_live_ or ak_test_"
UNKNOWN = "there is no such API key; check it, or create one under /keys"
REVOKED = "this API key was revoked; create another one under /keys"
NOBODYS = (
    "calls without an API key act as an organization that there is not (any more); send a key, "
    "or have the operator correct ASAHI_GOVERNANCE_ANONYMOUS_ORGANIZATION"
)
EXPIRED = "this API key has expired; log in again, or create another one under /keys"

_NOTE_EVERY_SECONDS = 5.0
_USE_PRECISION = timedelta(minutes=1)
_NOBODYS_DIGEST = bytes(32)
_KEYLESS = b""  # under what callers without a key are remembered; no token's identity is empty


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
        self._anonymous = anonymous  # who calls without a key act as, where the operator allows them
        self._memory = KeyMemory(ttl_seconds=ttl_seconds, max_entries=max_entries, clock=clock)
        self._readings: dict[bytes, asyncio.Task[Principal]] = {}
        # apart, so that a flood of invented keys cannot hold up the known ones
        self._known_keys = self._lane("known-keys", limit_seconds=0.5, clock=clock)
        self._unknown_keys = self._lane("unknown-keys", limit_seconds=2.0, clock=clock)
        self._used: dict[UUID, str | None] = {}
        self._outdated: dict[UUID, NewDigest] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._listeners: list[Listener] = []

    def share_news(self, listener: Listener) -> None:
        """Passes on to `listener` what this directory hears, so that a process needs one channel only."""
        self._listeners.append(listener)

    def cached(self, token: str) -> Principal | None:
        """The principal, if it is known well enough to do without the records, and without the caller's address."""
        principal = self._memory.find(identity_of(token))
        return None if principal is None or networks.are_limited(principal) else principal

    async def identify(self, token: str | None, address: str | None = None) -> Principal:
        """The principal of a request, which may have come without a key. Raises as `look_up` does.

        `address` is where the request comes from. Without one, keys that are limited to networks are refused.
        """
        if token is None:
            return self._memory.find(_KEYLESS) or await self._look_up_keyless()
        principal = self._memory.find(identity_of(token))
        if principal is None:
            return await self.look_up(token, address)
        networks.require(principal, address)
        return principal

    async def look_up(self, token: str, address: str | None = None) -> Principal:
        """Reads the records. Raises InvalidApiKeyError, AddressNotAllowedError, or OverloadedError when it cannot
        tell."""
        key, identity = self._examine(token)
        principal = await self._read_once(identity, lambda: self._read(key, identity, address))
        networks.require(principal, address)
        return principal

    def resolve(self, token: str | None, address: str | None = None) -> Principal:
        """As `identify`, for code that may block: reads in the caller's thread."""
        if token is None:
            return self._memory.find(_KEYLESS) or self._look_up_keyless_here()
        principal = self._memory.find(identity_of(token)) or self._look_up_here(token, address)
        networks.require(principal, address)
        return principal

    def resolve_keyless(self) -> Principal | None:
        """Who calls without a key act as; None where nobody does."""
        try:
            return None if self._anonymous is None else self.resolve(None)
        except InvalidApiKeyError:
            return None

    def invalidate(self, news: str) -> None:
        """Forgets a revoked key at once, by its prefix, or all keys of an organization (`revocations`)."""
        organization_id = organization_in(news)
        if organization_id is None:
            self._memory.forget(news)
        else:
            self._memory.forget_organization(organization_id)
        for listener in self._listeners:
            listener.invalidate(news)

    def connected(self) -> None:
        self._memory.cover(is_gapless=False)
        for listener in self._listeners:
            listener.connected()

    def heard(self) -> None:
        self._memory.cover(is_gapless=True)
        for listener in self._listeners:
            listener.heard()

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

    def _look_up_here(self, token: str, address: str | None) -> Principal:
        key, identity = self._examine(token)
        generation = self._memory.generation
        try:
            record = self._records.read(key.prefix)
        except RecordsUnavailableError:
            return self._believe(identity)
        return self._admit(key, identity, record, address, generation=generation)

    async def _read(self, key: ParsedKey, identity: bytes, address: str | None) -> Principal:
        lane = self._known_keys if identity in self._memory else self._unknown_keys
        generation = self._memory.generation
        try:
            record = await lane.run(lambda: self._in_thread(lambda: self._records.read(key.prefix)))
        except LaneClosedError:
            return self._believe(identity)
        return self._admit(key, identity, record, address, generation=generation)

    def _examine_keyless(self) -> Principal:
        if self._anonymous is None:
            raise InvalidApiKeyError(MISSING, headers=CHALLENGE)
        refusal = self._memory.refusal(_KEYLESS)
        if refusal is not None:
            raise InvalidApiKeyError(refusal, headers=CHALLENGE)
        return self._anonymous

    async def _look_up_keyless(self) -> Principal:
        anonymous = self._examine_keyless()
        return await self._read_once(_KEYLESS, lambda: self._read_keyless(anonymous))

    def _look_up_keyless_here(self) -> Principal:
        anonymous, generation = self._examine_keyless(), self._memory.generation
        try:
            found = self._records.keyless(anonymous)
        except RecordsUnavailableError:
            return self._believe(_KEYLESS)
        return self._admit_keyless(found, generation=generation)

    async def _read_keyless(self, anonymous: Principal) -> Principal:
        generation = self._memory.generation
        try:
            found = await self._known_keys.run(lambda: self._in_thread(lambda: self._records.keyless(anonymous)))
        except LaneClosedError:
            return self._believe(_KEYLESS)
        return self._admit_keyless(found, generation=generation)

    def _admit_keyless(self, found: Principal | None, *, generation: int) -> Principal:
        if found is None:
            self._refuse(_KEYLESS, NOBODYS)
        self._memory.keep(_KEYLESS, found, prefix="", lifetime_seconds=inf, generation=generation)
        return found

    async def _read_once(self, identity: bytes, read: Callable[[], Coroutine[Any, Any, Principal]]) -> Principal:
        reading = self._readings.get(identity)
        if reading is None:
            reading = asyncio.get_running_loop().create_task(read())
            self._readings[identity] = reading
            reading.add_done_callback(lambda task: self._finish(identity, task))
        # shielded: others may wait for the same reading when this caller hangs up
        return await asyncio.shield(reading)

    def _in_thread(self, read: Callable[[], Value]) -> Value:
        try:
            return read()
        finally:
            self._records.release()

    def _finish(self, identity: bytes, reading: asyncio.Task[Principal]) -> None:
        self._readings.pop(identity, None)
        if not reading.cancelled():
            reading.exception()  # looked at here, since every caller may have hung up

    def _admit(
        self, key: ParsedKey, identity: bytes, record: KeyRecord | None, address: str | None, *, generation: int
    ) -> Principal:
        # an unknown key goes the same way as a wrong one, so that their times do not tell them apart
        pepper = self._peppers.by_id.get(record.pepper_id) if record else None
        proof = keys.digest(key.text, pepper or self._peppers.current)
        is_proven = hmac.compare_digest(proof, record.digest if record else _NOBODYS_DIGEST)
        if record is not None and pepper is None and record.pepper_id > max(self._peppers.by_id):
            return self._believe_newer(identity, record)
        if record is None or not is_proven:
            self._refuse(identity, UNKNOWN)
        lifetime_seconds = self._require_living(identity, record)
        self._memory.keep(
            identity,
            record.principal,
            prefix=key.prefix,
            lifetime_seconds=lifetime_seconds,
            generation=generation,
        )
        if networks.admits(record.principal, address):
            self._remember_use(record, address)
        self._remember_pepper(key, record)
        return record.principal

    def _require_living(self, identity: bytes, record: KeyRecord) -> float:
        """How many seconds the key has left."""
        if record.is_revoked:
            self._refuse(identity, REVOKED)
        lifetime_seconds = (record.expires_at - self._now()).total_seconds() if record.expires_at else inf
        if lifetime_seconds <= 0:
            self._refuse(identity, EXPIRED)
        return lifetime_seconds

    def _believe_newer(self, identity: bytes, record: KeyRecord) -> Principal:
        """A worker that was started with the new pepper has digested the key anew, while this one still runs with
        the old ones: the key cannot be proven here, but may have been a moment ago."""
        if self._memory.find_stale(identity) is not None:
            self._require_living(identity, record)
        return self._believe(identity)

    def _refuse(self, identity: bytes, message: str) -> NoReturn:
        self._memory.refuse(identity, message)
        raise InvalidApiKeyError(message, headers=CHALLENGE)

    def _believe(self, identity: bytes) -> Principal:
        principal = self._memory.find_stale(identity)
        if principal is None:
            raise OverloadedError("keys cannot be checked just now; try again shortly", headers={"Retry-After": "1"})
        return principal

    def _remember_use(self, record: KeyRecord, address: str | None) -> None:
        # a key in use is read again at least once per `ttl_seconds`, so this costs the hot path nothing
        is_noted = record.last_used_at is not None and self._now() - record.last_used_at < _USE_PRECISION
        if record.principal.key_id is not None and not is_noted:
            self._used[record.principal.key_id] = address

    def _remember_pepper(self, key: ParsedKey, record: KeyRecord) -> None:
        # only now is the key at hand as text; once its digest is renewed, the older pepper may go
        key_id, current = record.principal.key_id, self._peppers.current_id
        if key_id is not None and record.pepper_id != current:
            proof = keys.digest(key.text, self._peppers.current)
            self._outdated[key_id] = NewDigest(key_id, old=record.digest, new=proof, pepper_id=current)

    async def _note_uses(self) -> None:
        while True:
            await asyncio.sleep(_NOTE_EVERY_SECONDS)
            await self.note_uses()

    async def note_uses(self) -> None:
        """Writes down which keys were used since the last time, and the digests that were made anew."""
        used, self._used = self._used, {}
        outdated, self._outdated = self._outdated, {}
        if not used and not outdated:
            return
        try:
            await self._known_keys.run(lambda: self._write(used, outdated))
        except LaneClosedError:
            self._used, self._outdated = used | self._used, outdated | self._outdated

    def _write(self, used: Mapping[UUID, str | None], outdated: Mapping[UUID, NewDigest]) -> None:
        try:
            if used:
                self._records.note_use(used)
            if outdated:
                self._records.redigest(outdated.values())
        finally:
            self._records.release()
