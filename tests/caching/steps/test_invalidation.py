"""`POST /cache/steps/invalidate`: what an owner says is no longer true is served to nobody, and stands on record."""

import json

import pytest
from asgiref.sync import async_to_sync
from django.conf import settings as django_settings

from accounts import wiring as accounts_wiring
from accounts.models import AuditEvent
from accounts.scopes import Scope
from accounts.services import api_keys
from acron_site.lib.redis_links import Links
from caching import wiring
from caching.protocols import Namespace
from tests.accounts.conftest import Person, signed_up
from tests.caching.steps.test_step_store import STEP, keep


@pytest.fixture
def ada(db) -> Person:
    return signed_up("Ada")


@pytest.fixture
def mallory(db) -> Person:
    return signed_up("Mallory")


@pytest.fixture
def kept():
    """Keeps a step under doc:42 as a worker would, and says later whether it is still found."""

    async def with_cache(act):
        links = Links(django_settings.REDIS_URL, timeout_seconds=2) if django_settings.REDIS_URL else None
        config = django_settings.ACRON.cache
        store = wiring.exact_store(config, redis_url=django_settings.REDIS_URL, links=links)
        cache = wiring.step_cache(config, store, wiring.generations(links), cipher=accounts_wiring.cipher())
        try:
            return await act(cache)
        finally:
            if links is not None:
                await links.close()

    class Kept:
        def __init__(self, person: Person, name: str = "default") -> None:
            self._namespace = Namespace(person.organization.pk, name)
            async_to_sync(with_cache)(lambda cache: keep(cache, self._namespace, tags=["doc:42"]))

        @property
        def is_found(self) -> bool:
            return async_to_sync(with_cache)(lambda cache: cache.look_up(self._namespace, STEP)) is not None

    return Kept


def post(client, person: Person, key: str = "", **body):
    return client.post(
        "/cache/steps/invalidate",
        json.dumps(body),
        content_type="application/json",
        headers={"x-api-key": key or person.api_key},
    )


def test_what_is_invalidated_is_no_longer_found_and_stands_on_record(client, ada, kept):
    step, elsewhere = kept(ada), kept(ada, "staging")
    assert step.is_found

    response = post(client, ada, tags=["doc:42", "doc:41", "doc:42"])

    assert response.status_code == 200
    assert response.json() == {"tags": ["doc:41", "doc:42"], "namespace": "default"}
    assert not step.is_found
    assert elsewhere.is_found
    event = AuditEvent.objects.for_organization(ada.organization.pk).latest("sequence")
    assert event.action == "cache.steps_invalidated"
    assert event.after == {"tags": ["doc:41", "doc:42"], "namespace": "default"}


def test_a_namespace_can_be_named(client, ada, kept):
    step, elsewhere = kept(ada, "staging"), kept(ada)

    assert post(client, ada, tags=["doc:42"], namespace="staging").status_code == 200

    assert not step.is_found
    assert elsewhere.is_found


def test_mallory_reaches_nothing_of_ours(client, ada, mallory, kept):
    step = kept(ada)

    assert post(client, mallory, tags=["doc:42"]).status_code == 200

    assert step.is_found


def test_a_key_that_may_only_call_models_is_refused(client, ada, kept):
    step = kept(ada)
    key = api_keys.issue(ada.actor, ada.organization, "calls", scopes=[Scope.INFER]).text

    assert post(client, ada, key, tags=["doc:42"]).status_code == 403

    assert step.is_found


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "tags"),
        ({"tags": []}, "tags"),
        ({"tags": "doc:42"}, "tags"),
        ({"tags": [""]}, "tags"),
        ({"tags": ["x" * 129]}, "tags"),
        ({"tags": ["a\nb"]}, "tags"),
        ({"tags": [f"doc:{number}" for number in range(33)]}, "tags"),
        ({"tags": ["doc:42"], "namespace": ""}, "namespace"),
        ({"tags": ["doc:42"], "namespace": "\t"}, "namespace"),
        ({"tags": ["doc:42"], "tag": "doc:42"}, "tag"),
    ],
)
def test_a_wrong_field_is_named(client, ada, body, param):
    response = post(client, ada, **body)

    assert response.status_code == 400
    assert response.json()["error"]["param"].startswith(param)


def test_as_many_and_as_long_tags_as_are_allowed_are_taken(client, ada):
    assert post(client, ada, tags=["\U0001f4a9" * 126 + f"{number:02}" for number in range(32)]).status_code == 200


def test_a_redis_that_is_away_is_said_and_nothing_goes_on_record(client, ada, settings, tmp_path):
    settings.REDIS_URL = f"unix://{tmp_path}/nothing.sock"
    before = AuditEvent.objects.for_organization(ada.organization.pk).count()

    response = post(client, ada, tags=["doc:42"])

    assert response.status_code == 503
    assert "send this again" in response.json()["error"]["message"]
    assert response.headers["retry-after"] == "5"
    assert AuditEvent.objects.for_organization(ada.organization.pk).count() == before


def test_without_any_redis_the_process_itself_obeys(client, ada, settings, kept):
    settings.REDIS_URL = ""
    generations = wiring.memory_generations()
    shelf = b"acron:{%b}:step-tags" % ada.organization.pk.hex.encode()
    before = async_to_sync(generations.read)(shelf, [b"t"], begins=True)

    assert post(client, ada, tags=["doc:42"]).status_code == 200

    assert async_to_sync(generations.read)(shelf, [b"t"], begins=False).epoch == before.epoch
