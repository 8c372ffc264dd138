"""What is set for an organization: each value with its default and where it comes from."""

from dataclasses import dataclass
from uuid import UUID

from django.conf import settings

from accounts import wiring
from accounts.encryption import AesCipher
from accounts.models import Organization

_ENCRYPTION_KEY = "ASAHI_ENCRYPTION_KEY"
_OF_ORGANIZATION = "set for this organization"
_BUILT_IN = "default"
_NO_DEFAULT = "none"


@dataclass(frozen=True, slots=True)
class Setting:
    """`shown` is the value in words."""

    name: str
    title: str
    value: str | bool | int
    shown: str
    default: str
    source: str
    description: str


def organization(organization_id: UUID) -> Organization:
    return Organization.objects.get(pk=organization_id)


def settings_of(organization: Organization) -> list[Setting]:
    return [
        _name(organization),
        _slug(organization),
        _kept_content(organization),
        _retention(organization),
        _encryption(),
    ]


def _name(organization: Organization) -> Setting:
    return Setting(
        name="name",
        title="Name",
        value=organization.name,
        shown=organization.name,
        default=_NO_DEFAULT,
        source=_OF_ORGANIZATION,
        description="What people see, in pages and in invitations.",
    )


def _slug(organization: Organization) -> Setting:
    return Setting(
        name="slug",
        title="Slug",
        value=organization.slug,
        shown=organization.slug,
        default="made from the first name",
        source=_OF_ORGANIZATION,
        description="The short name for commands. It stays when the name changes, because it may be written down.",
    )


def _kept_content(organization: Organization) -> Setting:
    return Setting(
        name="keeps_content",
        title="Prompts and answers",
        value=organization.keeps_content,
        shown="kept" if organization.keeps_content else "not kept in the ledger",
        default="not kept",
        source=_OF_ORGANIZATION if organization.keeps_content else _BUILT_IN,
        description="The ledger has the facts of each request: model, tokens, cost, time. Cached answers stay in the "
        "cache until their time is up.",
    )


def _retention(organization: Organization) -> Setting:
    days, default = organization.content_retention_days, Organization._meta.get_field("content_retention_days").default
    return Setting(
        name="content_retention_days",
        title="Days that they are kept",
        value=days,
        shown=str(days),
        default=str(default),
        source=_BUILT_IN if days == default else _OF_ORGANIZATION,
        description="What is older is deleted. Nothing is kept at all while prompts and answers are not kept.",
    )


def _encryption() -> Setting:
    is_on = isinstance(wiring.cipher(), AesCipher)
    return Setting(
        name="encryption_at_rest",
        title="Encryption at rest",
        value=is_on,
        shown="on, AES-256-GCM" if is_on else "off",
        default="off without a key",
        source=_source_of_key(is_on=is_on),
        description="Cached answers, provider keys, emails on their way and browser sessions are sealed before they "
        "are stored."
        if is_on
        else f"Ask the operator to set {_ENCRYPTION_KEY}; see the README.",
    )


def _source_of_key(*, is_on: bool) -> str:
    if not is_on:
        return f"{_ENCRYPTION_KEY} is not set"
    if _ENCRYPTION_KEY in settings.GENERATED_SECRETS:
        return "a key that ACRON made at its first start"
    return f"the operator's {_ENCRYPTION_KEY}"
