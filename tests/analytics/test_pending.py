"""What waits in memory is bounded, and paid rows stay longest."""

from analytics.pending import Pending


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_paid_lines_leave_first():
    pending = Pending(1.0)
    pending.add(b"hit\n", is_paid=False)
    pending.add(b"paid\n", is_paid=True)

    assert pending.take(1).lines == b"paid\n"
    assert pending.take(9).lines == b"hit\n"
    assert len(pending) == 0


def test_when_memory_is_full_unpaid_lines_go_first():
    pending = Pending(1.0, max_bytes=10)
    for line, is_paid in ((b"h1\n", False), (b"p1\n", True), (b"h2\n", False), (b"p2\n", True), (b"p3\n", True)):
        pending.add(line, is_paid=is_paid)

    assert pending.take(9).lines == b"p1\np2\np3\n"
    assert (pending.dropped_unpaid, pending.dropped_paid) == (2, 0)


def test_the_oldest_paid_line_goes_last_of_all_and_is_counted():
    pending = Pending(1.0, max_bytes=6)
    for number in range(3):
        pending.add(f"p{number}\n".encode(), is_paid=True)

    assert pending.take(9).lines == b"p1\np2\n"
    assert pending.dropped_paid == 1


def test_lines_given_back_are_bounded_as_well():
    pending = Pending(1.0, max_bytes=6)
    pending.add(b"p0\n", is_paid=True)
    taken = pending.take(9)
    pending.add(b"h1\n", is_paid=False)
    pending.add(b"h2\n", is_paid=False)

    pending.give_back(taken)

    assert pending.take(9).lines == b"p0\nh2\n"


def test_a_batch_is_due_when_it_is_large_or_old():
    clock = Clock()
    pending = Pending(1.0, max_rows=3, clock=clock)

    assert not pending.is_due
    pending.add(b"1\n", is_paid=False)
    assert not pending.is_due
    clock.now = 1.0
    assert pending.is_due

    pending.take(9)
    for _ in range(3):
        pending.add(b"1\n", is_paid=False)
    assert pending.is_due
