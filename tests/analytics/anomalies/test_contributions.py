"""A change is laid at the door of the members it comes from."""

from decimal import Decimal

from analytics.anomalies.contributions import OTHERS, by_dimension, contributions

BEFORE = {"opus": Decimal(100), "haiku": Decimal(20), "gone": Decimal(5)}
AFTER = {"opus": Decimal(190), "haiku": Decimal(10), "new": Decimal(15)}


def test_the_largest_change_stands_first_and_shares_are_of_the_whole():
    first, second, *_ = contributions(BEFORE, AFTER)

    assert (first.member, first.change, first.share) == ("opus", Decimal(90), Decimal(90) / 90)
    assert (second.member, second.before, second.after) == ("new", Decimal(0), Decimal(15))


def test_what_is_left_out_is_summed_up_so_that_nothing_is_lost():
    found = contributions(BEFORE, AFTER, most=1)

    assert [part.member for part in found] == ["opus", OTHERS]
    assert sum(part.change for part in found) == Decimal(90)


def test_where_the_whole_did_not_change_there_are_no_shares():
    found = contributions({"a": Decimal(1), "b": Decimal(2)}, {"a": Decimal(2), "b": Decimal(1)})

    assert [part.share for part in found] == [None, None]


def test_the_dimension_whose_member_explains_most_stands_first():
    before = {"model": {"opus": Decimal(1), "haiku": Decimal(1)}, "key": {"ada": Decimal(2)}}
    after = {"model": {"opus": Decimal(4), "haiku": Decimal(4)}, "key": {"ada": Decimal(8)}}

    assert list(by_dimension(before, after)) == ["key", "model"]
