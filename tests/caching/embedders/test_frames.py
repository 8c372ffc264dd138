"""What goes over the embedder's socket comes out as it went in, however it is cut, and nothing else does."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caching.embedders import frames, minilm
from caching.embedders.frames import MOST_BYTES, Frame, FrameError, Kind, Question, Reader
from tests.caching.embedders.served_kit import vector


def read(sent: bytes, *, step: int) -> list[Frame]:
    reader = Reader()
    return [frame for start in range(0, len(sent), step) for frame in reader.feed(sent[start : start + step])]


@pytest.mark.parametrize("step", [1, 7, 1000])
def test_frames_are_put_together_from_any_pieces(step):
    sent = frames.write(Kind.PLACE, 1, b"one") + frames.write(Kind.BUSY, 2) + frames.write(Kind.REFUSED, 3, b"three")

    found = read(sent, step=step)

    assert found == [Frame(Kind.PLACE, 1, b"one"), Frame(Kind.BUSY, 2, b""), Frame(Kind.REFUSED, 3, b"three")]


def test_a_frame_that_says_it_is_too_long_is_refused_before_it_has_come():
    head = frames.write(Kind.PLACE, 1, b"x" * (MOST_BYTES + 1))[:9]

    with pytest.raises(FrameError, match="too long"):
        read(head, step=100)


def test_the_longest_text_that_may_be_asked_fits_into_a_frame():
    sent = frames.write_question(1, Question("🎈" * minilm.MAX_CHARACTERS, is_awaited=True, patience_ms=500))

    assert len(read(sent, step=65_536)) == 1


@given(st.text(st.characters(exclude_categories=["Cs"])), st.booleans(), st.integers(0, 2**32 - 1))
def test_a_question_comes_out_as_it_went_in(text, is_awaited, patience_ms):
    question = Question(text, is_awaited, patience_ms)

    (frame,) = read(frames.write_question(5, question), step=64)

    assert frames.read_question(frame.content) == question


def test_a_vector_comes_out_as_it_went_in():
    (frame,) = read(frames.write_vector(5, vector(0.25), 0.004), step=64)

    found, cpu_seconds = frames.read_vector(frame.content, minilm.SPACE)

    assert np.array_equal(found, vector(0.25))
    assert found.dtype == np.float32
    assert cpu_seconds == 0.004


@pytest.mark.parametrize("content", [b"", b"\1", b"\1\0\0\0\0\xff\xfe"])
def test_what_is_no_question_is_said(content):
    with pytest.raises(FrameError):
        frames.read_question(content)


@given(st.binary(max_size=2000))
def test_any_bytes_are_read_or_refused(noise):
    try:
        for frame in read(noise, step=100):
            frames.read_question(frame.content)
    except FrameError:
        pass
