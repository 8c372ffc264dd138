"""What a key may be used for."""

from enum import StrEnum


class Scope(StrEnum):
    INFER = "infer"
    ANALYTICS = "analytics"
    ADMIN = "admin"
    ALL = "all"


# a key with one of these may do everything (contract, section 3: `admin` holds everything)
HOLDS_EVERYTHING = frozenset({Scope.ADMIN, Scope.ALL})
