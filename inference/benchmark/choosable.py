"""The models that a report may choose among: every one that answers something real, whether its key is here or not."""

from pathlib import Path

from django.conf import settings

from inference import catalog as catalogs
from inference.catalog import Catalog


def load(file: str | None) -> Catalog:
    """Of a models file, or of the settings'. Raises CatalogError."""
    path = Path(file or Path(settings.BASE_DIR) / settings.ACRON.providers.models_file)
    return without_invented(catalogs.load(path, {}, mock=True))


def without_invented(catalog: Catalog) -> Catalog:
    """Without the models of the mock provider, whose prices are invented: what is saved must be real money."""
    real = (model for model in catalog.models if model.provider != "mock")
    return Catalog(real, is_simulated=catalog.is_simulated, providers=catalog.providers)
