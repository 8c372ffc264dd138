"""The book holds every price with its dates, and nothing in it is ever rewritten."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, IntegrityError, transaction

from acron_site import diagnosis
from acron_site.diagnosis import Verdict
from acron_site.lib.errors import ConflictError
from inference import price_book
from inference.models import PriceEntry
from inference.price_book import Offer
from tests.inference.test_price_changes import sheet

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
LATER = NOON + timedelta(days=1)


def offer(**sheets: Any) -> Offer:
    return Offer(sheets, dict.fromkeys(sheets, "openai"))


def test_an_import_is_seen_before_it_is_made_and_then_holds():
    wanted = offer(sol=sheet())

    assert [str(change.kind) for change in price_book.differences(wanted, NOON).changes] == ["added"]
    assert price_book.holding(NOON) == {}
    price_book.take_in(wanted, NOON, note="first")

    assert price_book.holding(NOON) == {"sol": sheet()}
    assert price_book.holding(NOON - timedelta(seconds=1)) == {}
    assert not price_book.differences(wanted, NOON)
    assert PriceEntry.objects.get().note == "first"


def test_a_new_price_closes_the_old_one_and_both_can_be_found():
    price_book.take_in(offer(sol=sheet(), gone=sheet("1")), NOON)

    price_book.take_in(offer(sol=sheet("3")), LATER)

    assert price_book.holding(NOON) == {"sol": sheet(), "gone": sheet("1")}
    assert price_book.holding(LATER) == {"sol": sheet("3")}
    assert price_book.sheet_of_version("sol", sheet().version) == sheet()
    assert price_book.sheet_of_version("sol", sheet("3").version) == sheet("3")
    assert price_book.sheet_of_version("sol", "2020-01-01.unknown") is None
    assert price_book.versions()["sol"] == {sheet().version, sheet("3").version}


def test_what_agrees_is_left_alone_and_a_price_may_come_back():
    for number, into in enumerate(["2", "2", "3", "2"]):
        price_book.take_in(offer(sol=sheet(into)), NOON + timedelta(days=number))

    entries = PriceEntry.objects.order_by("valid_from").values_list("version", "valid_from", "valid_to")
    assert list(entries) == [
        (sheet("2").version, NOON, NOON + timedelta(days=2)),
        (sheet("3").version, NOON + timedelta(days=2), NOON + timedelta(days=3)),
        (sheet("2").version, NOON + timedelta(days=3), None),
    ]


def test_a_part_of_the_models_leaves_the_others_open():
    price_book.take_in(offer(sol=sheet(), luna=sheet("1")), NOON)

    price_book.take_in(Offer({"sol": sheet("3")}, {"sol": "openai"}, is_complete=False), LATER)

    assert price_book.holding(LATER) == {"sol": sheet("3"), "luna": sheet("1")}


@pytest.mark.parametrize("moment", [NOON, NOON - timedelta(days=1)])
def test_history_is_not_rewritten_by_an_earlier_import(moment):
    price_book.take_in(offer(sol=sheet(), luna=sheet()), NOON)

    with pytest.raises(ConflictError, match="correct_prices"):
        price_book.take_in(offer(sol=sheet("3"), luna=sheet()), moment)

    assert price_book.holding(NOON) == {"sol": sheet(), "luna": sheet()}


@pytest.mark.parametrize(
    "act",
    [
        lambda entry: PriceEntry.objects.update(version="other"),
        lambda entry: PriceEntry.objects.update(valid_from=NOON - timedelta(days=1)),
        lambda entry: PriceEntry.objects.update(valid_to=LATER, note="and more"),
        lambda entry: entry.delete(),
    ],
)
def test_the_database_refuses_every_other_change(act):
    price_book.take_in(offer(sol=sheet()), NOON)

    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        act(PriceEntry.objects.get())


def test_a_closed_entry_cannot_be_opened_or_moved():
    price_book.take_in(offer(sol=sheet()), NOON)
    price_book.take_in(offer(sol=sheet("3")), LATER)

    for end in (None, LATER - timedelta(hours=1)):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            PriceEntry.objects.filter(valid_to=LATER).update(valid_to=end)


@pytest.mark.parametrize(("since", "until"), [(NOON, None), (NOON - timedelta(days=1), LATER), (LATER, LATER)])
def test_the_database_refuses_entries_that_overlap_or_end_before_they_begin(since, until):
    price_book.take_in(offer(sol=sheet()), NOON)

    with pytest.raises(IntegrityError), transaction.atomic():
        PriceEntry.objects.create(
            provider="openai", model="sol", sheet={}, version="v", as_of=NOON.date(), valid_from=since, valid_to=until
        )


def models_file(folder: Path, into: str) -> str:
    path = folder / "models.yaml"
    path.write_text(
        "providers: {ours: {kind: openai-compatible, base_url: https://ours.test}}\n"
        "models:\n"
        "  sol:\n"
        "    provider: ours\n"
        f"    prices: {{source: us, as_of: 2026-11-27, standard: {{input: {into}, output: 1}}}}\n"
        "  free: {provider: ours}\n"
    )
    return str(path)


def imported(*arguments: str) -> tuple[str, int]:
    out, code = StringIO(), 0
    try:
        call_command("import_prices", *arguments, stdout=out)
    except SystemExit as end:
        code = int(end.code or 0)
    return out.getvalue(), code


def test_the_command_shows_first_and_takes_in_when_told(tmp_path):
    file = models_file(tmp_path, "2")

    shown, code = imported("--file", file)
    assert shown.splitlines() == [
        "added sol: standard.input 2, standard.output 1 (7 figures)",
        "0 unchanged, 1 to take in: repeat with --apply",
    ]
    assert (code, PriceEntry.objects.count()) == (1, 0)

    assert imported("--file", file, "--apply", "--valid-from", "2026-11-01")[1] == 0
    assert PriceEntry.objects.get().valid_from == datetime(2026, 11, 1, tzinfo=UTC)
    assert imported("--file", file) == ("1 unchanged, no difference\n", 0)


def test_the_command_says_changes_as_json(tmp_path):
    imported("--file", models_file(tmp_path, "2"), "--apply")

    shown, code = imported("--file", models_file(tmp_path, "2.5"), "--json")

    (change,) = json.loads(shown)["changes"]
    assert (code, change["model"], change["kind"]) == (1, "sol", "changed")
    assert change["figures"][0] == {"place": "standard.input", "old": "2", "new": "2.5"}


def test_litellms_table_is_compared_with_the_book_and_its_other_models_are_left_alone(tmp_path):
    file = models_file(tmp_path, "2")
    imported("--file", file, "--apply", "--valid-from", "2026-11-01")
    table = tmp_path / "litellm.json"
    table.write_text('{"sol": {"input_cost_per_token": 2.5e-06}, "stranger": {"input_cost_per_token": 1}}')

    shown, code = imported("--file", file, "--litellm", str(table), "--apply")

    assert "standard.input 2 -> 2.5" in next(line for line in shown.splitlines() if "changed sol:" in line)
    assert (code, PriceEntry.objects.count()) == (0, 2)
    assert price_book.holding(datetime.now(UTC))["sol"].rates["standard"].input == Decimal("0.0000025")
    assert imported("--file", file, "--litellm", str(table)) == ("1 unchanged, no difference\n", 0)


def test_a_file_that_is_wrong_is_refused_with_its_place(tmp_path):
    with pytest.raises(CommandError, match="models sol: prices: standard: input"):
        imported("--file", models_file(tmp_path, "-2"))
    with pytest.raises(CommandError, match="is no moment"):
        imported("--file", models_file(tmp_path, "2"), "--valid-from", "yesterday")


def test_the_doctor_says_when_the_book_does_not_hold_the_running_prices():
    before = diagnosis._price_book()
    imported("--apply")

    assert (before.verdict, "manage.py import_prices" in before.fix) == (Verdict.WARNING, True)
    assert diagnosis._price_book().verdict is Verdict.OK
