"""Facts as lines in PostgreSQL's COPY text format."""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from itertools import islice
from math import isfinite
from uuid import UUID

import orjson

from analytics.events import CostStatus, EventStatus, InferenceFacts, TokenCounts

TEXT_COLUMNS = (
    "request_id",
    "status",
    "endpoint",
    "routing_mode",
    "route_reason",
    "model_requested",
    "model",
    "provider",
    "cache_status",
    "error_code",
    "end_user",
    "task_type",
    "usage_flag",
    "service_tier",
    "speed",
    "geography",
    "kind",
    "cost_status",
    "price_version",
    "baseline_model",
    "cache_reason",
    "step_id",
    "arm",
)
TOKEN_COLUMNS = (
    "tokens_input",
    "tokens_cache_read",
    "tokens_cache_write",
    "tokens_cache_write_long",
    "tokens_input_audio",
    "tokens_output",
    "tokens_output_audio",
    "tokens_reasoning",
    "web_searches",
)
# the order of the values in a line; the first line of a journal segment says it too
COLUMNS = (
    "event_id",
    "organization_id",
    "occurred_at",
    "settled_at",
    *TEXT_COLUMNS,
    *TOKEN_COLUMNS,
    "cache_tier",
    "attempt",
    "stream",
    "http_status",
    "key_id",
    "tags",
    "cost_usd",
    "cost_breakdown",
    "baseline_cost_usd",
    "saved_usd",
    "prompt_cache_saved_usd",
    "quality_score",
    "latency_ms",
    "first_token_ms",
    "overhead_ms",
    "cache_similarity",
)

_NULL = r"\N"
_COUNTS = "\t".join(["%d"] * len(TOKEN_COLUMNS))
_MAX_TEXT = 500  # characters; callers choose some of these texts, and an index entry has room for 2,700 bytes
_MAX_PAIRS, _MAX_JSON = 50, 8_000
_MAX_COUNT = 2**63 - 1
_SPECIAL = re.compile(r"[\\\t\n\r]")
_ESCAPES = {"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"}
_SURROGATE = re.compile("[\ud800-\udfff]")


def encode(facts: InferenceFacts) -> bytes:
    """One line, with its newline, ready for `COPY ... FROM STDIN`.

    What PostgreSQL cannot hold is made to fit: NULs go, lone surrogates become U+FFFD, long texts are cut.
    """
    settled_at = _NULL if facts.status is EventStatus.STARTED else _moment(datetime.now(UTC))
    values = (
        facts.event_id.hex,
        facts.organization_id.hex,
        _moment(facts.occurred_at),
        settled_at,
        *_texts(facts),
        _counts(facts.tokens),
        str(facts.cache_tier),
        str(facts.attempt),
        "t" if facts.stream else "f",
        str(facts.http_status),
        _identifier(facts.key_id),
        _json(facts.tags),
        _cost(facts),
        _json(facts.cost_breakdown),
        _money(facts.baseline_cost_usd),
        _money(facts.saved_usd),
        _money(facts.prompt_cache_saved_usd),
        _measures(facts),
    )
    return ("\t".join(values) + "\n").encode()


def escape(text: str) -> str:
    """The text as one COPY value."""
    return _SPECIAL.sub(lambda found: _ESCAPES[found[0]], storable(text))


def storable(text: str) -> str:
    """The text without what PostgreSQL refuses: NUL and lone surrogates."""
    return _SURROGATE.sub("\ufffd", text.replace("\x00", ""))


