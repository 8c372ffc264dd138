"""Guessing passwords is slow, whatever the guesser does."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.cache import caches
from django.core.cache.backends.locmem import LocMemCache

from accounts.throttle import LogInThrottle, SignUpThrottle
from acron_site.lib.errors import RateLimitedError
from acron_site.lib.spare_cache import RedisWithSpare


class Clock:
    seconds = 1_000_000.0

    def __call__(self):
        return self.seconds


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def store(request):
    made = LocMemCache(request.node.name, {})
    yield made
    made.clear()


def is_allowed(throttle, email="ada@example.com", address="1.2.3.4"):
    try:
        throttle.begin(email, address)
    except RateLimitedError:
        return False
    return True


def test_ten_guesses_a_minute_from_one_address(store, clock):
    throttle = LogInThrottle(store, clock=clock)

    assert [is_allowed(throttle) for _ in range(12)] == [True] * 10 + [False] * 2
    assert is_allowed(throttle, address="5.6.7.8")
    assert is_allowed(throttle, email="grace@example.com")


def test_thirty_guesses_a_minute_from_anywhere(store, clock):
    throttle = LogInThrottle(store, clock=clock)

    allowed = [is_allowed(throttle, address=f"10.0.0.{number}") for number in range(40)]

    assert sum(allowed) == 30


def test_no_minute_whatever_its_start_holds_more(store, clock):
    throttle = LogInThrottle(store, clock=clock)
    granted = []
    for _ in range(600):
        if is_allowed(throttle):
            granted.append(clock.seconds)
        clock.seconds += 0.5

    assert len(granted) > 20
    assert all(sum(start <= at < start + 60 for at in granted) <= 10 for start in granted)


def test_after_a_while_it_is_as_before(store, clock):
    throttle = LogInThrottle(store, clock=clock)
    while is_allowed(throttle):
        pass

    clock.seconds += 80

    assert is_allowed(throttle)


def test_those_who_log_in_are_not_slowed_down(store, clock):
    throttle = LogInThrottle(store, clock=clock)

    for _ in range(100):
        throttle.begin("ada@example.com", "1.2.3.4")
        throttle.take_back("ada@example.com", "1.2.3.4")

    assert is_allowed(throttle)


def test_guesses_made_at_once_are_counted_too(store, clock):
    throttle = LogInThrottle(store, clock=clock)

    with ThreadPoolExecutor(20) as threads:
        allowed = list(threads.map(lambda _: is_allowed(throttle), range(50)))

    assert sum(allowed) <= 10


def test_without_redis_the_process_counts_for_itself(clock, tmp_path):
    away = RedisWithSpare(f"unix://{tmp_path}/nobody-listens.sock", {})
    throttle = LogInThrottle(away, clock=clock)

    assert [is_allowed(throttle) for _ in range(11)] == [True] * 10 + [False]
    throttle.take_back("ada@example.com", "1.2.3.4")
    assert is_allowed(throttle)


def test_redis_is_asked_again_after_a_pause(settings, tmp_path, clock):
    address = f"unix://{tmp_path}/away.sock"
    cache = RedisWithSpare(address, {}, clock=clock)
    cache.set("where", "spare")
    cache._redis = LocMemCache("stands in for a Redis that is back", {})

    meanwhile = cache.get("where")
    clock.seconds += 6

    assert (meanwhile, cache.get("where")) == ("spare", None)


def test_the_cache_works_with_redis_there(settings):
    cache = caches["default"]

    assert isinstance(cache, RedisWithSpare)
    assert (cache.add("a", 1), cache.add("a", 2), cache.incr("a", 3), cache.get("a")) == (True, False, 4, 4)
    cache.set("b", "two", timeout=10)
    assert (cache.get_many(["a", "b", "c"]), "b" in cache, cache.touch("b", 5)) == ({"a": 4, "b": "two"}, True, True)
    assert (cache.delete("a"), cache.get("a", "gone")) == (True, "gone")
    assert len(cache._spare._cache) == 0


def test_one_address_makes_so_many_accounts_an_hour(store, clock):
    throttle = SignUpThrottle(store, 3, clock=clock)

    for _ in range(3):
        throttle.begin("1.2.3.4")
    with pytest.raises(RateLimitedError, match="too many sign-ups") as refused:
        throttle.begin("1.2.3.4")
    throttle.begin("5.6.7.8")
    clock.seconds += 4800
    throttle.begin("1.2.3.4")

    assert refused.value.headers == {"Retry-After": "3600"}


def test_the_store_does_not_learn_who_logs_in(store, clock):
    LogInThrottle(store, clock=clock).begin("ada@example.com", "1.2.3.4")

    assert "ada@example.com" not in str(list(store._cache))
    assert "1.2.3.4" not in str(list(store._cache))


def test_one_address_does_not_try_a_password_on_everybody(store, clock):
    throttle = LogInThrottle(store, clock=clock)

    allowed = [is_allowed(throttle, email=f"grace{number}@example.com") for number in range(80)]

    assert sum(allowed) == 60
    assert is_allowed(throttle, email="grace0@example.com", address="5.6.7.8")


def test_the_machine_itself_may_log_in_as_many_as_it_likes(store, clock):
    throttle = LogInThrottle(store, clock=clock)

    assert all(is_allowed(throttle, email=f"grace{number}@example.com", address="127.0.0.1") for number in range(80))


def test_all_addresses_of_one_ipv6_network_count_as_one(store, clock):
    log_ins, sign_ups = LogInThrottle(store, clock=clock), SignUpThrottle(store, per_hour=3, clock=clock)

    guessed = [is_allowed(log_ins, address=f"2001:db8:1:1::{number:x}") for number in range(12)]
    for number in range(3):
        sign_ups.begin(f"2001:db8:1:1::{number:x}")

    assert sum(guessed) == 10
    assert is_allowed(log_ins, address="2001:db8:1:2::1")
    sign_ups.begin("2001:db8:1:2::1")
    with pytest.raises(RateLimitedError):
        sign_ups.begin("2001:db8:1:1:ffff::1")


def test_an_ipv4_address_counts_as_itself_over_an_ipv6_socket_too(store, clock):
    throttle = LogInThrottle(store, clock=clock)

    allowed = [is_allowed(throttle, address=("::ffff:1.2.3.4", "1.2.3.4")[number % 2]) for number in range(12)]

    assert sum(allowed) == 10
    assert is_allowed(throttle, address="::ffff:1.2.3.5")
