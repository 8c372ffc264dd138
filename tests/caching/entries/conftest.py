"""The same people as in the stories of accounts."""

from tests.accounts.conftest import _forgetful, ada, mallory

__all__ = ["_forgetful", "ada", "mallory"]
