"""Encryption keys and peppers are changed under load, in the documented order: nobody notices, nothing is lost."""

import asyncio
import contextlib
import dataclasses
import itertools
import json
import os
import time
import urllib.request
from collections.abc import Iterator

import psycopg
import pytest
import redis

from accounts.encryption import HEAD_BYTES, cipher_from
from tests import live
from tests.faults import plant as plants
from tests.faults.load import Log, Wish, send_all, under_load
from tests.faults.plant import Plant

OLD, NEW = "0a" * 32, "1b" * 32
# the pepper that is listed wherever the encryption key is; the first is what the test run's own keys were made under
PEPPERS = {OLD: os.environ["ASAHI_KEY_PEPPERS"], NEW: "2:" + "2c" * 32}
MODEL = "standin-0"
OWN_KEY = "sk-own-key-of-ada-7777"
QUESTIONS = 300
LOAD_SECONDS = 1.0


@pytest.fixture
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    """A plant of its own: other stories' values lie under another key."""
    with plants.standing(tmp_path_factory.mktemp("rotation")) as plant:
        models = plant.folder / "models.yaml"
        document = json.loads(models.read_text(encoding="utf-8"))
        # a key that only the organization brings, so that each answer proves that it still opens
        document["providers"]["standin"]["api_key_env"] = "STANDIN_API_KEY"
        models.write_text(json.dumps(document), encoding="utf-8")
        yield plant


@contextlib.contextmanager
def product(servers: Plant, name: str, *keys: str) -> Iterator[Plant]:
    """An installation's processes with these encryption keys, and peppers in the same order, on the same servers."""
    settings = {
        "DATABASE_URL": servers.postgres.url,
        "REDIS_URL": servers.redis.url,
        "ASAHI_PROVIDERS_MODELS_FILE": str(servers.folder / "models.yaml"),
        "ASAHI_ENCRYPTION_KEY": ",".join(keys),
        "ASAHI_KEY_PEPPERS": ",".join(PEPPERS[key] for key in keys),
    }
    with live.running(servers.folder / name, settings=settings) as running:
        yield dataclasses.replace(servers, product=dataclasses.replace(running, key=servers.keys[0]))


def known(number: int, key: str) -> Wish:
    """A question that is asked again in every chapter."""
    return Wish(f"known-{number}", f"What is {number}?", key, MODEL)


def mixed(plant: Plant, chapter: str):
    """Known and new questions by turns."""
    numbers = itertools.count()

    def wish(client: int, turn: int) -> Wish:
        if turn % 2:
            return known(next(numbers) % QUESTIONS, plant.product.key)
        return Wish(f"{chapter}-{client}-{turn}", f"{chapter} {client} {turn}?", plant.product.key, MODEL)

    return wish


async def load_while(plant: Plant, chapter: str, *also: Plant) -> Log:
    """Requests to one product, or to several at once, for a moment."""
    log = Log()
    async with contextlib.AsyncExitStack() as stack:
        logs = [
            await stack.enter_async_context(under_load(each, mixed(each, f"{chapter}-{number}")))
            for number, each in enumerate((plant, *also))
        ]
        await asyncio.sleep(LOAD_SECONDS)
    for each in logs:
        log.sent += each.sent
    return log


async def rotate_under_load(plant: Plant) -> tuple[Log, str]:
    async with under_load(plant, mixed(plant, "rotating")) as log:
        printed = await asyncio.to_thread(plant.product.manage, "rotate_encryption_keys")
        await asyncio.sleep(LOAD_SECONDS)
    return log, printed


def sealed_values(plant: Plant) -> dict[str, list[bytes]]:
    """The heads of everything that lies sealed in Redis and in the table of provider keys."""
    with redis.Redis.from_url(plant.redis.url) as client:
        answers = [client.getrange(key, 0, HEAD_BYTES - 1) for key in client.scan_iter(match="acron:{*}:t1:*")]
    with psycopg.connect(plant.postgres.url) as connection:
        rows = connection.execute("SELECT sealed FROM accounts_providercredential").fetchall()
    return {"answers": answers, "provider keys": [bytes(row[0])[:HEAD_BYTES] for row in rows]}


def test_keys_are_rotated_under_load_without_a_failed_request(servers: Plant):
    asked = [known(number, servers.keys[0]) for number in range(QUESTIONS)]

    with contextlib.ExitStack() as former, product(servers, "new-old", NEW, OLD) as turned:
        first = former.enter_context(product(servers, "old", OLD))
        put(first, OWN_KEY)
        logs = [asyncio.run(send_all(first, asked))]
        # 1) the new key is known everywhere before anything is sealed under it
        prepared = former.enter_context(product(servers, "old-new", OLD, NEW))
        logs.append(asyncio.run(load_while(first, "first", prepared)))
        # 2) it seals; processes of the step before still run, and read what it sealed
        logs.append(asyncio.run(load_while(prepared, "second", turned)))
        former.close()
        # 3) all are at the second step: what is left comes under the new key
        lying_there = sealed_values(servers)
        log, printed = asyncio.run(rotate_under_load(turned))
        used_until = peppers_of_used_keys(servers)
    # 4) the former key is gone
    with product(servers, "new", NEW) as last:
        again = asyncio.run(send_all(last, asked))
        logs += [log, again, asyncio.run(load_while(last, "last"))]

    total, there = sum(len(each.sent) for each in logs), len(lying_there["answers"])
    print(f"\nrotation: {total} requests, {there} answers lay there; while rotating {log}\n{printed}")
    old, new = cipher_from(OLD), cipher_from(NEW)
    remaining = sealed_values(servers)
    assert [sent for each in logs for sent in each.besides(200)] == []
    assert sum(map(old.is_current, lying_there["answers"])) >= QUESTIONS
    assert printed.endswith("nothing is left under older keys\n")
    assert used_until == {2}
    assert len(remaining["answers"]) >= QUESTIONS
    assert len(remaining["provider keys"]) == 1
    assert all(map(new.is_current, [*remaining["answers"], *remaining["provider keys"]]))
    assert {sent.cache for sent in again.sent} == {"HIT-T1"}


def peppers_of_used_keys(plant: Plant) -> set[int]:
    """Under which peppers the keys lie that were used, once their workers have had time to note it."""
    end = time.monotonic() + 10
    while True:
        with psycopg.connect(plant.postgres.url) as connection:
            rows = connection.execute("SELECT pepper_id FROM accounts_apikey WHERE last_used_at IS NOT NULL").fetchall()
        if {row[0] for row in rows} == {2} or time.monotonic() > end:
            return {row[0] for row in rows}
        time.sleep(0.2)


def put(plant: Plant, secret: str) -> None:
    request = urllib.request.Request(
        f"{plant.product.base}/governance/provider-credentials/standin",
        data=json.dumps({"api_key": secret}).encode(),
        headers={"x-api-key": plant.product.key, "Content-Type": "application/json"},
        method="PUT",
    )
    with urllib.request.urlopen(request, timeout=10) as response:
        assert response.status == 200
