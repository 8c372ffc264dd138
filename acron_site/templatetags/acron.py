"""What templates need beyond Django's own: how times, money, shares, code and icons look, and which theme is on."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from django import template
from django.template import Context
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.timesince import timesince, timeuntil
from lucide.templatetags.lucide import lucide

from acron_site import appearance, user_agents
from acron_site.navigation import links

register = template.Library()

_A_TENTH = 0.1
_A_MINUTE = timedelta(minutes=1)
_CENT = Decimal("0.01")
_HUNDREDTH_OF_A_CENT = Decimal("0.0001")
_SMALLEST = Decimal("0.000001")


@register.filter
def moment(value: datetime | None) -> str:
    """A time in the viewer's zone, to the minute; the exact one in UTC on hovering. Nothing for None."""
    if value is None:
        return ""
    local, exact = timezone.localtime(value), value.astimezone(UTC)
    return format_html(
        '<time datetime="{}" title="{}"><span>{}</span> <span>{}</span></time>',  # breaks between the two only
        exact.isoformat(),
        f"{exact:%Y-%m-%d %H:%M:%S} UTC",
        f"{local:%Y-%m-%d}",
        f"{local:%H:%M} {local.tzname()}",
    )


@register.filter
def usd(amount: Decimal | None) -> str:
    """Dollars: two decimals, and four to six where the amount is under a cent. Nothing for None."""
    if amount is None:
        return ""
    size, sign = abs(amount), "-" if amount < 0 else ""
    if 0 < size < _SMALLEST:
        return f"{sign}< ${_SMALLEST}" if not sign else f"> -${_SMALLEST}"
    places = 2 if size == 0 or size >= _CENT else 4 if size >= _HUNDREDTH_OF_A_CENT else 6
    return f"{sign}${size:,.{places}f}"


@register.filter
def percent(share: float | None) -> str:
    """A share of 1 in percent: one decimal, and two where it is under ten. Nothing for None."""
    if share is None:
        return ""
    places = 0 if share == 0 else 2 if share < _A_TENTH else 1
    return f"{share * 100:.{places}f}\N{NO-BREAK SPACE}%"


@register.filter
def relative(value: datetime | None) -> str:
    """How long ago, or how soon: `3 minutes ago`, `in 6 days`; the exact time in UTC on hovering. Nothing for None."""
    if value is None:
        return ""
    exact, now = value.astimezone(UTC), timezone.now()
    return format_html(
        '<time datetime="{}" title="{}"><span>{}</span></time>',
        exact.isoformat(),
        f"{exact:%Y-%m-%d %H:%M:%S} UTC",
        _distance(value, now),
    )


@register.filter
def browser(user_agent: str) -> str:
    """Which browser it is, on which system; the whole header on hovering."""
    return format_html('<span title="{}">{}</span>', user_agent, user_agents.described(user_agent))


@register.filter
def copyable(text: str, label: str = "Code") -> SafeString:
    """A block of code that gets a copy button where scripts run (static/js/copy.js)."""
    # it may be wider than the page: whoever has no mouse scrolls it too
    return format_html(
        '<div class="copyable" data-copyable><pre class="code" tabindex="0" role="group" aria-label="{}">'
        "<code>{}</code></pre></div>",
        label,
        text,
    )


@register.simple_tag
def icon(name: str, size: int = 16) -> SafeString:
    """An icon beside words; alone it says nothing to a screen reader."""
    return mark_safe(lucide(name, size=size, aria_hidden="true", **{"class": "icon"}))  # noqa: S308 - the package's own file


@register.simple_tag(takes_context=True)
def theme(context: Context) -> str:
    """light or dark where the viewer chose one, else nothing: then the system's counts."""
    request = context.get("request")
    return appearance.chosen(request) if request is not None else ""


@register.inclusion_tag("components/navigation.html", takes_context=True)
def navigation(context: Context) -> dict[str, Any]:
    """The left navigation of the one who looks at the page."""
    request, viewer = context["request"], context.get("viewer")
    of_organization, of_person = links(viewer.principal if viewer else None, request.path)
    return {
        "request": request,
        "user": context.get("user"),
        "csrf_token": context.get("csrf_token"),
        "viewer": viewer,
        "of_organization": of_organization,
        "of_person": of_person,
    }


def _distance(value: datetime, now: datetime) -> str:
    if abs(value - now) < _A_MINUTE:
        return "just now" if value <= now else "in less than a minute"
    return f"{timesince(value, now, depth=1)} ago" if value <= now else f"in {timeuntil(value, now, depth=1)}"
