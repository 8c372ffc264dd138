"""Where the key for each provider comes from, and whether an organization's own one works."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from django.conf import settings

from accounts import selectors_provider_credentials, wiring
from accounts.actor import Actor
from accounts.rights import Right
from accounts.selectors_provider_credentials import KeptCredential
from accounts.services import provider_credentials
from acron_site.lib.errors import NotFoundError
from inference import connection_check
from inference.catalog import Catalog, ProviderEntry
from inference.connection_check import Outcome
from inference.wiring import load_catalog

_TITLES = {"openai": "OpenAI", "anthropic": "Anthropic", "cohere": "Cohere"}


class Source(StrEnum):
    """Whose key the gateway uses."""

    ORGANIZATION = "organization"
    OPERATOR = "operator"
    SIMULATED = "simulated"  # nobody's: the mock provider answers
    NONE = "none"  # nobody's: the models cannot be called


@dataclass(frozen=True, slots=True)
class ProviderState:
    """One provider as an organization sees it. `models`: how many of its models an own key opens."""

    name: str
    title: str
    source: Source
    models: int
    credential: KeptCredential | None
    is_listed: bool = True  # False: a key was kept for it, but the catalogue does not have it any more


def catalog() -> Catalog:
    return load_catalog(settings.ACRON)


def provider_named(name: str) -> ProviderEntry:
    """Raises NotFoundError naming those there are."""
    takers = {provider.name: provider for provider in catalog().providers if provider.takes_keys}
    if name not in takers:
        raise NotFoundError(f"there is no provider called {name[:64]!r} here; there are: {', '.join(sorted(takers))}")
    return takers[name]


def states(organization_id: UUID) -> Iterator[ProviderState]:
    """Every provider that takes keys, in the order of the catalogue, then what it has no longer."""
    kept, known = selectors_provider_credentials.kept(organization_id), catalog()
    for provider in known.providers:
        if provider.takes_keys:
            yield _state(provider, known, kept.pop(provider.name, None))
    for credential in kept.values():
        yield ProviderState(credential.provider, credential.provider, Source.NONE, 0, credential, is_listed=False)


def put(actor: Actor, provider: str, secret: str, *, base_url: str = "") -> KeptCredential:
    """Keeps an organization's own key for a provider of the catalogue; `base_url`: to be sent there instead."""
    # whoever may not do this is not told which providers there are
    actor.principal.require_right(Right.MANAGE_PROVIDER_CREDENTIALS)
    provider_credentials.put(actor, provider_named(provider).name, secret, base_url=base_url)
    return selectors_provider_credentials.kept(actor.organization_id)[provider]


def test(actor: Actor, provider: str) -> Outcome:
    """Tries the organization's own key at its provider, and notes what came of it."""
    opened = provider_credentials.open_for_test(actor, provider)
    entry = provider_named(provider)
    if opened.base_url:
        outcome = connection_check.check_own_endpoint(entry, opened.secret, opened.base_url, reach=wiring.reach())
    else:
        outcome = connection_check.check(entry, opened.secret)
    provider_credentials.note_test(actor, opened.id, outcome.says)
    return outcome


def operators_key(provider: ProviderEntry) -> str:
    key: str = settings.ENVIRON.get(provider.api_key_env, "")
    return key


def _state(provider: ProviderEntry, known: Catalog, credential: KeptCredential | None) -> ProviderState:
    return ProviderState(
        name=provider.name,
        title=_TITLES.get(provider.name, provider.name),
        source=_source(provider, known, credential),
        models=sum(model.takes_own_key and model.provider == provider.name for model in known.chat_models()),
        credential=credential,
    )


def _source(provider: ProviderEntry, known: Catalog, credential: KeptCredential | None) -> Source:
    if credential is not None:
        return Source.ORGANIZATION
    if known.is_simulated:
        return Source.SIMULATED
    return Source.OPERATOR if operators_key(provider) else Source.NONE
