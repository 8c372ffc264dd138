"""The response headers of the gateway (contract, section 5)."""

from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache

from acron_site.lib import money
from inference.domain import Answer

Headers = list[tuple[bytes, bytes]]

_JSON = (b"content-type", b"application/json")
_EVENTS = (b"content-type", b"text/event-stream; charset=utf-8")
# nginx would hold the events back
_UNHELD = ((b"cache-control", b"no-cache"), (b"x-accel-buffering", b"no"))


def of_answer(answer: Answer) -> Headers:
    """Headers of an answer; a stream's cost is not known when they are sent, so it stands in the ledger only."""
    facts = answer.facts
    headers = [
        _EVENTS if answer.stream else _JSON,
        (b"x-request-id", facts.request_id.encode()),
        (b"x-acron-cache", facts.cache_status.encode()),
        (b"x-acron-model", facts.model.encode()),
        (b"x-acron-provider", facts.provider.encode()),
        (b"x-acron-task", _latin(facts.task_type)),
        (b"x-acron-route-reason", facts.route_reason.encode()),
    ]
    if facts.cache_tier:
        similarity = facts.cache_similarity
        headers.append((b"x-acron-cache-similarity", b"1" if similarity is None else b"%.3f" % similarity))
        headers.append((b"age", b"%d" % answer.age_seconds))
    if answer.stream:
        headers += _UNHELD
    if answer.dropped:
        headers.append((b"x-acron-dropped-params", ",".join(answer.dropped).encode()))
    if answer.optimised_tokens is not None:
        headers.append((b"x-acron-optimised", b"%d" % answer.optimised_tokens))
        if answer.optimised_usd is not None:
            headers.append((b"x-acron-optimised-saved", _amount(answer.optimised_usd)))
    headers += of_limits(answer.limits)
    if facts.cache_tier or not answer.stream:
        headers += _money(answer)
    return headers


def of_events(request_id: str) -> Headers:
    """Headers of a stream of which nothing else is known yet."""
    return [_EVENTS, (b"x-request-id", request_id.encode()), *_UNHELD]


def of_document(request_id: str) -> Headers:
    return [_JSON, (b"x-request-id", request_id.encode())]


def of_limits(limits: Mapping[str, str] | None) -> Headers:
    """How the key's limits stand."""
    return [(name.encode(), value.encode()) for name, value in limits.items()] if limits else []


def _money(answer: Answer) -> Headers:
    facts = answer.facts
    return [
        (b"x-acron-cost", _amount(answer.cost_usd)),
        (b"x-acron-baseline-cost", _amount(answer.baseline_usd)),
        (b"x-acron-saved", _amount(answer.saved_usd)),
        (b"x-acron-overhead-ms", b"%.3f" % facts.overhead_ms),
        (b"x-acron-attempts", b"0" if facts.cache_tier else b"%d" % facts.attempt),
    ]


@lru_cache(maxsize=1024)  # the same few amounts come back with every hit
def _amount(amount: Decimal | None) -> bytes:
    return b"unpriced" if amount is None else money.to_text(amount).encode()


@lru_cache(maxsize=256)
def _latin(text: str) -> bytes:
    """Header values are ISO 8859-1 without control characters; what does not fit is shown as '?'."""
    return "".join(character if character.isprintable() else "?" for character in text).encode("latin-1", "replace")
