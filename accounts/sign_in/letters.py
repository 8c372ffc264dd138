"""The emails that go with signing in: which of our templates stands for which of allauth's, and what it says."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from django.urls import reverse

from accounts import emails


@dataclass(frozen=True, slots=True)
class Notice:
    """Tells the owner of an account that something about its security has changed."""

    subject: str
    happened: str


NOTICES = {
    "password_changed": Notice("Your password was changed", "The password of your account was changed."),
    "password_reset": Notice("Your password was reset", "The password of your account was reset over an email link."),
    "password_set": Notice("Your account has a password", "A password was set for your account."),
    "email_changed": Notice(
        "Your email address was changed", "Your account has another email address now; this one is no longer used."
    ),
    "email_deleted": Notice("An email address was removed", "An email address was removed from your account."),
    "totp_activated": Notice("Two-factor log-in is on", "An authenticator app was added to your account."),
    "totp_deactivated": Notice("An authenticator app was removed", "Your account has no authenticator app any more."),
    "recovery_codes_generated": Notice(
        "New recovery codes", "New recovery codes were made for your account; the earlier ones are void."
    ),
    "webauthn_added": Notice("A passkey was added", "A passkey or security key was added to your account."),
    "webauthn_removed": Notice("A passkey was removed", "A passkey or security key was removed from your account."),
}


def send(template_prefix: str, to: str, context: Mapping[str, Any]) -> None:
    """Queues the email that allauth calls by `template_prefix`, with what of its context our template needs."""
    name = template_prefix.rpartition("/")[2]
    match name:
        case "email_confirmation" | "email_confirmation_signup":
            _queue_verification(to, context["activate_url"])
        case "password_reset_key":
            emails.queue(to, "reset_password", {"link": context["password_reset_url"]})
        case "unknown_account" | "account_already_exists":
            emails.queue(to, name)
        case _:
            notice = NOTICES[name]
            about = {"at": context.get("timestamp"), "address": context.get("ip")}
            emails.queue(to, "security_notice", {"subject": notice.subject, "happened": notice.happened, **about})


def send_verification(address: EmailAddress, *, then: str = "") -> None:
    """Asks the owner of an address whether they signed up with it."""
    _queue_verification(address.email, verification_link(EmailConfirmationHMAC(address).key, then=then))


def verification_link(key: str, *, then: str = "") -> str:
    """`then` is the page that the reader goes on to afterwards."""
    path = reverse("account_confirm_email", args=[key])
    return emails.link(f"{path}?{urlencode({'next': then})}" if then else path)


def _queue_verification(to: str, link: str) -> None:
    emails.queue(to, "verify_email", {"link": link})
