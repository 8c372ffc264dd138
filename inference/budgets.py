"""What a key has spent, as the ledger tells it: where a budget's counter begins."""

from datetime import datetime
from decimal import Decimal

from django.db import Error as DatabaseFailure
from django.db import connections

from accounts.limits.domain import Subject
from accounts.limits.limiter import LedgerUnreadableError
from analytics import selectors


def spent(subject: Subject, since: datetime) -> Decimal:
    """For threads: the connection is given back. Raises LedgerUnreadableError."""
    try:
        return selectors.spent_by_key(subject.organization_id, subject.id, since)
    except DatabaseFailure as error:
        raise LedgerUnreadableError(type(error).__name__) from error
    finally:
        connections.close_all()
