"""Who waits for a vector goes first, and nobody waits in vain."""

from caching.embedders.desk import Desk, Job


def job(text: str, *, is_awaited: bool = True, until: float = 100.0) -> Job:
    return Job(text, is_awaited, until, lambda _: None, 1)


def texts_of(desk: Desk) -> list[str]:
    return [taken.text for _ in range(len(desk)) if (taken := desk.next()) is not None]


def test_those_that_are_waited_for_go_first_each_in_order():
    desk = Desk()
    for text, is_awaited in (("lesson 1", False), ("question 1", True), ("lesson 2", False), ("question 2", True)):
        assert desk.take(job(text, is_awaited=is_awaited), now=0.0)

    assert texts_of(desk) == ["question 1", "question 2", "lesson 1", "lesson 2"]
    assert desk.next() is None


def test_who_would_wait_too_long_is_told_at_once():
    desk = Desk()
    for _ in range(200):
        desk.learn(0.1)
    taken = [desk.take(job(str(number), until=0.5), now=0.0) for number in range(8)]

    assert taken == [True] * 6 + [False] * 2


def test_lessons_keep_no_question_away():
    desk = Desk()
    while desk.take(job("lesson", is_awaited=False, until=1.0), now=0.0):
        pass

    assert desk.take(job("question", until=1.0), now=0.0)


def test_texts_are_bounded_in_number_and_in_size():
    desk = Desk()
    many = [desk.take(job("x"), now=0.0) for _ in range(2000)]
    large = Desk()
    huge = [large.take(job("x" * 1_000_000), now=0.0) for _ in range(20)]

    assert sum(many) == len(desk) == 1024
    assert sum(huge) == len(large) == 8
