"""Checks, gates and a record of them in memory, for the stories of the semantic tier."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from acron_site.lib.ids import uuid7
from caching.gate_rules import Check, CheckSource, GateKey, Standing
from caching.gates import BookUnavailableError
from caching.protocols import Namespace
from caching.servings import Serving

NOW = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
SPACE, VERSION = "a model@1", "1"


def key_of(namespace: Namespace, task_type: str = "chat") -> GateKey:
    return GateKey(namespace, task_type, SPACE, VERSION)


def check(namespace: Namespace, score: float = 0.95, agrees: bool = True, **given: Any) -> Check:
    facts: dict[str, Any] = {
        "task_type": "chat",
        "space": SPACE,
        "likeness_version": VERSION,
        "similarity": score,
        "method": "exact",
        "source": CheckSource.SHADOW,
        "neighbour_id": uuid7(),
        "request_id": "req_1",
        "occurred_at": NOW - timedelta(minutes=10),
    }
    return Check(id=uuid7(), namespace=namespace, score=score, agrees=agrees, **{**facts, **given})


def checks(namespace: Namespace, count: int, score: float = 0.95, agrees: bool = True, **given: Any) -> list[Check]:
    return [check(namespace, score, agrees, **given) for _ in range(count)]


def a_complaint(namespace: Namespace, score: float, **given: Any) -> Check:
    return check(namespace, score, agrees=False, source=CheckSource.FEEDBACK, **given)


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds

    def advance(self, seconds: float) -> None:
        self.seconds += seconds


class MemoryBook:
    """A record that may be away, and remembers what it was asked."""

    def __init__(self) -> None:
        self.standings: dict[GateKey, Standing] = {}
        self.moved: dict[GateKey, Standing] = {}  # where a recalibration leads
        self.checks: list[Check] = []
        self.servings: list[Serving] = []
        self.reads: list[Sequence[GateKey]] = []
        self.recalibrated: list[GateKey] = []
        self.is_away = False

    def read(self, keys: Sequence[GateKey]) -> dict[GateKey, Standing]:
        self._require()
        self.reads.append(keys)
        return {key: self.standings[key] for key in keys if key in self.standings}

    def write(self, checks: Sequence[Check]) -> int:
        self._require()
        self.checks.extend(checks)
        return len(checks)

    def keep_servings(self, servings: Sequence[Serving]) -> None:
        self._require()
        self.servings.extend(servings)

    def recalibrate(self, key: GateKey) -> Standing | None:
        self._require()
        self.recalibrated.append(key)
        self.standings.update({key: self.moved[key]} if key in self.moved else {})
        return self.standings.get(key)

    def release(self) -> None:
        pass

    def asked_for(self, organization_id: UUID) -> int:
        return sum(key.namespace.organization_id == organization_id for keys in self.reads for key in keys)

    def _require(self) -> None:
        if self.is_away:
            raise BookUnavailableError("OperationalError")
