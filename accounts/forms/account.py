"""Forms of what cannot be undone: whoever means it types the name of what is to go."""

from typing import Any

from django import forms

from accounts.models import normalised_email


class DeleteAccountForm(forms.Form):
    email = forms.CharField(
        max_length=254,
        label="Your email address",
        help_text="Type it to confirm.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "inputmode": "email", "spellcheck": "false"}),
    )

    def __init__(self, *args: Any, email: str) -> None:
        super().__init__(*args)
        self._email = email

    def clean_email(self) -> str:
        typed: str = self.cleaned_data["email"]
        if normalised_email(typed) != normalised_email(self._email):
            raise forms.ValidationError(f"This is not the address of your account: type {self._email}.")
        return typed


class DeleteOrganizationForm(forms.Form):
    slug = forms.CharField(
        max_length=64,
        label="The organization's slug",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "none"}),
    )

    def __init__(self, *args: Any, slug: str) -> None:
        super().__init__(*args)
        self._slug = slug
        self.fields["slug"].help_text = f"Type {slug} to confirm."

    def clean_slug(self) -> str:
        typed: str = self.cleaned_data["slug"]
        if typed != self._slug:
            raise forms.ValidationError(f"This is not its slug: type {self._slug}.")
        return typed
