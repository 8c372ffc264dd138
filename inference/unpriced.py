"""Says once per model, for each process, that a price is missing."""

import logging

logger = logging.getLogger(__name__)

_MOST_NAMES = 500  # a provider chooses some of them


class UnpricedAlerts:
    """An `accounting.Alert` that writes to the log. Every such row is counted by the ledger (`unpriced`)."""

    def __init__(self) -> None:
        self._told: set[str] = set()

    def __call__(self, model: str, reason: str) -> None:
        if model in self._told or len(self._told) >= _MOST_NAMES:
            return
        self._told.add(model)
        logger.warning("pricing.unpriced", extra={"model": model, "reason": reason})
