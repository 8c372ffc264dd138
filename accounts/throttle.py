"""How often a password may be guessed: per account, and per account and address."""

import time
from collections.abc import Callable, Iterable

from django.core.cache import caches
from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.locmem import LocMemCache
from django.utils.crypto import salted_hmac
from django_redis.exceptions import ConnectionInterrupted
from redis import RedisError

from acron_site.lib.errors import RateLimitedError

PER_ACCOUNT_AND_ADDRESS = 10
PER_ACCOUNT = 30

# every stretch of 60 s lies within four neighbouring slices of 20 s: so the limit holds for any minute
_SLICE_SECONDS = 20
_SLICES = 4

_STORE_IS_AWAY = (RedisError, ConnectionInterrupted, OSError)


class LogInThrottle:
    """Counts attempts before they are made, so that guesses made at once count too; a success is given back."""

    def __init__(self, store: BaseCache, spare: BaseCache, *, clock: Callable[[], float] = time.time) -> None:
        self._store, self._spare, self._clock = store, spare, clock

    def begin(self, email: str, address: str) -> None:
        """Counts an attempt. Raises RateLimitedError when there were too many within a minute."""
        try:
            is_allowed = self._count(self._store, email, address)
        except _STORE_IS_AWAY:  # without Redis each process counts for itself
            is_allowed = self._count(self._spare, email, address)
        if not is_allowed:
            self.take_back(email, address)  # it was not carried out, so it does not count
            raise RateLimitedError(
                "too many failed log-ins for this e-mail; wait a minute, or reset the password",
                headers={"Retry-After": "60"},
            )

    def take_back(self, email: str, address: str) -> None:
        """Uncounts an attempt that turned out to be no guess."""
        for subject, _ in _subjects(email, address):
            try:
                _add(self._store, self._name(subject, 0), -1)
            except _STORE_IS_AWAY:
                _add(self._spare, self._name(subject, 0), -1)

    def _count(self, store: BaseCache, email: str, address: str) -> bool:
        # both are counted, also when the first already says no
        is_within = [self._is_within(store, subject, limit) for subject, limit in _subjects(email, address)]
        return all(is_within)

    def _is_within(self, store: BaseCache, subject: str, limit: int) -> bool:
        names = [self._name(subject, age) for age in range(_SLICES)]
        earlier = sum(store.get_many(names[1:]).values())
        return bool(_add(store, names[0], 1) + earlier <= limit)

    def _name(self, subject: str, age: int) -> str:
        return f"log-in:{subject}:{int(self._clock() // _SLICE_SECONDS) - age}"


def log_in_throttle() -> LogInThrottle:
    return LogInThrottle(caches["default"], LocMemCache("log-in-throttle", {}))


def _subjects(email: str, address: str) -> Iterable[tuple[str, int]]:
    # a keyed digest: the store need not know who tries to log in
    yield _digest(email), PER_ACCOUNT
    yield _digest(email, address), PER_ACCOUNT_AND_ADDRESS


def _digest(*parts: str) -> str:
    return salted_hmac("accounts.throttle", "\n".join(parts), algorithm="sha256").hexdigest()


def _add(store: BaseCache, name: str, amount: int) -> int:
    store.add(name, 0, timeout=_SLICE_SECONDS * (_SLICES + 1))
    try:
        return store.incr(name, amount)
    except ValueError:  # it ran out in between
        return amount
