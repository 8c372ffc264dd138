"""What a semantic store says of itself."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SemanticCounters:
    """What went unsaid since this process started."""

    failures: int = 0  # look-ups that were not answered, or not in time
    dropped: int = 0  # entries that were not kept: no room in the queue, or the store was away or refused them
    unreadable: int = 0  # entries that did not open: another key, damaged, moved