def _texts(facts: InferenceFacts) -> Iterable[str]:
    texts = (
        facts.request_id,
        facts.status,
        facts.endpoint,
        facts.routing_mode,
        facts.route_reason,
        facts.model_requested,
        facts.model,
        facts.provider,
        facts.cache_status,
        facts.error_code,
        facts.end_user,
        facts.task_type,
        facts.usage_flag,
        facts.service_tier,
        facts.speed,
        facts.geography,
        facts.kind,
        _cost_status(facts),
        facts.price_version,
        facts.baseline_model,
        facts.cache_reason,
        facts.step_id,
        facts.arm,
    )
    # nearly always there is nothing to escape: one look at all texts together costs a tenth of twenty
    joined = "".join(texts)
    if joined.isprintable() and "\\" not in joined and len(joined) <= _MAX_TEXT:
        return texts
    return [escape(text[:_MAX_TEXT]) for text in texts]


def _moment(at: datetime) -> str:
    """ISO 8601, as `isoformat` says it, in a third of its time: most of it stays the same for a whole second."""
    if at.tzinfo is not UTC:
        return at.isoformat()
    return f"{_second((at.year, at.month, at.day, at.hour, at.minute, at.second))}.{at.microsecond:06d}+00:00"


@lru_cache(maxsize=64)
def _second(parts: tuple[int, int, int, int, int, int]) -> str:
    return datetime(*parts).isoformat()  # noqa: DTZ001 - the zone is said once, at the end


def _counts(tokens: TokenCounts) -> str:
    """Several values, as they stand in a line."""
    counts = (
        tokens.input,
        tokens.cache_read,
        tokens.cache_write,
        tokens.cache_write_long,
        tokens.input_audio,
        tokens.output,
        tokens.output_audio,
        tokens.reasoning,
        tokens.web_searches,
    )
    if min(counts) < 0 or max(counts) > _MAX_COUNT:
        counts = tuple(min(max(count, 0), _MAX_COUNT) for count in counts)  # type: ignore[assignment]
    return _COUNTS % counts


def _cost_status(facts: InferenceFacts) -> CostStatus:
    # a missing cost says "unpriced" whatever the status says: the table refuses rows that contradict themselves
    if facts.cost_usd is None and facts.cost_status is not CostStatus.FREE:
        return CostStatus.UNPRICED
    return facts.cost_status


def _cost(facts: InferenceFacts) -> str:
    if facts.cost_status is CostStatus.UNPRICED:
        return _NULL
    if facts.cost_usd is None and facts.cost_status is CostStatus.FREE:
        return "0"
    return _money(facts.cost_usd)


def _identifier(value: UUID | None) -> str:
    return _NULL if value is None else value.hex


def _money(amount: Decimal | None) -> str:
    if amount is None:
        return _NULL
    text = str(amount)
    return text if "E" not in text else format(amount, "f")


def _measures(facts: InferenceFacts) -> str:
    """Several values, as they stand in a line."""
    quality, latency, overhead = facts.quality_score, facts.latency_ms, facts.overhead_ms
    is_usual = facts.first_token_ms is None and facts.cache_similarity is None
    if is_usual and quality is not None and isfinite(quality + latency + overhead):
        return f"{quality:.3f}\t{latency:.3f}\t{_NULL}\t{overhead:.3f}\t{_NULL}"
    measures = (
        _measure(quality, missing=_NULL),
        _measure(latency, missing="0"),
        _measure(facts.first_token_ms, missing=_NULL),
        _measure(overhead, missing="0"),
        _measure(facts.cache_similarity, missing=_NULL),
    )
    return "\t".join(measures)


def _measure(value: float | None, *, missing: str) -> str:
    return missing if value is None or not isfinite(value) else f"{value:.3f}"


def _json(pairs: Mapping[str, str]) -> str:
    if not pairs:
        return "{}"
    try:
        text = orjson.dumps(pairs).decode()
    except TypeError:  # a lone surrogate, or a mapping that is no dict
        text = "\\"
    if "\\" not in text and len(text) <= _MAX_JSON and len(pairs) <= _MAX_PAIRS:
        return text
    kept = {storable(key[:_MAX_TEXT]): storable(value[:_MAX_TEXT]) for key, value in islice(pairs.items(), _MAX_PAIRS)}
    return escape(orjson.dumps(kept).decode())
