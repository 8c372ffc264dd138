"""The words of inference: what is asked, what was used, what is answered."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from analytics.events import CostStatus, TokenCounts


class RoutingMode(StrEnum):
    AUTOPILOT = "autopilot"
    GUIDED = "guided"
    EXPLICIT = "explicit"


class CacheStatus(StrEnum):
    HIT_T1 = "HIT-T1"
    MISS = "MISS"
    BYPASS = "BYPASS"


@dataclass(frozen=True, slots=True)
class CacheControls:
    """What the caller wants of the cache (contract, section 5)."""

    read: bool = True
    write: bool = True
    only_if_cached: bool = False
    max_age_seconds: int | None = None
    ttl_seconds: int | None = None
    namespace: str = "default"

    @property
    def is_bypassed(self) -> bool:
        return not self.read and not self.write


@dataclass(frozen=True, slots=True)
class Ask:
    """One request, as the pipeline sees it. `body` is an OpenAI chat completion request without ACRON's own fields."""

    request_id: str
    endpoint: str
    mode: RoutingMode
    model_requested: str
    body: Mapping[str, Any]
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


@dataclass(frozen=True, slots=True)
class Usage:
    """What a provider says was used, in disjoint buckets, and the conditions that set its price."""

    tokens: TokenCounts = TokenCounts()
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


@dataclass(frozen=True, slots=True)
class Completion:
    """A whole answer in OpenAI's chat completion format, as bytes ready to send."""

    body: bytes
    usage: Usage
    finish_reasons: tuple[str, ...]
    model_answered: str = ""  # as the provider names it


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back to the caller: a whole body, or a stream of server-sent events."""

    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes = b""
    events: AsyncIterator[bytes] | None = None
    facts_id: UUID | None = None
