"""What a key and those it was rolled from have spent, as the ledger tells it: where a budget's counter begins."""

from datetime import datetime
from decimal import Decimal

from django.db import Error as DatabaseFailure
from django.db import connections

from accounts import selectors_api_keys
from accounts.limits.domain import Subject
from accounts.limits.spending import LedgerUnreadableError
from acron_site.lib.money import ZERO
from analytics import selectors
from inference.fallback_price import NONE, FallbackPrice


def spent(subject: Subject, since: datetime, *, fallback: FallbackPrice = NONE) -> Decimal:
    """For threads: the connection is given back. Raises LedgerUnreadableError.

    What has no price counts at the fallback price, as it did when the budget was charged for it.
    """
    try:
        key_ids = selectors_api_keys.family(subject.organization_id, subject.id)
        priced = selectors.spent_by_keys(subject.organization_id, key_ids, since)
        if not fallback.is_set:
            return priced
        unpriced = selectors.unpriced_tokens(subject.organization_id, key_ids, since)
        return priced + (fallback.cost(unpriced) or ZERO)
    except DatabaseFailure as error:
        raise LedgerUnreadableError(type(error).__name__) from error
    finally:
        connections.close_all()
