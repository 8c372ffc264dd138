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

    assert "ada" not in str(list(store._cache))
    assert "1.2.3.4" not in str(list(store._cache))
