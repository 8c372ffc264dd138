"""Forms of the members page and of organizations."""

from collections.abc import Sequence
from typing import Any

from django import forms

from accounts.roles import Role
from accounts.services.organizations import LONGEST_NAME
from accounts.services.retention import LONGEST_DAYS


class InviteForm(forms.Form):
    email = forms.EmailField(
        max_length=254,
        label="Email address",
        widget=forms.EmailInput(attrs={"autocomplete": "off", "placeholder": "grace@example.com"}),
    )
    role = forms.ChoiceField(label="Role", initial=Role.MEMBER.value)

    def __init__(self, *args: Any, roles: Sequence[Role], **options: Any) -> None:
        super().__init__(*args, **options)
        choices = [(role.value, role.value.title()) for role in roles]
        self.fields["role"] = forms.ChoiceField(label="Role", initial=Role.MEMBER.value, choices=choices)


class RoleForm(forms.Form):
    role = forms.ChoiceField(choices=[(role.value, role.value.title()) for role in Role])


class OrganizationForm(forms.Form):
    name = forms.CharField(
        max_length=LONGEST_NAME, label="Name", widget=forms.TextInput(attrs={"autocomplete": "organization"})
    )


class RetentionForm(forms.Form):
    keeps_content = forms.BooleanField(required=False, label="Keep prompts and answers")
    content_retention_days = forms.IntegerField(
        min_value=1,
        max_value=LONGEST_DAYS,
        label="Days that they are kept",
        help_text="What is older is deleted; when you stop keeping them, everything kept is deleted.",
    )
