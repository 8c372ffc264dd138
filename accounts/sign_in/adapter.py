"""How signing in works here: allauth's flows, with our organizations, throttles, emails, audit log and encryption."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.authentication import get_authentication_records
from allauth.account.models import EmailAddress
from allauth.account.utils import get_next_redirect_url
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.usersessions.adapter import DefaultUserSessionsAdapter
from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse

from accounts import emails, flash
from accounts.models import User, normalised_email
from accounts.requests import origin_of
from accounts.services import email_addresses, own_account, people
from accounts.sign_in import letters, second_factor
from acron_site.lib.errors import ConflictError, InvalidApiKeyError, RateLimitedError

_SIGNED_UP = "signed_up"
_WRONG_PASSWORD = "this is not your password; try again, or log out and reset it"  # noqa: S105 - a sentence


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """`request` is the one being answered; allauth sets it."""

    request: HttpRequest
    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "email_password_mismatch": "The email or the password is wrong; check both, or reset the password.",
        "too_many_login_attempts": "Too many failed tries; wait a few minutes, or reset the password.",
        "enter_current_password": _WRONG_PASSWORD.capitalize() + ".",
        "incorrect_password": _WRONG_PASSWORD.capitalize() + ".",
        "email_taken": "There can be no new account with this email; if it is yours, log in or reset the password.",
        "duplicate_email": "This is your email address already, or the one you are changing to; enter another one.",
        "incorrect_code": "This code is wrong or was used; wait for the next one.",
        "rate_limited": "Too many tries; wait a few minutes.",
        "invalid_password_reset": "This link was used already or is too old; ask for a new one.",
    }

    def get_client_ip(self, request: HttpRequest) -> str:
        # never X-Forwarded-For, see accounts.requests; a server on a unix socket knows no address
        return origin_of(request).address or "0.0.0.0"  # noqa: S104 - shown, not bound

    def is_ajax(self, request: HttpRequest) -> bool:
        """allauth answers some requests in JSON; here only the script that asks for a passkey is."""
        return request.resolver_match is not None and request.resolver_match.url_name == "mfa_login_webauthn"

    def clean_email(self, email: str) -> str:
        return normalised_email(email)

    def authenticate(self, request: HttpRequest, **credentials: Any) -> User | None:
        try:
            return people.prove(credentials["email"], credentials["password"], origin=origin_of(request))
        except InvalidApiKeyError:
            return None
        except RateLimitedError:
            raise self.validation_error("too_many_login_attempts") from None

    def reauthenticate(self, user: User, password: str) -> bool:
        return self.authenticate(self.request, email=user.email, password=password) == user

    def pre_login(self, request: HttpRequest, user: User, **kwargs: Any) -> HttpResponse | None:
        email_addresses.keep(user)  # accounts that are older than verification have no row yet
        response: HttpResponse | None = super().pre_login(request, user, **kwargs)
        return response

    def login(self, request: HttpRequest, user: User) -> None:
        if request.session.pop(_SIGNED_UP, None) != str(user.pk):
            flash.take(request, "issued_key")  # of somebody else, who signed up in this browser and left
        with transaction.atomic():
            super().login(request, user)
            own_account.record(user, "user.logged_in", origin_of(request), method=_method(request, user))

    def logout(self, request: HttpRequest) -> None:
        if isinstance(request.user, User):
            with transaction.atomic():
                own_account.record(request.user, "user.logged_out", origin_of(request))
        super().logout(request)

    def set_password(self, user: User, password: str) -> None:
        match = self.request.resolver_match
        is_change = match is not None and match.url_name == "account_change_password"
        method = "change" if is_change else "reset"
        ended = people.set_password(user, password, method=method, origin=origin_of(self.request))
        if ended:
            messages.warning(
                self.request,
                "Your address had not been confirmed before, and somebody else may have signed up with it: "
                f"API keys made until now have ended ({ended}). Log in and create new ones under API keys.",
            )

    def confirm_email(self, request: HttpRequest, email_address: EmailAddress) -> bool:
        try:
            former = email_addresses.confirm(email_address, origin=origin_of(request))
        except ConflictError as error:
            messages.error(request, error.message)
            return False
        if former:
            self.send_notification_mail("account/email/email_changed", email_address.user, email=former)
        messages.success(request, f"{email_address.email} is confirmed.")
        return True

    def should_send_confirmation_mail(self, _request: HttpRequest, _email_address: EmailAddress, signup: bool) -> bool:
        return not signup  # then it is in the outbox already, from the transaction of the sign-up

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        letters.send(template_prefix, email, context)

    def get_email_confirmation_url(self, request: HttpRequest, emailconfirmation: Any) -> str:
        return letters.verification_link(emailconfirmation.key, then=get_next_redirect_url(request) or "")

    def get_reset_password_from_key_url(self, key: str) -> str:
        # under the address that the operator configured: who asks for the email may send any Host header
        address: str = super().get_reset_password_from_key_url(key)
        return emails.link("/" + address.partition("://")[2].partition("/")[2])


class MfaAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": AccountAdapter.error_messages["incorrect_code"],
        "unknown_passkey": "This passkey is not known here, or the page was open for too long; try again.",
        "unverified_email": "Confirm your email address first: open the link in the email that we sent.",
    }

    def encrypt(self, text: str) -> str:
        return second_factor.seal(text)

    def decrypt(self, encrypted_text: str) -> str:
        return second_factor.unseal(encrypted_text)

    def generate_authenticator_name(self, user: User, type: Authenticator.Type) -> str:  # noqa: A002 - allauth's name
        """What is suggested; people rename it to what they call their device."""
        number = Authenticator.objects.filter(user=user, type=type).count() + 1
        return "My passkey" if number == 1 else f"My passkey {number}"

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        return {**super().get_public_key_credential_rp_entity(), "name": "ACRON"}


class SessionsAdapter(DefaultUserSessionsAdapter):  # type: ignore[misc]
    @transaction.atomic
    def end_sessions(self, sessions: list[UserSession]) -> None:
        super().end_sessions(sessions)
        if sessions:
            origin = origin_of(self.request)
            own_account.record(sessions[0].user, "user.sessions_ended", origin, count=len(sessions))


def note_sign_up(request: HttpRequest, user: User, api_key: str) -> None:
    """Shows the new key on the next page, to the person who has just signed up and to nobody after them."""
    request.session[_SIGNED_UP] = str(user.pk)
    flash.keep(request, "issued_key", api_key)


def _method(request: HttpRequest, user: User) -> str:
    """password, password+totp, password+recovery_codes, webauthn..."""
    records = get_authentication_records(request, user)
    return "+".join(str(record.get("type") or record["method"]) for record in records)
