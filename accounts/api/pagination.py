"""How lists are asked for in parts: `limit` and `after`, answered as `data`, `has_more` and `next`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from acron_site.lib.errors import InvalidRequestError

DEFAULT_LIMIT, MAX_LIMIT = 50, 1_000

PARAMETERS = [
    OpenApiParameter("limit", OpenApiTypes.INT, description=f"1 to {MAX_LIMIT}, else {DEFAULT_LIMIT}"),
    OpenApiParameter("after", OpenApiTypes.UUID, description="`next` of the part before"),
]


class Listed(Protocol):
    @property
    def id(self) -> UUID: ...


Row = TypeVar("Row", bound=Listed)


@dataclass(frozen=True, slots=True)
class Part:
    """Which part of a list is wanted."""

    limit: int
    after: UUID | None


def asked(request: Request) -> Part:
    """Raises InvalidRequestError, which says what may be asked."""
    return Part(_limit(request.query_params.get("limit")), _after(request.query_params.get("after")))


def document(rows: Sequence[Row], part: Part, to_json: Callable[[Row], Any]) -> dict[str, Any]:
    """`rows` were read with one more than the limit: its being there says that there is more."""
    shown = rows[: part.limit]
    has_more = len(rows) > part.limit
    return {
        "data": [to_json(row) for row in shown],
        "has_more": has_more,
        "next": str(shown[-1].id) if has_more else None,
    }


def _limit(text: str | None) -> int:
    if text is None:
        return DEFAULT_LIMIT
    if text.isascii() and text.isdigit() and len(text) < 9 and 1 <= int(text) <= MAX_LIMIT:  # noqa: PLR2004
        return int(text)
    raise InvalidRequestError(f"limit must be a whole number from 1 to {MAX_LIMIT}", param="limit")


def _after(text: str | None) -> UUID | None:
    if text is None:
        return None
    try:
        return UUID(text)
    except ValueError:
        raise InvalidRequestError(
            "after must be the `next` of the part before; leave it out for the beginning", param="after"
        ) from None
