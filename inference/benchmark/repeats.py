"""How many requests of a log say what an earlier one said, in memory that does not grow with the log."""

from collections.abc import Iterator
from dataclasses import dataclass, field

MOST_KEYS = 300_000


@dataclass
class Repeats:
    """Counts by digest. Where there are too many, only digests that end in zeros are followed: a fair sample."""

    most_keys: int = MOST_KEYS
    _counts: dict[int, int] = field(default_factory=dict)
    _mask: int = 0

    @property
    def is_sampled(self) -> bool:
        return self._mask > 0

    def take(self, digest: bytes) -> bool | None:
        """Whether it was seen before; None for one that is not followed."""
        key = int.from_bytes(digest[:8])
        if key & self._mask:
            return None
        before = self._counts.get(key, 0)
        self._counts[key] = before + 1
        if len(self._counts) > self.most_keys:
            self._thin()
        return before > 0

    @property
    def share(self) -> float | None:
        """Of the requests that repeat an earlier one; None before any."""
        followed = sum(self._counts.values())
        return (followed - len(self._counts)) / followed if followed else None

    def _thin(self) -> None:
        self._mask = self._mask * 2 + 1
        self._counts = dict(self._followed())

    def _followed(self) -> Iterator[tuple[int, int]]:
        return ((key, count) for key, count in self._counts.items() if not key & self._mask)
