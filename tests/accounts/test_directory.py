"""The key directory: what it remembers, for how long, and what it does without its records."""

import asyncio
import dataclasses
from collections.abc import Iterator, Mapping
from datetime import timedelta

import pytest

from accounts import keys
from accounts.keys import Peppers
from accounts.principal import KeyRules, Principal
from accounts.scopes import Scope
from acron_site.lib.errors import AddressNotAllowedError, InvalidApiKeyError, OverloadedError
from acron_site.lib.ids import uuid7
from tests.accounts.kit import PEPPERS, Clock, FakeRecords, make_directory, prefix_of, revoke, until


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def records():
    return FakeRecords()


@pytest.fixture
async def directory(records, clock):
    made = make_directory(records, clock)
    yield made
    records.may_answer.set()
    await made.stop()


async def test_a_key_is_read_once_and_then_known(directory, records):
    token = records.add()

    assert directory.cached(token) is None
    principal = await directory.look_up(token)

    assert principal == records.by_prefix[prefix_of(token)].principal
    assert directory.cached(token) is principal
    assert await directory.identify(token) is principal
    assert records.reads == 1


async def test_a_test_key_makes_a_test_caller(directory, records):
    assert (await directory.look_up(records.add(mode="test"))).is_test


async def test_while_news_arrive_a_key_is_trusted_for_a_minute(directory, records, clock):
    token = records.add()
    directory.connected()
    await directory.look_up(token)

    for _ in range(118):
        clock.pass_seconds(0.5)
        directory.heard()
        assert directory.cached(token)

    clock.pass_seconds(1.1)
    assert directory.cached(token) is None


async def test_without_news_a_key_is_trusted_for_a_second(directory, records, clock):
    token = records.add()
    await directory.look_up(token)

    clock.pass_seconds(0.9)
    assert directory.cached(token)
    clock.pass_seconds(0.2)
    assert directory.cached(token) is None


async def test_when_news_fall_silent_a_revocation_is_seen_within_a_second(directory, records, clock):
    token = records.add()
    directory.connected()
    await directory.look_up(token)
    clock.pass_seconds(0.5)
    directory.heard()

    revoke(records, token)
    clock.pass_seconds(1.0)

    with pytest.raises(InvalidApiKeyError, match="revoked"):
        await directory.identify(token)


@pytest.mark.parametrize("silence_seconds", [0.1, 5.0])
async def test_after_a_lost_connection_everything_is_read_again(directory, records, clock, silence_seconds):
    token = records.add()
    directory.connected()
    await directory.look_up(token)

    clock.pass_seconds(silence_seconds)
    directory.connected()

    assert directory.cached(token) is None


async def test_after_a_silence_on_a_living_connection_everything_is_read_again(directory, records, clock):
    token = records.add()
    directory.connected()
    await directory.look_up(token)
    clock.pass_seconds(5)

    directory.heard()

    assert directory.cached(token) is None


async def test_a_revoked_key_is_forgotten_at_once_and_refused(directory, records):
    token, other = records.add(), records.add()
    directory.connected()
    await directory.look_up(token)
    await directory.look_up(other)

    revoke(records, token)
    directory.invalidate(prefix_of(token))

    with pytest.raises(InvalidApiKeyError, match="revoked"):
        await directory.identify(token)
    assert directory.cached(other)


async def test_a_revocation_that_overtakes_a_reading_is_not_lost(directory, records):
    token = records.add()
    directory.connected()
    records.may_answer.clear()
    reading = asyncio.create_task(directory.look_up(token))
    await until(lambda: records.reads)

    revoke(records, token)
    directory.invalidate(prefix_of(token))
    records.may_answer.set()
    await reading

    assert directory.cached(token) is None


async def test_a_key_expires_also_in_memory(directory, records, clock):
    token = records.add(expires_at=clock.now() + timedelta(seconds=10))
    directory.connected()
    await directory.look_up(token)

    for _ in range(20):
        assert directory.cached(token)
        clock.pass_seconds(0.5)
        directory.heard()

    with pytest.raises(InvalidApiKeyError, match="expired"):
        await directory.identify(token)


async def test_many_at_once_read_a_key_once(directory, records):
    token = records.add()

    found = await asyncio.gather(*(directory.identify(token) for _ in range(100)))

    assert len(set(found)) == 1
    assert records.reads == 1


async def test_a_caller_who_hangs_up_does_not_take_the_others_along(directory, records):
    token = records.add()
    records.may_answer.clear()
    first = asyncio.create_task(directory.identify(token))
    second = asyncio.create_task(directory.identify(token))
    await until(lambda: records.reads)

    first.cancel()
    records.may_answer.set()

    assert await second == records.by_prefix[prefix_of(token)].principal


# refusals


@pytest.mark.parametrize("token", ["", "sk-123", "ak_live_AAAAAAAA_" + "A" * 38, "\ud800", "é" * 60])
async def test_malformed_keys_never_reach_the_records(directory, records, token):
    with pytest.raises(InvalidApiKeyError, match="no whole API key") as refusal:
        await directory.look_up(token)

    assert refusal.value.headers == {"WWW-Authenticate": "Bearer"}
    assert records.reads == 0


