"""Books what embeddings cost at a provider: as overhead of the request for whose sake they were made."""

from contextvars import ContextVar

from acron_site.lib.errors import UnknownModelError
from analytics.events import Ledger, TokenCounts
from caching.embedders.remote import Billed
from inference import facts
from inference.accounting import Accountant
from inference.catalog import Catalog
from inference.domain import Usage
from inference.facts import Visit

# an embedder is told the text alone; it calls back in the task of whoever asked it
on_behalf_of: ContextVar[Visit | None] = ContextVar("on_behalf_of", default=None)


class EmbeddingCosts:
    def __init__(self, catalog: Catalog, accountant: Accountant, ledger: Ledger) -> None:
        self._catalog, self._accountant, self._ledger = catalog, accountant, ledger

    def book(self, billed: Billed) -> None:
        visit = on_behalf_of.get()
        if visit is None:
            return
        usage = Usage(tokens=TokenCounts(input=billed.input_tokens))
        try:
            model = self._catalog.find(billed.model)
        except UnknownModelError:
            return
        bill = self._accountant.overhead(model, usage)
        self._ledger.record(facts.of_overhead(visit, model, usage, bill, reason="embedding"))
