"""Cache policies in PostgreSQL, as the book of policies reads them."""

from uuid import UUID

from django.db import Error as DatabaseFailure
from django.db import connections

from caching import selectors_policies
from caching.policies import Policies, Policy, policies
from caching.policy_book import PoliciesUnavailableError


class DatabasePolicies:
    def __init__(self, defaults: Policy) -> None:
        self._defaults = defaults

    def read(self, organization_id: UUID) -> Policies:
        try:
            return policies(self._defaults, selectors_policies.wishes(organization_id))
        except DatabaseFailure as error:
            raise PoliciesUnavailableError(type(error).__name__) from error

    def release(self) -> None:
        connections.close_all()