async def test_an_invented_key_is_read_once_and_refused_from_memory_after(directory, records, clock):
    token, _ = keys.make("live")

    for _ in range(3):
        with pytest.raises(InvalidApiKeyError, match="no such API key"):
            await directory.identify(token)
    assert records.reads == 1

    clock.pass_seconds(11)
    with pytest.raises(InvalidApiKeyError):
        await directory.identify(token)
    assert records.reads == 2


class CountingPeppers(Mapping[int, bytes]):
    """Notes each time a pepper is taken, which is done for nothing but an HMAC."""

    taken = 0

    def __getitem__(self, pepper_id: int) -> bytes:
        self.taken += 1
        return PEPPERS.by_id[pepper_id]

    def __iter__(self) -> Iterator[int]:
        return iter(PEPPERS.by_id)

    def __len__(self) -> int:
        return len(PEPPERS.by_id)


def test_a_known_public_part_with_another_secret_is_as_unknown_as_any(records, clock):
    by_id = CountingPeppers()
    directory = make_directory(records, clock, peppers=Peppers(by_id))
    token = records.add()
    body = token[:-7] + ("A" if token[-7] != "A" else "B")

    refusals = []
    for wrong in (body + keys.checksum(body), keys.make("live")[0]):
        with pytest.raises(InvalidApiKeyError) as refusal:
            directory.resolve(wrong)
        refusals.append((refusal.value.message, records.reads, by_id.taken))
        records.reads = by_id.taken = 0

    # the same words after the same work: one reading and one HMAC each
    assert refusals[0] == refusals[1] == ("there is no such API key; check it, or create one under /keys", 1, 1)


async def test_memory_does_not_grow_with_invented_keys(records, clock):
    directory = make_directory(records, clock, max_entries=50)

    for _ in range(200):
        with pytest.raises(InvalidApiKeyError):
            directory.resolve(keys.make("live")[0])
    for _ in range(200):
        directory.resolve(records.add())

    assert len(directory._memory) == 100


async def test_a_pepper_we_no_longer_have_proves_nothing(records, clock):
    token = records.add()
    prefix = prefix_of(token)
    records.by_prefix[prefix] = dataclasses.replace(records.by_prefix[prefix], digest=bytes(32))
    directory = make_directory(records, clock, peppers=Peppers({2: b"another pepper"}))

    with pytest.raises(InvalidApiKeyError, match="no such API key"):
        await directory.look_up(token)


# without a key


async def test_without_a_key_the_refusal_says_how_to_send_one(directory):
    with pytest.raises(InvalidApiKeyError, match="Authorization: Bearer"):
        await directory.identify(None)


async def test_without_a_key_the_anonymous_organization_acts_where_it_is_allowed(records, clock):
    anonymous = Principal(uuid7(), frozenset({Scope.INFER}))
    directory = make_directory(records, clock, anonymous=anonymous)

    assert await directory.identify(None) == anonymous
    assert directory.resolve(None) == anonymous
    with pytest.raises(InvalidApiKeyError):
        await directory.identify("a bad key is not as good as none")


# while the records are away


async def test_known_keys_are_believed_for_a_quarter_of_an_hour(directory, records, clock):
    token = records.add()
    await directory.look_up(token)
    records.is_away = True

    for _ in range(890):
        clock.pass_seconds(1.01)
        assert await directory.identify(token)

    clock.pass_seconds(10)
    with pytest.raises(OverloadedError) as refusal:
        await directory.identify(token)
    assert refusal.value.headers == {"Retry-After": "1"}


async def test_believed_keys_ask_the_records_once_a_second(directory, records, clock):
    tokens = [records.add() for _ in range(10)]
    for token in tokens:
        await directory.look_up(token)
    records.is_away, records.reads = True, 0
    clock.pass_seconds(2)

    for _ in range(50):
        for token in tokens:
            assert await directory.identify(token)

    assert records.reads == 1


async def test_unknown_keys_are_put_off_and_not_refused(directory, records):
    token = records.add()
    records.is_away = True

    with pytest.raises(OverloadedError):
        await directory.identify(token)


async def test_records_that_return_are_used_again(directory, records, clock):
    token = records.add()
    await directory.look_up(token)
    records.is_away = True
    clock.pass_seconds(2)
    await directory.identify(token)

    records.is_away = False
    revoke(records, token)
    clock.pass_seconds(1.1)

    with pytest.raises(InvalidApiKeyError, match="revoked"):
        await directory.identify(token)


async def test_an_expired_key_is_not_believed(directory, records, clock):
    token = records.add(expires_at=clock.now() + timedelta(seconds=10))
    await directory.look_up(token)
    records.is_away = True
    clock.pass_seconds(11)

    with pytest.raises(OverloadedError):
        await directory.identify(token)


