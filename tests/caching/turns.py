"""Lets the event loop go on without waiting for time to pass."""

import asyncio


async def turns(number: int = 10) -> None:
    """As many turns of the loop as anything here needs."""
    for _ in range(number):
        await asyncio.sleep(0)
