"""The words of inference: what is asked, what was used, what is answered."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

from acron_site.lib.money import total
from acron_site.lib.values import quick
from analytics.events import CostStatus, InferenceFacts, TokenCounts

if TYPE_CHECKING:
    from inference.catalog import Model
    from inference.resilience.latencies import Pace


class RoutingMode(StrEnum):
    AUTOPILOT = "autopilot"
    GUIDED = "guided"
    EXPLICIT = "explicit"


class Format(StrEnum):
    """The API whose words a request is in, and its answer too."""

    CHAT = "chat"  # OpenAI's chat completions
    MESSAGES = "messages"  # Anthropic's
    RESPONSES = "responses"  # OpenAI's newer one
    EMBEDDINGS = "embeddings"

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of models in the catalogue that answer in it."""
        return _KINDS.get(self, ("chat",))


_KINDS = {Format.RESPONSES: ("chat", "responses"), Format.EMBEDDINGS: ("embedding",)}


class Verify(StrEnum):
    """How a cascade finds out whether a cheap answer is good enough."""

    AGREEMENT = "agreement"  # two different models say the same
    CONSISTENCY = "consistency"  # one model says the same twice
    FORMAT = "format"  # it is the JSON, or the tool call, that was asked for
    JUDGE = "judge"  # another model says that it is right


@dataclass(frozen=True, slots=True)
class Cascade:
    """What a request says of being asked cheaply first. Empty names are for the router to choose."""

    verify: Verify = Verify.AGREEMENT
    models: tuple[str, ...] = ()  # to be asked first
    strong: str = ""  # asked where the verification fails
    judge: str = ""  # who says whether the answer is right, where a judge verifies

    @property
    def times(self) -> int:
        """How often each model is asked."""
        return 2 if self.verify is Verify.CONSISTENCY else 1

    @property
    def names_all(self) -> bool:
        """Whether nobody who is asked first is left to be chosen."""
        return bool(self.models) and (self.verify is not Verify.JUDGE or bool(self.judge))


class CacheStatus(StrEnum):
    HIT_T1 = "HIT-T1"
    HIT_T2 = "HIT-T2"
    HIT_T3 = "HIT-T3"
    MISS = "MISS"
    BYPASS = "BYPASS"
    COALESCED = "COALESCED"


@dataclass(frozen=True, slots=True)
class CacheControls:
    """What the caller wants of the cache (contract, section 5)."""

    read: bool = True
    write: bool = True
    only_if_cached: bool = False
    max_age_seconds: int | None = None
    ttl_seconds: int | None = None
    namespace: str = "default"
    threshold: float | None = None  # of tier 2, where the caller wants a stricter one
    tiers: tuple[int, ...] = (1, 2, 3)

    @property
    def is_bypassed(self) -> bool:
        return not self.read and not self.write


@quick
@dataclass(frozen=True, slots=True)
class Ask:
    """One request, as the pipeline sees it. `body` is in the words of `format`, without ACRON's own fields.

    `sketch` is the same request in the words of chat completions, as far as it is measured there: messages, limits,
    tools, service tier. Routing, estimates and limits look at nothing else. `passed_headers` go to a provider that
    speaks the format itself; lower-case names.
    """

    request_id: str
    endpoint: str
    mode: RoutingMode
    model_requested: str
    body: Mapping[str, Any]
    started: float = 0.0  # time.perf_counter() when the request arrived
    stream: bool = False
    include_usage: bool = False  # the caller asked for the usage chunk of a stream
    controls: CacheControls = CacheControls()
    quality_threshold: float | None = None
    quality_preference: str = ""
    latency_preference: str = ""
    latency_budget_ms: int | None = None
    cost_budget_usd: Decimal | None = None
    task_type: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    end_user: str = ""
    format: Format = Format.CHAT
    sketched: Mapping[str, Any] | None = None  # None: the body is its own sketch
    passed_headers: Mapping[str, str] = field(default_factory=dict)
    fallbacks: tuple[str, ...] = ()  # models to try in turn when the chosen one fails
    idempotency_key: str = ""
    cascade: Cascade | None = None
    refuses_cascade: bool = False  # whatever its organization's policy says
    refuses_staying: bool = False  # with the model that answered its conversation before
    optimised_tokens: int | None = None  # taken out of what the caller sent, about; None: it was left as it is
    # what was found out about it once, by name; a copy that only asks again takes it along
    noted: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)
    workflow: Any = None  # as it came; its steps are asks of their own
    step_id: str = ""  # of the step that this is, in a workflow under the same request id

    @property
    def sketch(self) -> Mapping[str, Any]:
        return self.body if self.sketched is None else self.sketched


