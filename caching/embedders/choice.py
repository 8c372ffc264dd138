"""Which embedder serves, by the settings and what is installed."""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from acron_site.lib.config import Embeddings, SettingsError
from caching.embedders import cohere, minilm, openai
from caching.embedders.hashing import HashingEmbedder
from caching.embedders.local import LocalEmbedder
from caching.embedders.minilm import ModelMissingError, Weights
from caching.embedders.remembering import Memory, Remembering
from caching.embedders.remote import OnUsage, RemoteEmbedder, Service
from caching.embedders.served import ServedEmbedder
from caching.embedders.spare import WithSpare
from caching.embedders.throttled import Throttled
from caching.embedders.worker import Metered, Worker
from caching.protocols import Embedder

logger = logging.getLogger(__name__)

# tells children of a supervisor where the process is that embeds for all of them
SOCKET_NAME = "ACRON_EMBEDDER_SOCKET"

_SERVICES = {"cohere": cohere.service, "openai": openai.service}
_DIMENSIONS = {"cohere": cohere.DIMENSIONS, "openai": openai.DIMENSIONS}
_MOVING_MS = 10_000
# where each provider's key and its server's address stand
_VARIABLES = {"cohere": ("COHERE_API_KEY", "CO_API_URL"), "openai": ("OPENAI_API_KEY", "OPENAI_BASE_URL")}


@dataclass(frozen=True, slots=True)
class Embedders:
    """One embedder by two doors, with one memory of the last texts. Belongs to one event loop."""

    asked: Embedder  # somebody waits for it
    background: Embedder  # refuses when its share of the machine is used up

    async def close(self) -> None:
        await self.asked.close()


def choose(
    config: Embeddings,
    environ: Mapping[str, str],
    *,
    on_usage: OnUsage,
    find: Callable[[], Weights] = minilm.find,
) -> Embedders:
    """Raises SettingsError."""
    provider = provider_of(config, environ)
    memory = Memory(config.remembered_bytes)
    if provider in _SERVICES:
        remote = Remembering(_remote(config, provider, environ, on_usage), memory, minds_purpose=provider == "cohere")
        return Embedders(asked=remote, background=remote)
    here = _here(config, provider, environ.get(SOCKET_NAME, ""), find)
    share = config.background_cpu_percent / 100
    throttled = Throttled(here, share=share, clock=time.monotonic)
    return Embedders(asked=Remembering(here, memory), background=Remembering(throttled, memory))


def for_moves(
    config: Embeddings, environ: Mapping[str, str], *, find: Callable[[], Weights] = minilm.find
) -> Callable[[], Embedder] | None:
    """Builds the embedder into whose space kept questions are moved in the background; None where none are.

    Not into a provider's: it would be paid for, and nobody has asked. Nor into the hashing space because this process
    happens to lack the model that others have.
    """
    provider = provider_of(config, environ)
    patient = replace(config, timeout_ms=_MOVING_MS)  # nobody waits, and a model takes a while to start
    if provider == "hashing":
        return lambda: HashingEmbedder(_worker(patient))
    if provider in _SERVICES:
        return None
    if socket_path := environ.get(SOCKET_NAME):
        return lambda: _served(patient, socket_path)
    try:
        weights = find()
    except ModelMissingError:
        return None
    return lambda: LocalEmbedder(_worker(patient), lambda: weights)


def provider_of(config: Embeddings, environ: Mapping[str, str]) -> str:
    """What `auto` stands for."""
    if config.provider != "auto":
        return config.provider
    return "cohere" if environ.get("COHERE_API_KEY") else "local"


def _here(config: Embeddings, provider: str, socket_path: str, find: Callable[[], Weights]) -> Metered:
    hashing = HashingEmbedder(_worker(config))
    if provider == "hashing":
        return hashing
    if socket_path:
        return WithSpare(_served(config, socket_path), hashing)
    try:
        weights = find()
    except ModelMissingError as error:
        logger.warning("embedder.fallback", extra={"reason": str(error), "space": hashing.space.name})
        return hashing
    return WithSpare(LocalEmbedder(_worker(config), lambda: weights), hashing)


def _served(config: Embeddings, socket_path: str) -> ServedEmbedder:
    timeout_seconds = config.timeout_ms / 1000
    return ServedEmbedder(Path(socket_path), max_waiting=config.max_waiting, timeout_seconds=timeout_seconds)


def _remote(config: Embeddings, provider: str, environ: Mapping[str, str], on_usage: OnUsage) -> RemoteEmbedder:
    timeout_seconds = config.timeout_ms / 1000
    service = _service(config, provider, environ, timeout_seconds)
    return RemoteEmbedder(service, max_waiting=config.max_waiting, timeout_seconds=timeout_seconds, on_usage=on_usage)


def _service(config: Embeddings, provider: str, environ: Mapping[str, str], timeout_seconds: float) -> Service:
    key_name, server_name = _VARIABLES[provider]
    api_key = environ.get(key_name, "")
    if not api_key:
        raise SettingsError(f"embeddings.provider is {provider}: set {key_name}, or choose local")
    model = config.model or next(iter(_DIMENSIONS[provider]))
    dimension = config.dimensions or _DIMENSIONS[provider].get(model, 0)
    if not dimension:
        raise SettingsError(f"embeddings.model {model} is not known here: set embeddings.dimensions to what it answers")
    server_url = environ.get(server_name, "")
    if server_url and not _is_address(server_url):
        raise SettingsError(f"{server_name} must be an address like https://example.com")
    return _SERVICES[provider](
        model, dimension, api_key=api_key, server_url=server_url, timeout_seconds=timeout_seconds
    )


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _worker(config: Embeddings) -> Worker:
    return Worker(max_waiting=config.max_waiting, timeout_seconds=config.timeout_ms / 1000)
