"""The tables of caching."""

from caching.models.entries import SemanticEntry
from caching.models.gates import SemanticCheck, SemanticGate
from caching.models.policies import CachePolicy

__all__ = ["CachePolicy", "SemanticCheck", "SemanticEntry", "SemanticGate"]
