"""What callers say of the answers they got: how good one was, and what came of it."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection

from accounts.principal import Principal
from accounts.rights import Right
from acron_site.lib.errors import NotFoundError
from analytics import selectors
from analytics.models import Feedback

Outcome = str | int | float | bool

# a row of the ledger is carried in a few times a second, and feedback may come at once
_LATE_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Said:
    """None: nothing is said of it, so what was said before stays. `score`: 0 to 5, as quality is measured."""

    request_id: str
    score: float | None = None
    task_type: str | None = None
    outcome: Outcome | None = None

    @property
    def given(self) -> Mapping[str, Outcome]:
        said = {"score": self.score, "task_type": self.task_type, "outcome": self.outcome}
        return {name: value for name, value in said.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Kept:
    """What now stands on record."""

    request_id: str
    score: float | None
    task_type: str
    outcome: Outcome | None
    created_at: datetime
    updated_at: datetime


Listener = Callable[[UUID, Kept], None]
_listeners: list[Listener] = []


def tell(listener: Listener) -> None:
    """It hears of all feedback, by organization, and of a repetition again. To be called from an app's `ready`."""
    _listeners.append(listener)


def give(principal: Principal, said: Said, *, wait: Callable[[float], None] = time.sleep) -> tuple[Kept, bool]:
    """Keeps one opinion a request and caller; a second takes the first one's place. True: it is the first.

    Raises NotFoundError for a request that is not the organization's, or not on record yet.
    """
    principal.require_right(Right.GIVE_FEEDBACK)
    _require_request(principal, said.request_id, wait)
    own = Feedback.objects.for_organization(principal.organization_id)
    row, is_new = own.update_or_create(
        organization_id=principal.organization_id,
        request_id=said.request_id,
        key_id=principal.key_id,
        person_id=principal.user_id,
        defaults=said.given,
    )
    given = kept(row)
    for listener in _listeners:
        listener(principal.organization_id, given)
    return given, is_new


def kept(row: Feedback) -> Kept:
    return Kept(
        request_id=row.request_id,
        score=row.score,
        task_type=row.task_type,
        outcome=row.outcome,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _require_request(principal: Principal, request_id: str, wait: Callable[[float], None]) -> None:
    if selectors.has_request(principal.organization_id, request_id):
        return
    if not connection.in_atomic_block:
        connection.close()  # the pool is small, and others need not wait along
    wait(_LATE_SECONDS)
    if not selectors.has_request(principal.organization_id, request_id):
        raise NotFoundError(
            f"your organization has no request {request_id!r}; send the x-request-id of an answer, and if it came just "
            "now, try again in a second",
            param="request_id",
            headers={"Retry-After": "1"},
        )
