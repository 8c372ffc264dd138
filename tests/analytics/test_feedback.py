"""What callers say of answers: about their own organization's requests, once each, and nothing besides."""

import orjson
import pytest
from django.test import Client

from accounts.models import ApiKey, User
from accounts.principal import Principal
from accounts.roles import Role
from accounts.scopes import Scope
from accounts.services import api_keys, members
from acron_site.lib.errors import NotFoundError
from analytics import belongings, feedback
from analytics.feedback import Said
from analytics.models import Feedback
from tests.accounts.conftest import Person, signed_up
from tests.analytics.facts import cache_hit, keep, paid_answer

pytestmark = pytest.mark.django_db
BACKEND = "django.contrib.auth.backends.ModelBackend"
THUMBS_UP = {"thumbs": "up"}


@pytest.fixture
def ada() -> Person:
    return signed_up("Ada")


@pytest.fixture
def mallory() -> Person:
    return signed_up("Mallory")


@pytest.fixture
def key(ada) -> str:
    return infer_key(ada)


def infer_key(person: Person, name: str = "app") -> str:
    return api_keys.issue(person.actor, person.organization, name, scopes=[Scope.INFER]).text


@pytest.fixture
def answer(ada) -> str:
    """The request id of an answer that Ada's organization got."""
    facts = paid_answer(ada.organization.pk)
    keep(facts)
    return facts.request_id


def say(key: str, request_id: str, **said):
    return Client().post(
        "/feedback", {"request_id": request_id, **said}, content_type="application/json", headers={"x-api-key": key}
    )


def kept(person: Person) -> list[Feedback]:
    return list(Feedback.objects.for_organization(person.organization.pk).order_by("created_at"))


def test_an_opinion_is_kept_with_who_said_it(ada, key, answer):
    answered = say(key, answer, score=4.5, task_type="summary", outcome="accepted")

    [row] = kept(ada)
    assert answered.status_code == 201
    assert answered.json()["score"] == 4.5
    assert (row.request_id, row.score, row.task_type, row.outcome) == (answer, 4.5, "summary", "accepted")
    assert row.key_id == ApiKey.objects.for_organization(ada.organization.pk).get(name="app").pk


@pytest.mark.parametrize(("thumbs", "score"), [("up", 5.0), ("down", 0.0)])
def test_thumbs_are_short_for_the_ends_of_the_scale(ada, key, answer, thumbs, score):
    say(key, answer, thumbs=thumbs)

    assert kept(ada)[0].score == score


@pytest.mark.parametrize("outcome", ["sold", 1, 0, -3.5, True, "x" * 200])
def test_an_outcome_is_any_number_or_short_text(ada, key, answer, outcome):
    answered = say(key, answer, outcome=outcome)

    assert answered.json()["outcome"] == outcome
    assert kept(ada)[0].outcome == outcome


def test_a_second_opinion_takes_the_place_of_the_first_as_far_as_it_goes(ada, key, answer):
    first = say(key, answer, thumbs="up", task_type="summary")
    second = say(key, answer, outcome="returned")
    third = say(key, answer, score=1)

    [row] = kept(ada)
    assert [first.status_code, second.status_code, third.status_code] == [201, 200, 200]
    assert (row.score, row.task_type, row.outcome) == (1.0, "summary", "returned")
    assert row.updated_at > row.created_at


def test_each_key_has_an_opinion_of_its_own(ada, key, answer):
    say(key, answer, thumbs="up")
    say(infer_key(ada, "other"), answer, thumbs="down")

    assert [row.score for row in kept(ada)] == [5.0, 0.0]


def test_an_answer_from_the_cache_can_be_rated_too(ada, key):
    hit = cache_hit(ada.organization.pk)
    keep(hit)

    assert say(key, hit.request_id, **THUMBS_UP).status_code == 201


def test_a_rival_rates_nothing_and_learns_nothing(mallory, ada, answer):
    theirs = infer_key(mallory)

    about_ours = say(theirs, answer, **THUMBS_UP)
    about_nothing = say(theirs, "req_nobodys", **THUMBS_UP)

    assert (about_ours.status_code, about_nothing.status_code) == (404, 404)
    message = about_ours.json()["error"]["message"].replace(answer, "")
    assert message == about_nothing.json()["error"]["message"].replace("req_nobodys", "")
    assert kept(ada) == kept(mallory) == []


