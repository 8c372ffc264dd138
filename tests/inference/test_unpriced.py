"""A missing price is told once for each model."""

import logging

from inference.unpriced import UnpricedAlerts


def test_each_model_is_told_once_and_with_the_price_that_is_missing(caplog):
    alerts = UnpricedAlerts()

    with caplog.at_level(logging.WARNING):
        for model in ("new-model", "other", "new-model"):
            alerts(model, "no price for output (standard)")

    assert [(record.getMessage(), record.__dict__["model"]) for record in caplog.records] == [
        ("pricing.unpriced", "new-model"),
        ("pricing.unpriced", "other"),
    ]
    assert caplog.records[0].__dict__["reason"] == "no price for output (standard)"


def test_names_that_a_provider_invents_do_not_fill_the_log(caplog):
    alerts = UnpricedAlerts()

    for number in range(1_000):
        alerts(f"model-{number}", "no price")

    assert len(caplog.records) == 500
