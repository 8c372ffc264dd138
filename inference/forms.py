"""Forms of inference's pages."""

from django import forms

from acron_site.lib.outbound import LONGEST_URL

_HELP = "As the provider shows it. It is encrypted, used for your organization's requests only, and never shown again."

_ENDPOINT_HELP = (
    "The https address of a server that speaks this provider's API and knows its models by the same names, such as "
    "your Azure resource or your proxy. The key is sent there and nowhere else; prices stay those of the catalogue. "
    "To change the address, enter the key again. Leave it empty for the provider itself."
)


class ProviderKeyForm(forms.Form):
    """One for each provider on the page, so its ids carry the provider's name."""

    provider = forms.CharField(max_length=64, widget=forms.HiddenInput)
    api_key = forms.CharField(
        label="API key",
        max_length=2048,
        help_text=_HELP,
        widget=forms.PasswordInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    base_url = forms.CharField(
        label="Own endpoint",
        max_length=LONGEST_URL,
        required=False,
        help_text=_ENDPOINT_HELP,
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "spellcheck": "false", "inputmode": "url", "placeholder": "https://"}
        ),
    )
