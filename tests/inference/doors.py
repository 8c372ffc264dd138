"""A door of small real parts, the keys that it knows, and what nobody should send to it."""

import random
from typing import Any

import orjson

from accounts.principal import Principal
from accounts.scopes import Scope
from acron_site.lib.errors import InvalidApiKeyError
from inference.domain import RoutingMode
from inference.door import Door
from inference.stored_responses import StoredResponses
from inference.wire import models
from inference.wire.addresses import Proxies
from tests.inference.kit import ADA, MALLORY, Kit

READER = Principal(ADA.organization_id, frozenset({Scope.ANALYTICS}))
CHAT = {"model": "mock-small", "messages": [{"role": "user", "content": "What is the capital of France?"}]}
MAX_BODY = 10_000


class Keys:
    """Three keys everybody knows."""

    known = {"ada": ADA, "mallory": MALLORY, "reader": READER}

    def cached(self, token: str) -> Principal | None:
        return self.known.get(token)

    async def identify(self, token: str | None, address: str | None = None) -> Principal:
        raise InvalidApiKeyError("this key is not known; create one under /keys")


def make_door(
    kit: Kit,
    stored: StoredResponses | None = None,
    *,
    keys: Any = None,
    trusted: str = "127.0.0.1",
    max_body_bytes: int = MAX_BODY,
    max_in_flight_bytes: int = 100_000_000,
    keep_alive_seconds: float = 15.0,
) -> Door:
    return Door(
        gateway=kit.gateway,
        conductor=kit.conductor,
        keys=keys or Keys(),  # type: ignore[arg-type]
        models=lambda principal: models.listing(
            kit.catalog, principal.rules.models if principal.rules else frozenset()
        ),
        counter=kit.counter,
        stored=stored or StoredResponses(lambda principal: None),
        proxies=Proxies(trusted),
        default_mode=RoutingMode.AUTOPILOT,
        max_body_bytes=max_body_bytes,
        max_in_flight=10,
        max_in_flight_bytes=max_in_flight_bytes,
        keep_alive_seconds=keep_alive_seconds,
    )


def key(name: str = "ada", **more: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {name}", "Content-Type": "application/json", **more}


def hostile_bodies() -> list[bytes]:
    """500 bodies: every prefix-cut, wrong type and odd byte that comes to mind, the same in each run."""
    dice = random.Random(500)
    good = orjson.dumps(
        {**CHAT, "temperature": 0, "stream": False, "n": 1, "stop": ["x"], "acron": {"tags": {"a": "b"}}}
    )
    bodies = [good[:cut] for cut in range(0, len(good), 2)]
    odd: list[Any] = [
        None,
        7,
        -1,
        1.5,
        "x",
        [],
        {},
        True,
        [[]],
        {"a": None},
        "\x00",
        2**63,
        -(2**63),
        ["x", 5],
        {"type": 5},
    ]
    for field in ("model", "messages", "temperature", "stream", "n", "max_tokens", "acron", "response_format"):
        bodies += [orjson.dumps({**CHAT, field: value}) for value in odd]
    for value in odd:
        bodies += [
            orjson.dumps({**CHAT, "messages": [value]}),
            orjson.dumps({**CHAT, "messages": [{"role": "user", "content": value}]}),
            orjson.dumps({**CHAT, "messages": [{"role": value, "content": "x"}]}),
            orjson.dumps({**CHAT, "messages": [{"role": "user", "content": [{"type": "text", "text": value}]}]}),
            orjson.dumps({**CHAT, "acron": {"cache": value}}),
        ]
    bodies += [b"[" * 5000, b'{"a":' * 1000 + b"1" + b"}" * 1000, b'{"model":"m","messages":[],"x":1e400}']
    bodies += [b'"\\ud800"', b"\xff\xfe\x00", b"\x00" * 50, b"NaN", b"null", b"true", b"[]", b'"text"', b"{}", b" "]
    nested = b'{"model":"mock-small","messages":[{"role":"user","content":"x"}],"y":' + b"[" * 400 + b"]" * 400 + b"}"
    bodies.append(nested)
    while len(bodies) < 500:
        mutated = bytearray(good)
        for _ in range(dice.randint(1, 4)):
            mutated[dice.randrange(len(mutated))] = dice.randrange(256)
        bodies.append(bytes(mutated))
    return bodies
