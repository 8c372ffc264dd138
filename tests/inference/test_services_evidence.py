"""Evidence on record and what is learnt from it, on the real PostgreSQL."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO

import numpy as np
import pytest
from asgiref.sync import async_to_sync
from django.core.management import CommandError, call_command

from accounts.services import erasure
from inference import catalog as catalogs
from inference import selectors_evidence, services_evidence, tasks
from inference.catalog import Catalog
from inference.models import RoutingEvidence, RoutingWeights
from inference.routing import earning, predictor, signals
from inference.routing.policies import PLAIN, Policy
from inference.routing.proofs import Proofs
from inference.routing.traits import Traits
from inference.routing_records import DatabaseProofs
from tests.accounts.conftest import Person, signed_up
from tests.analytics.facts import keep as keep_rows
from tests.analytics.facts import paid_answer
from tests.analytics.test_feedback import infer_key, say
from tests.inference.evidence_kit import TASK, law, pairs, talk
from tests.inference.kit import MODELS, ask
from tests.inference.trials_kit import Story

pytestmark = pytest.mark.django_db

CATALOG = catalogs.load(MODELS, {}, mock=True)
PATH = "/governance/policies/routing"


@pytest.fixture
def ada() -> Person:
    return signed_up("Ada")


@pytest.fixture
def mallory() -> Person:
    return signed_up("Mallory")


def gather(person: Person, requests: int, **changes) -> None:
    services_evidence.keep(person.organization.pk, pairs(person.organization.pk, requests, **changes))


def learn(person: Person):
    return services_evidence.fit(person.organization.pk, CATALOG)


def rows(person: Person):
    return RoutingEvidence.objects.for_organization(person.organization.pk)


def weights(person: Person):
    return RoutingWeights.objects.for_organization(person.organization.pk)


def known(person: Person, now: datetime | None = None) -> Proofs:
    now = now or datetime.now(UTC)
    return DatabaseProofs(Policy(), now=lambda: now).read(person.organization.pk)


def answered_by(person: Person, text: str) -> str:
    """By a gateway that goes by what is on record."""
    story = Story(PLAIN, proofs=known(person), small="Yes.", medium="Yes.", large="Yes.")
    asked = ask(text, model="auto", acron={"task_type": TASK})
    principal = replace(person.principal, scopes=frozenset())
    return async_to_sync(story.kit.answer)(principal, asked).facts.model


def told(client, person: Person):
    answered = client.get(PATH, headers={"x-api-key": person.api_key})
    assert answered.status_code == 200
    return answered.json()["predictor"]


def test_a_pair_leaves_a_row_of_each_model_and_a_repetition_nothing(ada):
    lost, kept = (replace(pair, lost=pair.request_id == "req_0") for pair in pairs(ada.organization.pk, 2))
    vector = np.linspace(-1, 1, 384).astype(np.float32)
    measured = signals.measure(law(0))
    given = [replace(lost, traits=Traits(measured, vector)), kept]

    written = [DatabaseProofs(Policy()).write(given), DatabaseProofs(Policy()).write(given)]

    assert written == [2, 2]
    found = {(row.request_id, row.model): row for row in rows(ada)}
    assert {key: row.score for key, row in found.items()} == {
        ("req_0", "mock-small"): 0.0,
        ("req_0", "mock-medium"): 1.0,
        ("req_1", "mock-small"): 1.0,
        ("req_1", "mock-medium"): 1.0,
    }
    read = selectors_evidence.evidence(ada.organization.pk, CATALOG)
    first = next(row for row in read if row.score == 0.0)
    assert first.signals == measured
    assert np.allclose(np.asarray(first.vector), vector, atol=1e-3)
    assert found["req_1", "mock-small"].vector is None


def test_pairs_without_traits_and_those_of_who_has_gone_leave_nothing(ada, mallory):
    bare = [replace(pair, traits=None) for pair in pairs(ada.organization.pk, 3)]
    gone = mallory.organization.pk
    erasure.erase_organization(mallory.actor)

    services_evidence.keep(ada.organization.pk, bare)
    services_evidence.keep(gone, pairs(gone, 3))

    assert RoutingEvidence.all_organizations.count() == 0


def test_what_was_learnt_sends_each_kind_of_text_to_the_model_that_is_good_enough_for_it(ada, mallory):
    gather(ada, 250)
    gather(mallory, 50)

    found, theirs = learn(ada), learn(mallory)

    assert (found.is_trusted, found.rows, theirs.is_trusted) == (True, 500, False)
    assert [answered_by(ada, text) for text in (law(9_001), talk(9_002))] == ["mock-medium", "mock-small"]
    assert [answered_by(mallory, text) for text in (law(9_001), talk(9_002))] == ["mock-medium", "mock-medium"]
    assert known(mallory).predictor is None


def test_the_api_says_how_far_the_predictor_is_and_why_it_is_not_asked(ada, mallory, client):
    gather(ada, 250)
    learn(ada)
    gather(mallory, 50)
    never = told(client, mallory)
    learn(mallory)

    mine, theirs = told(client, ada), told(client, mallory)

    assert (never["rows"], never["fitted_at"], never["is_trusted"]) == (0, None, False)
    assert "where the organization explores" in never["why_not"]
    assert (mine["rows"], mine["is_trusted"], mine["why_not"]) == (500, True, None)
    assert mine["held_out"]["log_loss"] < mine["held_out"]["prior_log_loss"]
    assert mine["held_out"]["calibration_error"] <= 0.05
    assert (theirs["rows"], theirs["is_trusted"], theirs["held_out"]) == (100, False, None)
    assert theirs["why_not"] == "100 of 300 rows of evidence are there"


GARBLED = [
    {"weights": {}},
    {"weights": ["?"]},
    {"weights": {"models": {}, "blind": {"shift": ["x"], "telling": [], "models": {}}, "seeing": None}},
]


@pytest.mark.parametrize("garbled", GARBLED)
def test_weights_that_we_cannot_have_written_steer_nothing_and_break_nothing(ada, client, caplog, garbled):
    gather(ada, 250)
    learn(ada)
    weights(ada).update(**garbled, figures="?")
    caplog.clear()

    records = DatabaseProofs(Policy())
    found = [records.read(ada.organization.pk).predictor for _ in range(3)]

    assert found == [None, None, None]
    assert [record.message for record in caplog.records] == ["routing.weights_garbled"]
    assert answered_by(ada, talk(9_002)) == "mock-medium"
    shown = told(client, ada)
    assert (shown["is_trusted"], shown["held_out"]) == (False, None)
    assert "cannot be read" in shown["why_not"]


def test_weights_beside_another_prior_are_not_used_and_fitted_anew(ada, client):
    gather(ada, 250)
    learn(ada)
    weights(ada).update(prior="another")

    before, why_not = known(ada).predictor, told(client, ada)["why_not"]
    learn(ada)

    assert before is None
    assert "another version" in why_not
    assert known(ada).predictor is not None


def test_what_nobody_has_looked_after_for_long_has_lapsed(ada):
    gather(ada, 250)
    learn(ada)

    later = datetime.now(UTC) + selectors_evidence.LAPSES_AFTER + timedelta(minutes=1)

    assert known(ada).predictor is not None
    assert known(ada, later).predictor is None


def test_nothing_is_fitted_where_nothing_is_new(ada, mallory):
    gather(ada, 10)
    learn(ada)
    gather(mallory, 10)

    first, again = (services_evidence.fit_due(CATALOG, within_seconds=60) for _ in range(2))

    assert (first, again) == (1, 0)
    assert learn(ada) is None


def test_when_the_time_is_used_up_who_has_waited_longest_is_first_in_the_next_run(ada, mallory):
    moments = iter([0.0, 0.0, 61.0])
    gather(ada, 10)
    learn(ada)
    gather(ada, 10)
    gather(mallory, 10)

    count = services_evidence.fit_due(CATALOG, within_seconds=60, clock=lambda: next(moments))

    assert count == 1
    assert weights(mallory).exists()
    assert selectors_evidence.due() == [ada.organization.pk]


def test_what_people_say_takes_the_place_of_what_a_trial_said_and_the_last_one_counts(ada, mallory):
    gather(ada, 2)
    gather(mallory, 2)
    for person in (ada, mallory):
        keep_rows(paid_answer(person.organization.pk, request_id="req_1", model="mock-small", task_type=TASK))
    learn(ada)

    key = infer_key(ada)
    answers = [say(key, "req_1", score=score).status_code for score in (5, 3)]

    def scores(person: Person) -> list[float]:
        found = selectors_evidence.evidence(person.organization.pk, CATALOG)
        return sorted(row.score for row in found if row.model == "mock-small")

    assert answers == [201, 200]
    assert scores(ada) == sorted([float(not pairs(ada.organization.pk, 1)[0].lost), 0.6])
    assert scores(mallory) == sorted([float(not pairs(ada.organization.pk, 1)[0].lost), 1.0])
    assert selectors_evidence.has_news(ada.organization.pk)


def test_what_people_say_of_a_request_that_was_not_tried_is_no_evidence(ada):
    keep_rows(paid_answer(ada.organization.pk, request_id="req_other", model="mock-small", task_type=TASK))

    assert say(infer_key(ada), "req_other", score=1).status_code == 201
    assert not rows(ada).exists()


def test_models_that_the_catalogue_does_not_know_any_more_are_left_out(ada):
    gather(ada, 3)
    left = Catalog([model for model in CATALOG.models if model.name != "mock-small"], is_simulated=True)

    assert {row.model for row in selectors_evidence.evidence(ada.organization.pk, left)} == {"mock-medium"}


def test_only_the_newest_rows_of_each_organization_are_kept(ada, mallory):
    gather(mallory, 1)
    gather(ada, selectors_evidence.KEPT_ROWS // 2 + 3)

    removed = [tasks.forget_old_pairs(), tasks.forget_old_pairs()]

    assert removed == [6, 0]
    assert (rows(ada).count(), rows(mallory).count()) == (selectors_evidence.KEPT_ROWS, 2)


def test_evidence_and_weights_go_with_their_organization(ada, mallory):
    for person in (ada, mallory):
        gather(person, 10)
        learn(person)

    erasure.erase_organization(ada.actor)

    assert RoutingEvidence.all_organizations.count() == rows(mallory).count() == 20
    assert RoutingWeights.all_organizations.count() == 1


def test_who_ends_while_it_is_learnt_from_leaves_no_weights(ada):
    gather(ada, 10)
    gone, newest = ada.organization.pk, rows(ada).latest("id").pk
    found = earning.earned(predictor.shipped(), [])
    erasure.erase_organization(ada.actor)

    services_evidence._put(gone, found, newest)

    assert RoutingWeights.all_organizations.count() == 0


def test_the_command_says_for_each_organization_what_came_of_it(ada, mallory):
    gather(ada, 10)

    out = StringIO()
    call_command("fit_routing_weights", stdout=out)
    call_command("fit_routing_weights", organization=ada.organization.slug, stdout=out)

    assert f"{mallory.organization.slug}: no new evidence" in out.getvalue()
    assert out.getvalue().splitlines()[-1] == f"{ada.organization.slug}: no new evidence"
    with pytest.raises(CommandError, match="no organization called"):
        call_command("fit_routing_weights", organization="nobody", stdout=out)


def test_the_job_fits_what_is_due(ada):
    gather(ada, 10)

    assert [tasks.fit_routing_weights(), tasks.fit_routing_weights()] == [1, 0]
