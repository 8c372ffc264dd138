"""How signing in works here: allauth's flows, with our organisations, throttles, mails and encryption."""

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    pass


class MfaAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    pass
