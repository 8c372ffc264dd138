"""The address of the job queue follows from Redis' own."""

from pathlib import Path

import pytest

from acron_site import broker


@pytest.mark.parametrize(
    ("redis_url", "expected"),
    [
        ("redis://cache.example:6379/1", "redis://cache.example:6379/1"),
        ("rediss://:word@cache.example", "rediss://:word@cache.example"),
        ("unix:///run/redis.sock", "redis+socket:///run/redis.sock?virtual_host=0"),
        ("unix://:word@/run/redis.sock?db=2", "redis+socket://:word@/run/redis.sock?virtual_host=2"),
        ("", "filesystem://localhost"),
    ],
)
def test_the_address_is_translated(redis_url, expected):
    assert broker.url(redis_url) == expected


def test_jobs_lie_in_the_data_directory_when_there_is_no_redis():
    options = broker.options("filesystem://localhost", Path("/data/jobs"))

    assert options["data_folder_in"] == options["data_folder_out"] == "/data/jobs/queue"
