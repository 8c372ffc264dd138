"""Pages of the cache."""
