"""A key directory on hand-made records and a clock that is set by hand."""

import asyncio
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from accounts import keys
from accounts.directory import KeyDirectory
from accounts.key_records import KeyRecord, NewDigest, RecordsUnavailableError
from accounts.principal import KeyRules, Principal
from accounts.scopes import Scope
from acron_site.lib.ids import uuid7

PEPPERS = keys.read_peppers("", "the tests' secret key")


class Clock:
    """Both kinds of time: `clock()` is monotonic seconds, `clock.now()` the date."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.seconds)

    def pass_seconds(self, seconds: float) -> None:
        self.seconds += seconds


class FakeRecords:
    """Records in a dictionary, which can be away or slow, and count how often they are asked."""

    def __init__(self) -> None:
        self.by_prefix: dict[str, KeyRecord] = {}
        self.is_away = False
        self.reads = 0
        self.organization: dict[str, Any] | None = {}  # what its keys carry; None: there is no such organization
        self.noted: list[dict[UUID, str | None]] = []
        self.may_answer = threading.Event()
        self.may_answer.set()

    def add(
        self,
        *,
        mode: keys.Mode = "live",
        expires_at: datetime | None = None,
        is_revoked: bool = False,
        rules: KeyRules | None = None,
    ) -> str:
        text, prefix = keys.make(mode)
        self.by_prefix[prefix] = KeyRecord(
            prefix=prefix,
            digest=keys.digest(text, PEPPERS.current),
            pepper_id=PEPPERS.current_id,
            principal=Principal(uuid7(), frozenset({Scope.INFER}), key_id=uuid7(), is_test=mode == "test", rules=rules),
            expires_at=expires_at,
            is_revoked=is_revoked,
        )
        return text

    def read(self, prefix: str) -> KeyRecord | None:
        self.reads += 1
        record = self.by_prefix.get(prefix)
        self.may_answer.wait(5)
        if self.is_away:
            raise RecordsUnavailableError("away")
        return record

    def keyless(self, anonymous: Principal) -> Principal | None:
        self.reads += 1
        if self.is_away:
            raise RecordsUnavailableError("away")
        return None if self.organization is None else replace(anonymous, **self.organization)

    def note_use(self, uses: Mapping[UUID, str | None]) -> None:
        if self.is_away:
            raise RecordsUnavailableError("away")
        self.noted.append(dict(uses))

    def redigest(self, digests: Collection[NewDigest]) -> None:
        if self.is_away:
            raise RecordsUnavailableError("away")
        for each in digests:
            for prefix, record in self.by_prefix.items():
                if record.principal.key_id == each.key_id and record.digest == each.old:
                    self.by_prefix[prefix] = replace(record, digest=each.new, pepper_id=each.pepper_id)

    def release(self) -> None:
        pass


def prefix_of(token: str) -> str:
    parsed = keys.parse(token)
    assert parsed is not None
    return parsed.prefix


def make_directory(records: FakeRecords, clock: Clock, **options: Any) -> KeyDirectory:
    return KeyDirectory(records, options.pop("peppers", PEPPERS), clock=clock, now=clock.now, **options)


def revoke(records: FakeRecords, token: str) -> None:
    prefix = prefix_of(token)
    records.by_prefix[prefix] = replace(records.by_prefix[prefix], is_revoked=True)


async def until(condition: Callable[[], object], seconds: float = 5.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - what is waited for happens in other processes and threads
            await asyncio.sleep(0.005)
