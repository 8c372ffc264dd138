"""The outbox: emails wait in the database until one worker has handed each of them on."""

import logging
import random
import smtplib
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import orjson
from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts import wiring
from accounts.models import OutgoingEmail
from acron_site.lib.errors import AcronError

logger = logging.getLogger(__name__)

MOST_ATTEMPTS = 10
LONGEST_WAY = timedelta(days=3)  # a link in it would have expired by then
KEPT_AFTER_FAILURE = timedelta(days=30)  # so that an operator can look at `last_error`
_FIRST_PAUSE = timedelta(minutes=1)
_LONGEST_PAUSE = timedelta(hours=12)
_AT_ONCE = 50  # with the backends' time limit of 10 s these fit into the worker's limit for one job


@dataclass(frozen=True, slots=True)
class Message:
    """An email to one person."""

    to: str
    subject: str
    text: str = field(repr=False)
    html: str = field(repr=False)


def put(message: Message) -> UUID:
    """Keeps a message, sealed, in the caller's transaction. Returns its id."""
    row = OutgoingEmail()
    row.sealed = wiring.cipher().seal(orjson.dumps(asdict(message)), aad=aad_of(row.pk))
    row.save(force_insert=True)
    return row.pk


@transaction.atomic
def send(email_id: UUID) -> bool:
    """Sends an email that is due and removes it. False: sent already, not due, or with another worker just now.

    A failure is noted, and the email is due again later; ten failures or three days are the end.
    """
    row = _due().filter(pk=email_id).select_for_update(skip_locked=True).first()
    if row is None:
        return False
    try:
        _hand_over(_opened(row))
    # what a mail server, the way to it, or an address that cannot be written down can do
    except (smtplib.SMTPException, OSError, ValueError, AcronError) as error:
        _note_failure(row, error)
        return False
    row.delete()
    return True


def send_waiting() -> int:
    """Sends what is due and forgets what failed for good long ago. Returns how many were sent."""
    OutgoingEmail.objects.filter(created_at__lt=timezone.now() - KEPT_AFTER_FAILURE).delete()
    waiting = list(_due().order_by("next_attempt_at").values_list("pk", flat=True)[:_AT_ONCE])
    return sum(send(email_id) for email_id in waiting)


def pause_after(attempts: int, *, jitter: float) -> timedelta:
    """How long to wait after so many failures: 1, 3, 9... minutes, half a day at most; `jitter` from 0 to 1."""
    pause: timedelta = min(_FIRST_PAUSE * 3 ** (attempts - 1), _LONGEST_PAUSE)
    return pause * (1 + 0.25 * jitter)


def aad_of(email_id: UUID) -> bytes:
    return f"outgoing_email:{email_id}".encode()


def _due() -> QuerySet[OutgoingEmail]:
    now: datetime = timezone.now()
    return OutgoingEmail.objects.filter(
        next_attempt_at__lte=now, attempts__lt=MOST_ATTEMPTS, created_at__gt=now - LONGEST_WAY
    )


def _opened(row: OutgoingEmail) -> Message:
    return Message(**orjson.loads(wiring.cipher().open(bytes(row.sealed), aad=aad_of(row.pk))))


def _hand_over(message: Message) -> None:
    email = EmailMultiAlternatives(subject=message.subject, body=message.text, to=[message.to])
    email.attach_alternative(message.html, "text/html")
    email.send()


def _note_failure(row: OutgoingEmail, error: Exception) -> None:
    row.attempts += 1
    row.next_attempt_at = timezone.now() + pause_after(row.attempts, jitter=random.random())  # noqa: S311 - no secret
    row.last_error = _described(error)
    row.save(update_fields=["attempts", "next_attempt_at", "last_error"])
    is_over = row.attempts >= MOST_ATTEMPTS or row.next_attempt_at - row.created_at >= LONGEST_WAY
    logger.log(
        logging.ERROR if is_over else logging.WARNING,
        "email.given_up" if is_over else "email.not_sent",
        extra={"email_id": str(row.pk), "attempts": row.attempts, "cause": row.last_error},
    )


def _described(error: Exception) -> str:
    """What went wrong, without what a server may repeat to us: addresses, or the credentials it refused."""
    if isinstance(error, AcronError):
        return error.message[:300]
    code = getattr(error, "smtp_code", None) or getattr(error, "errno", None)
    return f"{type(error).__name__} {code}" if code else type(error).__name__
