"""The tables of caching."""

from caching.models.entries import SemanticEntry
from caching.models.gates import SemanticCheck, SemanticGate
from caching.models.policies import CachePolicy
from caching.models.purges import SemanticPurge
from caching.models.servings import SemanticServing

__all__ = ["CachePolicy", "SemanticCheck", "SemanticEntry", "SemanticGate", "SemanticPurge", "SemanticServing"]
