"""A person's own page: name, time zone, theme, and the ways to everything else about the account."""

import zoneinfo

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render

from accounts.models import Theme
from accounts.pages import PageRequest, page
from accounts.services import email_addresses, people
from accounts.sign_in import second_factor

_NO_PLACES = ("Etc/", "SystemV/", "posix/", "right/")


def time_zones() -> list[str]:
    """UTC first, then the places of the world; technical names are left out."""
    known = zoneinfo.available_timezones()
    return ["UTC", *sorted(name for name in known if "/" in name and not name.startswith(_NO_PLACES))]


class ProfileForm(forms.Form):
    full_name = forms.CharField(
        label="Your name", max_length=200, required=False, widget=forms.TextInput({"autocomplete": "name"})
    )
    time_zone = forms.ChoiceField(
        label="Time zone", choices=lambda: [(name, name.replace("_", " ")) for name in time_zones()]
    )
    theme = forms.ChoiceField(
        choices=[(Theme.SYSTEM, "As the system"), (Theme.LIGHT, "Light"), (Theme.DARK, "Dark")],
        widget=forms.RadioSelect,
    )


@page(GET=None, POST=None)
def profile(request: PageRequest) -> HttpResponse:
    user = request.user
    current = {"full_name": user.full_name, "time_zone": user.time_zone, "theme": user.theme}
    form = ProfileForm(request.POST or None, initial=current)
    if request.method == "POST" and form.is_valid():
        people.change_profile(request.actor, user, **form.cleaned_data)
        messages.success(request, "Your profile is saved.")
        return redirect("profile")
    context = {
        "form": form,
        "is_verified": email_addresses.is_verified(user),
        "pending": email_addresses.pending(user),
        "second_factors": second_factor.kinds(user),
    }
    return render(request, "accounts/profile.html", context)