async def test_frozen_records_hold_a_known_key_up_for_half_a_second_at_most(directory, records, clock):
    token = records.add()
    await directory.look_up(token)
    records.may_answer.clear()
    clock.pass_seconds(2)

    async with asyncio.timeout(0.9):
        assert await directory.identify(token)
        assert await directory.identify(token)


async def test_of_many_at_once_only_one_tries_whether_the_records_are_back(directory, records, clock):
    tokens = [records.add() for _ in range(10)]
    for token in tokens:
        await directory.look_up(token)
    records.is_away = True
    clock.pass_seconds(2)
    await directory.identify(tokens[0])
    reads = records.reads
    clock.pass_seconds(2)

    assert all(await asyncio.gather(*map(directory.identify, tokens)))

    assert records.reads == reads + 1


def test_blocking_callers_are_treated_alike(records, clock):
    directory = make_directory(records, clock)
    token = records.add()
    principal = directory.resolve(token)
    assert directory.resolve(token) is principal
    assert records.reads == 1

    records.is_away = True
    clock.pass_seconds(5)

    assert directory.resolve(token) is principal
    with pytest.raises(OverloadedError):
        directory.resolve(records.add())


# uses


async def test_the_use_of_a_key_is_noted_at_most_once_a_minute(directory, records, clock):
    token = records.add()
    principal = await directory.look_up(token, "203.0.113.7")
    await directory.note_uses()
    assert records.noted == [{principal.key_id: "203.0.113.7"}]

    prefix = prefix_of(token)
    records.by_prefix[prefix] = dataclasses.replace(records.by_prefix[prefix], last_used_at=clock.now())
    clock.pass_seconds(30)
    await directory.look_up(token)
    await directory.note_uses()
    assert len(records.noted) == 1

    clock.pass_seconds(31)
    await directory.look_up(token)
    await directory.note_uses()
    assert len(records.noted) == 2


async def test_uses_that_cannot_be_written_are_written_later(directory, records, clock):
    await directory.look_up(records.add())
    records.is_away = True
    await directory.note_uses()

    records.is_away = False
    clock.pass_seconds(2)
    await directory.note_uses()

    assert len(records.noted) == 1


# allowed networks

OFFICE = KeyRules(networks=("203.0.113.0/24", "2001:db8::/32"))


@pytest.mark.parametrize("address", ["203.0.113.7", "::ffff:203.0.113.7", "2001:db8::1", "2001:db8::1%eth0"])
async def test_a_key_serves_those_in_its_networks(directory, records, address):
    token = records.add(rules=OFFICE)

    assert await directory.identify(token, address) is await directory.identify(token, address)
    assert directory.resolve(token, address)
    assert records.reads == 1


@pytest.mark.parametrize("address", ["198.51.100.1", "::1", "::ffff:198.51.100.1", "", None, "no address", "203.0.113"])
async def test_a_key_refuses_those_outside_of_its_networks(directory, records, address):
    token = records.add(rules=OFFICE)

    for _ in range(2):
        with pytest.raises(AddressNotAllowedError):
            await directory.identify(token, address)
        with pytest.raises(AddressNotAllowedError) as refusal:
            directory.resolve(token, address)

    assert (refusal.value.status, refusal.value.code) == (403, "address_not_allowed")
    assert await directory.identify(token, "203.0.113.7")


async def test_the_refusal_names_the_address_that_was_seen(directory, records):
    with pytest.raises(AddressNotAllowedError, match=r"may not be used from 198\.51\.100\.1;"):
        await directory.identify(records.add(rules=OFFICE), "198.51.100.1")


async def test_the_quick_way_never_serves_a_key_whose_networks_have_to_be_looked_at(directory, records):
    token, free = records.add(rules=OFFICE), records.add(rules=KeyRules(requests_per_minute=5))

    await directory.identify(token, "203.0.113.7")
    await directory.identify(free)

    assert directory.cached(token) is None
    assert directory.cached(free)


async def test_of_callers_who_wait_for_one_reading_each_is_asked_where_it_calls_from(directory, records):
    token = records.add(rules=OFFICE)
    records.may_answer.clear()
    inside = asyncio.create_task(directory.identify(token, "203.0.113.7"))
    outside = asyncio.create_task(directory.identify(token, "198.51.100.1"))
    await until(lambda: records.reads)

    records.may_answer.set()

    assert await inside
    with pytest.raises(AddressNotAllowedError):
        await outside
    assert records.reads == 1


async def test_networks_hold_while_the_records_are_away(directory, records, clock):
    token = records.add(rules=OFFICE)
    await directory.identify(token, "203.0.113.7")
    records.is_away = True
    clock.pass_seconds(5)

    assert await directory.identify(token, "203.0.113.7")
    with pytest.raises(AddressNotAllowedError):
        await directory.identify(token, "198.51.100.1")


async def test_a_call_from_elsewhere_is_no_use_of_the_key(directory, records):
    with pytest.raises(AddressNotAllowedError):
        await directory.identify(records.add(rules=OFFICE), "198.51.100.1")

    await directory.note_uses()

    assert records.noted == []
