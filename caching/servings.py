"""What is remembered of an answer that was given to a near question, in case somebody finds it wrong."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from acron_site.lib.values import quick
from caching.gate_rules import LONGEST_REQUEST_ID, GateKey


@quick
@dataclass(frozen=True, slots=True)
class Serving:
    """`key`: the gate that let it through. `score` and `similarity`: as its neighbour was judged then."""

    id: UUID  # version 7
    key: GateKey
    request_id: str
    neighbour_id: UUID
    score: float
    similarity: float
    served_at: datetime

    @property
    def is_sound(self) -> bool:
        """Whether a database takes it."""
        fits = len(self.request_id) <= LONGEST_REQUEST_ID and self.request_id.isprintable()
        return fits and self.key.is_sound
