"""A change of cost is taken apart, and the parts sum to it."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.anomalies.decomposition import Bucket, Decomposition, Factor, Segment, Side, decompose

NONE = Decimal(0)


def segment(
    requests: int = 100, *, paid: int | None = None, prompt: int = 1000, answer: int = 200, price: str = "0.00001"
) -> Segment:
    """`prompt` and `answer` are tokens of a paid request; a token of either side costs `price`."""
    count = requests if paid is None else paid
    return Segment(
        requests,
        count,
        {
            "input": Bucket(Side.PROMPT, prompt * count, prompt * count * Decimal(price)),
            "output": Bucket(Side.ANSWER, answer * count, answer * count * Decimal(price)),
        },
    )


def moved(found: Decomposition) -> set[str]:
    return {factor.value for factor in Factor if getattr(found, factor.value) != 0}


@pytest.mark.parametrize(
    ("after", "factor", "change"),
    [
        (segment(price="0.00002"), "price", "1.2"),
        (segment(200), "volume", "1.2"),
        (segment(100, paid=50), "cache", "-0.6"),
        (segment(prompt=2000, answer=400), "length", "1.2"),
    ],
)
def test_what_moved_alone_is_the_whole_change(after, factor, change):
    found = decompose({"opus": segment()}, {"opus": after})

    assert moved(found) == {factor}
    assert getattr(found, factor) == found.change == Decimal(change)


def test_the_same_requests_at_a_dearer_model_are_mix():
    before = {"cheap": segment(90), "dear": segment(10, price="0.0001")}
    after = {"cheap": segment(10), "dear": segment(90, price="0.0001")}

    found = decompose(before, after)

    assert (moved(found), found.mix) == ({"mix"}, Decimal("8.64"))


def test_a_model_that_was_not_used_before_came_with_the_mix():
    before = {"cheap": segment(100)}
    after = {"cheap": segment(50), "dear": segment(50, price="0.0001")}

    assert moved(decompose(before, after)) == {"mix"}


def test_what_the_providers_cache_read_is_cache_and_not_price():
    def reading(share: Decimal) -> Segment:
        read = int(100_000 * share)
        buckets = {
            "input": Bucket(Side.PROMPT, 100_000 - read, (100_000 - read) * Decimal("0.00001")),
            "cache_read": Bucket(Side.PROMPT, read, read * Decimal("0.000001")),
        }
        return Segment(100, 100, buckets)

    found = decompose({"opus": reading(Decimal("0.1"))}, {"opus": reading(Decimal("0.6"))})

    assert (moved(found), found.cache) == ({"cache"}, Decimal("-0.45"))


@pytest.mark.parametrize(("before", "after"), [({}, {"opus": segment()}), ({"opus": segment()}, {})])
def test_all_that_came_or_went_is_volume(before, after):
    assert moved(decompose(before, after)) == {"volume"}


def test_nothing_twice_is_no_change():
    assert decompose({}, {}) == Decomposition(NONE, NONE, NONE, NONE, NONE)


def test_what_moved_together_is_shared_without_an_order():
    found = decompose({"opus": segment()}, {"opus": segment(200, price="0.00002")})

    assert (found.price, found.volume, found.change) == (Decimal("1.8"), Decimal("1.8"), Decimal("3.6"))


@pytest.mark.parametrize(
    "made",
    [
        lambda: Segment(1, 2),
        lambda: Segment(5, 0, {"input": Bucket(Side.PROMPT, 10, Decimal(1))}),
        lambda: Segment(5, 5, {"input": Bucket(Side.PROMPT, 0, Decimal(1))}),
    ],
)
def test_a_segment_that_cannot_be_is_refused(made):
    with pytest.raises(ValueError, match=r"paid|tokens"):
        made()


MONEY = st.decimals(min_value=-5, max_value=100_000, places=12, allow_nan=False)


@st.composite
def buckets(draw: st.DrawFn, side: Side) -> Bucket:
    tokens = draw(st.integers(0, 10**9))
    return Bucket(side, tokens, draw(MONEY) if tokens else NONE)


@st.composite
def segments(draw: st.DrawFn) -> Segment:
    requests = draw(st.integers(0, 10**6))
    paid = draw(st.integers(0, requests))
    if not paid:
        return Segment(requests, 0)
    sides = {"input": Side.PROMPT, "cache_read": Side.PROMPT, "output": Side.ANSWER}
    names = draw(st.sets(st.sampled_from(sorted(sides))))
    return Segment(requests, paid, {name: draw(buckets(sides[name])) for name in names})


SPANS = st.dictionaries(st.sampled_from(["opus", "haiku", "mini"]), segments())


@settings(max_examples=40, deadline=None)
@given(SPANS, SPANS)
def test_the_parts_sum_to_the_change_to_the_last_digit(before, after):
    change = sum((each.cost_usd for each in after.values()), NONE) - sum(
        (each.cost_usd for each in before.values()), NONE
    )

    assert decompose(before, after).change == change


@settings(max_examples=20, deadline=None)
@given(SPANS, SPANS)
def test_the_way_back_is_the_same_way(before, after):
    there, back = decompose(before, after), decompose(after, before)

    assert all(abs(getattr(there, each.value) + getattr(back, each.value)) <= Decimal("1e-16") for each in Factor)
