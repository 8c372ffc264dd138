"""What the stories of limits share."""

import os
from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from accounts.limits.limiter import Limiter
from accounts.limits.redis import RedisCounters
from acron_site.lib.redis_links import Links


@pytest.fixture
async def limiter() -> AsyncIterator[Limiter]:
    """Counts in the run's Redis, which may be as slow as the machine; the ledger begins empty."""
    links = Links(os.environ["REDIS_URL"], timeout_seconds=30)
    limiter = Limiter(RedisCounters(links), spent=lambda subject, since: Decimal(0))
    yield limiter
    await limiter.close()
    await links.close()
