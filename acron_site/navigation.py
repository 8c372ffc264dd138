"""The left navigation: what there is, who sees it, and which of it is open now."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.urls import reverse

from accounts.principal import Principal
from accounts.rights import Right


@dataclass(frozen=True, slots=True)
class Entry:
    """One line: the name of the address, the words, the icon (lucide's name), the right to see it, and its key:
    `g` and this letter lead there."""

    name: str
    text: str
    icon: str
    right: Right | None = None
    key: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    href: str
    text: str
    icon: str
    is_current: bool
    key: str = ""


ORGANIZATION = (
    Entry("getting-started", "Getting started", "rocket"),
    Entry("cache", "Cache", "database-zap", Right.READ_ANALYTICS, "c"),
    Entry("api-keys", "API keys", "key-round", Right.MANAGE_OWN_KEYS, "k"),
    Entry("provider-credentials", "Provider keys", "plug", Right.MANAGE_PROVIDER_CREDENTIALS),
    Entry("members", "Members", "users", Right.READ_MEMBERS, "m"),
    Entry("audit", "Audit log", "scroll-text", Right.READ_AUDIT, "a"),
    Entry("settings", "Settings", "settings", Right.READ_SETTINGS, "s"),
)
PERSON = (
    Entry("profile", "Profile", "user"),
    Entry("mfa_index", "Two-factor", "shield-check"),
    Entry("usersessions_list", "Sessions", "monitor-smartphone"),
)


def links(principal: Principal | None, path: str) -> tuple[list[Link], list[Link]]:
    """(of the organization, of the person). Who belongs to no organization sees only what is their own."""
    shown = [entry for entry in ORGANIZATION if principal and (entry.right is None or principal.may(entry.right))]
    addresses = {entry: reverse(entry.name) for entry in (*shown, *PERSON)}
    current = open_of(list(addresses.values()), path)
    made = {entry: Link(href, entry.text, entry.icon, href == current, entry.key) for entry, href in addresses.items()}
    return [made[entry] for entry in shown], [made[entry] for entry in PERSON]


def open_of(addresses: Sequence[str], path: str) -> str | None:
    """The address that a page belongs to: its own, or the nearest one above it."""
    above = [address for address in addresses if path == address or path.startswith(f"{address}/")]
    return max(above, key=len, default=None)
