"""A key at an API in OpenAI's manner: what goes with each call, and how its refusals are told."""

from collections.abc import Mapping
from typing import Any

import orjson

from acron_site.lib.errors import AcronError, InvalidRequestError
from inference.domain import Ask
from inference.providers.base import Call
from inference.providers.refusals import Refusals


class OpenAIAccess:
    """What the dialects for one key share.

    `name` is shown in errors, `key_name` is the variable the operator keeps the key in; `geography` is "us"
    or "eu" where the provider charges for it. `is_own_key`: the key is the calling organization's.
    """

    def __init__(
        self,
        *,
        api_key: str,
        name: str = "openai",
        key_name: str = "OPENAI_API_KEY",
        geography: str = "",
        is_own_key: bool = False,
    ) -> None:
        self._headers = {"Content-Type": "application/json"}
        if api_key:  # a local server may want none
            self._headers["Authorization"] = f"Bearer {api_key}"
        self._name = name
        self._geography = geography
        self._is_own_key = is_own_key
        self._refusals = Refusals(name, key_name, is_own_key=is_own_key)

    def refusal(self, status: int, headers: Mapping[str, str], body: bytes) -> AcronError:
        return self._refusals.error(status, headers, body)

    def _post(self, url: str, body: Mapping[str, Any], ask: Ask, *, dropped: tuple[str, ...] = ()) -> Call:
        try:
            encoded = orjson.dumps(body)
        except TypeError as error:  # orjson's own error is one
            raise InvalidRequestError(f"the request cannot be written as JSON: {error}") from None
        headers = {**self._headers, **ask.passed_headers} if ask.passed_headers else self._headers
        return Call(url=url, headers=headers, body=encoded, stream=ask.stream, dropped=dropped)