def test_an_answer_that_is_not_on_record_yet_is_waited_for_once(ada):
    facts = paid_answer(ada.organization.pk)
    asker = Principal(ada.organization.pk, frozenset({Scope.INFER}))

    said, is_new = feedback.give(asker, Said(facts.request_id, score=3), wait=lambda _: keep(facts))

    assert (said.score, is_new) == (3.0, True)


def test_what_is_nowhere_is_said_to_be_worth_another_try(ada):
    waited: list[float] = []
    asker = Principal(ada.organization.pk, frozenset({Scope.INFER}))

    with pytest.raises(NotFoundError, match="try again in a second") as error:
        feedback.give(asker, Said("req_nobodys", score=3), wait=waited.append)

    assert error.value.headers == {"Retry-After": "1"}
    assert len(waited) == 1


@pytest.mark.parametrize(
    ("said", "param"),
    [
        ({}, "score"),
        ({"task_type": "summary"}, "score"),
        ({"score": 5.1}, "score"),
        ({"score": -0.1}, "score"),
        ({"score": "4"}, "score"),
        ({"score": "nan"}, "score"),
        ({"score": True}, "score"),
        ({"score": None}, "score"),
        ({"thumbs": "sideways"}, "thumbs"),
        ({"thumbs": "up", "score": 5}, "thumbs"),
        ({"score": 1, "task_type": "x" * 65}, "task_type"),
        ({"outcome": "x" * 201}, "outcome"),
        ({"outcome": "a\x00b"}, "outcome"),
        ({"outcome": {"a": 1}}, "outcome"),
        ({"outcome": [1]}, "outcome"),
        ({"outcome": 2**60}, "outcome"),
        ({"score": 1, "comment": "what I asked was secret"}, "comment"),
        ({"score": 1, "request_id": "no such form"}, "request_id"),
        ({"score": 1, "request_id": 7e300}, "request_id"),
        ({"score": 1, "request_id": ["req_1"]}, "request_id"),
    ],
)
def test_what_is_wrong_is_said_with_the_field_named(ada, key, answer, said, param):
    answered = say(key, **{"request_id": answer, **said})

    assert (answered.status_code, answered.json()["error"]["param"]) == (400, param)
    assert kept(ada) == []


def test_a_long_body_is_refused(key, answer):
    assert say(key, answer, score=1, outcome="x" * 20_000).status_code == 413


def test_there_is_nothing_to_get(key):
    assert Client().get("/feedback", headers={"x-api-key": key}).status_code == 405


@pytest.mark.parametrize(("role", "status"), [(Role.MEMBER, 201), (Role.VIEWER, 403)])
def test_in_the_browser_members_rate_and_viewers_do_not(ada, answer, role, status):
    grace = User.objects.create_user("grace@example.com", "correct horse battery")
    members.add(ada.actor, ada.organization, grace, role)
    client = Client()
    client.force_login(grace, backend=BACKEND)

    answered = client.post("/feedback", {"request_id": answer, **THUMBS_UP}, content_type="application/json")

    assert answered.status_code == status


def test_two_people_in_the_browser_do_not_overwrite_each_other(ada, answer):
    for name in ("grace", "edsger"):
        person = User.objects.create_user(f"{name}@example.com", "correct horse battery")
        members.add(ada.actor, ada.organization, person, Role.MEMBER)
        client = Client()
        client.force_login(person, backend=BACKEND)
        client.post("/feedback", {"request_id": answer, **THUMBS_UP}, content_type="application/json")

    assert len(kept(ada)) == 2


def test_the_owner_takes_it_along(ada, mallory, key, answer):
    say(key, answer, score=4, outcome="sold")

    [taken] = belongings.GivenFeedback().export(ada.organization.pk)

    assert (taken["request_id"], taken["score"], taken["outcome"]) == (answer, 4.0, "sold")
    assert orjson.dumps(taken)
    assert list(belongings.GivenFeedback().export(mallory.organization.pk)) == []
