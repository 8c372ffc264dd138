"""Several places where one model is served: other keys, other servers."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from inference.entries import Entry


@dataclass(frozen=True, slots=True)
class Deployment:
    """One place. `weight` is its share of the conversations, beside those of the model's other places."""

    name: str
    upstream_model: str
    base_url: str
    api_key_env: str = ""  # "": the server asks for no key
    weight: int = 1


def parse(entry: Entry, default: Deployment, address_of: Callable[[Entry], str]) -> tuple[Deployment, ...]:
    """Those that the entry of a model lists by name; what one leaves out is the model's own. None: `default` alone."""
    return tuple(_parse(entry.part("deployments"), default, address_of)) or (default,)


def _parse(listed: Entry, default: Deployment, address_of: Callable[[Entry], str]) -> Iterator[Deployment]:
    for name, fields in listed.parts():
        own_base_url = address_of(fields)
        # a server of its own never gets the provider's key: it would be sent to a stranger
        inherited_key = "" if own_base_url else default.api_key_env
        weight = fields.whole("weight", 1)
        if weight < 1:
            raise fields.error("weight", "expected a whole number of at least 1")
        yield Deployment(
            name=name,
            upstream_model=fields.text("upstream_model", default.upstream_model),
            base_url=own_base_url or default.base_url,
            api_key_env=fields.text("api_key_env", inherited_key),
            weight=weight,
        )
        fields.finish()
