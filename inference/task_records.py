"""Corrections of detected tasks in PostgreSQL, as the book of tasks reads them."""

from uuid import UUID

from django.db import Error as DatabaseFailure
from django.db import connections

from analytics import selectors_tasks
from inference.routing.tasks import Correction
from inference.task_book import Corrections, CorrectionsUnavailableError


def read(organization_id: UUID) -> Corrections:
    """Raises CorrectionsUnavailableError."""
    try:
        return found(organization_id)
    except DatabaseFailure as error:
        raise CorrectionsUnavailableError(type(error).__name__) from error
    finally:
        connections.close_all()


def found(organization_id: UUID) -> Corrections:
    mistaken = selectors_tasks.mistaken_tasks(organization_id)
    return tuple(Correction(said, meant, count) for (said, meant), count in mistaken.items())
