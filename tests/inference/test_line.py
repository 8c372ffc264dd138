"""A stream on which nothing comes is kept open with comments, and nothing else is."""

import asyncio
from typing import Any

from inference.line import Line
from inference.wire.sse import KEEP_ALIVE


class Sent(list[bytes]):
    async def __call__(self, message: Any) -> None:
        assert message["more_body"]
        self.append(message["body"])


async def test_a_silent_line_is_kept_open():
    sent = Sent()
    line = Line(sent, 0.005)

    await asyncio.sleep(0.03)
    line.stop()

    assert set(sent) == {KEEP_ALIVE}


async def test_the_silence_before_the_line_counts():
    told: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    async def send(message: Any) -> None:
        told.set_result(message["body"])

    line = Line(send, 60, silent_seconds=61)
    first = await asyncio.wait_for(told, 10)
    line.stop()

    assert first == KEEP_ALIVE


async def test_a_line_on_which_something_comes_gets_no_comment():
    sent = Sent()
    line = Line(sent, 60)

    await line.send(b"data: 1\n\n")
    await asyncio.sleep(0)
    line.stop()

    assert sent == [b"data: 1\n\n"]


async def test_a_reader_who_is_slow_to_take_a_piece_gets_no_comment_into_it():
    taken, comments = asyncio.Event(), Sent()

    async def send(message: Any) -> None:
        if message["body"] == KEEP_ALIVE:
            await comments(message)
        else:
            await taken.wait()

    line = Line(send, 0.002)
    sending = asyncio.ensure_future(line.send(b"data: 1\n\n"))
    await asyncio.sleep(0.01)
    while_it_waits = len(comments)
    taken.set()
    await sending
    line.stop()

    assert while_it_waits == 0


async def test_a_line_that_was_stopped_stays_silent():
    sent = Sent()
    line = Line(sent, 0.002)

    line.stop()
    await asyncio.sleep(0.01)

    assert sent == []
