"""What management commands share: asks through the gateway as an organization, files, moments."""

import asyncio
import signal
import time
from argparse import ArgumentTypeError
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import orjson
from django.conf import settings
from django.core.management.base import CommandParser

from accounts import selectors, selectors_provider_credentials
from accounts.principal import Principal
from accounts.scopes import Scope
from acron_site.lib.config import Config
from acron_site.lib.ids import new_request_id
from inference import catalog as catalogs
from inference.catalog import Catalog
from inference.domain import RoutingMode
from inference.pipeline import Gateway
from inference.wire import native
from inference.wire.http import Head
from inference.wiring import Parts

INTERRUPTED = 130  # what a shell expects of a command that Ctrl-C has ended

AnyParts = TypeVar("AnyParts", bound=Parts)


class Present:
    """A caller who waits on the command line and never hangs up."""

    def watch(self, stays: Callable[[], bool] | None = None) -> None:  # noqa: ARG002 - nobody leaves
        return None


@contextmanager
def terminated_as_interrupted() -> Iterator[None]:
    """Who is told to end takes the temporary organizations along, however they are told."""
    former = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, former)


def add_organization_option(parser: CommandParser) -> None:
    parser.add_argument("--organization", default="", help="slug or id; may be left out where there is only one")


def add_models_file_option(parser: CommandParser) -> None:
    parser.add_argument("--file", metavar="FILE", help="a models file; default: the one of the settings")


def catalog_of(file: str | None) -> Catalog:
    """The catalogue of a models file, whether its models can be reached or not. Raises CatalogError."""
    path = Path(file or Path(settings.BASE_DIR) / settings.ACRON.providers.models_file)
    return catalogs.load(path, {}, mock=False)


def moment(text: str) -> datetime:
    """For options: a moment in ISO 8601; without an offset, in UTC."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no moment like 2026-11-27T12:00:00+00:00 or 2026-11-27") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def principal_of(organization: str) -> Principal:
    """An operator acting for an organization. Raises NotFoundError naming those there are."""
    found = selectors.organization_named(organization)
    return Principal(
        organization_id=found.pk,
        scopes=frozenset({Scope.INFER}),
        provider_keys=selectors_provider_credentials.provider_keys(found.pk),
        keeps_content=found.keeps_content,
    )


@asynccontextmanager
async def running_gateway(config: Config) -> AsyncIterator[Gateway]:
    """A gateway for the time of a command; the ledger is carried into the database before it ends."""
    async with running(Parts(config)) as parts:
        yield parts.gateway


@asynccontextmanager
async def running(parts: AnyParts) -> AsyncIterator[AnyParts]:
    """The same with all that a gateway is made of."""
    parts.ledger.start()
    try:
        yield parts
    finally:
        await parts.close_semantic()
        await parts.providers.close()
        await parts.cache.store.close()
        await parts.close_books()
        await asyncio.to_thread(parts.content.stop)
        parts.ledger.stop()


async def ask_once(config: Config, principal: Principal, request: dict[str, Any]) -> dict[str, Any]:
    async with running_gateway(config) as gateway:
        return await infer(gateway, principal, request, RoutingMode(config.routing.default_mode))


async def infer(
    gateway: Gateway, principal: Principal, request: dict[str, Any], default_mode: RoutingMode
) -> dict[str, Any]:
    """One `POST /infer` without the HTTP."""
    head = Head(new_request_id(), time.perf_counter())
    ask = native.read(orjson.dumps(request), head, default_mode=default_mode)
    answer = await gateway.answer(principal, ask, Present())
    document: dict[str, Any] = orjson.loads(native.write(answer))
    return document