@quick
@dataclass(frozen=True, slots=True)
class Usage:
    """What a provider says was used, in disjoint buckets, and the conditions that set its price."""

    tokens: TokenCounts = field(default_factory=TokenCounts)
    service_tier: str = ""  # as returned: "" standard, "flex", "priority", "batch"...
    speed: str = ""  # "fast" doubles on Anthropic
    geography: str = ""  # "us" or "eu" where the provider charges for it
    flag: str = ""  # why the numbers are doubtful, if they are
    is_estimate: bool = False


@dataclass(frozen=True, slots=True)
class Cost:
    """The price of a usage in USD. `amount` is None when no price is known."""

    amount: Decimal | None
    status: CostStatus
    breakdown: Mapping[str, Decimal] = field(default_factory=dict)
    price_version: str = ""


@quick
@dataclass(frozen=True, slots=True)
class Completion:
    """A whole answer in the format it was asked for, as bytes ready to send.

    `finish_reasons` are in the words of chat completions, whatever the format.
    """

    body: bytes
    usage: Usage
    finish_reasons: tuple[str, ...]
    model_answered: str = ""  # as the provider names it
    is_empty: bool = False  # some choice has neither text nor a tool call
    side_usages: tuple[tuple[str, Usage], ...] = ()  # what other models used in the same call, by the provider's names


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model that was considered, as it is shown to the caller."""

    model: str
    quality: float
    estimated_cost_usd: Decimal | None
    estimated_latency_ms: int
    excluded_because: str = ""
    measured: "Pace | None" = None  # where there were enough calls lately
    predicted_quality: float | None = None  # for this request; None where only the catalogue can say
    chance: float | None = None  # of an answer that is good enough


@dataclass(frozen=True, slots=True)
class Route:
    """The model that shall answer, and why."""

    model: "Model"
    mode: RoutingMode
    reason: str  # shown to the user, so written for them
    task_type: str = "general"
    confidence: float = 1.0
    candidates: tuple[Candidate, ...] = ()
    in_place_of: "Model | None" = None  # the dearer one, where a proof or a prediction let the model take its place
    is_asked_first: bool = False  # in a cascade, before that one


@quick
@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back to the caller: a whole body, or a stream of server-sent events, in the ask's format.

    `facts` is the ledger's row: final for a whole body, STARTED for a stream, whose own become final at its end.
    """

    facts: InferenceFacts
    sides: tuple[InferenceFacts, ...] = ()  # what other models used in the same call: the request costs the sum
    body: bytes = b""
    stream: "EventStream | None" = None
    candidates: tuple[Candidate, ...] = ()
    confidence: float = 1.0
    age_seconds: int = 0
    dropped: tuple[str, ...] = ()
    limits: Mapping[str, str] | None = None  # how the key's limits stand, as headers
    optimised_tokens: int | None = None  # as the ask has it
    optimised_usd: Decimal | None = None  # what these would have cost

    @property
    def cost_usd(self) -> Decimal | None:
        return self.facts.cost_usd if not self.sides else total(row.cost_usd for row in (self.facts, *self.sides))

    @property
    def baseline_usd(self) -> Decimal | None:
        rows = (self.facts, *self.sides)
        return self.facts.baseline_cost_usd if not self.sides else total(row.baseline_cost_usd for row in rows)

    @property
    def saved_usd(self) -> Decimal | None:
        return self.facts.saved_usd if not self.sides else total(row.saved_usd for row in (self.facts, *self.sides))


class EventStream(Protocol):
    """Server-sent events in the ask's format, its last one included. Close it when the caller has left."""

    @property
    def facts(self) -> InferenceFacts: ...

    def __aiter__(self) -> AsyncIterator[bytes]: ...

    async def aclose(self) -> None: ...
