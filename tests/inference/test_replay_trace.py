"""A replayed trace says what the cache saved and whether it was right, and leaves nothing behind."""

import gzip
import json
from dataclasses import replace
from io import StringIO

import pytest
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command

from accounts.models import Organization
from acron_site.lib.errors import InvalidRequestError
from analytics.models import InferenceEvent
from caching.models import SemanticCheck, SemanticEntry, SemanticGate
from inference.replay import performance, tally, trace
from inference.replay.stand_in import Meant
from inference.replay.tally import Move, Tally
from inference.replay.trace import Request

PROVEN = (
    *("France", "Spain", "Italy", "Norway", "Sweden", "Finland", "Poland", "Greece", "Turkey", "Egypt", "Kenya"),
    *("Ghana", "Peru", "Chile", "Brazil", "Japan", "Austria", "Belgium"),
)
LATER = ("Portugal", "Denmark", "Hungary", "Ireland")
MISLABELLED = ("Morocco", "Canada", "Romania", "Bulgaria")


def request(at_seconds, prompt, group, tenant="acme"):
    return Request(at_seconds, tenant, prompt, group, 100, 20)


def pair(at_seconds, country, *, is_same=True):
    """A question, and soon after in other words."""
    again = country if is_same else f"{country} again"
    return [
        request(at_seconds, f"What is the capital of {country}?", country),
        request(at_seconds + 1, f"What's the capital city of {country}?", again),
    ]


def written(requests):
    rows = (
        {
            "t": each.at_seconds,
            "tenant": each.tenant,
            "prompt": each.prompt,
            "group": each.group,
            "in_tokens": each.tokens_input,
            "out_tokens": each.tokens_output,
        }
        for each in requests
    )
    return "\n".join(json.dumps(row) for row in rows)


def a_trace():
    """Proof enough for a tolerance of 20 %, then what may be served, rightly and wrongly, and a stranger."""
    story = [one for place, country in enumerate(PROVEN) for one in pair(place, country)]
    story += [one for place, country in enumerate(LATER) for one in pair(60 + place, country)]
    story += [one for place, country in enumerate(MISLABELLED) for one in pair(70 + place, country, is_same=False)]
    same_words = request(80, "What is the capital of France?", "France")
    return [*story, same_words, replace(same_words, tenant="globex")]


def run(*arguments):
    out = StringIO()
    call_command("replay_trace", *arguments, stdout=out)
    return out.getvalue()


def what_is_left():
    tables = (Organization, InferenceEvent, SemanticEntry, SemanticCheck, SemanticGate)
    return [getattr(table, "all_organizations", table.objects).count() for table in tables]


def test_hits_are_told_right_from_wrong_and_nothing_stays(transactional_db, tmp_path):
    path = tmp_path / "trace.jsonl.gz"
    path.write_bytes(gzip.compress(written(a_trace()).encode()))
    before = what_is_left()

    document = json.loads(run(str(path), "--tolerance", "0.2", "--json"))

    (replay,) = document["replays"]
    assert "composed" in document["about"]
    assert replay["requests"] == len(a_trace())
    assert replay["repeats"] == {"verbatim": 1, "shareable": 1 + len(PROVEN) + len(LATER)}
    assert replay["tiers"]["1"] == {"right": 1, "wrong": 0}
    assert replay["tiers"]["2"]["right"] >= 1
    assert replay["tiers"]["2"]["wrong"] >= 1
    assert replay["answers_of_strangers"] == 0
    assert [move["state"] for move in replay["gates"] if move["tenant"] == "acme"][:2] == ["shadow", "serving"]
    assert replay["checks"]["shadow"]["made"] >= len(PROVEN)
    assert (replay["checks"]["shadow"]["missed"], replay["checks"]["shadow"]["blamed"]) == (0, 0)
    assert float(replay["books"]["saved_usd"]) > 0
    assert what_is_left() == before


def test_nothing_stays_of_a_replay_that_is_stopped(transactional_db):
    config = performance.settings_for(django_settings.ACRON, tolerance=0.01, background_cpu_percent=100)
    before = what_is_left()

    def stop(number):
        if number == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        performance.perform(a_trace(), config, model=config.routing.baseline_model, show=stop)

    assert what_is_left() == before


@pytest.mark.parametrize(
    ("content", "arguments", "says"),
    [
        ("nonsense", [], "line 1 is no request of a trace"),
        ("", [], "holds no requests"),
        ("{}", ["--tolerance", "0"], "--tolerance must be above 0"),
    ],
)
def test_what_cannot_be_replayed_is_said(tmp_path, content, arguments, says):
    path = tmp_path / "trace.jsonl"
    path.write_text(content)

    with pytest.raises(CommandError, match=says):
        run(str(path), *arguments)


def test_a_file_that_is_not_there_is_named():
    with pytest.raises(CommandError, match=r"missing\.jsonl"):
        run("missing.jsonl")


@pytest.mark.parametrize("line", ["[]", "{}", '{"t": "soon"}', "5"])
def test_a_line_that_is_no_request_is_numbered(line):
    with pytest.raises(InvalidRequestError, match="line 2"):
        list(trace.read([written([request(0, "a", "b")]), line]))


def test_an_answer_of_another_tenant_is_a_wrong_one():
    counted, asked = Tally(), request(0, "a", "b")

    counted.count(asked, 1, Meant("globex", "b"))
    counted.count(asked, 2, Meant("acme", "b"))
    counted.count(asked, 0, Meant("acme", "b"))

    assert (counted.strangers, counted.wrong, counted.right, counted.hits) == (1, {1: 1}, {2: 1}, 2)


def test_a_gate_that_stays_is_noted_once():
    counted = Tally()

    for at, threshold in enumerate((None, None, 0.9, 0.9, 0.8)):
        counted.note_gate(Move(at, "acme", "serving" if threshold else "shadow", threshold, ""))
        counted.note_gate(Move(at, "globex", "shadow", None, ""))

    assert [(move.at_seconds, move.threshold) for move in counted.moves if move.tenant == "acme"] == [
        (0, None),
        (2, 0.9),
        (4, 0.8),
    ]
    assert len(counted.moves) == 4


def test_the_text_says_so_where_no_gate_opened(transactional_db, tmp_path):
    path = tmp_path / "trace.jsonl"
    path.write_text(written(a_trace()[:4]))

    said = run(str(path), "--requests", "2")

    assert said.startswith(tally.COMPOSED)
    assert "tolerance 1.0%: 2 requests" in said
    assert "no gate opened" in said
