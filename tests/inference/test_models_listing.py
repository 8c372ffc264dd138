"""`GET /v1/models` and `GET /v1/models/{name}` as OpenAI's and Anthropic's clients read them."""

from dataclasses import replace

import pytest
from anthropic.pagination import SyncPage
from anthropic.types import ModelInfo
from openai.types import Model

from inference import catalog as catalogs
from inference.wire import models
from tests.inference.asgi import call
from tests.inference.doors import key, make_door
from tests.inference.kit import MODELS, Kit
from tests.inference.ruled import at_the_door
from tests.inference.ruled import key as ruled


@pytest.fixture
def door():
    return make_door(Kit())


async def test_the_listing_suits_both_sdks(door):
    listed = (await call(door, "/v1/models", method="GET", headers=key())).json()

    page = SyncPage[ModelInfo].model_validate(listed)
    assert [ModelInfo.model_validate(entry).id for entry in listed["data"]] == [entry.id for entry in page.data]
    assert [Model.model_validate(entry).object for entry in listed["data"]] == ["model"] * len(page.data)
    assert (listed["has_more"], listed["first_id"], listed["last_id"]) == (False, page.data[0].id, page.data[-1].id)


@pytest.mark.parametrize(
    ("name", "found"),
    [("mock-small", "mock-small"), ("small", "mock-small"), ("auto", "auto"), ("far-away", "far-away")],
)
async def test_one_model_is_told_by_its_name_or_an_alias(door, name, found):
    response = await call(door, f"/v1/models/{name}", method="GET", headers=key())

    assert response.status == 200
    assert ModelInfo.model_validate(response.json()).id == found


@pytest.mark.parametrize("name", ["nothing", "mock-small/", "x" * 5000, "é/..", "../key"])
async def test_a_model_that_is_not_there_is_not_found(door, name):
    response = await call(door, f"/v1/models/{name}", method="GET", headers=key())

    assert (response.status, response.json()["error"]["code"]) == (404, "model_not_found")


async def test_a_model_is_only_read(door):
    response = await call(door, "/v1/models/mock-small", {}, headers=key())

    assert (response.status, response.headers["allow"]) == (405, "GET")


@pytest.mark.parametrize(("name", "status"), [("mock-small", 200), ("small", 200), ("mock-large", 404)])
async def test_a_model_that_the_key_may_not_use_is_not_there_for_it(name, status):
    response = await at_the_door(Kit(), ruled(models=frozenset({"small"})), f"/v1/models/{name}", method="GET")

    assert response.status == status


def test_names_may_have_slashes_and_dots():
    catalog = catalogs.load(MODELS, {}, mock=False)
    odd = replace(catalog.models[0], name="meta/llama-4.1:8b", aliases=())

    listed = models.listing(catalogs.Catalog([odd]))

    assert b'"meta/llama-4.1:8b"' in models.one(listed, "meta/llama-4.1:8b")


async def test_a_count_is_a_request_and_keeps_to_the_models_of_the_key():
    kit, asked = Kit(), {"model": "mock-small", "messages": [{"role": "user", "content": "x"}]}
    limited, bound = ruled(requests_per_minute=1), ruled(models=frozenset({"mock-large"}))

    answers = [await at_the_door(kit, limited, "/v1/messages/count_tokens", body=asked) for _ in range(2)]
    refused = await at_the_door(kit, bound, "/v1/messages/count_tokens", body=asked)

    assert [answer.status for answer in answers] == [200, 429]
    assert answers[0].headers["x-ratelimit-remaining-requests"] == "0"
    assert (answers[1].json()["error"]["type"], refused.status) == ("rate_limit_error", 403)
