"""Remembers which model answered a conversation, so that its next turn may stay with it."""

import hashlib
import time

from caching.exact import ExactCache
from caching.protocols import Namespace
from inference.calling import Completed
from inference.domain import RoutingMode
from inference.facts import Visit
from inference.routing import arms, staying
from inference.routing.staying import EARLIER, Earlier

# no caller can name a namespace so; what lies there is neither listed nor served
_WALL = "\0conversations"
_TTL_SECONDS = 3600
# how long providers hold what was said at least
_WARM_SECONDS = 300
_DIGEST_BYTES = 16


class Conversations:
    """A note holds a model's name and nothing else, under a keyed digest of how the conversation began. A store that is
    down has no notes, so the turn is decided anew."""

    def __init__(self, cache: ExactCache, *, secret: bytes) -> None:
        self._cache, self._secret = cache, secret

    async def recall(self, visit: Visit) -> None:
        """Notes on the request who answered before. Of a first turn nothing is asked."""
        if not _takes_part(visit) or not staying.answered_before(visit.ask):
            return
        found = await self._cache.look_up(_place(visit), self._digest(visit))
        if found is not None:
            is_warm = time.time() - found.stored_at < _WARM_SECONDS
            visit.ask.noted[EARLIER] = Earlier(found.note.decode(), is_warm)

    def note(self, visit: Visit, whole: Completed) -> None:
        """Does not wait."""
        if _takes_part(visit):
            name = whole.route.model.name.encode()
            self._cache.keep(_place(visit), self._digest(visit), note=name, body=b"", ttl_seconds=_TTL_SECONDS)

    def _digest(self, visit: Visit) -> bytes:
        # end users behind walls of their own do not share a conversation, nor do test keys with real ones
        apart = f"{visit.namespace.name}\0{visit.is_mock}\0".encode("utf-8", "surrogatepass")
        begun = hashlib.blake2b(apart, digest_size=_DIGEST_BYTES, key=self._secret, person=b"conversation")
        begun.update(arms.beginning(visit.ask))
        return begun.digest()


def _takes_part(visit: Visit) -> bool:
    """Not who names a model or a cascade, refuses it, wants nothing kept, or is answered by a rule of its own."""
    ask = visit.ask
    is_open = ask.mode is not RoutingMode.EXPLICIT and ask.cascade is None and not ask.refuses_staying
    return is_open and ask.controls.write and not ask.step_id and not visit.course.is_held_out


def _place(visit: Visit) -> Namespace:
    return Namespace(visit.principal.organization_id, _WALL)
