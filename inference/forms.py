"""Forms of inference's pages."""

from django import forms

_HELP = "As the provider shows it. It is encrypted, used for your organization's requests only, and never shown again."


class ProviderKeyForm(forms.Form):
    """One for each provider on the page, so its ids carry the provider's name."""

    provider = forms.CharField(max_length=64, widget=forms.HiddenInput)
    api_key = forms.CharField(
        label="API key",
        max_length=2048,
        help_text=_HELP,
        widget=forms.PasswordInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
