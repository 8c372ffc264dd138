"""Has a dialect speak to an organization's own endpoint in place of the provider's."""

from collections.abc import Mapping
from dataclasses import replace

from acron_site.lib.errors import AcronError
from inference.catalog import Model
from inference.domain import Ask, Completion
from inference.providers.base import Call, Dialect, StreamReader


class RedirectedDialect:
    """The models stay the catalogue's, prices included; only where they are asked changes."""

    def __init__(self, dialect: Dialect, base_url: str) -> None:
        self._dialect, self._base_url = dialect, base_url

    def call(self, ask: Ask, model: Model) -> Call:
        return self._dialect.call(ask, replace(model, base_url=self._base_url))

    def completion(self, body: bytes, ask: Ask) -> Completion:
        return self._dialect.completion(body, ask)

    def reader(self, ask: Ask, model: Model) -> StreamReader:
        return self._dialect.reader(ask, model)

    def refusal(self, status: int, headers: Mapping[str, str], body: bytes) -> AcronError:
        return self._dialect.refusal(status, headers, body)
