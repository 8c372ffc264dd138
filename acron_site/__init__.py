"""ACRON: one gateway in front of the language models, that routes, caches and keeps the books."""

__version__ = "0.1.0"
