"""The real model of the installed weights: what it finds alike, refuses, and costs the loop."""

import asyncio
import threading
from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest

from caching.embedders import minilm
from caching.embedders.local import LocalEmbedder
from caching.embedders.minilm import ModelMissingError, Weights
from caching.protocols import EmbedderBusyError, EmbeddingError, Purpose
from tests.caching.embedders import kit


@pytest.fixture(scope="module")
def model():
    return minilm.load(minilm.find())


@pytest.mark.parametrize(
    ("question", "paraphrase", "stranger"),
    [
        ("How do I reset my password?", "I forgot my password, how can I change it?", "How do I bake bread?"),
        ("What is the capital of France?", "Which city is France's capital?", "How tall is Mount Everest?"),
        ("Explain recursion to a child.", "Describe recursion in simple words.", "Write a poem about the sea."),
    ],
)
def test_a_paraphrase_is_nearer_than_a_stranger(model, question, paraphrase, stranger):
    asked = model.place(question)

    assert kit.cosine(asked, model.place(paraphrase)) > kit.cosine(asked, model.place(stranger)) + 0.3


def test_vectors_have_length_one_and_the_dimension_of_the_space(model):
    vector = model.place("What is the capital of France?")

    assert vector.dtype == np.float32
    assert vector.shape == (minilm.SPACE.dimension,)
    assert abs(float(np.linalg.norm(vector)) - 1) < 1e-5


async def test_a_text_has_the_same_vector_whatever_it_is_embedded_with():
    embedder = LocalEmbedder(kit.worker())
    text = "What is the capital of France?"

    (alone,) = await embedder.embed([text], Purpose.QUERY)
    among = await embedder.embed(["Hello!", text, "word " * 200], Purpose.DOCUMENT)

    assert np.array_equal(alone, among[1])
    await embedder.close()


def test_what_differs_only_at_the_end_of_a_long_text_differs(model):
    long = "The report covers all regions of the country in great detail. " * 30

    north, south = (model.place(long + end) for end in ("It says yes.", "It says no, never, by no means."))

    assert 0.5 < kit.cosine(north, south) < 0.9999


@pytest.mark.parametrize(
    "text",
    ["", "  \n", "\0\0", "\ud800 lone", "what is \U0001f34e?", "你好吗", "word " * 600, "a" * 300, "x " * 500_000],
    ids=["empty", "blank", "NULs", "surrogate", "emoji", "Chinese", "600 words", "one long word", "1 MB"],
)
def test_what_the_model_cannot_read_whole_is_refused(model, text):
    with pytest.raises(EmbeddingError):
        model.place(text)


def test_the_longest_text_is_read_and_one_more_word_refused(model):
    model.place("word " * minilm.MAX_TOKENS)

    with pytest.raises(EmbeddingError, match="longer than 508 tokens"):
        model.place("word " * (minilm.MAX_TOKENS + 1))


async def test_the_loop_runs_on_while_fifty_texts_are_embedded():
    embedder = LocalEmbedder(kit.worker())
    await embedder.embed(["the model is loaded"], Purpose.QUERY)
    done = asyncio.Event()
    lag = asyncio.create_task(kit.longest_lag_seconds(done))

    placed = await embedder.place([f"Question number {number}: why?" for number in range(50)], Purpose.QUERY)

    done.set()
    assert await lag < placed.cpu_seconds / 2
    await embedder.close()


async def test_nobody_waits_long_for_a_model_that_is_being_loaded_and_nobody_is_charged():
    is_read = threading.Event()

    def find() -> Weights:
        is_read.wait(kit.PATIENT_SECONDS)
        return minilm.find()

    embedder = LocalEmbedder(kit.worker(timeout_seconds=0.5), find)
    for text in ("one", "two"):
        with pytest.raises(EmbedderBusyError, match="no vector within"):
            await embedder.embed([text], Purpose.QUERY)
    is_read.set()

    placed = None
    while placed is None:
        with suppress(EmbedderBusyError):
            placed = await embedder.place(["three"], Purpose.QUERY)

    assert len(placed.vectors) == 1
    assert placed.cpu_seconds < 0.3  # a text, not the model
    await embedder.close()


def test_a_process_holds_one_model():
    weights = minilm.find()

    assert minilm.load(weights) is minilm.load(replace(weights))


async def test_other_weights_than_the_known_ones_are_not_used(tmp_path):
    forged = tmp_path / "model_quantized.onnx"
    forged.write_bytes(b"other weights")
    embedder = LocalEmbedder(kit.worker(), lambda: replace(minilm.find(), model=forged))

    with pytest.raises(ModelMissingError, match=r"model_quantized\.onnx is not the file"):
        await embedder.embed(["Hello"], Purpose.QUERY)
    await embedder.close()


def test_files_that_are_gone_are_named(tmp_path):
    with pytest.raises(ModelMissingError, match=r"nowhere\.onnx cannot be read"):
        minilm.load(Weights(tmp_path / "nowhere.onnx", tmp_path / "tokenizer.json"))
