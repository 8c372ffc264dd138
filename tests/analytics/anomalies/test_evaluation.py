"""The measure of alarms counts what it injected."""

from analytics.anomalies import evaluation
from analytics.forecasting import generated
from analytics.forecasting.evaluation import Named
from analytics.forecasting.series import Series


def test_larger_anomalies_are_found_more_often_and_ordinary_days_seldom_alarm():
    (row,) = evaluation.rows([Named("weekly", generated.days("weekly", count=180, seed=5))], seed=5)

    small, double, triple, fallen = row.found
    assert small <= double <= triple
    assert triple >= 0.9 * row.injected
    assert fallen >= 0.9 * row.injected
    assert row.alarms is not None
    assert row.alarms <= 0.02 * row.judged


def test_a_series_that_is_too_short_is_not_counted():
    short = Series(generated.START, generated.days("weekly", count=1, seed=1).step, (1.0,) * 20)

    (row,) = evaluation.rows([Named("short", short)], seed=5)

    assert (row.alarms, row.injected, row.found) == (None, 0, ())
