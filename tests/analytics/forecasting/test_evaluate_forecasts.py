"""The command prints how good forecasts and alarms are, on files and on generated series."""

import gzip
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from analytics.forecasting import evaluation, generated


@pytest.fixture
def daily(tmp_path: Path) -> Path:
    lines = [f"{day},{value}" for day, value in enumerate(generated.days("weekly", count=61, seed=1).values)]
    path = tmp_path / "calls_daily.csv.gz"
    path.write_bytes(gzip.compress("\n".join(["day,requests", *lines]).encode()))
    return path


def test_a_file_of_days_stands_first_with_its_figures(daily):
    out = StringIO()

    call_command("evaluate_forecasts", "--daily", str(daily), "--seed", "1", "--recorded-only", stdout=out)

    head, forecast, _blank, _head, alarms = out.getvalue().splitlines()
    assert "WAPE" in head
    assert forecast.startswith("calls_daily requests")
    assert forecast.count("%") == 6
    assert alarms.startswith("calls_daily requests")


def test_days_that_are_not_in_a_file_are_gaps_and_minutes_were_quiet(tmp_path):
    (tmp_path / "d.csv").write_text("day,cost\n0,5\n2,7\n")
    (tmp_path / "m.csv").write_text("minute,rate\n0,1\n1,2\n125,3\n")

    (days,), (hours,) = evaluation.daily(tmp_path / "d.csv"), evaluation.by_minutes(tmp_path / "m.csv")

    assert days.series.values == (5.0, None, 7.0)
    assert hours.series.values == (180.0, 0.0, 180.0)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "day,cost\n",
        "hour,cost\n1,2\n",
        "day,cost\nx,2\n",
        "day,cost\n1,many\n",
        "day,cost\n-1,2\n",
        "day,cost\n1,nan\n",
        "day,cost\n1,2,3\n",
        "day\n1\n",
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path, text):
    path = tmp_path / "wrong.csv"
    path.write_text(text)

    with pytest.raises(CommandError, match=r"wrong\.csv"):
        call_command("evaluate_forecasts", "--daily", str(path))


def test_generated_series_have_the_same_truth_for_the_same_seed():
    assert evaluation.made(3) == evaluation.made(3) != evaluation.made(4)
