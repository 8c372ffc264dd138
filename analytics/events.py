"""The fact that the ledger keeps: what one inference was, cost and saved."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from acron_site.lib.values import quick


class EventStatus(StrEnum):
    """How a row stands. Every status but STARTED is final; a row never goes back to STARTED."""

    STARTED = "started"  # written before the provider is called
    OK = "ok"
    ERROR = "error"  # the provider or the transport failed; what was used is recorded
    CLIENT_GONE = "client_gone"  # the caller left before the answer was complete
    INTERRUPTED = "interrupted"  # this side died in between; usage is an estimate


class CostStatus(StrEnum):
    PRICED = "priced"
    ESTIMATED = "estimated"  # priced from an estimate of the usage
    UNPRICED = "unpriced"  # no price is known: cost is null, never 0
    FREE = "free"  # answered by our own cache, or nothing was used


class EventKind(StrEnum):
    """What a row was for. The rows of one request share its id and add up to what it cost."""

    ANSWER = "answer"
    SIDE = "side"  # another model's share of the same provider call
    OVERHEAD = "overhead"  # a call of the gateway's own, such as an embedding; taken off the savings


@quick
@dataclass(frozen=True, slots=True)
class TokenCounts:
    """Tokens in buckets that never overlap (accounting rule 1). `reasoning` is part of `output`, for information."""

    input: int = 0  # uncached text
    cache_read: int = 0
    cache_write: int = 0  # short-lived (5 or 30 minutes)
    cache_write_long: int = 0  # 1 or 12 hours
    input_audio: int = 0
    output: int = 0
    output_audio: int = 0
    reasoning: int = 0
    web_searches: int = 0  # calls, not tokens

    @property
    def total_input(self) -> int:
        return self.input + self.cache_read + self.cache_write + self.cache_write_long + self.input_audio

    @property
    def total_output(self) -> int:
        return self.output + self.output_audio


@quick
@dataclass(frozen=True, slots=True)
class InferenceFacts:
    """One row of the ledger: one attempt at a provider, or one answer from the cache.

    `event_id` (UUIDv7) is unique and makes replays harmless; `request_id` is what the caller sees and may
    repeat when a request took several attempts or a caller reuses its own id. Money is in USD, exact.
    """

    event_id: UUID
    request_id: str
    organization_id: UUID
    occurred_at: datetime
    status: EventStatus
    endpoint: str  # "chat.completions" | "messages" | "infer"
    routing_mode: str  # "autopilot" | "guided" | "explicit"
    route_reason: str
    model_requested: str
    model: str  # the model that answered, by its name in the catalogue
    provider: str
    cache_status: str  # "HIT-T1" | "MISS" | "BYPASS"
    cache_tier: int = 0  # 0: no hit
    cache_similarity: float | None = None  # of a tier 2 hit: the cosine to the question that was answered before
    cache_reason: str = ""  # why the cache was not asked, or does not keep the answer
    attempt: int = 1
    stream: bool = False
    http_status: int = 0  # what the caller got; 0 while started
    error_code: str = ""
    key_id: UUID | None = None
    end_user: str = ""  # the request's `user` field
    task_type: str = ""
    step_id: str = ""  # of the step of a workflow that it was asked for
    arm: str = ""  # of who measures what optimising saves: "optimised" or "holdout"; "": in neither
    tags: Mapping[str, str] = field(default_factory=dict)
    tokens: TokenCounts = TokenCounts()
    usage_flag: str = ""  # why the provider's usage was doubtful, if it was
    service_tier: str = ""
    speed: str = ""
    geography: str = ""
    kind: EventKind = EventKind.ANSWER
    cost_usd: Decimal | None = None
    cost_status: CostStatus = CostStatus.UNPRICED
    cost_breakdown: Mapping[str, str] = field(default_factory=dict)  # bucket -> exact USD
    price_version: str = ""
    baseline_model: str = ""
    baseline_cost_usd: Decimal | None = None
    saved_usd: Decimal | None = None
    prompt_cache_saved_usd: Decimal | None = None  # the provider's prompt cache's part of `saved_usd`
    quality_score: float | None = None  # 0-5, from the catalogue
    latency_ms: float = 0.0  # whole request as the gateway saw it
    first_token_ms: float | None = None
    overhead_ms: float = 0.0  # latency less the provider's share


class Ledger(Protocol):
    """Where facts go. Nothing that was paid for may be lost; writing twice changes nothing."""

    def open(self, facts: InferenceFacts) -> None:
        """Writes a STARTED row so that it survives this process; returns before it is on disk.

        Raises OverloadedError when it cannot be written anywhere: then the provider must not be called.
        """
        ...

    async def settle(self, facts: InferenceFacts) -> None:
        """Writes the final row of a paid answer; returns when it is on disk or in the database."""
        ...

    def record(self, facts: InferenceFacts) -> None:
        """Takes an unpaid answer's row, to be written with the next batch."""
        ...
