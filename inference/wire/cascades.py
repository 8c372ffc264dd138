"""Reads `cascade`: true, or an object that says how a cheap answer is verified and who is asked."""

from collections.abc import Mapping
from typing import Any

from acron_site.lib.errors import InvalidRequestError
from inference.domain import Cascade, Verify
from inference.wire import fields

_FIELDS = frozenset({"verify", "models", "strong", "judge"})
_MOST_MODELS = 2


def parse(source: Mapping[str, Any], *, path: str = "") -> Cascade | None:
    """None where none is wished. Raises InvalidRequestError."""
    value = source.get("cascade")
    if value is None or value is False:
        return None
    if value is True:
        return Cascade()
    if not isinstance(value, dict):
        raise InvalidRequestError(f"'{path}cascade' must be true, false or an object", param=f"{path}cascade")
    inside = f"{path}cascade."
    fields.refuse_unknown(value, _FIELDS, path=inside)
    verify = fields.choice(value, "verify", [each.value for each in Verify], path=inside)
    cascade = Cascade(
        verify=Verify(verify) if verify else Verify.AGREEMENT,
        models=fields.names(value, "models", most=_MOST_MODELS, path=inside),
        strong=fields.text(value, "strong", path=inside),
        judge=fields.text(value, "judge", path=inside),
    )
    _require_fitting(cascade, inside)
    return cascade


def _require_fitting(cascade: Cascade, inside: str) -> None:
    wanted = 2 if cascade.verify is Verify.AGREEMENT else 1
    if cascade.models and len(set(cascade.models)) != wanted:
        raise InvalidRequestError(
            f"'{inside}models' must name {wanted} different model{'s' if wanted > 1 else ''} "
            f"where answers are verified by {cascade.verify}",
            param=f"{inside}models",
        )
    if cascade.judge and cascade.verify is not Verify.JUDGE:
        raise InvalidRequestError(
            f"'{inside}judge' is asked where '{inside}verify' is \"judge\"; say so, or leave it out",
            param=f"{inside}judge",
        )
