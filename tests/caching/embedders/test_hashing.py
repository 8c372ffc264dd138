"""The embedder without a model: alike is what is worded alike."""

import subprocess
import sys

import numpy as np
import pytest

from caching.embedders import hashing
from caching.embedders.hashing import HashingEmbedder
from caching.protocols import EmbeddingError, Purpose
from tests.caching.embedders import kit

QUESTION = "How do I reset my password?"


def test_a_text_worded_alike_is_nearer_than_a_stranger():
    asked = hashing.place(QUESTION)

    assert kit.cosine(asked, hashing.place("How can I reset my passwords?")) > 0.5
    assert kit.cosine(asked, hashing.place("Bread needs flour, water and salt.")) < 0.2


def test_another_process_places_a_text_at_the_same_spot():
    program = f"from caching.embedders import hashing; print(hashing.place({QUESTION!r}).tobytes().hex())"

    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout

    assert np.array_equal(np.frombuffer(bytes.fromhex(printed), dtype=np.float32), hashing.place(QUESTION))


@pytest.mark.parametrize("text", ["\U0001f34e", "你好吗", "a\0b", "x", "word " * 1500])
def test_any_text_has_a_vector_of_length_one(text):
    vector = hashing.place(text)

    assert vector.shape == (hashing.SPACE.dimension,)
    assert abs(float(np.linalg.norm(vector)) - 1) < 1e-5


@pytest.mark.parametrize("text", ["", " ", "\ud800", "x" * 1_000_000], ids=["empty", "blank", "surrogate", "1 MB"])
async def test_what_has_no_vector_is_refused(text):
    embedder = HashingEmbedder(kit.worker())

    with pytest.raises(EmbeddingError):
        await embedder.embed([text], Purpose.QUERY)
    await embedder.close()


def test_different_signs_are_different_texts():
    assert kit.cosine(hashing.place("what is \U0001f34e"), hashing.place("what is \U0001f34c")) < 0.99
