"""The people of the stories of accounts, with an organization each."""

from tests.accounts.conftest import _forgetful, ada, mallory

__all__ = ["_forgetful", "ada", "mallory"]
