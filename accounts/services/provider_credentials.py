"""An organization's own keys at providers: they go in, are used and tested, and never come out again."""

import re
from dataclasses import dataclass, field
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts import audit, news, provider_keys, wiring
from accounts.actor import Actor
from accounts.models import ProviderCredential
from accounts.principal import ProviderKey
from accounts.rights import Right
from accounts.services import organizations
from acron_site.lib import outbound
from acron_site.lib.errors import InvalidRequestError, NotFoundError

# a header value: visible ASCII, no spaces (RFC 9110, section 5.5)
_SECRET = re.compile(r"[\x21-\x7e]{8,2048}")
_LAST = 4
_LONGEST_RESULT = 300


@dataclass(frozen=True, slots=True)
class OpenedCredential:
    """A key ready to be tried. `id` says which one was tried, should it be changed meanwhile.

    `base_url` is the only place it may be sent to; "": the provider's.
    """

    id: UUID
    secret: str = field(repr=False)
    base_url: str = ""


@transaction.atomic
def put(actor: Actor, provider: str, secret: str, *, base_url: str = "") -> ProviderCredential:
    """Keeps a key in place of a former one; within a second every worker calls the provider with it.

    With a `base_url` it is sent there and nowhere else. Key and address come together, so that nobody sends a key
    elsewhere who does not know it. Whether there is such a provider is asked by who knows the catalogue.
    """
    actor.principal.require_right(Right.MANAGE_PROVIDER_CREDENTIALS)
    _require_printable(secret)
    if base_url:
        base_url = outbound.check_url(base_url, reach=wiring.reach()).url
    # of two at the same instant one waits for the other
    organizations.lock(actor.organization_id)
    former = _own(actor).filter(provider=provider).first()
    if former is not None:
        _own(actor).filter(pk=former.pk).delete()
    credential = ProviderCredential(
        organization_id=actor.organization_id,
        provider=provider,
        sealed=wiring.cipher().seal(secret.encode(), aad=provider_keys.place_of(actor.organization_id, base_url)),
        base_url=base_url,
        last_four=secret[-_LAST:],
        created_by_id=actor.principal.user_id,
    )
    credential.save(force_insert=True)  # a new row, because workers remember opened keys by its id
    audit.record(
        actor,
        "provider_credential.changed" if former else "provider_credential.created",
        credential,
        before=_shown(former) if former else None,
        after=_shown(credential),
    )
    news.organization_changed(actor.organization_id)
    return credential


@transaction.atomic
def remove(actor: Actor, provider: str) -> None:
    """From now on the operator's key is used, where there is one."""
    actor.principal.require_right(Right.MANAGE_PROVIDER_CREDENTIALS)
    credential = _require(actor, provider)
    audit.record(actor, "provider_credential.removed", credential, before=_shown(credential))
    _own(actor).filter(pk=credential.pk).delete()
    news.organization_changed(actor.organization_id)


@transaction.atomic
def open_for_test(actor: Actor, provider: str) -> OpenedCredential:
    """For trying it out at the provider. Raises UnreadableProviderKeyError when it does not open."""
    actor.principal.require_right(Right.MANAGE_PROVIDER_CREDENTIALS)
    credential = _require(actor, provider)
    key = ProviderKey(credential.pk, provider, bytes(credential.sealed), credential.base_url)
    secret = provider_keys.secret_of(key, actor.organization_id, wiring.cipher())
    return OpenedCredential(credential.pk, secret, credential.base_url)


@transaction.atomic
def note_test(actor: Actor, credential_id: UUID, result: str) -> None:
    """Keeps what came of a test; of a key that was changed meanwhile it says nothing."""
    actor.principal.require_right(Right.MANAGE_PROVIDER_CREDENTIALS)
    credential = _own(actor).select_for_update().filter(pk=credential_id).first()
    if credential is None:
        return
    credential.tested_at, credential.test_result = timezone.now(), result[:_LONGEST_RESULT]
    credential.save(update_fields=["tested_at", "test_result"])
    audit.record(actor, "provider_credential.tested", credential, after={"result": credential.test_result})


def _own(actor: Actor) -> QuerySet[ProviderCredential]:
    own: QuerySet[ProviderCredential] = ProviderCredential.objects.for_organization(actor.organization_id)
    return own


def _require(actor: Actor, provider: str) -> ProviderCredential:
    credential = _own(actor).select_for_update().filter(provider=provider).first()
    if credential is None:
        raise NotFoundError(f"your organization has no key of its own for {provider}; enter one first")
    return credential


def _shown(credential: ProviderCredential) -> dict[str, str]:
    endpoint = {"base_url": credential.base_url} if credential.base_url else {}
    return {"last_four": credential.last_four, **endpoint}


def _require_printable(secret: str) -> None:
    if not _SECRET.fullmatch(secret):
        raise InvalidRequestError(
            "this is no provider key: 8 to 2048 visible characters without spaces; copy it again", param="api_key"
        )
