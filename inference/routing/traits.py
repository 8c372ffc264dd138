"""What of a request's words the predictor goes by, found out once for each request."""

from dataclasses import dataclass

from caching.embedders import minilm
from caching.protocols import Space, Vector
from inference import question
from inference.domain import Ask
from inference.routing import signals

# the topics of the shipped weights lie in it
SPACE = minilm.SPACE
# under these names an ask carries them
_SIGNALS, _VECTOR = "signals", "vector"


@dataclass(frozen=True, slots=True)
class Traits:
    """`vector`: in SPACE; None where nobody has embedded the words there."""

    signals: tuple[float, ...]
    vector: Vector | None = None


def traits_of(ask: Ask) -> Traits:
    """Of the words of its last turn, as they are embedded too."""
    found: tuple[float, ...] | None = ask.noted.get(_SIGNALS)
    if found is None:
        found = ask.noted[_SIGNALS] = signals.measure(question.asked(ask))
    return Traits(found, ask.noted.get(_VECTOR))


def note_vector(ask: Ask, space: Space, vector: Vector) -> None:
    """Of the words of its last turn; that of another space says nothing here."""
    if space == SPACE:
        ask.noted[_VECTOR] = vector
