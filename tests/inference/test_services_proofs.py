"""Pairs on record and the proofs they move, on the real PostgreSQL."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from acron_site.lib.ids import uuid7
from inference import selectors_proofs, services_proofs, services_routing, tasks
from inference.models import RoutingPair, RoutingProof
from inference.routing.policies import Policy, Wishes
from inference.routing.proofs import Pair, PairSource, ProofState, Standing
from inference.routing_records import DatabasePolicies, DatabaseProofs
from tests.accounts.conftest import Person, signed_up
from tests.analytics.facts import keep as keep_rows
from tests.analytics.facts import paid_answer
from tests.analytics.test_feedback import infer_key, say

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
EPSILON = 0.03


@pytest.fixture
def ada() -> Person:
    return signed_up("Ada")


@pytest.fixture
def mallory() -> Person:
    return signed_up("Mallory")


def pairs(person: Person, count: int = 1, *, lost: bool = False, since: datetime = NOW, **changes) -> list[Pair]:
    first = Pair(
        id=uuid7(),
        organization_id=person.organization.pk,
        task_type="classification",
        model="small",
        reference="large",
        lost=lost,
        method="exact",
        source=PairSource.TRIAL,
        request_id="req_1",
        occurred_at=since,
    )
    given = replace(first, **changes)
    return [replace(given, id=uuid7(), occurred_at=since + timedelta(seconds=number)) for number in range(count)]


def keep(person: Person, given: list[Pair], epsilon: float = EPSILON) -> int:
    return services_proofs.keep_pairs(person.organization.pk, given, epsilon)


def proof_of(person: Person) -> RoutingProof:
    proof: RoutingProof = RoutingProof.objects.for_organization(person.organization.pk).get()
    return proof


def standing(person: Person, now: datetime = NOW, epsilon: float = EPSILON) -> Standing:
    known = selectors_proofs.proofs(person.organization.pk, epsilon, now)
    return known.between("classification", "small", "large")


def test_pairs_prove_a_class_and_the_change_is_on_record(ada, caplog):
    caplog.set_level("INFO")
    keep(ada, pairs(ada, 100))
    learning = standing(ada)

    keep(ada, pairs(ada, 17, since=NOW + timedelta(hours=1)))

    assert (learning.state, learning.needed) == (ProofState.PRIOR, 17)
    assert standing(ada).is_proven
    (line,) = proof_of(ada).history
    assert (line["state"], line["pairs"], line["losses"], line["epsilon"]) == ("proven", 117, 0, 0.03)
    assert [record.message for record in caplog.records] == ["routing.proof_moved"]


def test_a_repetition_changes_nothing(ada):
    given = pairs(ada, 50)

    counts = [keep(ada, given), keep(ada, given)]

    assert counts == [50, 50]
    assert (standing(ada).pairs, RoutingPair.objects.for_organization(ada.organization.pk).count()) == (50, 50)


def test_mallorys_pairs_never_touch_adas_proofs(ada, mallory):
    keep(ada, pairs(ada, 117))

    keep(mallory, pairs(mallory, 200, lost=True))

    assert (standing(ada).is_proven, standing(ada).losses) == (True, 0)
    assert (standing(mallory).is_proven, standing(mallory).losses) == (False, 200)


def test_a_class_that_drifts_is_revoked_and_begins_anew(ada):
    keep(ada, pairs(ada, 117))

    keep(ada, pairs(ada, 20, lost=True, since=NOW + timedelta(hours=1)))

    revoked = standing(ada)
    assert revoked.state is ProofState.REVOKED
    assert revoked.pairs == revoked.losses < 20
    assert [line["state"] for line in proof_of(ada).history] == ["proven", "revoked"]
    assert str(proof_of(ada).fresh_after) > str(NOW)


def test_pairs_of_who_has_gone_are_left_out(ada):
    assert services_proofs.keep_pairs(uuid7(), pairs(ada), EPSILON) == 0


def test_a_proof_lapses_when_nobody_looks_after_it_and_takes_fresh_pairs_then(ada):
    keep(ada, pairs(ada, 117))
    later = NOW + selectors_proofs.LAPSES_AFTER + timedelta(hours=1)
    lapsed = standing(ada, later)

    keep(ada, pairs(ada, since=later))

    assert (lapsed.state, standing(ada, NOW).pairs) == (ProofState.PRIOR, 1)
    assert standing(ada, later).needed == 116
    (line,) = selectors_proofs.lines(ada.organization.pk, later)
    assert (line.standing.pairs, line.has_lapsed) == (1, False)


def test_a_stricter_policy_judges_the_same_pairs_again(ada):
    keep(ada, pairs(ada, 117))
    records = DatabaseProofs(Policy(), now=lambda: NOW)
    before = records.read(ada.organization.pk).of("classification")[0].standing

    services_routing.put(ada.actor, Wishes(epsilon=0.01))
    stricter = selectors_proofs.proofs(ada.organization.pk, 0.01, NOW).of("classification")[0].standing
    judged = records.read(ada.organization.pk).of("classification")[0].standing

    assert (before.is_proven, stricter.is_proven) == (True, False)
    assert (judged.is_proven, judged.epsilon, judged.pairs, judged.needed) == (False, 0.01, 117, 355 - 117)
    assert DatabasePolicies(Policy()).read(ada.organization.pk).epsilon == 0.01


def test_pairs_of_several_organizations_are_written_at_once_each_by_its_own_policy(ada, mallory):
    services_routing.put(mallory.actor, Wishes(epsilon=0.2))

    written = DatabaseProofs(Policy()).write([*pairs(ada, 2), *pairs(mallory, 16)])

    assert written == 18
    assert (proof_of(ada).epsilon, proof_of(mallory).epsilon) == (0.03, 0.2)
    assert (proof_of(ada).state, proof_of(mallory).state) == ("prior", "proven")


@pytest.mark.parametrize(
    ("said", "counted"), [({"score": 1.9}, (1, 1)), ({"thumbs": "up"}, (1, 0)), ({"score": 3.0}, (0, 0))]
)
def test_what_people_say_of_the_cheaper_models_answer_is_a_pair_once(ada, said, counted):
    keep_rows(paid_answer(ada.organization.pk, request_id="req_small", model="small", task_type="classification"))
    keep(ada, pairs(ada, 10))

    answers = [say(infer_key(ada), "req_small", **said), say(infer_key(ada, "other"), "req_small", **said)]

    assert [answer.status_code for answer in answers] == [201, 201]
    now = standing(ada, datetime.now(UTC))
    assert (now.pairs - 10, now.losses) == counted


def test_what_people_say_of_other_answers_moves_nothing(ada, mallory):
    rows = {"req_large": "large", "req_code": "small"}
    for request_id, model in rows.items():
        keep_rows(paid_answer(ada.organization.pk, request_id=request_id, model=model, task_type="code"))
    keep_rows(paid_answer(mallory.organization.pk, request_id="req_hers", model="small", task_type="classification"))
    keep(ada, pairs(ada, 10))

    for person, request_id in ((ada, "req_large"), (ada, "req_code"), (mallory, "req_hers")):
        assert say(infer_key(person), request_id, thumbs="down").status_code == 201

    assert (standing(ada).pairs, standing(ada).losses) == (10, 0)
    assert not RoutingProof.objects.for_organization(mallory.organization.pk).exists()


def test_old_pairs_are_forgotten_and_stay_counted(ada):
    now = datetime.now(UTC)
    keep(ada, pairs(ada, 3, since=now - timedelta(days=services_proofs.KEPT_DAYS + 1)))
    keep(ada, pairs(ada, 2, since=now))

    removed = [tasks.forget_old_pairs(), tasks.forget_old_pairs()]

    assert removed == [3, 0]
    assert (standing(ada, now).pairs, RoutingPair.objects.for_organization(ada.organization.pk).count()) == (5, 2)


def test_of_one_class_only_so_many_pairs_are_kept(ada, mallory):
    now = datetime.now(UTC)
    keep(ada, pairs(ada, services_proofs.KEPT_PAIRS + 7, since=now - timedelta(days=1)))
    keep(mallory, pairs(mallory, 5, since=now - timedelta(days=2)))

    assert services_proofs.forget_old(now) == 7
    assert RoutingPair.objects.for_organization(mallory.organization.pk).count() == 5


def test_invented_kinds_of_tasks_do_not_fill_the_table(ada):
    rows = [
        RoutingProof(
            organization=ada.organization, task_type=str(number), model="small", reference="large", epsilon=EPSILON
        )
        for number in range(500)
    ]
    RoutingProof.objects.for_organization(ada.organization.pk).bulk_create(rows)

    assert keep(ada, pairs(ada)) == 0
    assert keep(ada, pairs(ada, task_type="7")) == 1
