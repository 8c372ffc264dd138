"""Routing policies and proofs in PostgreSQL, as their books read and write them."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from uuid import UUID

from django.db import Error as DatabaseFailure
from django.db import connections
from django.utils import timezone

from accounts.policy_book import PoliciesUnavailableError
from inference import selectors_proofs, selectors_routing, services_proofs
from inference.proof_book import ProofsUnavailableError
from inference.routing.policies import Policy, effective
from inference.routing.proofs import Pair, Proofs


class DatabasePolicies:
    """See `accounts.policy_book.PolicyRecords`."""

    def __init__(self, defaults: Policy) -> None:
        self._defaults = defaults

    def read(self, organization_id: UUID) -> Policy:
        try:
            return effective(self._defaults, selectors_routing.wishes(organization_id))
        except DatabaseFailure as error:
            raise PoliciesUnavailableError(type(error).__name__) from error

    def release(self) -> None:
        connections.close_all()


class DatabaseProofs:
    """See `proof_book.ProofRecords`."""

    def __init__(self, defaults: Policy, *, now: Callable[[], datetime] = timezone.now) -> None:
        self._defaults, self._now = defaults, now

    def read(self, organization_id: UUID) -> Proofs:
        with _translated():
            epsilon = self._epsilon(organization_id)
            for proof_id in selectors_proofs.judged_otherwise(organization_id, epsilon):
                services_proofs.rejudge(organization_id, proof_id, epsilon)
            return selectors_proofs.proofs(organization_id, epsilon, self._now())

    def write(self, pairs: Sequence[Pair]) -> int:
        own = defaultdict[UUID, list[Pair]](list)
        for pair in pairs:
            own[pair.organization_id].append(pair)
        with _translated():
            return sum(
                services_proofs.keep_pairs(organization_id, theirs, self._epsilon(organization_id))
                for organization_id, theirs in own.items()
            )

    def release(self) -> None:
        """Gives the connection back to the pool: requests need it more."""
        connections.close_all()

    def _epsilon(self, organization_id: UUID) -> float:
        return effective(self._defaults, selectors_routing.wishes(organization_id)).epsilon


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except DatabaseFailure as error:
        raise ProofsUnavailableError(type(error).__name__) from error
