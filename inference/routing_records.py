"""Routing policies, proofs and evidence in PostgreSQL, as their books read and write them."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from uuid import UUID

from django.db import Error as DatabaseFailure
from django.db import connections
from django.utils import timezone

from accounts.policy_book import PoliciesUnavailableError, PolicyBook
from acron_site.lib.config import Routing
from inference import (
    selectors_evidence,
    selectors_proofs,
    selectors_routing,
    services_evidence,
    services_proofs,
)
from inference.proof_book import ProofBook, ProofsUnavailableError
from inference.routing.policies import CascadeUse, Policy, defaults_of, effective
from inference.routing.predictor import Predictor
from inference.routing.proofs import Pair, Proofs

_MOST_PREDICTORS = 1_000


def policy_book(config: Routing) -> PolicyBook[Policy]:
    defaults = defaults_of(config)
    # while it is not known what an organization wants, it is not experimented with
    unknown = replace(defaults, holdout_percent=0.0, cascades=CascadeUse.OFF)
    return PolicyBook(DatabasePolicies(defaults), name="routing-policies", unknown=unknown)


def proof_book(config: Routing) -> ProofBook:
    return ProofBook(DatabaseProofs(defaults_of(config)))


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
        # what was fitted at a moment does not change, and is read and made ready once
        self._predictor = lru_cache(_MOST_PREDICTORS)(_predictor)

    def read(self, organization_id: UUID) -> Proofs:
        with _translated():
            epsilon = self._epsilon(organization_id)
            for proof_id in selectors_proofs.judged_otherwise(organization_id, epsilon):
                services_proofs.rejudge(organization_id, proof_id, epsilon)
            now = self._now()
            fitted_at = selectors_evidence.trusted_since(organization_id, now)
            foretold = None if fitted_at is None else self._predictor(organization_id, fitted_at)
            return replace(selectors_proofs.proofs(organization_id, epsilon, now), predictor=foretold)

    def write(self, pairs: Sequence[Pair]) -> int:
        own = defaultdict[UUID, list[Pair]](list)
        for pair in pairs:
            own[pair.organization_id].append(pair)
        with _translated():
            return sum(self._keep(organization_id, theirs) for organization_id, theirs in own.items())

    def release(self) -> None:
        """Gives the connection back to the pool: requests need it more."""
        connections.close_all()

    def _keep(self, organization_id: UUID, pairs: Sequence[Pair]) -> int:
        services_evidence.keep(organization_id, pairs)
        return services_proofs.keep_pairs(organization_id, pairs, self._epsilon(organization_id))

    def _epsilon(self, organization_id: UUID) -> float:
        return effective(self._defaults, selectors_routing.wishes(organization_id)).epsilon


def _predictor(organization_id: UUID, _: datetime) -> Predictor | None:
    return selectors_evidence.predictor_of(organization_id)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except DatabaseFailure as error:
        raise ProofsUnavailableError(type(error).__name__) from error
