"""A gateway of small real parts: memory for Redis, the mock provider without delays, a ledger to look into."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson

from accounts.encryption import Cipher, cipher_from
from accounts.limits.limiter import Limiter
from accounts.principal import Principal
from accounts.scopes import Scope
from acron_site.lib.errors import AcronError
from analytics.content import ContentKeeper
from analytics.events import EventKind, EventStatus, InferenceFacts
from caching.backends.memory import MemoryStore
from caching.backends.memory_generations import MemoryGenerations
from caching.backends.memory_leases import MemoryLeases
from caching.exact import ExactCache
from caching.idempotency import Idempotency
from caching.policies import Policies, Policy
from caching.step_store import StepCache
from inference import catalog as catalogs
from inference.accounting import Accountant
from inference.allowances import Allowances
from inference.calling import CallParts, CallPolicy
from inference.catalog import Catalog
from inference.domain import Answer, Ask, EventStream
from inference.facts import Visit
from inference.fallback_price import NONE, FallbackPrice
from inference.keeper import Keeper
from inference.pipeline import NO_TRIALS, Gateway
from inference.providers.base import Provider
from inference.providers.kinds import dialects_of
from inference.providers.mock import MockTransport
from inference.resilience.latencies import Latencies
from inference.resilience.retries import Failure, RetryBudget
from inference.routing.router import Router
from inference.sharing import Sharing
from inference.similar import NothingSimilar, Similar
from inference.steering import NO_STEERING, Steering
from inference.targets import Target
from inference.token_count import TokenCounter
from inference.trials import TrialParts
from inference.visits import Visits
from inference.wire import chat
from inference.wire.http import Head
from inference.workflows.conductor import Conductor
from inference.workflows.executor import Executor
from inference.workflows.kept import KeptSteps

MODELS = Path(__file__).parent / "models.yaml"
ADA = Principal(UUID(int=1), frozenset({Scope.INFER}), key_id=UUID(int=11))
MALLORY = Principal(UUID(int=2), frozenset({Scope.INFER}), key_id=UUID(int=22))


class RememberedLedger:
    """Keeps rows by event id, as the real one does."""

    def __init__(self) -> None:
        self.rows: dict[UUID, InferenceFacts] = {}
        self.opened = 0

    def open(self, facts: InferenceFacts) -> None:
        self.opened += 1
        self.rows[facts.event_id] = facts

    async def settle(self, facts: InferenceFacts) -> None:
        # what another model used in the call is known at its end only
        assert facts.kind is EventKind.SIDE or self.rows[facts.event_id].status is EventStatus.STARTED
        self.rows[facts.event_id] = facts

    def record(self, facts: InferenceFacts) -> None:
        self.rows[facts.event_id] = facts

    @property
    def last(self) -> InferenceFacts:
        return list(self.rows.values())[-1]


class RememberedLine:
    """Remembers how a call ended."""

    def __init__(self, ends: list[Failure | None]) -> None:
        self._ends = ends

    def end(self, failure: Failure | None, error: AcronError | None) -> None:
        self._ends.append(failure)

    def drop(self) -> None:
        return None


class OpenSwitchboard:
    """Lets every call through, but to targets that are named in `resting`; remembers how calls ended."""

    def __init__(self) -> None:
        self.resting: set[str] = set()
        self.ends: list[Failure | None] = []

    def ordered(self, targets: Sequence[Target], visit: Visit) -> Sequence[Target]:
        return targets

    def allows(self, target: Target) -> bool:
        return target.id not in self.resting

    async def enter(self, target: Target) -> RememberedLine | None:
        return RememberedLine(self.ends) if self.allows(target) else None

    def opens_in_seconds(self, targets: Sequence[Target]) -> int:
        return 7


class SettledPolicies:
    """The same for everybody, known at once."""

    def __init__(self, policies: Policies) -> None:
        self._policies = policies

    def known(self, organization_id: UUID) -> Policies:
        return self._policies

    async def of(self, organization_id: UUID) -> Policies:
        return self._policies


class Present:
    """A caller's end of the line, watched as the door watches it: see `hang_up`."""

    def __init__(self) -> None:
        self._stays: Callable[[], bool] | None = None
        self._task: asyncio.Task[Any] | None = None

    def watch(self, stays: Callable[[], bool] | None = None) -> None:
        self._stays, self._task = stays, asyncio.current_task()

    def hang_up(self) -> None:
        if self._task is not None and (self._stays is None or not self._stays()):
            self._task.cancel()


