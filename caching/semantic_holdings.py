"""Where questions and answers of tier 2 lie sealed, for the rotation of encryption keys."""

from functools import partial

from accounts.resealing import SealedRows
from caching.backends.sealed_entries import place_of
from caching.models import SemanticEntry


class ForgettableRows(SealedRows):
    """One that does not open is a miss."""

    is_lasting = False


def sealed_rows() -> list[ForgettableRows]:
    return [
        ForgettableRows(
            f"semantic {column}s", SemanticEntry.all_organizations.all, partial(_place, column), column=column
        )
        for column in ("question", "answer")
    ]


def _place(column: str, row: SemanticEntry) -> bytes:
    return place_of(row.organization_id, row.pk, column)
