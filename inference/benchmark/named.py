"""Finds a model of the catalogue by whatever a log or an export calls it."""

from inference.catalog import Catalog, Model


def find(name: str, catalog: Catalog) -> Model | None:
    """By its name, an alias, a dated snapshot, or either behind a provider's name and a slash."""
    for each in (name, name.rpartition("/")[2]):
        if each and (found := _exactly(each, catalog)):
            return found
    return None


def _exactly(name: str, catalog: Catalog) -> Model | None:
    known = next((model for model in catalog.models if name == model.name or name in model.aliases), None)
    if known is not None:
        return known
    providers = dict.fromkeys(model.provider for model in catalog.models)
    found = (catalog.named(provider, name) for provider in providers)
    return next((model for model in found if model is not None), None)
