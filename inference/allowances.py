"""What a key is held to, in the words of the gateway: models, requests, tokens and money."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import lru_cache

from accounts.limits.balances import Reservation
from accounts.limits.domain import Ceilings, Standing, Subject, ceilings_of
from accounts.limits.limiter import Entry, Limiter
from accounts.principal import KeyRules, Principal
from acron_site.lib.errors import AcronError
from acron_site.lib.money import ZERO
from inference import worst_case
from inference.catalog import Model
from inference.domain import Ask
from inference.fallback_price import NONE, FallbackPrice
from inference.providers.base import Call


class UnpricedModelError(AcronError):
    status, code, type = 403, "model_not_priced", "permission_error"


@dataclass(frozen=True, slots=True)
class Grant:
    """Leave to make one call. `headers` tell how the limits stand; `reservation` is to be settled, if there is one."""

    headers: Mapping[str, str] = field(default_factory=dict)
    reservation: Reservation | None = None


FREE = Grant()

_Held = tuple[Subject, Ceilings]
_MOST_REMEMBERED = 4096


class Allowances:
    """The limits of keys that have rules; for others it is not asked."""

    def __init__(self, limiter: Limiter, fallback: FallbackPrice = NONE) -> None:
        self._limiter, self._fallback = limiter, fallback
        # by identity: comparing rules and hashing ids for each request would cost more than all the rest of this.
        # Each is held here, so that nobody else gets its identity meanwhile
        self._remembered: dict[int, tuple[Principal, _Held | None]] = {}

    def enter(self, principal: Principal) -> Entry | None:
        """Begins to count a request, at the same time as the cache is asked."""
        held = self._held(principal)
        return self._limiter.enter(*held) if held is not None and held[1].is_rate_limited else None

    async def admit(self, entry: Entry) -> Mapping[str, str]:
        return await self._limiter.admit(entry)

    def fitted(self, principal: Principal, ask: Ask, model: Model) -> Ask:
        """The ask as it is sent: a key with a budget gets no answer of unlimited length."""
        held = self._held(principal)
        return worst_case.limited(ask, model) if held is not None and held[1].budget_nano is not None else ask

    async def grant(self, principal: Principal, ask: Ask, model: Model, call: Call) -> Grant:
        """Holds what the call may use. Raises the refusals of accounts.limits, or UnpricedModelError."""
        held = self._held(principal)
        if held is None:
            return FREE
        subject, ceilings = held
        if ceilings.tokens is None and ceilings.budget_nano is None:
            return FREE
        reservation, headers = await self._limiter.reserve(
            subject,
            ceilings,
            tokens=worst_case.tokens(ask),
            cost_usd=ZERO if ceilings.budget_nano is None else self._most(ask, model, call),
        )
        return Grant(headers, reservation)

    async def standing(self, principal: Principal) -> Standing | None:
        """None for callers without a key."""
        held = _held(principal if principal.rules is not None else replace(principal, rules=KeyRules()))
        return None if held is None else await self._limiter.standing(*held)

    def _most(self, ask: Ask, model: Model, call: Call) -> Decimal:
        sent_bytes = len(call.body)
        cost = worst_case.cost(ask, model, sent_bytes=sent_bytes)
        if cost is None:
            cost = worst_case.fallback_cost(ask, model, self._fallback, sent_bytes=sent_bytes)
        if cost is None:
            raise UnpricedModelError(
                f"no price is known for {model.name}, so a key with a budget cannot use it; "
                "choose another model, or add its price to the models file",
                param="model",
            )
        return cost

    def _held(self, principal: Principal) -> _Held | None:
        """The key directory hands out the same principal for as long as it remembers a key."""
        known = self._remembered.get(id(principal))
        if known is None:
            if len(self._remembered) >= _MOST_REMEMBERED:
                self._remembered.clear()
            known = self._remembered[id(principal)] = (principal, _held(principal))
        return known[1]


def _held(principal: Principal) -> _Held | None:
    if principal.rules is None or principal.limits_id is None:
        return None
    subject = Subject(principal.organization_id, "key", principal.limits_id)
    return subject, _ceilings(principal.rules, principal.is_test)


@lru_cache(maxsize=4096)
def _ceilings(rules: KeyRules, is_test: bool) -> Ceilings:
    ceilings = ceilings_of(rules)
    return replace(ceilings, budget_nano=None) if is_test else ceilings  # test keys cost nothing
