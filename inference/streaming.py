"""Streams towards the caller: a provider's, relayed as it comes, and a kept answer's, replayed."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable

from acron_site.lib.errors import AcronError, UpstreamError
from analytics.events import InferenceFacts
from inference.attempts import Attempt
from inference.domain import Answer, Completion
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
    """A provider's stream, passed on event by event; its row is settled before its last event is sent.

    What fails before the first event is raised by `begin`, so that another provider may be asked; what fails later
    ends the stream with an error event.
    """

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
        self._first = b""
        self._events = self._relay()

    @property
    def facts(self) -> InferenceFacts:
        return self._attempt.facts

    async def begin(self) -> None:
        """Waits for the first events. Raises what goes wrong before them; the row is then not settled yet."""
        self._first = await anext(self._events)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        first, self._first = self._first, b""
        if first:
            yield first
        async for events in self._events:
            yield events

    async def aclose(self) -> None:
        """Stops the provider and records what was used, if the stream was not at its end."""
        await self._events.aclose()
        await self._give_up()
        # it knows the answer, which knows this stream: what both hold would wait for the collector of such circles
        self._on_complete = _hear_nothing

    async def _relay(self) -> AsyncGenerator[bytes, None]:
        has_begun = False
        try:
            async for chunk in self._reply.chunks():
                if events := self._reader.feed(chunk):
                    has_begun = True
                    self._attempt.saw_first_token()
                    yield events
            if not self._reader.is_complete:
                raise UpstreamError("the provider's stream broke off before its end; the answer is incomplete")
            await self._finish()
            yield self._reader.ending()
        except AcronError as error:
            if not has_begun:
                self._attempt.estimate = self._reader.usage_so_far()
                raise
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


def _hear_nothing(_: Completion) -> None:
    return None


class Waiting:
    """A stream whose answer is not there yet.

    `facts` are those of the call that is under way, until the answer has its own.
    """

    def __init__(
        self,
        answer: "asyncio.Task[Answer]",
        facts: InferenceFacts,
        *,
        error_event: Callable[[AcronError, str], bytes],
    ) -> None:
        self._answer, self._facts, self._error_event = answer, facts, error_event

    @property
    def facts(self) -> InferenceFacts:
        answer = self._answer
        if answer.done() and not answer.cancelled() and answer.exception() is None:
            stream = answer.result().stream
            return self._facts if stream is None else stream.facts
        return self._facts

    async def __aiter__(self) -> AsyncIterator[bytes]:
        await asyncio.wait({self._answer})
        try:
            stream = self._answer.result().stream
        except AcronError as error:
            yield self._error_event(error, self._facts.request_id)
            return
        if stream is not None:
            async for events in stream:
                yield events

    async def aclose(self) -> None:
        self._answer.cancel()
        await asyncio.wait({self._answer})
        if not self._answer.cancelled() and self._answer.exception() is None:
            stream = self._answer.result().stream
            if stream is not None:
                await stream.aclose()
