"""Routes by proof: a cheaper model in place of a dearer one, where that is proven and nothing else forbids it."""

import pytest

from acron_site.lib.errors import NoModelsAvailableError
from inference import catalog as catalogs
from inference.catalog import Catalog
from inference.routing.proofs import Proof, Proofs, ProofState, Standing
from inference.routing.router import HELD_OUT, Router
from tests.inference.kit import MODELS, ask

GOOD = Standing(state=ProofState.PROVEN, pairs=214, losses=1)
AUTO = {"model": "auto", "acron": {"task_type": "classification"}}


def proven(model: str = "mock-small", reference: str = "mock-medium", standing: Standing = GOOD) -> Proofs:
    return Proofs({"classification": (Proof(model, reference, standing),)})


def near() -> Catalog:
    """The catalogue without the model that is better and cheaper than all others."""
    models = catalogs.load(MODELS, {}, mock=True).models
    return Catalog([model for model in models if model.name != "far-away"], is_simulated=True)


@pytest.fixture(scope="module")
def router() -> Router:
    return Router(near(), default_quality_threshold=3.5)


def test_a_proven_model_takes_the_place_of_a_dearer_one_and_the_reason_says_why(router):
    route = router.route(ask(**AUTO), proofs=proven())

    assert (route.model.name, route.in_place_of.name) == ("mock-small", "mock-medium")
    assert route.reason == "proven for classification: 1 of 214 differed"


@pytest.mark.parametrize("state", [ProofState.PRIOR, ProofState.REVOKED])
def test_what_is_not_proven_or_no_longer_goes_by_the_catalogue(router, state):
    route = router.route(ask(**AUTO), proofs=proven(standing=Standing(state=state, pairs=90)))

    assert (route.model.name, route.in_place_of) == ("mock-medium", None)


@pytest.mark.parametrize(
    ("fields", "model"),
    [
        ({"model": "auto"}, "mock-medium"),
        ({"model": "acron-guided", "acron": {"task_type": "classification"}}, "mock-medium"),
        ({"model": "mock-large", "acron": {"task_type": "classification"}}, "mock-large"),
        # the reference itself would not be good enough here
        ({"model": "auto", "acron": {"task_type": "classification", "quality_threshold": 4.5}}, "mock-large"),
        ({"model": "auto", "acron": {"task_type": "classification", "quality_threshold": 3.0}}, "mock-small"),
    ],
)
def test_a_proof_holds_for_its_kind_of_task_on_autopilot_and_for_nothing_better_than_its_reference(
    router, fields, model
):
    route = router.route(ask(**fields), proofs=proven())

    assert (route.model.name, route.in_place_of) == (model, None)


@pytest.mark.parametrize(
    "fields",
    [
        {"messages": [{"role": "user", "content": "x" * 8_000}]},  # does not fit its context
        {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:,"}}]}]},
    ],
)
def test_a_hard_need_comes_before_any_proof(router, fields):
    route = router.route(ask(**AUTO, **fields), proofs=proven())

    assert route.model.name != "mock-small"


def test_a_key_that_may_not_use_the_proven_model_gets_another(router):
    restricted = router.restricted_to(frozenset({"mock-medium", "mock-large"}))

    assert restricted.route(ask(**AUTO), proofs=proven()).model.name == "mock-medium"


def test_what_is_yet_to_be_proven_may_have_to_be_better_than_wanted():
    careful = Router(near(), default_quality_threshold=3.5, prior_margin=0.5)

    assert careful.route(ask(**AUTO)).model.name == "mock-large"
    assert careful.route(ask(**AUTO), proofs=proven(reference="mock-large")).model.name == "mock-small"
    assert careful.restricted_to(frozenset({"mock-medium", "mock-large"})).route(ask(**AUTO)).model.name == "mock-large"


def test_the_best_of_the_cheaper_models_is_tried_until_it_is_proven_or_hopeless(router):
    large = router.catalog.find("mock-large")
    asked = ask(model="auto", acron={"task_type": "classification", "quality_threshold": 4.5})

    def tried(**standings: Standing) -> str | None:
        known = Proofs(
            {"classification": tuple(Proof(f"mock-{name}", "mock-large", each) for name, each in standings.items())}
        )
        model = router.on_trial(asked, large, known)
        return None if model is None else model.name

    assert tried() == "mock-medium"
    assert tried(medium=GOOD) == "mock-small"
    assert tried(medium=Standing(pairs=20, losses=9)) == "mock-small"
    assert tried(medium=GOOD, small=GOOD) is None


def test_what_is_held_out_goes_to_the_baseline_unless_it_cannot_serve_it(router):
    held = router.held_out(ask(model="auto"), "mock-large")

    assert held is not None
    assert (held.model.name, held.reason) == ("mock-large", HELD_OUT)
    assert router.held_out(ask(model="auto"), "far-away") is None
    assert router.held_out(ask(model="auto", acron={"cost_budget_usd": "0.0000001"}), "mock-large") is None
    assert router.restricted_to(frozenset({"mock-small"})).held_out(ask(model="auto"), "mock-large") is None
    with pytest.raises(NoModelsAvailableError):
        router.route(ask(model="auto", acron={"quality_threshold": 5.0}), proofs=proven())
