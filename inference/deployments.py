"""The keys and servers that one model is called with."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from hashlib import blake2b

from inference.entries import CatalogError, Entry


@dataclass(frozen=True, slots=True)
class Deployment:
    """One way to call a model. Of two, the one with twice the `weight` gets twice as many calls."""

    name: str
    base_url: str
    api_key_env: str  # "": the server asks for no key
    upstream_model: str
    weight: int = 1
    id: str = ""  # what its breaker and its load are known by, in this process and to others

    def has_key(self, environ: Mapping[str, str]) -> bool:
        return not self.api_key_env or bool(environ.get(self.api_key_env))


@lru_cache(4096)
def deployment_id(*, provider: str, model: str, base_url: str, key_identity: str) -> str:
    """Names a deployment without telling its address.

    `key_identity` says which key it is (its variable, or the id of an organization's): never the key itself, which not
    even a digest may tell.
    """
    named = f"{provider}\n{model}\n{base_url}\n{key_identity}"
    return blake2b(named.encode(), digest_size=8, person=b"deployment").hexdigest()


def sole(*, provider: str, base_url: str, api_key_env: str, upstream_model: str) -> Deployment:
    """Of a model that lists none."""
    return _identified(provider, Deployment("1", base_url, api_key_env, upstream_model))


def with_own_key(deployment: Deployment, *, provider: str, key_identity: str) -> Deployment:
    """The same called with an organization's own key, whose troubles are nobody else's."""
    own_id = deployment_id(
        provider=provider, model=deployment.upstream_model, base_url=deployment.base_url, key_identity=key_identity
    )
    return replace(deployment, api_key_env="", id=own_id)


def parse(entry: Entry, *, provider: str, inherited: Deployment) -> tuple[Deployment, ...]:
    """Those that a model lists. What an entry leaves out is `inherited` from the model."""
    listed: dict[str, Deployment] = {}
    for number, part in enumerate(entry.listed("deployments"), start=1):
        deployment = _identified(provider, _deployment(part, inherited, number))
        if deployment.id in listed:
            raise CatalogError(f"{part.place}: the same as another one; give that one a higher weight instead")
        listed[deployment.id] = deployment
    return tuple(listed.values())


def for_snapshot(
    deployments: Iterable[Deployment], *, provider: str, model: str, snapshot: str
) -> tuple[Deployment, ...]:
    """Those that know the model by its own name know its snapshots too."""
    same = (replace(one, upstream_model=snapshot) for one in deployments if one.upstream_model == model)
    return tuple(_identified(provider, one) for one in same)


def _deployment(entry: Entry, inherited: Deployment, number: int) -> Deployment:
    own_base_url = entry.address("base_url")
    # a server of its own never inherits a key: it would be sent to a stranger
    inherited_key = "" if own_base_url else inherited.api_key_env
    deployment = Deployment(
        name=entry.text("name", f"{number}"),
        base_url=own_base_url or inherited.base_url,
        api_key_env=entry.text("api_key_env", inherited_key),
        upstream_model=entry.text("upstream_model", inherited.upstream_model),
        weight=entry.whole("weight", 1),
    )
    if deployment.weight < 1:
        raise entry.error("weight", "expected a whole number from 1 on; leave the entry out to switch it off")
    entry.finish()
    return deployment


def _identified(provider: str, deployment: Deployment) -> Deployment:
    known_by = deployment_id(
        provider=provider,
        model=deployment.upstream_model,
        base_url=deployment.base_url,
        key_identity=deployment.api_key_env,
    )
    return replace(deployment, id=known_by)
