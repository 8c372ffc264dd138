"""Re-sealing kept answers in Redis, while they are read and written."""

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import redis

from accounts import resealing
from accounts.encryption import HEAD_BYTES, Cipher
from accounts.resealing import Tally, UnreachableHoldingError

# all of T1 and T3, whosever: see caching.exact.entry_key and caching.step_store.entry_key
_PATTERN = b"acron:{*}:t[13]:*"
_HEADS_AT_ONCE = 500
_VALUES_AT_ONCE = 16  # an answer may have a megabyte
_TIMEOUT_SECONDS = 10.0

# Replaces a value only if it is still the one that was read (its head holds a random nonce), and keeps its time to
# live: a fresh answer that a worker put there meanwhile stays, and one that has expired does not come back.
_SWAP = """
if redis.call('GETRANGE', KEYS[1], 0, #ARGV[1] - 1) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'KEEPTTL')
return 1
"""


class RedisAnswers:
    """The holding of T1 and T3. Its values are sealed for their key's name."""

    name = "cached answers"
    is_lasting = False  # an answer that does not open is a miss

    def __init__(self, url: str) -> None:
        self._url = url

    def reseal(self, cipher: Cipher) -> Iterator[Tally]:
        with self._client() as client:
            try:
                swap = client.register_script(_SWAP)
                for keys, heads in _batches(client):
                    former = [
                        key for key, head in zip(keys, heads, strict=True) if head and not cipher.is_current(head)
                    ]
                    yield Tally(seen=len(keys) - len(former))
                    for some in _chunks(former, _VALUES_AT_ONCE):
                        yield self._reseal(client, swap, some, cipher)
            except redis.RedisError as error:
                raise UnreachableHoldingError(
                    f"Redis failed ({type(error).__name__}); run the command again"
                ) from error

    def survey(self, cipher: Cipher) -> Iterator[Tally]:
        with self._client() as client:
            try:
                for _, heads in _batches(client):
                    unknown = sum(bool(head) and not cipher.knows_key_of(head) for head in heads)
                    yield Tally(seen=len(heads), unreadable=unknown)
            except redis.RedisError as error:
                raise UnreachableHoldingError(
                    f"Redis failed ({type(error).__name__}); run the command again"
                ) from error

    def _reseal(
        self, client: redis.Redis, swap: "redis.commands.core.Script", keys: Sequence[bytes], cipher: Cipher
    ) -> Tally:
        done = Tally()
        values: Any = client.mget(keys)  # its types are those of every way to decode
        for key, sealed in zip(keys, values, strict=True):
            if sealed is None or cipher.is_current(sealed):
                done += Tally(seen=1)  # expired, or written anew
                continue
            fresh = resealing.resealed(cipher, sealed, aad=key)
            if fresh is None:
                done += Tally(seen=1, unreadable=1)
                continue
            is_done = bool(swap(keys=[key], args=[sealed[:HEAD_BYTES], fresh], client=client))
            done += Tally(seen=1, resealed=int(is_done), moved=int(not is_done))
        return done

    def _client(self) -> redis.Redis:
        return redis.Redis.from_url(self._url, socket_timeout=_TIMEOUT_SECONDS, socket_connect_timeout=_TIMEOUT_SECONDS)


def _batches(client: redis.Redis) -> Iterator[tuple[list[bytes], list[bytes]]]:
    """Keys with the first bytes of their values; SCAN may name one twice, which does no harm."""
    for keys in _chunks(client.scan_iter(match=_PATTERN, count=_HEADS_AT_ONCE, _type="string"), _HEADS_AT_ONCE):
        pipeline = client.pipeline(transaction=False)
        for key in keys:
            pipeline.getrange(key, 0, HEAD_BYTES - 1)
        yield keys, pipeline.execute()


def _chunks(keys: Iterator[bytes] | Sequence[bytes], size: int) -> Iterator[list[bytes]]:
    remaining = iter(keys)
    while chunk := list(itertools.islice(remaining, size)):
        yield chunk
