"""Health says what is true, quickly, also while something is down."""

import asyncio
import time

import pytest
from django.test import Client, override_settings

from acron_site import __version__, health
from acron_site.health import Probe


@pytest.fixture(autouse=True)
def _fresh_probes():
    for probe in (health.database, health.store):
        probe.forget()
    yield
    for probe in (health.database, health.store):
        probe.forget()


def test_health_names_version_backend_and_database(client: Client, db):
    response = client.get("/health")

    found = response.json()
    assert response.status_code == 200
    assert found["status"] == "ok"
    assert found["version"] == __version__
    assert found["cache"] == {"backend": "redis", "status": "ok"}
    assert found["database"] == "ok"
    assert found["workers"] >= 1
    assert found["uptime_seconds"] >= 0


def test_a_missing_redis_degrades_and_is_no_failure(client: Client, db):
    with override_settings(REDIS_URL="unix:///nowhere/redis.sock"):
        response = client.get("/health")

    assert response.status_code == 200
    assert response.json()["status"] == "degraded"
    assert response.json()["cache"] == {"backend": "redis", "status": "down"}


def test_without_redis_the_backend_is_memory(client: Client, db):
    with override_settings(REDIS_URL=""):
        response = client.get("/health")

    assert response.json()["status"] == "ok"
    assert response.json()["cache"]["backend"] == "memory"


def test_alive_needs_nothing(client: Client):
    assert client.get("/health/live").json() == {"status": "ok"}


def test_ready_when_the_database_answers(client: Client, db):
    assert client.get("/health/ready").status_code == 200


async def test_a_frozen_dependency_counts_as_down_within_half_a_second():
    probe = Probe(_frozen)

    started = time.monotonic()

    assert not await probe.is_up()
    assert time.monotonic() - started < 0.5


async def test_those_who_ask_often_are_answered_from_memory():
    asked: list[int] = []

    async def answers() -> bool:
        asked.append(1)
        return True

    probe = Probe(answers)

    assert [await probe.is_up() for _ in range(5)] == [True] * 5
    assert len(asked) == 1


async def test_what_has_been_up_once_is_remembered():
    answers = [True]
    probe = Probe(lambda: _pop(answers))
    assert not probe.was_up

    await probe.is_up()

    assert probe.was_up


@pytest.mark.parametrize("path", ["/health", "/health/live", "/health/ready"])
def test_nobody_may_keep_or_change_it(client: Client, db, path):
    assert client.get(path)["Cache-Control"] == "no-store"
    assert client.post(path).status_code == 405


def test_the_api_is_described_with_the_door_in_it(client: Client, db):
    document = client.get("/openapi.json").json()

    assert document["info"]["title"] == "ACRON"
    assert {"/v1/chat/completions", "/infer", "/metrics"} <= set(document["paths"])


def test_the_swagger_page_loads_nothing_from_elsewhere(client: Client, db):
    page = client.get("/docs").content.decode()

    assert "swagger-ui" in page
    assert "https://" not in page


async def _frozen() -> bool:
    await asyncio.sleep(30)
    return True


async def _pop(answers: list[bool]) -> bool:
    return answers.pop()
