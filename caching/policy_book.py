"""The cache policies a process knows."""

import time
from collections.abc import Callable

from accounts import policy_book
from accounts.policy_book import PoliciesUnavailableError, PolicyRecords
from caching.policies import UNKNOWN, Policies

__all__ = ["PoliciesUnavailableError", "PolicyBook", "PolicyRecords"]


class PolicyBook(policy_book.PolicyBook[Policies]):
    """A policy may hide a wall: while it is not known, the cache rests."""

    def __init__(
        self,
        records: PolicyRecords[Policies],
        *,
        max_entries: int = policy_book.MOST,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(records, name="cache-policies", unknown=UNKNOWN, max_entries=max_entries, clock=clock)
