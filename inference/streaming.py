"""Streams towards the caller: a provider's, relayed as it comes, and a kept answer's, replayed."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable

from acron_site.lib.errors import AcronError, UpstreamError
from analytics.events import InferenceFacts
from inference.attempts import Attempt
from inference.domain import Completion
from inference.providers.base import Reply, StreamReader


class Replay:
    """A kept answer as the stream it once was."""

    def __init__(self, events: Iterable[bytes], facts: InferenceFacts) -> None:
        self._events = events
        self.facts = facts

    async def __aiter__(self) -> AsyncIterator[bytes]:
        # one piece: there is nothing to wait for between the events of an answer that is known
        yield b"".join(self._events)

    async def aclose(self) -> None:
        return None


class Relay:
    """A provider's stream, passed on event by event; its row is settled before `[DONE]` is sent."""

    def __init__(
        self,
        reply: Reply,
        reader: StreamReader,
        attempt: Attempt,
        on_complete: Callable[[Completion], None],
        *,
        error_event: Callable[[AcronError, str], bytes],
    ) -> None:
        self._reply, self._reader, self._attempt = reply, reader, attempt
        self._on_complete, self._error_event = on_complete, error_event
        self._events = self._relay()

    @property
    def facts(self) -> InferenceFacts:
        return self._attempt.facts

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._events

    async def aclose(self) -> None:
        """Stops the provider and records what was used, if the stream was not at its end."""
        await self._events.aclose()
        await self._give_up()

    async def _relay(self) -> AsyncGenerator[bytes, None]:
        try:
            async for chunk in self._reply.chunks():
                if events := self._reader.feed(chunk):
                    self._attempt.saw_first_token()
                    yield events
            if not self._reader.is_complete:
                raise UpstreamError("the provider's stream broke off before its end; the answer is incomplete")
            await self._finish()
            yield self._reader.ending()
        except AcronError as error:
            await self._attempt.fail(error, self._reader.usage_so_far())
            yield self._error_event(error, self.facts.request_id)
        except asyncio.CancelledError:
            await self._give_up()
            raise
        finally:
            self._reply.close()

    async def _finish(self) -> None:
        completion = self._reader.completion()
        await self._attempt.succeed(completion)
        self._on_complete(completion)

    async def _give_up(self) -> None:
        self._reply.close()
        if not self._attempt.is_settled:
            await self._attempt.abandon(self._reader.usage_so_far())
