"""Leases: the right to do alone, of all workers, what one of them need do only once."""

from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Protocol, Self, TypeVar

from caching.exact import entry_key
from caching.places import organization_prefix
from caching.protocols import Namespace

Found = TypeVar("Found")


class Lease:
    """Held until it is released, which is safe to do twice."""

    __slots__ = ("_let_go",)

    def __init__(self, let_go: Callable[[], None] | None = None) -> None:
        self._let_go = let_go

    def release(self) -> None:
        let_go, self._let_go = self._let_go, None
        if let_go is not None:
            let_go()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.release()


class Bid(Protocol):
    """A lease that was asked for."""

    async def outcome(self) -> Lease | None:
        """The lease, or None while somebody else holds it. Always to be waited for."""
        ...


class Decided:
    """A bid whose outcome is known at once."""

    def __init__(self, lease: Lease | None) -> None:
        self._lease = lease

    async def outcome(self) -> Lease | None:
        return self._lease


NO_BID = Decided(None)


class Leases(Protocol):
    """None of it raises: where what the workers share is away, each process is alone with its own leases."""

    def bid(self, key: bytes, *, mark: bytes = b"") -> Bid:
        """Asks for the lease before it returns, so that what is asked next is answered after it. See `acquire`."""
        ...

    async def acquire(self, key: bytes, *, mark: bytes = b"") -> Lease | None:
        """The lease, or None while somebody else holds it. `mark` says to the others what it is held for."""
        ...

    async def mark_of(self, key: bytes) -> bytes | None:
        """What its holder says; None when nobody holds it, as far as is known."""
        ...

    async def wait(self, key: bytes, *, within_seconds: float) -> bool:
        """Returns when nobody holds it any more, as far as is known; False if somebody still does after that time."""
        ...


class Claims(Protocol):
    """For a store that can look an entry up and lease it in one question."""

    async def look_or_claim(self, entry: bytes, key: bytes, *, max_bytes: int) -> bytes | Lease | None:
        """What is kept under `entry`, sealed; else the lease on it; None when another holds that, as far as is known.

        Raises nothing, as all of `Leases`.
        """
        ...


def lease_key(namespace: Namespace, fingerprint: bytes) -> bytes:
    """Of the lease on an entry: under the organization's prefix, but not among the entries, which are sealed."""
    wall = organization_prefix(namespace.organization_id)
    return b"%blease:%b" % (wall, entry_key(namespace, fingerprint)[len(wall) :])


async def acquire_or_find(
    leases: Leases, key: bytes, find: Callable[[], Awaitable[Found | None]], *, patience_seconds: float
) -> Lease | Found:
    """The lease, or what `find` finds, which is asked again after another holder: it may have kept an answer.

    One that found nothing after it has waited waits for nobody else: its lease is then free, and holds off no one.
    """
    first = await acquire_or_look(leases, key, find)
    if first is not None:
        return first
    await leases.wait(key, within_seconds=patience_seconds)
    second = await acquire_or_look(leases, key, find)
    return Lease() if second is None else second


async def acquire_or_look(
    leases: Leases, key: bytes, find: Callable[[], Awaitable[Found | None]], *, mark: bytes = b""
) -> Lease | Found | None:
    """The lease, or what is there already; None when another holds the lease and nothing is there yet."""
    bid = leases.bid(key, mark=mark)
    found: Found | None = None
    is_looked_up = False
    try:
        # asked for after the lease, and on the same way: whoever held it before us has kept what there is
        found = await find()
        is_looked_up = True
    finally:
        lease = await bid.outcome()
        if lease is not None and (found is not None or not is_looked_up):
            lease.release()
    return lease if found is None else found
