"""The ACCESS table: who may call which address. A new address gets a line here, or the tests fail.

The gateway's own addresses are served beside Django; `tests/inference` asks them the same questions.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from accounts.rights import Right
from accounts.scopes import Scope


@dataclass(frozen=True)
class Rule:
    """Who may call a method of an address, and a call that succeeds.

    `make` makes what the address names, in the organisation it is given, and returns the address's arguments;
    addresses with arguments must have one, so that a stranger can be sent to them.
    """

    scope: Scope | None = None
    page: Right | bool = False  # a page in the browser: the right it takes, or True for everybody who belongs somewhere
    is_open: bool = False
    is_for_operators: bool = False
    body: Mapping[str, Any] = field(default_factory=dict)
    make: Callable[[Any], Mapping[str, Any]] | None = None


OPEN = Rule(is_open=True)
ANY_KEY = Rule()
PAGE = Rule(page=True)
OPERATORS = Rule(is_for_operators=True)  # and everything below that address
ANALYTICS = Rule(Scope.ANALYTICS)

SIGN_UP = Rule(is_open=True, body={"email": "grace@example.com", "password": "correct horse battery"})
LOG_IN = Rule(is_open=True, body={"email": "ada@example.com", "password": "correct horse battery"})

ACCESS: dict[str, dict[str, Rule]] = {
    "admin/": {"GET": OPERATORS},
    "health": {"GET": OPEN},
    "health/live": {"GET": OPEN},
    "health/ready": {"GET": OPEN},
    "openapi.json": {"GET": OPEN},
    "docs": {"GET": OPEN},
    "auth/signup": {"POST": SIGN_UP},
    "auth/login": {"POST": LOG_IN},
    "auth/logout": {"POST": ANY_KEY},
    "metrics": {"GET": ANALYTICS},
    "analytics/recent-inferences": {"GET": ANALYTICS},
    "models": {"GET": ANALYTICS},
}
