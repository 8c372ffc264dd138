"""The tables of caching."""

from caching.models.gates import SemanticCheck, SemanticGate
from caching.models.policies import CachePolicy

__all__ = ["CachePolicy", "SemanticCheck", "SemanticGate"]
