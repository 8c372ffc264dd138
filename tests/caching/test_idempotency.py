"""A request that is sent again under its key is done once and answered as before, whoever of us gets it."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from uuid import UUID, uuid4

import pytest
import redis

from accounts.encryption import cipher_from
from acron_site.lib.config import Cache
from acron_site.lib.errors import ConflictError, InvalidRequestError
from acron_site.lib.redis_links import Links
from caching import wiring
from caching.belongings import CachedAnswers
from caching.exact import Entry
from caching.idempotency import Claim, Idempotency, OtherRequestError, StillAnsweringError

SECRET = b"s" * 32
REQUEST, OTHER_REQUEST = b'{"prompt":"our secret plan"}', b'{"prompt":"another plan"}'


class Worker:
    """One process, which asks the provider only for what nobody has asked before."""

    def __init__(self, idempotency: Idempotency, links: Links | None) -> None:
        self.idempotency, self.links = idempotency, links
        self.calls, self.has_called = 0, asyncio.Event()

    async def answer(self, whose: UUID, key: str, request: bytes = REQUEST, *, fails: bool = False) -> bytes:
        opened = await self.idempotency.open(whose, key, request)
        if isinstance(opened, Entry):
            assert opened.note == b"note"
            return opened.body
        with opened as claim:
            self.calls += 1
            self.has_called.set()
            await asyncio.sleep(0.02)  # the provider takes its time
            if fails:
                raise ConnectionError
            claim.keep(note=b"note", body=b"answer to " + request)
        return b"answer to " + request


@pytest.fixture
async def open_worker() -> AsyncIterator[Callable[..., Worker]]:
    opened: list[Worker] = []

    def make(url: str | None, *, patience_seconds: float = 5.0) -> Worker:
        config, cipher = Cache(backend="memory" if url is None else "redis"), cipher_from("5c" * 32)
        links = None if url is None else Links(url, timeout_seconds=0.25)
        cache = wiring.exact_cache(config, wiring.exact_store(config, redis_url=url or "", links=links), cipher=cipher)
        leases = wiring.leases(config, links)
        idempotency = wiring.idempotency(
            config, cache, leases, cipher=cipher, secret=SECRET, patience_seconds=patience_seconds
        )
        worker = Worker(idempotency, links)
        opened.append(worker)
        return worker

    yield make
    for worker in opened:
        if worker.links is not None:
            await worker.links.close()


@pytest.fixture(params=["memory", "redis"])
def url(request) -> str | None:
    return None if request.param == "memory" else os.environ["REDIS_URL"]


@pytest.fixture
def worker(open_worker, url):
    return open_worker(url)


@pytest.fixture
def ada() -> UUID:
    return uuid4()


@pytest.fixture
def mallory() -> UUID:
    return uuid4()


async def test_a_retry_is_answered_as_before_and_done_once(worker, ada):
    answers = [await worker.answer(ada, "key") for _ in range(3)]

    assert answers == [b"answer to " + REQUEST] * 3
    assert worker.calls == 1


async def test_a_retry_that_comes_too_early_waits_for_the_first(worker, ada):
    answers = await asyncio.gather(*(worker.answer(ada, "key") for _ in range(100)))

    assert answers == [b"answer to " + REQUEST] * 100
    assert worker.calls == 1


async def test_other_keys_and_other_organizations_are_other_requests(worker, ada, mallory):
    for whose, key in ((ada, "key"), (ada, "KEY"), (ada, "key "), (mallory, "key")):
        await worker.answer(whose, key)

    assert worker.calls == 4


async def test_a_stranger_with_our_key_neither_gets_nor_blocks_nor_learns_anything(worker, ada, mallory):
    await worker.answer(ada, "key")

    theirs = await worker.answer(mallory, "key", OTHER_REQUEST)

    assert theirs == b"answer to " + OTHER_REQUEST


async def test_another_request_under_the_key_is_a_conflict_afterwards(worker, ada):
    await worker.answer(ada, "key")

    with pytest.raises(OtherRequestError, match="use a new key") as refused:
        await worker.answer(ada, "key", OTHER_REQUEST)

    assert isinstance(refused.value, ConflictError)
    assert await worker.answer(ada, "key") == b"answer to " + REQUEST
    assert worker.calls == 1


async def test_another_request_under_the_key_is_a_conflict_while_the_first_is_under_way(worker, ada):
    with await worker.idempotency.open(ada, "key", REQUEST), pytest.raises(OtherRequestError):
        await worker.answer(ada, "key", OTHER_REQUEST)


async def test_a_failure_frees_the_key_even_for_another_request(worker, ada):
    with pytest.raises(ConnectionError):
        await worker.answer(ada, "key", fails=True)

    assert await worker.answer(ada, "key", OTHER_REQUEST) == b"answer to " + OTHER_REQUEST
    assert worker.calls == 2


async def test_who_waits_for_one_that_fails_tries_in_its_place(worker, ada):
    failing = asyncio.create_task(worker.answer(ada, "key", fails=True))
    await asyncio.sleep(0)

    answers = await asyncio.gather(failing, *(worker.answer(ada, "key") for _ in range(10)), return_exceptions=True)

    assert isinstance(answers[0], ConnectionError)
    assert answers[1:] == [b"answer to " + REQUEST] * 10
    assert worker.calls == 2


async def test_who_leaves_frees_the_key(worker, ada):
    leaving = asyncio.create_task(worker.answer(ada, "key"))
    await asyncio.wait_for(worker.has_called.wait(), 5)

    leaving.cancel()
    await asyncio.wait([leaving])

    assert await worker.answer(ada, "key") == b"answer to " + REQUEST


async def test_patience_ends_with_a_conflict_that_says_to_come_back(open_worker, url, ada):
    worker = open_worker(url, patience_seconds=0.05)

    with await worker.idempotency.open(ada, "key", REQUEST), pytest.raises(StillAnsweringError) as refused:
        await worker.answer(ada, "key")

    assert refused.value.status == 409
    assert "retry-after" in refused.value.headers


@pytest.mark.parametrize("key", ["", "k" * 256])
async def test_a_key_that_is_none_is_refused(worker, ada, key):
    with pytest.raises(InvalidRequestError, match="1 to 255 characters"):
        await worker.answer(ada, key)


@pytest.mark.parametrize("key", ["k" * 255, "ключ \x00\r\n{}:*", "\udcff"])
async def test_a_key_may_be_any_text(worker, ada, key):
    await worker.answer(ada, key)
    await worker.answer(ada, key)

    assert worker.calls == 1


# several workers'


async def test_a_retry_at_another_worker_is_answered_as_before(open_worker, ada):
    workers = [open_worker(os.environ["REDIS_URL"]) for _ in range(2)]

    answers = [await worker.answer(ada, "key") for worker in workers]

    assert answers == [b"answer to " + REQUEST] * 2
    assert [worker.calls for worker in workers] == [1, 0]


async def test_a_retry_at_another_worker_waits_and_another_request_does_not(open_worker, ada):
    ours, theirs = (open_worker(os.environ["REDIS_URL"]) for _ in range(2))
    claim = await ours.idempotency.open(ada, "key", REQUEST)
    assert isinstance(claim, Claim)

    waiting = asyncio.create_task(theirs.answer(ada, "key"))
    with pytest.raises(OtherRequestError):
        await theirs.answer(ada, "key", OTHER_REQUEST)
    claim.keep(note=b"note", body=b"ours")

    assert await waiting == b"ours"
    assert theirs.calls == 0


async def test_an_answer_is_kept_for_a_day_and_neither_key_nor_request_nor_answer_can_be_read(open_worker, server, ada):
    worker = open_worker(server.url)

    await worker.answer(ada, "another key")
    claim = await worker.idempotency.open(ada, "ada@example.com", REQUEST)
    assert isinstance(claim, Claim)
    with redis.Redis(unix_socket_path=str(server.socket_path)) as client:
        stored = {key: client.get(key) or b"" for key in client.scan_iter()}
        lives_seconds = [client.ttl(key) for key in stored if b":t1:" in key and b":lease:" not in key]
    claim.release()

    assert len(stored) == 2
    assert lives_seconds[0] > 86_000
    for key, value in stored.items():
        assert key.startswith(f"acron:{{{ada.hex}}}:".encode())
        for secret in (b"ada@example.com", b"our secret plan", b"answer to"):
            assert secret not in key + value
            assert secret.hex().encode() not in key


# Redis away


async def test_without_redis_a_retry_at_the_same_worker_is_done_once(open_worker, tmp_path, ada):
    worker = open_worker(f"unix://{tmp_path}/nothing.sock")

    answers = await asyncio.gather(*(worker.answer(ada, "key") for _ in range(20)))
    later = await worker.answer(ada, "key")

    assert [*answers, later] == [b"answer to " + REQUEST] * 21
    assert worker.calls == 1


async def test_an_answer_outlives_redis_at_the_worker_that_gave_it(open_worker, server, ada):
    worker = open_worker(server.url)
    await worker.answer(ada, "key")

    server.kill()
    again = await worker.answer(ada, "key")
    with pytest.raises(OtherRequestError):
        await worker.answer(ada, "key", OTHER_REQUEST)

    assert again == b"answer to " + REQUEST
    assert worker.calls == 1


@pytest.mark.parametrize("is_shared", [True, False])
async def test_with_its_organization_an_answer_under_a_key_is_erased_and_nobody_elses(open_worker, is_shared):
    worker, ada, mallory = open_worker(os.environ["REDIS_URL"] if is_shared else None), uuid4(), uuid4()
    for whose in (ada, mallory):
        await worker.answer(whose, "key")

    await asyncio.to_thread(lambda: list(CachedAnswers().erase(ada)))
    for whose in (ada, mallory):
        await worker.answer(whose, "key")

    assert worker.calls == 3
