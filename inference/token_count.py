"""Counts the tokens of a Messages request, without asking for an answer."""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from accounts.principal import Principal
from inference import tokenizer
from inference.allowances import Allowances
from inference.catalog import Model
from inference.domain import Ask
from inference.pipeline import Presence
from inference.providers.base import Provider
from inference.providers.messages_native import MessagesDialect
from inference.routing.router import Router
from inference.targets import Target

_REFUSED = 300  # redirects are not followed, so they are no answer either


class TokenCounter:
    """Asks Anthropic for its own models, which is free there; counts here for all others.

    A count is a request as far as limits are concerned, and no row of the ledger.
    """

    def __init__(
        self, *, router: Router, targets: Callable[[Model, Principal], Sequence[Target]], allowances: Allowances
    ) -> None:
        self._router, self._targets, self._allowances = router, targets, allowances

    async def count(self, principal: Principal, ask: Ask, presence: Presence) -> tuple[Mapping[str, str] | None, int]:
        """How the key's limits stand, and the count. Raises an AcronError that is fit to be shown to the caller."""
        model = self._router.serving(principal).resolve(ask)
        entry = None if principal.rules is None else self._allowances.enter(principal)
        limits = None if entry is None else await self._allowances.admit(entry)
        presence.watch()
        if model is not None and model.is_available:
            target = self._targets(model, principal)[0]
            dialect = target.provider.dialect(ask.format)
            if isinstance(dialect, MessagesDialect):
                return limits, await _asked(target.provider, dialect, ask, target.model)
        return limits, await asyncio.to_thread(tokenizer.count, ask.body)


async def _asked(provider: Provider, dialect: MessagesDialect, ask: Ask, model: Model) -> int:
    reply = await provider.transport.send(dialect.count_call(ask, model))
    try:
        body = await reply.read()
        if reply.status >= _REFUSED:
            raise dialect.refusal(reply.status, reply.headers, body)
        return dialect.counted(body)
    finally:
        reply.close()
