"""The filters above the audit log."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms

_LABELS = {"object": "Done to", "actor": "Done by"}
_HELP = {
    "actor": "An email address, the public part of a key, or an id.",
    "object": "A name or a part of it, an email address, a kind such as api_key, or an id.",
}


class AuditFilterForm(forms.Form):
    """Its names are the parameters of the address; `accounts.audit_query` reads them, for programs too."""

    action = forms.ChoiceField(required=False)
    actor = forms.CharField(required=False, label=_LABELS["actor"], help_text=_HELP["actor"])
    object = forms.CharField(required=False, label=_LABELS["object"], help_text=_HELP["object"])

    def __init__(self, query: Mapping[str, Any], actions: Sequence[str]) -> None:
        super().__init__(query)
        names = _with_kinds([*actions, query.get("action", "")])
        self.fields["action"] = forms.ChoiceField(
            required=False, choices=[("", "All"), *((name, name) for name in names)]
        )
        for name in ("from", "until"):
            self.fields[name] = forms.CharField(
                required=False, label=f"{name.title()} (UTC)", widget=forms.DateInput(attrs={"type": "date"})
            )


def _with_kinds(actions: Sequence[str]) -> list[str]:
    """Each action, and before those of one kind the kind, which means all of them."""
    return sorted({*actions, *(action.partition(".")[0] for action in actions)} - {""})
