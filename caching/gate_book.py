"""The record of gates in PostgreSQL, as a background thread uses it."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from django.db import Error as DatabaseFailure
from django.db import connections
from django.utils import timezone

from caching import selectors_gates, services_complaints, services_gates
from caching.gate_rules import Check, GateKey, Standing, TierPolicies, TierPolicy
from caching.gates import BookUnavailableError
from caching.protocols import Namespace
from caching.servings import Serving

Thing = TypeVar("Thing")


@dataclass(frozen=True, slots=True)
class SamePolicy:
    """One policy for everybody, such as the settings give."""

    policy: TierPolicy

    def of(self, namespace: Namespace) -> TierPolicy:  # noqa: ARG002 - as the protocol has it
        return self.policy


class DatabaseBook:
    """See `gates.GateBook`."""

    def __init__(self, policies: TierPolicies, *, now: Callable[[], datetime] = timezone.now) -> None:
        self._policies, self._now = policies, now

    def read(self, keys: Sequence[GateKey]) -> dict[GateKey, Standing]:
        found: dict[GateKey, Standing] = {}
        with _translated():
            for organization_id, own in _by_organization(keys, _owner_of).items():
                found |= selectors_gates.standings(organization_id, own)
        return found

    def write(self, checks: Sequence[Check]) -> int:
        with _translated():
            return sum(
                services_gates.keep_checks(organization_id, own, self._policies)
                for organization_id, own in _by_organization(checks, lambda check: _owner_of(check.key)).items()
            )

    def keep_servings(self, servings: Sequence[Serving]) -> None:
        with _translated():
            for organization_id, own in _by_organization(servings, lambda each: _owner_of(each.key)).items():
                services_complaints.keep_servings(organization_id, own)

    def recalibrate(self, key: GateKey) -> Standing | None:
        with _translated():
            return services_gates.recalibrate(key, self._policies.of(key.namespace), self._now())

    def release(self) -> None:
        """Gives the connection back to the pool: requests need it more."""
        connections.close_all()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except DatabaseFailure as error:
        raise BookUnavailableError(type(error).__name__) from error


def _owner_of(key: GateKey) -> UUID:
    return key.namespace.organization_id


def _by_organization(things: Iterable[Thing], owner_of: Callable[[Thing], UUID]) -> dict[UUID, list[Thing]]:
    found: defaultdict[UUID, list[Thing]] = defaultdict(list)
    for thing in things:
        found[owner_of(thing)].append(thing)
    return found
