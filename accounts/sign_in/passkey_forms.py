"""The forms of passkeys: allauth's, for whom a browser may send anything at all."""

import struct
from typing import Any

from allauth.mfa.adapter import get_adapter
from allauth.mfa.webauthn import forms as allauth_forms
from django import forms

# what parsing and checking a credential raises when it is none
_IS_NONE = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, struct.error)
_LONGEST_CREDENTIAL = 20_000
_LONGEST_NAME = 100


class CredentialField(forms.JSONField):
    widget = forms.HiddenInput

    def to_python(self, value: Any) -> Any:
        # the text of PostgreSQL holds no NUL, and Python's parser gives up on deep nests
        if isinstance(value, str) and (len(value) > _LONGEST_CREDENTIAL or "\\u0000" in value):
            raise _refusal()
        try:
            return super().to_python(value)
        except RecursionError:
            raise _refusal() from None


class AddForm(allauth_forms.AddWebAuthnForm):  # type: ignore[misc]
    name = forms.CharField(max_length=_LONGEST_NAME, required=False)
    passwordless = forms.BooleanField(
        label="Passwordless: log in with it alone",
        required=False,
        help_text="The device then checks by fingerprint, face or PIN that it is you."
        " Otherwise it is asked for after the password.",
    )
    credential = CredentialField()

    def clean(self) -> dict[str, Any]:
        try:
            fields: dict[str, Any] = super().clean()
        except _IS_NONE:
            raise _refusal() from None
        return fields


class RenameForm(allauth_forms.EditWebAuthnForm):  # type: ignore[misc]
    name = forms.CharField(max_length=_LONGEST_NAME)


class _Proves:
    def clean_credential(self) -> Any:
        try:
            return super().clean_credential()  # type: ignore[misc]
        except _IS_NONE:
            raise _refusal() from None


class AuthenticateForm(_Proves, allauth_forms.AuthenticateWebAuthnForm):  # type: ignore[misc]
    credential = CredentialField()


class LogInForm(_Proves, allauth_forms.LoginWebAuthnForm):  # type: ignore[misc]
    credential = CredentialField()


class ReauthenticateForm(_Proves, allauth_forms.ReauthenticateWebAuthnForm):  # type: ignore[misc]
    credential = CredentialField()


def _refusal() -> forms.ValidationError:
    return forms.ValidationError(get_adapter().error_messages["unknown_passkey"])
