"""What the getting-started page says about an organization's newest request."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Self

from analytics.events import EventStatus
from analytics.selectors import Inference

_MEANINGS = {
    "upstream_error": "The provider refused or failed. If it stays, look at its status page and at the provider key.",
    "upstream_timeout": "The provider did not answer in time. Try again, or choose a quicker model.",
    "rate_limit_exceeded": "The provider takes no more requests just now. Wait a moment and try again.",
    "invalid_request_error": "The provider found something wrong with the request. The answer names the field.",
    "model_not_found": "The provider does not know this model. See GET /models for those that are there.",
    "invalid_api_key": "The provider refused its key. Set a good one under Provider keys, or in the environment.",
    "insufficient_scope": "The provider's key may not use this model. Choose another one, or another provider key.",
    "no_models_available": "No model fits and is available. Set a provider key, or ask for less.",
    "overloaded": "ACRON or the provider is overloaded. Try again shortly.",
}
_GONE = "The caller hung up before the answer was complete. Look at the time-out of your client."
_CUT_OFF = "ACRON was stopped while it answered. Try again."
_OTHERWISE = "The answer to the call says what to change."


@dataclass(frozen=True, slots=True)
class Arrived:
    """One request, worded for somebody who has just begun."""

    status: EventStatus
    model: str
    provider: str
    source: str
    cost_usd: Decimal | None
    saved_usd: Decimal | None
    http_status: int
    error_code: str
    occurred_at: datetime
    request_id: str

    @classmethod
    def of(cls, row: Inference) -> Self:
        return cls(
            status=row.status,
            model=row.model or row.model_requested,
            provider=row.provider,
            source=f"the cache, tier {row.cache_tier}" if row.cache_tier else "the provider",
            cost_usd=row.cost_usd,
            saved_usd=row.saved_usd,
            http_status=row.http_status,
            error_code=row.error_code,
            occurred_at=row.occurred_at,
            request_id=row.request_id,
        )

    @property
    def is_good(self) -> bool:
        return self.status is EventStatus.OK

    @property
    def is_under_way(self) -> bool:
        return self.status is EventStatus.STARTED

    @property
    def status_words(self) -> str:
        if self.is_under_way:
            return "under way"
        return " ".join(filter(None, [str(self.http_status or ""), self.error_code or self.status.replace("_", " ")]))

    @property
    def meaning(self) -> str:
        """What a failure means and what to do about it."""
        if self.status is EventStatus.CLIENT_GONE:
            return _GONE
        if self.status is EventStatus.INTERRUPTED:
            return _CUT_OFF
        return _MEANINGS.get(self.error_code, _OTHERWISE)
