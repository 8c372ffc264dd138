"""What may be asked for when a key is made: each wish checked and brought into one spelling."""

import re
from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from accounts import networks
from accounts.principal import KeyRules
from acron_site.lib.errors import InvalidRequestError, UnknownModelError

LONGEST_NAME = 100
LONGEST_LIFE = timedelta(days=3653)  # ten years
SHORTEST_OVERLAP, LONGEST_OVERLAP = timedelta(0), timedelta(days=30)
MOST_MODELS = 100
LARGEST_RATE = 2_147_483_647  # kept as an integer of 32 bits
LARGEST_BUDGET_USD = Decimal("9999999999.9999")
BUDGET_DECIMALS = 4

_MODEL = re.compile(r"[A-Za-z0-9._:/-]{1,200}")


def checked_name(text: str) -> str:
    name = text.strip()
    if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable():
        raise InvalidRequestError(
            f"a key's name takes 1 to {LONGEST_NAME} printable characters; name it after what will use it",
            param="name",
        )
    return name


def checked_expiry(expires_at: datetime | None, now: datetime) -> datetime | None:
    if expires_at is None:
        return None
    if expires_at.tzinfo is None:
        raise InvalidRequestError("expires_at needs a time zone, like 2030-01-31T00:00:00Z", param="expires_at")
    if not now < expires_at <= now + LONGEST_LIFE:
        raise InvalidRequestError(
            "expires_at must lie in the future and within ten years; leave it out for a key without an end",
            param="expires_at",
        )
    return expires_at.astimezone(UTC)


def checked_overlap(overlap: timedelta) -> timedelta:
    if not SHORTEST_OVERLAP <= overlap <= LONGEST_OVERLAP:
        raise InvalidRequestError(
            f"the old key may go on working for 0 to {LONGEST_OVERLAP // timedelta(seconds=1)} seconds, "
            f"which are {LONGEST_OVERLAP.days} days",
            param="overlap_seconds",
        )
    return overlap


def checked(rules: KeyRules, knows_model: Callable[[str], bool] | None = None) -> KeyRules:
    """Raises InvalidRequestError, which names the field. `knows_model` says whether there is a model of that name."""
    return replace(
        rules,
        networks=networks.checked(rules.networks),
        models=_checked_models(rules.models, knows_model),
        requests_per_minute=_checked_rate("requests_per_minute", rules.requests_per_minute),
        tokens_per_minute=_checked_rate("tokens_per_minute", rules.tokens_per_minute),
        monthly_budget_usd=_checked_budget(rules.monthly_budget_usd),
    )


def _checked_models(models: Collection[str], knows_model: Callable[[str], bool] | None) -> frozenset[str]:
    names = frozenset(name for text in models if (name := text.strip()))
    if len(names) > MOST_MODELS:
        raise InvalidRequestError(
            f"a key takes {MOST_MODELS} models at most, these are {len(names)}; leave the list empty to allow all",
            param="allowed_models",
        )
    for name in sorted(names):
        if not _MODEL.fullmatch(name):
            raise InvalidRequestError(
                f"{name[:200]!r} is no model's name; take the names from GET /models", param="allowed_models"
            )
        if knows_model is not None and not knows_model(name):
            raise UnknownModelError(
                f"there is no model called {name!r}; take the names from GET /models", param="allowed_models"
            )
    return names


def _checked_rate(field: str, rate: int | None) -> int | None:
    if rate is not None and not 1 <= rate <= LARGEST_RATE:
        raise InvalidRequestError(
            f"{field} must be a whole number from 1 to {LARGEST_RATE}; leave it out for no limit", param=field
        )
    return rate


def _checked_budget(budget: Decimal | None) -> Decimal | None:
    if budget is None:
        return None
    is_amount = budget.is_finite() and 0 < budget <= LARGEST_BUDGET_USD
    if not is_amount or budget != round(budget, BUDGET_DECIMALS):
        raise InvalidRequestError(
            f"monthly_budget_usd must be an amount above 0 with at most {BUDGET_DECIMALS} decimals, like 25 or 0.5; "
            "leave it out for no limit",
            param="monthly_budget_usd",
        )
    return budget
