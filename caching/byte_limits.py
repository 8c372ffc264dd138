"""Which exact answers go because their namespace keeps more bytes than its policy lets it."""

from collections import defaultdict
from collections.abc import Sequence

from caching.exact_index import State
from caching.places import Place, plain, wall_of
from caching.policies import Policies


class ByteLimits:
    """For one walk over an organization's entries, newest first.

    Pinned ones stay and do not count: they were meant to, and would otherwise crowd out all that is younger.
    """

    def __init__(self, policies: Policies) -> None:
        self._others = policies.others.max_bytes
        self._named = {wall_of(name): policy.max_bytes for name, policy in policies.named.items()}
        self._seen_bytes: defaultdict[str, int] = defaultdict(int)

    def beyond(self, places: Sequence[Place], states: Sequence[State | None]) -> Sequence[Place]:
        """Those of the next part that no longer fit. What has gone already is none of them."""
        return [
            place
            for place, state in zip(places, states, strict=True)
            if state is not None and state.seconds_left is not None and self._is_beyond(place, state.size_bytes)
        ]

    def _is_beyond(self, place: Place, size_bytes: int) -> bool:
        # all sides of a policy's wall are one namespace
        wall = plain(place.wall)
        limit = self._named.get(wall, self._others)
        self._seen_bytes[wall] += size_bytes
        return 0 < limit < self._seen_bytes[wall] and size_bytes > 0
