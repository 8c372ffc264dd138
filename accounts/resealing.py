"""Re-sealing: brings everything that lies sealed somewhere under the newest encryption key, while the product runs."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from django.core.exceptions import ObjectDoesNotExist
from django.db import DatabaseError
from django.db.models import F, Field, Func, QuerySet, Value

from accounts.encryption import HEAD_BYTES, Cipher, DecryptionError

BATCH = 200
# what is written under the former key while we pass by is found the next time
_MOST_PASSES = 5


@dataclass(frozen=True, slots=True)
class Tally:
    """How many sealed values were seen, and what became of them."""

    seen: int = 0
    resealed: int = 0
    moved: int = 0  # changed by somebody else at the same moment, and looked at again
    unreadable: int = 0  # no key that we have opens them

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.seen + other.seen,
            self.resealed + other.resealed,
            self.moved + other.moved,
            self.unreadable + other.unreadable,
        )


class UnreachableHoldingError(Exception):
    """Where the values lie cannot be reached just now. What was done before stays done."""


class Holding(Protocol):
    """A place where sealed values lie. Each app names its own, see `register`."""

    name: str
    is_lasting: bool  # False: what does not open is only forgotten, such as a cached answer

    def reseal(self, cipher: Cipher) -> Iterator[Tally]:
        """One pass over everything, a tally for each batch. Each value is replaced only if it is still the one read,
        so that nothing fresher is lost; it may be broken off at any moment and begun again.

        Raises UnreachableHoldingError.
        """
        ...

    def survey(self, cipher: Cipher) -> Iterator[Tally]:
        """The same pass without changing anything: `unreadable` are those whose key we do not have."""
        ...


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one holding. `left`: found under a former key again and again, because somebody writes there."""

    name: str
    tally: Tally
    left: int = 0
    problem: str = ""

    @property
    def is_clean(self) -> bool:
        return not (self.left or self.tally.unreadable or self.problem)


_holdings: dict[str, Holding] = {}


def register(holding: Holding) -> None:
    """To be called from an app's `ready`."""
    _holdings[holding.name] = holding


def holdings() -> list[Holding]:
    return list(_holdings.values())


def reseal(holding: Holding, cipher: Cipher, note: Callable[[Tally], None]) -> Result:
    """Passes over a holding until a pass finds nothing to do. `note` hears how far it is after each batch."""
    resealed = 0
    for _ in range(_MOST_PASSES):
        found = Tally()
        try:
            for tally in holding.reseal(cipher):
                found += tally
                note(Tally(found.seen, resealed + found.resealed, found.moved, found.unreadable))
        except (UnreachableHoldingError, DatabaseError) as error:
            done = Tally(found.seen, resealed + found.resealed, found.moved, found.unreadable)
            return Result(holding.name, done, problem=_first_line(error))
        resealed += found.resealed
        if not found.resealed and not found.moved:
            break
    return Result(
        holding.name,
        Tally(found.seen, resealed, 0, found.unreadable),
        left=found.resealed + found.moved,
    )


def unreadable(cipher: Cipher) -> dict[str, int]:
    """How many values of each lasting holding lie under a key that we do not have; looks at their first bytes only."""
    counts = {holding.name: _surveyed(holding, cipher).unreadable for holding in holdings() if holding.is_lasting}
    return {name: count for name, count in counts.items() if count}


def _surveyed(holding: Holding, cipher: Cipher) -> Tally:
    return sum(holding.survey(cipher), Tally())


def resealed(cipher: Cipher, sealed: bytes, *, aad: bytes) -> bytes | None:
    """The value under the newest key; None when no key opens it."""
    try:
        return cipher.seal(cipher.open(sealed, aad=aad), aad=aad)
    except DecryptionError:
        return None


class SealedRows:
    """A holding that is a table with one sealed column of bytes.

    `rows` are all of it, whosever they are: encryption is the installation's, not an organization's.
    """

    is_lasting = True
    _head_length = HEAD_BYTES

    def __init__(
        self, name: str, rows: Callable[[], QuerySet[Any]], aad_of: Callable[[Any], bytes], *, column: str = "sealed"
    ) -> None:
        self.name = name
        self._rows, self._aad_of, self._column = rows, aad_of, column

    def _field(self) -> "Field[Any, Any]":
        field: Field[Any, Any] = self._rows().model._meta.get_field(self._column)
        return field

    def reseal(self, cipher: Cipher) -> Iterator[Tally]:
        for batch in self._batches():
            yield sum((self._reseal(row, cipher) for row in batch), Tally())

    def survey(self, cipher: Cipher) -> Iterator[Tally]:
        for batch in self._batches():
            unknown = sum(not cipher.knows_key_of(self.unpacked(row.sealed_head)) for row in batch)
            yield Tally(seen=len(batch), unreadable=unknown)

    def unpacked(self, kept: Any) -> bytes:
        """From what the column holds."""
        return bytes(kept)

    def kept_as(self, sealed: bytes) -> Any:
        """As the column holds it."""
        return sealed

    def _reseal(self, row: Any, cipher: Cipher) -> Tally:
        if cipher.is_current(self.unpacked(row.sealed_head)):
            return Tally(seen=1)
        try:
            former = self.unpacked(getattr(row, self._column))
        except ObjectDoesNotExist:  # removed meanwhile
            return Tally(seen=1)
        fresh = resealed(cipher, former, aad=self._aad_of(row))
        if fresh is None:
            return Tally(seen=1, unreadable=1)
        return replaced(self._rows, row, self._column, self.kept_as(fresh))

    def _batches(self) -> Iterator[list[Any]]:
        """Only the first bytes are read of what may be large; the rest of a row where it is needed."""
        head = Func(
            F(self._column),
            Value(1),
            Value(self._head_length),
            function="substring",
            output_field=self._field(),
        )
        return in_batches(lambda: self._rows().defer(self._column).annotate(sealed_head=head))


def replaced(rows: Callable[[], QuerySet[Any]], row: Any, column: str, value: Any) -> Tally:
    """Writes a column only if it is still what we read: whoever wrote it meanwhile knows better."""
    unchanged = rows().filter(**{"pk": row.pk, column: getattr(row, column)})
    is_done = bool(unchanged.update(**{column: value}))
    return Tally(seen=1, resealed=int(is_done), moved=int(not is_done))


def in_batches(rows: Callable[[], QuerySet[Any]]) -> Iterator[list[Any]]:
    """All rows by primary key, a few at a time, so that no transaction lasts."""
    after: Any = None
    while True:
        ordered = rows().order_by("pk")
        batch = list((ordered if after is None else ordered.filter(pk__gt=after))[:BATCH])
        if not batch:
            return
        yield batch
        after = batch[-1].pk


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
