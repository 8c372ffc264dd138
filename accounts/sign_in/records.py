"""Second factors in the audit log: the one place that listens to allauth's signals, because it offers no other hook.

allauth tells of an authenticator app and of new recovery codes when their transaction is through, so these lines follow
in one of their own; passkeys and what is removed are recorded within it.
"""

from typing import Any

from allauth.mfa import signals
from allauth.mfa.models import Authenticator
from django.db import transaction
from django.dispatch import Signal
from django.http import HttpRequest

from accounts.models import User
from accounts.requests import origin_of
from accounts.services import own_account

_ACTIONS: dict[Signal, str] = {
    signals.authenticator_added: "user.second_factor_added",
    signals.authenticator_removed: "user.second_factor_removed",
    signals.authenticator_reset: "user.recovery_codes_generated",
    signals.authentication_failed: "user.second_factor_failed",
}


def connect() -> None:
    for signal in _ACTIONS:
        signal.connect(_record, dispatch_uid="accounts.sign_in.records")


def _record(signal: Signal, request: HttpRequest, user: User, authenticator: Authenticator, **_kwargs: Any) -> None:
    with transaction.atomic():
        own_account.record(user, _ACTIONS[signal], origin_of(request), method=authenticator.type)
