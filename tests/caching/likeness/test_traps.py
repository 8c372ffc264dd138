"""What a guard must refuse, and what none may refuse."""

import pytest

from caching.likeness import guards
from caching.likeness.reading import read
from tests.caching.likeness.pairs import REFUSED, SAME


def _split(line: str) -> tuple[str, str]:
    """At the slash in the middle: the texts may hold some of their own."""
    parts = line.split(" / ")
    half = len(parts) // 2
    return " / ".join(parts[:half]), " / ".join(parts[half:])


@pytest.mark.parametrize("line", REFUSED.strip().splitlines())
def test_a_question_that_differs_in_meaning_is_refused(line):
    asked, kept = _split(line.partition(": ")[2])

    assert guards.refusing(read(asked), read(kept))
    assert guards.refusing(read(kept), read(asked))


@pytest.mark.parametrize("line", SAME.strip().splitlines())
def test_a_question_in_other_words_is_not_refused(line):
    asked, kept = _split(line)

    assert not guards.refusing(read(asked), read(kept))
    assert not guards.refusing(read(kept), read(asked))
