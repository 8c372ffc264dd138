"""The forms of API keys: what is asked for; whether it may be is for the service to say."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils import timezone

from accounts.key_rules import BUDGET_DECIMALS, LONGEST_NAME
from accounts.models import KeyMode
from accounts.principal import KeyRules
from accounts.scopes import Scope
from accounts.services.api_keys import DEFAULT_OVERLAP

_SCOPES = {
    Scope.INFER: "infer: call models through the gateway",
    Scope.ANALYTICS: "analytics: read costs, savings and the request log",
    Scope.ADMIN: "admin: everything, including keys and members",
}
_MODES = [
    (KeyMode.LIVE.value, "Live: models answer, and cost what they cost"),
    (KeyMode.TEST.value, "Test: the mock provider answers, at no cost"),
]
_NEVER = 0
_LIVES = [(str(_NEVER), "Never"), ("30", "In 30 days"), ("90", "In 90 days"), ("365", "In a year")]
_OVERLAPS = [
    (timedelta(0), "It ends at once"),
    (timedelta(hours=1), "For one hour"),
    (DEFAULT_OVERLAP, "For one day"),
    (timedelta(days=7), "For seven days"),
    (timedelta(days=30), "For 30 days"),
]
_LONGEST_LIST = 25_000


class NewKeyForm(forms.Form):
    name = forms.CharField(
        label="Name",
        max_length=LONGEST_NAME,
        help_text="What will use the key, for example “Checkout service”.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    scopes = forms.MultipleChoiceField(
        label="It may",
        widget=forms.CheckboxSelectMultiple,
        initial=[Scope.INFER.value],
        help_text="As little as it needs.",
    )
    mode = forms.ChoiceField(label="Mode", choices=_MODES, widget=forms.RadioSelect, initial=KeyMode.LIVE.value)
    expires_in_days = forms.TypedChoiceField(label="Expires", choices=_LIVES, coerce=int, initial="90")
    allowed_networks = forms.CharField(
        label="Allowed networks",
        required=False,
        max_length=_LONGEST_LIST,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false", "placeholder": "203.0.113.0/24"}),
        help_text="One address or CIDR range per line. Empty: the key works from everywhere.",
    )
    allowed_models = forms.CharField(
        label="Allowed models",
        required=False,
        max_length=_LONGEST_LIST,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
        help_text="One name per line. Empty: all models.",
    )
    requests_per_minute = forms.IntegerField(label="Requests per minute", required=False, min_value=1)
    tokens_per_minute = forms.IntegerField(label="Tokens per minute", required=False, min_value=1)
    monthly_budget_usd = forms.DecimalField(
        label="Budget per month (USD)",
        required=False,
        max_digits=14,
        decimal_places=BUDGET_DECIMALS,
        help_text="Per calendar month, UTC. Beyond it the key is refused until the next month.",
    )

    def __init__(self, *args: Any, scopes: Sequence[Scope], **options: Any) -> None:
        super().__init__(*args, **options)
        offered = self.fields["scopes"]
        assert isinstance(offered, forms.MultipleChoiceField)  # noqa: S101 - tells the type checker
        offered.choices = [(scope.value, words) for scope, words in _SCOPES.items() if scope in scopes]

    @property
    def scopes_asked(self) -> list[Scope]:
        return [Scope(scope) for scope in self.cleaned_data["scopes"]]

    @property
    def expires_at(self) -> datetime | None:
        days: int = self.cleaned_data["expires_in_days"]
        return None if days == _NEVER else timezone.now() + timedelta(days=days)

    @property
    def rules(self) -> KeyRules:
        given = self.cleaned_data
        return KeyRules(
            networks=tuple(_listed(given["allowed_networks"])),
            models=frozenset(_listed(given["allowed_models"])),
            requests_per_minute=given["requests_per_minute"],
            tokens_per_minute=given["tokens_per_minute"],
            monthly_budget_usd=given["monthly_budget_usd"],
        )

    def blame(self, message: str, param: str | None) -> None:
        """Shows what the service said at the field that it named."""
        field = {"expires_at": "expires_in_days"}.get(param or "", param)
        self.add_error(field if field in self.fields else None, message)


class RollForm(forms.Form):
    overlap = forms.TypedChoiceField(
        label="How long the old key goes on working",
        choices=[(int(overlap.total_seconds()), words) for overlap, words in _OVERLAPS],
        coerce=lambda text: timedelta(seconds=int(text)),
        initial=int(DEFAULT_OVERLAP.total_seconds()),
    )


def _listed(text: str) -> list[str]:
    return text.replace(",", "\n").split()
