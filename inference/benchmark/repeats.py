"""How many requests of a log say what an earlier one said, in memory that does not grow with the log."""

from dataclasses import dataclass, field

MOST_KEYS = 300_000


@dataclass
class Repeats:
    """Remembers digests. Where there are too many, only those that end in zeros are followed: a fair sample of them."""

    most_keys: int = MOST_KEYS
    taken: int = 0
    found: int = 0  # repeats, those of a sample for all that they stand for
    _seen: set[int] = field(default_factory=set)
    _mask: int = 0

    @property
    def is_sampled(self) -> bool:
        return self._mask > 0

    @property
    def share(self) -> float | None:
        """Of the requests that repeat an earlier one; None before any."""
        return min(self.found / self.taken, 1.0) if self.taken else None

    def take(self, digest: bytes) -> int:
        """For how many repeats this one stands: 0 for what is new or not followed, 1 where all are followed."""
        self.taken += 1
        key = int.from_bytes(digest[:8])
        if key & self._mask:
            return 0
        weight = self._mask + 1
        if key in self._seen:
            self.found += weight
            return weight
        self._seen.add(key)
        if len(self._seen) > self.most_keys:
            self._thin()
        return 0

    def _thin(self) -> None:
        """Whoever is still followed has been so from the beginning, so nothing that was found becomes untrue."""
        self._mask = self._mask * 2 + 1
        self._seen = {key for key in self._seen if not key & self._mask}
