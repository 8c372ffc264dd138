"""The forms of signing in that differ from allauth's."""

from typing import Any, ClassVar
from uuid import uuid4

from allauth.account import app_settings
from allauth.account import forms as allauth_forms
from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.email_verification import send_verification_email_to_address
from allauth.account.models import EmailAddress
from allauth.account.utils import get_next_redirect_url
from allauth.usersessions.forms import ManageUserSessionsForm
from allauth.usersessions.internal.flows import sessions
from allauth.usersessions.models import UserSession
from django import forms
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.core.validators import MaxLengthValidator
from django.db import transaction
from django.http import HttpRequest, HttpResponse

from accounts.models import User
from accounts.requests import origin_of
from accounts.services import email_addresses, people
from accounts.sign_in.adapter import note_sign_up
from acron_site.lib.errors import RateLimitedError

_ABOUT_PASSWORDS = "At least 8 characters that are not easy to guess."
_LABELS = {"oldpassword": "Current password", "password1": "New password", "password2": "New password again"}
LONGEST_PASSWORD = 1000  # as for programs; hashing time grows with length


class SignUpForm(allauth_forms.SignupForm):  # type: ignore[misc]
    full_name = forms.CharField(
        label="Your name", max_length=200, required=False, widget=forms.TextInput({"autocomplete": "name"})
    )
    organization_name = forms.CharField(
        label="Organization", max_length=200, required=False, widget=forms.TextInput({"autocomplete": "organization"})
    )
    field_order: ClassVar[list[str]] = ["email", "password1", "full_name", "organization_name"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password1"].max_length = LONGEST_PASSWORD
        self.fields["password1"].validators.append(MaxLengthValidator(LONGEST_PASSWORD))
        self.fields["password1"].help_text = _ABOUT_PASSWORDS

    def validate_unique_email(self, value: str) -> str:
        # only accounts count, not addresses that somebody wants to change to: those may be anybody's
        if not User.objects.filter(email=value).exists():
            return value
        if app_settings.EMAIL_VERIFICATION != app_settings.EmailVerificationMethod.MANDATORY:
            raise forms.ValidationError(_refusal_of_taken())
        self.account_already_exists = True  # the owner of the address learns it by email, nobody else does
        return value

    def try_save(self, request: HttpRequest) -> tuple[User | None, HttpResponse | None]:
        if self.account_already_exists:
            people.count_sign_up(origin_of(request))
            self._sign_up_nobody()
        user, response = super().try_save(request)
        return user, response

    def _sign_up_nobody(self) -> None:
        """Takes as long as a sign-up, so that time tells nothing, and leaves nothing behind."""
        fields = self.cleaned_data
        with transaction.atomic():
            people.sign_up(
                f"{uuid4().hex}@nobody.invalid",
                fields["password1"],
                full_name=fields["full_name"],
                organization_name=fields["organization_name"],
            )
            transaction.set_rollback(True)

    def save(self, request: HttpRequest) -> User:
        """Raises the services' own errors, which the view shows."""
        fields = self.cleaned_data
        made = people.sign_up(
            fields["email"],
            fields["password1"],
            full_name=fields["full_name"],
            organization_name=fields["organization_name"],
            origin=origin_of(request),
            then=get_next_redirect_url(request) or "",
        )
        note_sign_up(request, made.user, made.api_key)
        return made.user


class _SaysItPlainly:
    """The labels of a new password in our words, and what it must be in one sentence."""

    fields: dict[str, forms.Field]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            field.label = _LABELS[name]
            field.widget.attrs.pop("placeholder", None)
        self.fields["password1"].help_text = _ABOUT_PASSWORDS


class ChangePasswordForm(_SaysItPlainly, allauth_forms.ChangePasswordForm):  # type: ignore[misc]
    pass


class NewPasswordForm(_SaysItPlainly, allauth_forms.ResetPasswordKeyForm):  # type: ignore[misc]
    pass


class ResetPasswordForm(allauth_forms.ResetPasswordForm):  # type: ignore[misc]
    def clean_email(self) -> str:
        email = get_adapter().clean_email(self.cleaned_data["email"])
        self.users = list(User.objects.filter(email=email, is_active=True))
        return str(email)

    def save(self, request: HttpRequest, **options: Any) -> str:
        if not self.users:
            _make_link_for_nobody(self.cleaned_data["email"])
        return str(super().save(request, **options))


class ChangeEmailForm(allauth_forms.AddEmailForm):  # type: ignore[misc]
    email = forms.EmailField(label="New email address", widget=forms.EmailInput({"autocomplete": "email"}))

    def save(self, request: HttpRequest) -> EmailAddress:
        address = email_addresses.ask_to_change(self.user, self.cleaned_data["email"])
        send_verification_email_to_address(request, address)
        return address


class EndSessionsForm(ManageUserSessionsForm):  # type: ignore[misc]
    """Ends the session that is named, or all but this one."""

    session = forms.IntegerField(required=False, min_value=1, max_value=2**63 - 1, widget=forms.HiddenInput)

    def save(self, request: HttpRequest) -> None:
        named = self.cleaned_data["session"]
        if named is None:
            super().save(request)
            return
        sessions.end_sessions(request, list(UserSession.objects.filter(user=request.user, pk=named)))


def _make_link_for_nobody(email: str) -> None:
    """Asks and computes what a link to reset a password takes: without it, time would tell who has an account."""
    nobody = User(email=email)
    PasswordResetTokenGenerator().make_token(nobody)
    email_addresses.is_verified(nobody)
    email_addresses.pending(nobody)


def _refusal_of_taken() -> str:
    """Asking for address after address who has an account is slow: it counts as signing up."""
    adapter = get_adapter()
    try:
        people.count_sign_up(origin_of(adapter.request))
    except RateLimitedError as error:
        return error.message
    return str(adapter.error_messages["email_taken"])
