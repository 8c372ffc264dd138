"""Another embedder takes along what is kept, in the background, and never mixes two spaces."""

from dataclasses import replace

import numpy as np
import pytest

from accounts import wiring as accounts_wiring
from acron_site.lib.config import Embeddings
from caching import semantic_moves, semantic_wiring, tasks
from caching.advisory_locks import Job
from caching.embedders import choice, hashing
from caching.embedders.minilm import ModelMissingError
from tests.caching.vectors.conftest import KEY, Shop, beside
from tests.caching.vectors.kit import SPACE, keepsake
from tests.caching.vectors.test_upkeep import NEWER, Angles

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop(pgvector) -> Shop:
    return Shop(pgvector, pgvector.flush)


@pytest.fixture
def embedding_by(settings):
    """What the settings say; the keys are those under which the shop keeps."""

    def have(embeddings: Embeddings) -> None:
        settings.ENCRYPTION_KEY = KEY
        settings.ACRON = replace(settings.ACRON, embeddings=embeddings)
        accounts_wiring.cipher.cache_clear()

    yield have
    accounts_wiring.cipher.cache_clear()


def spaces(database):
    rows = database.execute("SELECT space, vector_dims(embedding), count(*) FROM caching_semanticentry GROUP BY 1, 2")
    return {(space, dimension): count for space, dimension, count in rows}


async def test_the_job_moves_what_another_embedder_has_left(shop, ada, mallory, embedding_by, database):
    embedding_by(Embeddings(provider="hashing"))
    await shop.keep(keepsake(ada, "one"), keepsake(mallory, "two"))

    moved = [await beside(tasks.re_embed_entries) for _ in range(2)]

    assert moved == [2, 0]
    assert spaces(database) == {(hashing.SPACE.name, hashing.SPACE.dimension): 2}


async def test_without_a_share_of_the_machine_nothing_is_moved(shop, ada, embedding_by, database):
    embedding_by(Embeddings(provider="hashing", background_cpu_percent=0))
    await shop.keep(keepsake(ada, "one"))

    assert await beside(tasks.re_embed_entries) == 0
    assert spaces(database) == {(SPACE.name, SPACE.dimension): 1}


async def test_when_its_time_is_over_it_stops_between_two_parts_and_goes_on_the_next_time(shop, ada, seal, database):
    await shop.keep(*(keepsake(ada, f"question {number}") for number in range(40)))
    moments = iter([0.0, 5.0, 15.0])

    first = await beside(lambda: semantic_moves.re_embed(Angles, seal, within_seconds=10, clock=lambda: next(moments)))
    rest = await beside(lambda: semantic_moves.re_embed(Angles, seal))

    assert (first.moved, first.left, rest.moved, rest.left) == (32, 8, 8, 0)


async def test_only_one_process_is_at_it(shop, ada, seal):
    await shop.keep(keepsake(ada, "one"))

    with semantic_wiring.connect() as other:
        other.execute("SELECT pg_advisory_lock(%s)", [Job.RE_EMBED.value])
        refused = await beside(lambda: semantic_moves.re_embed(Angles, seal))
    moved = await beside(lambda: semantic_moves.re_embed(Angles, seal))

    assert (refused.moved, refused.problem) == (0, "another process is at it")
    assert moved.moved == 1


class GivesWay(Angles):
    """Says one space, and places in another once it has tried to start."""

    async def embed(self, texts, purpose):
        self.space = hashing.SPACE
        return [np.ones(3, dtype=np.float32) for _ in texts]


async def test_an_embedder_that_gives_way_to_another_moves_nothing(shop, ada, seal, database):
    await shop.keep(keepsake(ada, "one"))

    result = await beside(lambda: semantic_moves.re_embed(GivesWay, seal))

    assert (result.moved, result.problem) == (0, f"the embedder of {NEWER.name} does not start")
    assert spaces(database) == {(SPACE.name, SPACE.dimension): 1}


def no_model():
    raise ModelMissingError("not installed")


@pytest.mark.parametrize(
    ("embeddings", "environ"),
    [
        (Embeddings(provider="local"), {}),
        (Embeddings(provider="openai"), {"OPENAI_API_KEY": "k"}),
        (Embeddings(), {"COHERE_API_KEY": "k"}),
    ],
)
def test_nothing_is_moved_to_a_provider_or_away_from_a_model_that_is_missing_here(embeddings, environ):
    assert choice.for_moves(embeddings, environ, find=no_model) is None