class Kit:
    """The gateway and the parts a test may want to look at."""

    def __init__(
        self,
        *,
        policy: Policy | None = None,
        policies: Any = None,
        keep_alive_seconds: float = 15.0,
        transport: Any = None,
        baseline_model: str = "",
        limiter: Limiter | None = None,
        mock: bool = False,
        content: ContentKeeper | None = None,
        fallback: FallbackPrice = NONE,
        call_policy: CallPolicy | None = None,
        drains: bool = False,
        similar: Similar | None = None,
        steering: Steering = NO_STEERING,
        trials: TrialParts = NO_TRIALS,
        without: str = "",
        latencies: Latencies | None = None,
        models_file: Path = MODELS,
    ) -> None:
        """`without`: the name of a model that the catalogue shall not have."""
        self.switchboard = OpenSwitchboard()
        catalog = catalogs.load(models_file, {}, mock=mock)
        models = [model for model in catalog.models if model.name != without]
        self.catalog = Catalog(models, is_simulated=mock) if without else catalog
        self.ledger = RememberedLedger()
        self.transport: Any = transport or MockTransport(latency_scale=0)
        self.provider = Provider("mock", dialects_of("mock", api_key="k", name="mock"), self.transport)
        self.store = MemoryStore(max_bytes=1_000_000)
        cipher = cipher_from("a passphrase")
        self.cache = ExactCache(self.store, cipher, clock=time.time, max_entry_bytes=100_000)
        self.router = Router(self.catalog, default_quality_threshold=3.5)
        self.allowances = allowances(limiter, fallback)
        self.counter = TokenCounter(
            router=self.router,
            targets=lambda model, principal: (Target(model.name, model, self.provider),),
            allowances=self.allowances,
        )
        keeping = keeping_parts(
            self.router,
            self.cache,
            policies or Policies(policy or Policy()),
            content=content,
            similar=similar,
            steering=steering,
        )
        sharing = sharing_parts(self.cache, drains=drains)
        self.gateway = Gateway(
            catalog=self.catalog,
            router=self.router,
            cache=self.cache,
            ledger=self.ledger,
            accountant=Accountant(self.catalog, baseline_model=baseline_model, fallback=fallback),
            allowances=self.allowances,
            keep_alive_seconds=keep_alive_seconds,
            **keeping,
            **sharing,
            trials=trials,
            calls=CallParts(
                targets=lambda model, principal: (
                    Target(model.name, model, self.provider, is_private=principal.is_test),
                ),
                switchboard=self.switchboard,
                retries=RetryBudget(),
                policy=call_policy or CallPolicy(longest_wait_seconds=0.0),
                latencies=latencies or Latencies(),
            ),
        )

        self.steps = step_cache(self.store, cipher)
        self.executor = Executor(self.gateway, keeping["visits"], KeptSteps(self.steps, secret=b"secret"))
        self.conductor = Conductor(self.executor, sharing["idempotency"], self.allowances)

    async def answer(self, principal: Principal, asked: Ask, present: Present | None = None) -> Answer:
        return await self.gateway.answer(principal, replace(asked, started=time.perf_counter()), present or Present())


def keeping_parts(
    router: Router,
    cache: ExactCache,
    policies: Any,
    *,
    content: ContentKeeper | None = None,
    similar: Similar | None = None,
    steering: Steering = NO_STEERING,
) -> dict[str, Any]:
    """What a gateway needs to say what may be kept, and to keep it."""
    source = SettledPolicies(policies) if isinstance(policies, Policies) else policies
    similar = similar or NothingSimilar()
    return {
        "visits": Visits(router, source, secret=b"secret", steering=steering),
        "keeper": Keeper(cache, similar, content),
        "similar": similar,
    }


def step_cache(store: MemoryStore, cipher: Cipher) -> StepCache:
    return StepCache(
        store,
        MemoryGenerations(),
        cipher=cipher,
        secret=b"secret",
        clock=time.time,
        max_entry_bytes=100_000,
    )


def sharing_parts(cache: ExactCache, *, drains: bool = False) -> dict[str, Any]:
    """What a gateway needs to share calls, among its own callers only."""
    once = Idempotency(cache, cache, MemoryLeases(), secret=b"secret", patience_seconds=5.0)
    return {"sharing": Sharing(MemoryLeases(), drains=drains), "idempotency": once}


def allowances(limiter: Limiter | None = None, fallback: FallbackPrice = NONE) -> Allowances:
    """Limits that are counted in memory, with a ledger in which nothing was spent."""
    return Allowances(limiter or Limiter(None, spent=lambda subject, since: Decimal(0)), fallback)


def ask(text: str = "What is the capital of France?", /, *, head: Any = None, **fields: Any) -> Ask:
    """A chat request as a client would send it."""
    body = {"model": "mock-small", "messages": [{"role": "user", "content": text}], **fields}
    return chat.read(orjson.dumps(body), Head(**{"request_id": "req_test", "started": 0.0, **(head or {})}))


def stream_of(answer: Answer) -> EventStream:
    assert answer.stream is not None
    return answer.stream


async def bytes_of(answer: Answer) -> bytes:
    return b"".join([piece async for piece in stream_of(answer)])


async def events_of(answer: Answer) -> list[dict[str, Any]]:
    """The JSON of each event of a streamed answer; `[DONE]` must be the last."""
    assert answer.stream is not None
    data = b"".join([piece async for piece in answer.stream])
    *events, done, rest = data.split(b"\n\n")
    assert (done, rest) == (b"data: [DONE]", b"")
    return [orjson.loads(event.removeprefix(b"data: ")) for event in events]


def text_of(answer: Answer) -> str:
    text: str = orjson.loads(answer.body)["choices"][0]["message"]["content"]
    return text
