"""The workload of the project is what it says, and a bad one is refused by its line."""

from collections import Counter

import orjson
import pytest
from django.conf import settings

from acron_site.lib.errors import InvalidRequestError
from inference.benchmark import expectations, outcomes, workload
from inference.benchmark.outcomes import Answered
from inference.benchmark.workload import Kind

SHIPPED = settings.BASE_DIR / "config" / "benchmark.jsonl"


def shipped():
    return list(workload.read(SHIPPED.read_bytes().splitlines()))


def line(**fields) -> bytes:
    return orjson.dumps({"prompt": "Hello", **fields})


def test_the_shipped_workload_has_every_kind_in_a_realistic_share():
    items = shipped()
    counts = workload.counted(items)

    assert len(items) >= 120
    assert len({item.id for item in items}) == len(items)
    assert 0.1 < counts[Kind.EXACT] / len(items) < 0.3
    assert 0.05 < counts[Kind.PARAPHRASE] / len(items) < 0.3
    assert counts[Kind.NEAR_MISS] >= 20
    assert len({item.task for item in items}) >= 8
    assert sum(item.expect is not None for item in items) > len(items) / 2


def test_near_misses_of_the_shipped_workload_come_after_what_they_are_near_to():
    before: set[str] = set()
    for item in shipped():
        assert not item.near_miss_of or (item.near_miss_of in before and item.near_miss_of != item.group), item.id
        before.add(item.group)


def test_the_same_words_are_never_in_two_groups_of_the_shipped_workload():
    groups = {(orjson.dumps(item.messages), item.group) for item in shipped()}

    assert max(Counter(words for words, _ in groups).values()) == 1


def test_what_a_request_is_follows_from_what_came_before():
    lines = [
        line(prompt="a", group="1"),
        line(prompt="a", group="1"),
        line(prompt="b", group="1"),
        line(prompt="c", group="2", near_miss_of="1"),
        line(prompt="d"),
    ]

    kinds = list(workload.kinds(workload.read(lines)))

    assert kinds == [Kind.FRESH, Kind.EXACT, Kind.PARAPHRASE, Kind.NEAR_MISS, Kind.FRESH]


def test_a_request_is_sent_in_the_words_of_chat_completions():
    (item,) = workload.read([line(system="Be brief", task="qa", quality=4, max_tokens=9)])

    sent = orjson.loads(item.body("auto", is_cached=False))

    assert [turn["role"] for turn in sent["messages"]] == ["system", "user"]
    assert (sent["model"], sent["max_tokens"]) == ("auto", 9)
    assert sent["acron"] == {"task_type": "qa", "quality_threshold": 4.0, "cache": {"mode": "off"}}


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (b"nonsense", "line 2 is no request"),
        (b"[]", "line 2"),
        (b"5", "line 2 is no request"),
        (b"{}", "line 2: give either 'prompt' or 'messages'"),
        (line(propmt="x"), "line 2: 'propmt' is none of"),
        (line(quality=9), "line 2: 'quality' must be a number from 0 to 5"),
        (line(messages=[{"role": "user"}]), "line 2: give either"),
        (orjson.dumps({"messages": [5]}), "line 2: messages"),
        (line(max_tokens=-1), "line 2: .*max_tokens"),
        (line(expect={}), "line 2: 'expect'"),
        (line(expect={"number": "x"}), "line 2: 'expect.number'"),
        (line(expect={"contains": [5]}), "line 2: 'expect.contains'"),
        (line(prompt="x" * workload.MOST_LINE_BYTES), "line 2: it has more than"),
    ],
)
def test_a_line_that_is_no_request_is_numbered(bad, says):
    with pytest.raises(InvalidRequestError, match=says):
        list(workload.read([line(), bad]))


@pytest.mark.parametrize(
    ("wanted", "answer", "is_met"),
    [
        ({"equals": "yes"}, " Yes.", True),
        ({"equals": "yes"}, "yes, it is", False),
        ({"contains": ["limit 3", "GROUP BY"]}, "... group by id LIMIT 3", True),
        ({"contains": "three", "lacks": "four"}, "three or four", False),
        ({"number": 1200}, "That makes 1,200", True),
        ({"number": 4.2}, "between 4 and 4.2", True),
        ({"number": 4}, "4, or 5", False),
        ({"number": 4}, "four", False),
        ({"json": {"a": 1}}, '```json\n{"a": 1, "b": 2}\n```', True),
        ({"json": {"a": 1}}, '{"a": 2}', False),
        ({"json": {"a": 1}}, "[1]", False),
        ({"json": {"a": 1}}, "not JSON", False),
    ],
)
def test_an_answer_is_judged_by_what_it_must_hold(wanted, answer, is_met):
    assert expectations.read(wanted).is_met_by(answer) is is_met


def test_a_hit_is_wrong_where_nobody_of_its_group_was_given_these_words():
    answers = [
        ("capital of Chile", Answered("Santiago")),
        ("capital of Chile", Answered("Santiago", tier=1)),
        ("capital of Peru", Answered("Santiago", tier=2)),
        ("is it cold", Answered("yes")),
        ("is it dark", Answered("yes")),
        ("is it dark", Answered("yes", tier=2)),
        ("is it late", Answered(error="no model")),
    ]

    assert outcomes.wrong_hits(answers) == {2}
