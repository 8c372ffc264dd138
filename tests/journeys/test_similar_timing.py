"""Time tells nobody what another organization has asked: tier 2 takes as long for that as for what is new."""

import math
import random
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from tests import live
from tests.live import Live

SAMPLES = 300
# a difference that chance alone makes in one run of a thousand
_UNLIKELY = 0.001
_LEARNT_SECONDS = 60.0
_THINGS = (
    "harbour",
    "violin",
    "glacier",
    "lantern",
    "orchard",
    "compass",
    "cathedral",
    "locomotive",
    "saddle",
    "quarry",
)
_PLACES = ("Lisbon", "Oslo", "Kyoto", "Lima", "Cairo", "Dublin", "Prague", "Quito", "Tunis", "Riga")
_WISHES = (
    "paint",
    "repair",
    "describe",
    "move",
    "sell",
    "photograph",
    "insure",
    "clean",
    "name",
    "rent",
    "find",
    "draw",
)


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    settings = {
        "ASAHI_PROVIDERS_MOCK": "true",
        "ASAHI_CACHE_SEMANTIC": "manual",
        "ASAHI_CACHE_SEMANTIC_THRESHOLD": "0.8",
        "ASAHI_EMBEDDINGS_BACKGROUND_CPU_PERCENT": "100",  # everything is learnt
    }
    with live.running(tmp_path_factory.mktemp("timing"), settings=settings) as running:
        yield running


def questions() -> list[str]:
    """All different, and all of one shape."""
    found = [f"How can I {wish} a {thing} in {place}?" for wish in _WISHES for thing in _THINGS for place in _PLACES]
    random.Random(1).shuffle(found)
    return found


def ask(product: Live, text: str, key: str, *, only_if_cached: bool = False) -> tuple[int, str]:
    body = {"model": "mock-small", "messages": [{"role": "user", "content": text}]}
    headers = {"Cache-Control": "only-if-cached"} if only_if_cached else {}
    status, answered, _ = product.call("/v1/chat/completions", body, key=key, headers=headers)
    return status, answered.get("x-acron-cache", "")


def teach(product: Live, texts: Sequence[str], key: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        assert {status for status, _ in pool.map(lambda text: ask(product, text, key), texts)} == {200}
    end = time.monotonic() + _LEARNT_SECONDS
    while ask(product, _reworded(texts[-1]), key, only_if_cached=True) != (200, "HIT-T2"):
        assert time.monotonic() < end, "the last question is not learnt"
        time.sleep(0.2)


def _reworded(text: str) -> str:
    return text.replace("How can I", "How do I")


def seconds_of(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def chance_of(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Mann and Whitney's test, two-sided: how likely such samples are if time tells nothing."""
    ranks = np.argsort(np.argsort([*ours, *theirs])) + 1
    n, m = len(ours), len(theirs)
    smaller = float(ranks[:n].sum()) - n * (n + 1) / 2
    z = (smaller - n * m / 2) / math.sqrt(n * m * (n + m + 1) / 12)
    return math.erfc(abs(z) / math.sqrt(2))


def test_kept_questions_of_others_take_as_long_as_new_ones(product):
    kept, mallorys, fresh = (questions()[start : start + SAMPLES] for start in (0, SAMPLES, 2 * SAMPLES))
    teach(product, kept, product.key)
    teach(product, mallorys, product.rival_key)  # as many entries on either side

    told, new = [], []
    for theirs, unknown in zip(kept, fresh, strict=True):
        told.append(seconds_of(lambda: ask(product, theirs, product.rival_key, only_if_cached=True)))  # noqa: B023
        new.append(seconds_of(lambda: ask(product, unknown, product.rival_key, only_if_cached=True)))  # noqa: B023
    own = [
        seconds_of(lambda: ask(product, text, product.key, only_if_cached=True))  # noqa: B023
        for text in kept
    ]

    chance = chance_of(told, new)
    print(
        f"\nmedian: kept by others {np.median(told) * 1e3:.2f} ms, new {np.median(new) * 1e3:.2f} ms, p = {chance:.3f}"
    )
    assert chance > _UNLIKELY
    assert chance_of(own, new) < _UNLIKELY  # the test can tell what there is to tell
