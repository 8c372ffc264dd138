"""What a provider is to the pipeline: a dialect that translates, and a transport that carries."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from acron_site.lib.errors import AcronError, InvalidRequestError
from inference.catalog import Model
from inference.domain import Ask, Completion, Format, Usage


@dataclass(frozen=True, slots=True)
class Call:
    """One request to a provider, ready to send. `dropped` names the caller's fields the model would reject."""

    url: str
    headers: Mapping[str, str]
    body: bytes
    stream: bool
    dropped: tuple[str, ...] = ()
    method: str = "POST"


class Reply(Protocol):
    """A provider's answer whose head has arrived. `close` is idempotent and cancels what is still under way."""

    @property
    def status(self) -> int: ...

    @property
    def headers(self) -> Mapping[str, str]:
        """By their lower-case names."""
        ...

    async def read(self) -> bytes:
        """The whole body. Raises UpstreamError when it is cut, UpstreamTimeoutError when it stalls."""
        ...

    def chunks(self) -> AsyncIterator[bytes]:
        """The body as it arrives, in pieces of any size. Raises as `read` does."""
        ...

    def close(self) -> None: ...


class Transport(Protocol):
    async def send(self, call: Call) -> Reply:
        """Sends and returns when the head has arrived.

        Raises UpstreamError when the provider cannot be reached, UpstreamTimeoutError when it does not answer in time.
        """
        ...

    async def close(self) -> None: ...


class StreamReader(Protocol):
    """Follows one stream: turns a provider's bytes into the caller's events and keeps what they add up to."""

    def feed(self, chunk: bytes) -> bytes:
        """The client-facing events completed by `chunk` (`b""` if none); never the last one, never a torn event.

        What the caller did not ask for (the usage chunk) is held back. Raises UpstreamError on an error event.
        """
        ...

    def ending(self) -> bytes:
        """The events that tell the caller the answer is whole; they leave once its row is settled."""
        ...

    @property
    def is_complete(self) -> bool:
        """Whether the provider's own finish marker has arrived."""
        ...

    def completion(self) -> Completion:
        """The whole answer. Only once `is_complete`."""
        ...

    def usage_so_far(self) -> Usage:
        """The provider's usage if it came, else an estimate from what was generated."""
        ...


class Dialect(Protocol):
    """Translation between one format and one provider's API; pure, no I/O."""

    def call(self, ask: Ask, model: Model) -> Call:
        """Raises InvalidRequestError naming the field when the provider's API cannot express the request."""
        ...

    def completion(self, body: bytes, ask: Ask) -> Completion:
        """Raises UpstreamError when the body is no answer."""
        ...

    def reader(self, ask: Ask, model: Model) -> StreamReader: ...

    def refusal(self, status: int, headers: Mapping[str, str], body: bytes) -> AcronError:
        """The error for a status >= 400: ours for the caller's sake, with the provider's message where it helps."""
        ...


@dataclass(frozen=True, slots=True)
class Provider:
    """What it can be asked, by format, and the transport that carries it.

    `own_endpoint`: where an organization has it called in place of the provider's own servers. What goes wrong there
    says nothing about the provider.
    """

    name: str
    dialects: Mapping[Format, Dialect]
    transport: Transport
    own_endpoint: str = ""

    def dialect(self, wanted: Format) -> Dialect:
        """Raises InvalidRequestError when this provider has nothing of the kind."""
        dialect = self.dialects.get(wanted)
        if dialect is None:
            raise InvalidRequestError(
                f"{self.name} serves no {wanted}; choose a model of another provider", param="model"
            )
        return dialect
