"""The choice of the model: the cheapest that is good enough, and a reason when there is none."""

from dataclasses import replace
from decimal import Decimal

import pytest

from acron_site.lib.errors import NoModelsAvailableError
from inference import catalog as catalogs
from inference.routing.router import Router
from tests.inference.kit import MODELS, ask


@pytest.fixture(scope="module")
def router() -> Router:
    return Router(catalogs.load(MODELS, {}, mock=True), default_quality_threshold=3.5)


@pytest.mark.parametrize(
    ("asked", "model"),
    [
        ({"model": "auto", "acron": {"quality_threshold": 3.0}}, "mock-small"),
        ({"model": "auto", "acron": {"quality_threshold": 3.9}}, "mock-medium"),
        ({"model": "acron-guided", "acron": {"quality_preference": "low"}}, "far-away"),
        (
            {"model": "acron-guided", "acron": {"quality_preference": "high", "latency_preference": "fast"}},
            "mock-large",
        ),
        ({"model": "auto", "acron": {"quality_threshold": 3.5, "task_type": "code"}}, "mock-large"),
        ({"model": "mock-small"}, "mock-small"),
        ({"model": "small"}, "mock-small"),
    ],
)
def test_the_cheapest_model_that_is_good_enough_is_chosen(asked, model):
    catalog = catalogs.load(MODELS, {}, mock=True)
    far = [
        m for m in catalog.models if m.name != "far-away" or asked.get("acron", {}).get("quality_preference") == "low"
    ]
    router = Router(catalogs.Catalog(far, is_simulated=True), default_quality_threshold=3.5)

    assert router.route(ask(**asked)).model.name == model


def test_what_a_model_cannot_do_excludes_it(router):
    picture = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:,"}}]}]

    route = router.route(ask(model="auto", messages=picture), explain=True)

    assert route.model.name == "mock-large"
    assert {c.model: c.excluded_because for c in route.candidates}["mock-medium"] == "cannot do vision"


def test_a_prompt_that_does_not_fit_excludes_a_model(router):
    long = "word " * 2000

    route = router.route(ask(long, model="auto", acron={"quality_threshold": 0}), explain=True)

    reasons = {c.model: c.excluded_because for c in route.candidates}
    assert "do not fit" in reasons["mock-small"]


@pytest.mark.parametrize(
    ("acron", "advice"),
    [
        ({"quality_threshold": 5, "latency_budget_ms": 1, "task_type": "code"}, "quality >= 5"),
        ({"cost_budget_usd": "0.0000000001"}, "cost <= 1E-10 USD"),
    ],
)
def test_no_model_is_refused_with_what_to_relax(acron, advice):
    catalog = catalogs.load(MODELS, {}, mock=True)
    router = Router(
        catalogs.Catalog([m for m in catalog.models if m.name != "far-away"]), default_quality_threshold=3.5
    )

    with pytest.raises(NoModelsAvailableError, match=advice):
        router.route(ask(model="auto", acron=acron))


def test_without_any_key_the_remedy_is_named():
    router = Router(catalogs.Catalog([]), default_quality_threshold=3.5)

    with pytest.raises(NoModelsAvailableError, match="OPENAI_API_KEY"):
        router.route(ask(model="auto"))


def test_the_estimate_shown_is_exact_money(router):
    route = router.route(replace(ask(model="auto", max_tokens=1000), endpoint="infer"), explain=True)

    medium = next(c for c in route.candidates if c.model == "mock-medium")
    assert medium.estimated_cost_usd == Decimal("0.004009")  # 9 input and 1,000 output tokens
