"""What a caller is told who wants more than their limits allow."""

from accounts.limits.domain import (
    Ceilings,
    Reading,
    Taking,
    Verdict,
    dollars,
    free_at_ms,
    month_of,
    next_month,
)
from acron_site.lib import money
from acron_site.lib.errors import AcronError, OverloadedError, RateLimitedError

_DO_NOT_RETRY = {"x-should-retry": "false"}


class BudgetExceededError(AcronError):
    status, code, type = 429, "budget_exceeded", "insufficient_quota"


def of(reading: Reading, taking: Taking, ceilings: Ceilings) -> AcronError:
    headers = rate_headers(reading, ceilings, taking.now_ms)
    if reading.verdict is Verdict.OVER_BUDGET:
        return BudgetExceededError(_budget(reading, taking, ceilings), headers={**headers, **_DO_NOT_RETRY})
    if reading.verdict is Verdict.UNKNOWN_BALANCE:
        return unknown_balance()
    if reading.wait_ms < 0:
        return RateLimitedError(
            f"this call may take {taking.tokens} tokens, more than the {ceilings.tokens} a minute of this key; "
            "send less text or a lower max_tokens, or raise the key's limit under /keys",
            headers={**headers, **_DO_NOT_RETRY},
        )
    limit = f"{ceilings.requests} requests"
    if reading.verdict is Verdict.TOO_MANY_TOKENS:
        limit = f"{ceilings.tokens} tokens"
    seconds = _seconds(reading.wait_ms)
    return RateLimitedError(
        f"this key is limited to {limit} a minute; try again in {seconds} s, or raise the limit under /keys",
        headers={**headers, "retry-after": str(seconds)},
    )


def unknown_balance() -> AcronError:
    return OverloadedError(
        "what this key has spent cannot be told just now, and it has a budget; try again shortly",
        headers={"retry-after": "1"},
    )


def rate_headers(reading: Reading, ceilings: Ceilings, now_ms: int) -> dict[str, str]:
    """OpenAI's `x-ratelimit-...`, for the limits that there are."""
    headers: dict[str, str] = {}
    for name, limit, used, latest in (
        ("requests", ceilings.requests, reading.requests, reading.requests_slice),
        ("tokens", ceilings.tokens, reading.tokens, reading.tokens_slice),
    ):
        if limit is not None:
            reset_ms = free_at_ms(latest) - now_ms if latest >= 0 else 0
            headers[f"x-ratelimit-limit-{name}"] = str(limit)
            headers[f"x-ratelimit-remaining-{name}"] = str(max(0, limit - used))
            headers[f"x-ratelimit-reset-{name}"] = _span(_seconds(reset_ms))
    return headers


def _span(all_seconds: int) -> str:
    minutes, seconds = divmod(all_seconds, 60)
    return f"{minutes}m{seconds}s" if minutes else f"{seconds}s"


def _budget(reading: Reading, taking: Taking, ceilings: Ceilings) -> str:
    limit = _usd(ceilings.budget_nano or 0)
    held = f", {_usd(reading.held_nano)} are held for calls under way" if reading.held_nano else ""
    return (
        f"the budget of this key does not cover this call: {_usd(reading.spent_nano)} of {limit} are spent in "
        f"{month_of(taking.now_ms):%B %Y}{held}, and this call may cost up to {_usd(taking.nano)}; send a lower "
        f"max_tokens, wait for {next_month(taking.now_ms):%Y-%m-%d} (UTC), or raise the budget under /keys"
    )


def _usd(nano: int) -> str:
    return f"${money.to_text(dollars(nano))}"


def _seconds(milliseconds: int) -> int:
    return max(0, -(-milliseconds // 1000))
