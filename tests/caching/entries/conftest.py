"""The same people as in the stories of accounts, and the PostgreSQL of those of vectors."""

from tests.accounts.conftest import _forgetful, ada, mallory
from tests.caching.vectors.conftest import database, open_writer, pgvector, seal

__all__ = ["_forgetful", "ada", "database", "mallory", "open_writer", "pgvector", "seal"]
