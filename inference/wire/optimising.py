"""Reads `optimise`, by which a caller has a conversation shortened before it is sent on."""

from collections.abc import Mapping, Sequence
from typing import Any

from acron_site.lib.errors import InvalidRequestError
from inference.optimising.optimiser import Optimised, optimised
from inference.wire import fields

FIELD = "optimise"
_BUDGET = "budget_tokens"
_MOST_TOKENS = 100_000_000


def shortened(own: Mapping[str, Any], messages: Sequence[Mapping[str, Any]], *, path: str = "") -> Optimised | None:
    """None where it is not asked for. Raises InvalidRequestError."""
    wanted = own.get(FIELD)
    if wanted is None or wanted is False:
        return None
    if wanted is True:
        return optimised(messages)
    name = path + FIELD
    if not isinstance(wanted, dict):
        raise InvalidRequestError(f"{name} must be true, false or an object with {_BUDGET}", param=name)
    fields.refuse_unknown(wanted, {_BUDGET}, path=f"{name}.")
    return optimised(messages, fields.whole_number(wanted, _BUDGET, 1, _MOST_TOKENS, path=f"{name}."))
