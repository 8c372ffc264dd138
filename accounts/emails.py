"""Writing emails: a template becomes a message in the outbox, in the transaction that decided on it.

`templates/emails/<name>.txt` is the message as text; its first line is the subject. `templates/emails/<name>.html`
is the same for readers that show HTML and extends `emails/layout.html` (blocks `heading`, `content`). Both are given
the context and `public_url`. Write no name that a stranger chose into a message to an address that is not proven:
it would carry their words to anybody.
"""

from collections.abc import Mapping
from datetime import UTC
from functools import partial
from typing import Any

from django.conf import settings
from django.db import transaction
from django.template import Context, engines
from django.template.backends.django import DjangoTemplates
from django.template.loader import render_to_string
from django.utils import timezone

from accounts import jobs, tasks
from accounts.services import outbox
from accounts.services.outbox import Message


def queue(to: str, template: str, context: Mapping[str, Any] | None = None) -> None:
    """Puts an email into the outbox. It is sent once the caller's transaction is through, and never without it."""
    email_id = outbox.put(write(to, template, context or {}))
    transaction.on_commit(partial(jobs.start, tasks.send_email, str(email_id)), robust=True)


def write(to: str, template: str, context: Mapping[str, Any]) -> Message:
    """The email as it will be read."""
    known = {"public_url": settings.PUBLIC_URL, **context}
    # in UTC, as they say, whoever's page had them written
    with timezone.override(UTC):
        subject, _, text = _plain(f"emails/{template}.txt", known).strip().partition("\n")
        html = render_to_string(f"emails/{template}.html", known)
    return Message(to=to, subject=" ".join(subject.split()), text=text.strip() + "\n", html=html.strip() + "\n")


def link(path: str) -> str:
    """The address of a page for a reader who is not on the site: `link(reverse("account_login"))`."""
    return f"{settings.PUBLIC_URL}{path}"


def _plain(name: str, context: Mapping[str, Any]) -> str:
    # text is not HTML: escaped, a reader would see `&amp;`
    engine = engines["django"]
    if not isinstance(engine, DjangoTemplates):
        raise TypeError("emails are written with Django's own templates")
    return engine.engine.get_template(name).render(Context(dict(context), autoescape=False))
