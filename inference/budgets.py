"""What a key and those it was rolled from have spent, as the ledger tells it: where a budget's counter begins."""

from datetime import datetime
from decimal import Decimal

from django.db import Error as DatabaseFailure
from django.db import connections

from accounts import selectors_api_keys
from accounts.limits.domain import Subject
from accounts.limits.spending import LedgerUnreadableError
from analytics import selectors


def spent(subject: Subject, since: datetime) -> Decimal:
    """For threads: the connection is given back. Raises LedgerUnreadableError."""
    try:
        key_ids = selectors_api_keys.family(subject.organization_id, subject.id)
        return selectors.spent_by_keys(subject.organization_id, key_ids, since)
    except DatabaseFailure as error:
        raise LedgerUnreadableError(type(error).__name__) from error
    finally:
        connections.close_all()
