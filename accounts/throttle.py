"""How often a password may be guessed, and how many accounts one address may make."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_network

from django.conf import settings
from django.core.cache import caches
from django.core.cache.backends.base import BaseCache
from django.utils.crypto import salted_hmac

from accounts import networks
from acron_site.lib.errors import RateLimitedError

PER_ACCOUNT_AND_ADDRESS = 10
PER_ACCOUNT = 30
PER_ADDRESS = 60  # over all accounts: a few common passwords may be tried on many of them
# calls from here are the operator's own; a proxy here names the real address (see accounts.requests)
THIS_MACHINE = frozenset({"", "127.0.0.1", "::1"})

_MINUTE_SECONDS = 60
_HOUR_SECONDS = 3600
# every stretch as long as three slices lies within four neighbouring ones: so the limit holds for any such stretch
_SLICES = 4
_PREFIX_OF_ONE_CALLER = 64  # the smallest IPv6 network that is handed out: all its addresses are one caller's


@dataclass(frozen=True, slots=True)
class Limit:
    """Whose attempts are counted, and how many they may be."""

    subject: str
    allowed: int


class Throttle:
    """Counts attempts before they are made, so that those made at once count too."""

    def __init__(self, purpose: str, store: BaseCache, *, seconds: int, clock: Callable[[], float]) -> None:
        self._purpose, self._store, self._clock = purpose, store, clock
        self._slice_seconds = seconds // (_SLICES - 1)

    def admits(self, limits: Sequence[Limit]) -> bool:
        """Counts an attempt. False, and nothing counted, when there were too many."""
        # all are counted, also when the first already says no
        is_within = [self._is_within(limit) for limit in limits]
        if not all(is_within):
            self.take_back(limits)  # it is not carried out
        return all(is_within)

    def take_back(self, limits: Sequence[Limit]) -> None:
        """Uncounts an attempt that turned out to be harmless."""
        for limit in limits:
            self._add(self._name(limit, 0), -1)

    def _is_within(self, limit: Limit) -> bool:
        names = [self._name(limit, age) for age in range(_SLICES)]
        earlier = sum(self._store.get_many(names[1:]).values())
        return self._add(names[0], 1) + int(earlier) <= limit.allowed

    def _name(self, limit: Limit, age: int) -> str:
        return f"{self._purpose}:{limit.subject}:{int(self._clock() // self._slice_seconds) - age}"

    def _add(self, name: str, amount: int) -> int:
        self._store.add(name, 0, timeout=self._slice_seconds * (_SLICES + 1))
        try:
            return self._store.incr(name, amount)
        except ValueError:  # it ran out in between
            return amount


class LogInThrottle:
    """Guards passwords and second factors, at every door. A success is given back."""

    def __init__(self, store: BaseCache, *, clock: Callable[[], float] = time.time) -> None:
        self._throttle = Throttle("log-in", store, seconds=_MINUTE_SECONDS, clock=clock)

    def begin(self, email: str, address: str) -> None:
        """Counts an attempt. Raises RateLimitedError when there were too many within a minute."""
        if not self._throttle.admits(_guesses(email, address)):
            raise RateLimitedError(
                "too many failed log-ins for this email or from your network; wait a minute, or reset the password",
                headers={"Retry-After": str(_MINUTE_SECONDS)},
            )

    def take_back(self, email: str, address: str) -> None:
        """Uncounts an attempt that turned out to be no guess."""
        self._throttle.take_back(_guesses(email, address))


class SignUpThrottle:
    """Guards against floods of accounts, and against asking for address after address who has one."""

    def __init__(self, store: BaseCache, per_hour: int, *, clock: Callable[[], float] = time.time) -> None:
        self._throttle = Throttle("sign-up", store, seconds=_HOUR_SECONDS, clock=clock)
        self._per_hour = per_hour

    def begin(self, address: str) -> None:
        """Counts an attempt. Raises RateLimitedError when there were too many within an hour."""
        if not self._throttle.admits([Limit(_digest(_caller(address)), self._per_hour)]):
            raise RateLimitedError(
                "too many sign-ups from your network within an hour; try again later, or ask for an invitation",
                headers={"Retry-After": str(_HOUR_SECONDS)},
            )


def log_in_throttle() -> LogInThrottle:
    return LogInThrottle(caches["default"])


def sign_up_throttle() -> SignUpThrottle:
    return SignUpThrottle(caches["default"], settings.ACRON.governance.sign_ups_per_hour)


def _guesses(email: str, address: str) -> list[Limit]:
    caller = _caller(address)
    limits = [Limit(_digest(email), PER_ACCOUNT), Limit(_digest(email, caller), PER_ACCOUNT_AND_ADDRESS)]
    if address in THIS_MACHINE:
        return limits
    return [*limits, Limit(_digest("", caller), PER_ADDRESS)]


def _caller(address: str) -> str:
    """Whose address this is, as far as an address tells: who has one of IPv6 has a whole network of them."""
    found = networks.read_address(address)
    if isinstance(found, IPv6Address):
        return str(ip_network((found, _PREFIX_OF_ONE_CALLER), strict=False))
    return address if found is None else str(found)


def _digest(*parts: str) -> str:
    """Keyed: the store need not know who tries to log in."""
    return salted_hmac("accounts.throttle", "\n".join(parts), algorithm="sha256").hexdigest()
