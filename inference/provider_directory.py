"""Finds who answers for a model, and with which key: the organization's own, else the operator's."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from uuid import UUID

from django.conf import settings

from accounts import provider_keys as own_keys
from accounts.encryption import Cipher
from accounts.principal import Principal, ProviderKey
from acron_site.lib import outbound
from acron_site.lib.errors import InvalidRequestError, UpstreamUnreachableError
from acron_site.lib.outbound import Reach
from inference import usage
from inference.catalog import Model, ProviderEntry
from inference.deployments import with_own_key
from inference.prompt_caching import PromptCaching
from inference.providers.anthropic_access import unmarked
from inference.providers.base import Provider, Transport
from inference.providers.kinds import dialects_of
from inference.providers.mock import MockTransport
from inference.providers.own_endpoint import RedirectedDialect
from inference.providers.responses_native import ResponsesDialect
from inference.stored_responses import Shelf
from inference.targets import Target

_MOST_TARGETS = 10_000
_MOST_OWN_KEYS = 2_000  # opened keys of organizations that a process remembers


class Providers:
    """Finds who answers for a model, and with which key: the organization's own, else the operator's.

    The operator's keys come from the environment, by the name the catalogue gives. `guarded` carries calls to
    organizations' own endpoints, within `reach`; those that the operator lists are called as the catalogue's are.
    `caching` marks prompts for calls with an organization's own key: what the operator's key has cached could be found
    out by others who use it too. `mock` carries what the mock provider is asked.
    """

    def __init__(
        self,
        http: Transport,
        cipher: Cipher,
        *,
        guarded: Transport,
        reach: Reach,
        caching: PromptCaching | None = None,
        mock: Transport | None = None,
    ) -> None:
        self._http, self._cipher = http, cipher
        self._guarded, self._reach, self._caching = guarded, reach, caching
        self._known: dict[tuple[str, str, str, str], Provider] = {}
        # a changed key has a new id, so an entry never grows stale; what opens is remembered, what does not is not
        self._own: Callable[[ProviderKey, UUID, str, str], Provider] = lru_cache(_MOST_OWN_KEYS)(self._open)
        self._targets: dict[tuple[str, bool, bool, UUID | None], tuple[Target, ...]] = {}
        self._mock = Provider("mock", dialects_of("mock", api_key="mock", name="mock"), mock or MockTransport())

    def of(self, model: Model, principal: Principal) -> Provider:
        """Test keys and simulated models are answered by the mock provider."""
        if principal.is_test or model.answered_by == "mock":
            return self._mock
        if (own := _own_key(model, principal)) is not None:
            return self._own(own, principal.organization_id, model.answered_by, model.base_url)
        name = (model.provider, model.answered_by, model.api_key_env, model.base_url)
        provider = self._known.get(name)
        if provider is None:
            provider = self._known[name] = self._make(model)
        return provider

    def targets(self, model: Model, principal: Principal) -> Sequence[Target]:
        """Where a call to the model can go, for whom it is made."""
        own = _own_key(model, principal)
        name = (model.name, model.is_simulated, principal.is_test, own.id if own else None)
        known = self._targets.get(name)
        if known is None:
            if len(self._targets) >= _MOST_TARGETS:
                self._targets.clear()
            known = self._targets[name] = tuple(self._targets_of(model, principal, own))
        return known

    def _targets_of(self, model: Model, principal: Principal, own: ProviderKey | None) -> Iterator[Target]:
        if principal.is_test or model.answered_by == "mock":
            yield Target(f"mock {model.name}", model, self._mock, is_private=principal.is_test)
        elif own is not None:
            # by key: what one organization's key meets is no other's business
            own_place = with_own_key(model.deployments[0], provider=model.provider, key_identity=str(own.id))
            yield Target(own_place.id, model, self.of(model, principal), is_private=True)
        else:
            for each in model.deployments:
                place = model.at(each)
                yield Target(each.id, place, self.of(place, principal), each.weight)

    def shelf_of(self, listed: Iterable[ProviderEntry], principal: Principal) -> Shelf | None:
        """Where OpenAI keeps responses for the organization's own key there, if it has one."""
        if principal.is_test:
            return None
        servers = {entry.name: entry.base_url for entry in listed if entry.dialect == "openai"}
        for key in principal.provider_keys:
            if key.provider in servers and not key.base_url:  # an endpoint of its own keeps what it keeps to itself
                secret = own_keys.secret_of(key, principal.organization_id, self._cipher)
                dialect = ResponsesDialect(api_key=secret, name=key.provider, is_own_key=True)
                return Shelf(dialect, servers[key.provider], self._http)
        return None

    async def close(self) -> None:
        await self._mock.transport.close()
        await self._http.close()
        await self._guarded.close()

    def _make(self, model: Model) -> Provider:
        key = settings.ENVIRON.get(model.api_key_env, "") if model.api_key_env else ""
        dialects = dialects_of(
            model.answered_by,
            api_key=key,
            name=model.provider,
            key_name=model.api_key_env,
            geography=usage.geography_of(model.base_url),
        )
        return Provider(model.provider, dialects, self._http)

    def _open(self, key: ProviderKey, organization_id: UUID, kind: str, base_url: str) -> Provider:
        """Raises UnreadableProviderKeyError: an organization that brings a key is never served by the operator's."""
        secret = own_keys.secret_of(key, organization_id, self._cipher)
        geography = usage.geography_of(key.base_url or base_url)
        marked = unmarked if self._caching is None else partial(self._caching.marked, organization_id=organization_id)
        dialects = dialects_of(
            kind, api_key=secret, name=key.provider, geography=geography, is_own_key=True, marked=marked
        )
        provider = Provider(key.provider, dialects, self._http)
        return self._at_own_endpoint(provider, key.base_url) if key.base_url else provider

    def _at_own_endpoint(self, provider: Provider, base_url: str) -> Provider:
        """Raises UpstreamUnreachableError when the operator has since taken the host from the list."""
        try:
            endpoint = outbound.check_url(base_url, reach=self._reach)
        except InvalidRequestError as error:
            raise UpstreamUnreachableError(
                f"your organization's own endpoint for {provider.name} is not called any more ({error.message}); "
                "enter another one under /settings/providers"
            ) from None
        return replace(
            provider,
            dialects={
                wanted: RedirectedDialect(dialect, endpoint.url) for wanted, dialect in provider.dialects.items()
            },
            transport=self._http if endpoint.is_listed else self._guarded,
            own_endpoint=endpoint.url,
        )


def _own_key(model: Model, principal: Principal) -> ProviderKey | None:
    """The organization's own key for the model's provider."""
    if not principal.provider_keys or not model.takes_own_key:
        return None
    return next((key for key in principal.provider_keys if key.provider == model.provider), None)
