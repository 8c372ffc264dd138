"""The background jobs of accounts."""

from uuid import UUID

from celery import shared_task

from accounts.services import clearing, outbox


@shared_task(name="accounts.send_email")
def send_email(email_id: str) -> bool:
    """Needs no retry of its own: what fails is due again, and `send_waiting_emails` finds it."""
    return outbox.send(UUID(email_id))


@shared_task(name="accounts.send_waiting_emails")
def send_waiting_emails() -> int:
    """Safe to repeat, and to run twice at once: an email that one worker holds is passed over by the others."""
    return outbox.send_waiting()


@shared_task(name="accounts.clear_belongings")
def clear_belongings(organization_id: str) -> bool:
    """Safe to repeat. Needs no retry of its own: `sweep_belongings` finds what is left, and cache entries pass away."""
    return clearing.clear(UUID(organization_id))


@shared_task(name="accounts.sweep_belongings")
def sweep_belongings() -> int:
    """Safe to repeat; beat runs it again, so it needs no retry of its own."""
    return clearing.sweep()
