"""Django's emails over SendGrid's v3 API."""

import http.client
from collections.abc import Sequence
from email.utils import parseaddr
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import orjson
from django.conf import settings
from django.core.mail import EmailMessage, EmailMultiAlternatives
from django.core.mail.backends.base import BaseEmailBackend

from acron_site.lib.errors import AcronError

_PATH = "/v3/mail/send"
_REMEDIES = {
    400: "it does not like the message; check that ASAHI_EMAIL_FROM_ADDRESS is an email address",
    401: "check SENDGRID_API_KEY",
    403: "verify the sender ASAHI_EMAIL_FROM_ADDRESS at SendGrid, and give the key the right `Mail Send`",
    413: "the message is too large",
    429: "too many emails at once; the next attempt follows by itself",
}


class SendGridError(AcronError):
    """SendGrid did not take the message. Never holds the key or what SendGrid wrote back."""

    status, code = 502, "email_not_sent"


class SendGridBackend(BaseEmailBackend):
    """One call per message. Follows no redirects: they would carry the key elsewhere."""

    def __init__(self, fail_silently: bool = False, **_kwargs: Any) -> None:
        super().__init__(fail_silently=fail_silently)
        base = urlsplit(settings.SENDGRID_BASE_URL)
        if base.scheme not in ("https", "http") or not base.hostname:
            raise SendGridError("SENDGRID_BASE_URL must be an address like https://api.sendgrid.com")
        self._is_tls, self._host, self._port = base.scheme == "https", base.hostname, base.port
        self._path = base.path.rstrip("/") + _PATH

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        return sum(self._send(message) for message in email_messages if message.recipients())

    def _send(self, message: EmailMessage) -> bool:
        try:
            self._hand_over(orjson.dumps(document(message)))
        except SendGridError:
            if not self.fail_silently:
                raise
            return False
        return True

    def _hand_over(self, body: bytes) -> None:
        status = self._post(body)
        if status != HTTPStatus.ACCEPTED:
            remedy = _REMEDIES.get(status, "see status.sendgrid.com; the next attempt follows by itself")
            raise SendGridError(f"SendGrid answered {status}: {remedy}")

    def _post(self, body: bytes) -> int:
        kind = http.client.HTTPSConnection if self._is_tls else http.client.HTTPConnection
        connection = kind(self._host, self._port, timeout=settings.EMAIL_TIMEOUT)
        headers = {"Authorization": f"Bearer {settings.SENDGRID_API_KEY}", "Content-Type": "application/json"}
        try:
            connection.request("POST", self._path, body, headers)
            return connection.getresponse().status
        except (OSError, http.client.HTTPException) as error:
            # the original may hold what was sent
            raise SendGridError(f"SendGrid cannot be reached ({type(error).__name__})") from None
        finally:
            connection.close()


def document(message: EmailMessage) -> dict[str, Any]:
    """The message in SendGrid's words. Tracking stays off: it would rewrite links that open an account."""
    people = {"to": message.to, "cc": message.cc, "bcc": message.bcc}
    body: dict[str, Any] = {
        "personalizations": [{kind: [_person(each) for each in some] for kind, some in people.items() if some}],
        "from": _person(message.from_email),
        "subject": str(message.subject),
        "content": [{"type": "text/plain", "value": str(message.body)}, *_alternatives(message)],
        "tracking_settings": {
            "click_tracking": {"enable": False, "enable_text": False},
            "open_tracking": {"enable": False},
        },
    }
    if message.reply_to:
        body["reply_to"] = _person(message.reply_to[0])
    return body


def _alternatives(message: EmailMessage) -> list[dict[str, str]]:
    alternatives = message.alternatives if isinstance(message, EmailMultiAlternatives) else []
    return [{"type": str(kind), "value": str(content)} for content, kind in alternatives]


def _person(text: str) -> dict[str, str]:
    name, email = parseaddr(text)
    return {"email": email, "name": name} if name else {"email": email}
