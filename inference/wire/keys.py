"""Writes `GET /v1/key`: what the key that asks may do, and how its limits stand."""

from decimal import Decimal

import orjson

from accounts.limits.domain import Standing
from accounts.principal import KeyRules, Principal
from acron_site.lib import money

_UNLIMITED = KeyRules()


def write(principal: Principal, standing: Standing | None) -> bytes:
    """Limits are null where there are none, spend where it is not known just now."""
    rules = principal.rules or _UNLIMITED
    return orjson.dumps(
        {
            "object": "key",
            "id": principal.key_id,
            "organization_id": principal.organization_id,
            "mode": "test" if principal.is_test else "live",
            "scopes": sorted(principal.scopes),
            "limits": {
                "networks": rules.networks or None,
                "models": sorted(rules.models) or None,
                "requests_per_minute": rules.requests_per_minute,
                "tokens_per_minute": rules.tokens_per_minute,
                "monthly_budget_usd": _amount(rules.monthly_budget_usd),
            },
            "remaining": {
                "requests_this_minute": standing.requests_remaining if standing else None,
                "tokens_this_minute": standing.tokens_remaining if standing else None,
            },
            "spend": {
                "this_month_usd": _amount(standing.spent_usd) if standing else None,
                "held_usd": _amount(standing.held_usd) if standing else None,
            },
        }
    )


def _amount(amount: Decimal | None) -> str | None:
    return None if amount is None else money.to_text(amount)
