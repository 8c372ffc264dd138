"""What waits in the outbox, opened as the worker would open it."""

import re

from accounts.models import OutgoingEmail
from accounts.services import outbox
from accounts.services.outbox import Message


def emails_to(address: str) -> list[Message]:
    """Oldest first. Tests run in a transaction, so nothing is sent before they end."""
    opened = [outbox._opened(row) for row in OutgoingEmail.objects.order_by("created_at", "pk")]
    return [message for message in opened if message.to == address]


def path_in(message: Message, start: str) -> str:
    """The path of the link in it that starts so."""
    found = re.search(rf"https?://[^/\s]+({re.escape(start)}\S*)", message.text)
    assert found is not None, message.text
    return found.group(1)
