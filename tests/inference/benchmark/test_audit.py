"""An audit reads what providers export and people log, counts what is certain, and bears whatever a file holds."""

import csv
import gzip
import json
from decimal import Decimal
from io import BufferedReader, BytesIO, StringIO

import orjson
import pytest
from django.core.management import CommandError, call_command

from acron_site.lib.errors import InvalidRequestError
from analytics.events import TokenCounts
from inference.benchmark import choosable, exports, likely_hits
from inference.benchmark.audit import Audit, Question
from inference.benchmark.exports import Reading
from inference.benchmark.repeats import Repeats

# priced by hand from the models file: 2 USD in, 0.1 read, 10 out, per million
SOL = "gpt-6.1-sol"
OPENAI_ROW = {
    "object": "organization.usage.completions.result",
    "model": SOL,
    "num_model_requests": 4,
    "input_tokens": 1_000_000,
    "input_cached_tokens": 400_000,
    "output_tokens": 100_000,
    "batch": False,
}
OPENAI_PAGE = {"object": "page", "data": [{"object": "bucket", "start_time": 1, "results": [OPENAI_ROW]}]}
ANTHROPIC_CSV = (
    "usage_date_utc,model_version,api_key,workspace,usage_type,context_window,usage_input_tokens_no_cache,"
    "usage_input_tokens_cache_write_5m,usage_input_tokens_cache_write_1h,usage_input_tokens_cache_read,"
    "usage_output_tokens,web_search_count\n"
    "2026-11-01,claude-opus-5-5,key,space,standard,200k,1000,20,30,400,50,2\n"
)


def read(content: bytes, kind: str = "auto"):
    reading = Reading()
    file = BufferedReader(BytesIO(content))
    return list(exports.read(file, kind, reading)), reading


def audited(*records) -> Audit:
    audit = Audit(choosable.load(None), quality_threshold=3.5)
    audit.take_all(records)
    return audit


def logged(words: str, *, model: str = SOL, **usage) -> bytes:
    used = {"prompt_tokens": 100, "completion_tokens": 10, **usage}
    request = {"model": model, "messages": [{"role": "user", "content": words}]}
    return orjson.dumps({"request": request, "response": {"model": model, "usage": used}}) + b"\n"


def run(path, *arguments, tmp_path):
    out = StringIO()
    call_command("audit_usage", str(path), "--output", str(tmp_path / "out"), *arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


def test_openais_export_counts_cached_tokens_once():
    for content in (orjson.dumps(OPENAI_PAGE), orjson.dumps(OPENAI_PAGE, option=orjson.OPT_INDENT_2)):
        (record,), reading = read(content)

        assert record.usage.tokens == TokenCounts(input=600_000, cache_read=400_000, output=100_000)
        assert (record.requests, record.is_sum, reading.format) == (4, True, "openai-usage")
    (priced,) = audited(record).priced()
    # 0.6 * 2 + 0.4 * 0.1 + 0.1 * 10; the sum is no long prompt
    assert priced.spent == Decimal("2.24")


def test_openais_export_as_a_table_is_the_same():
    out = StringIO()
    table = csv.DictWriter(out, list(OPENAI_ROW))
    table.writeheader()
    table.writerow(OPENAI_ROW)

    records, _ = read(out.getvalue().encode("utf-8-sig"))

    assert records == read(orjson.dumps(OPENAI_PAGE))[0]


def test_what_openai_ran_in_a_batch_costs_half():
    (record,), _ = read(orjson.dumps({"data": [{**OPENAI_ROW, "batch": True}]}))

    assert audited(record).priced()[0].spent == Decimal("1.12")


def test_anthropics_export_keeps_its_buckets_apart():
    (record,), reading = read(ANTHROPIC_CSV.encode())

    assert reading.format == "anthropic-usage"
    assert record.usage.tokens == TokenCounts(
        input=1000, cache_read=400, cache_write=20, cache_write_long=30, output=50, web_searches=2
    )
    assert reading.uncounted == 1


def test_a_bill_is_read_beside_the_tokens():
    costs = {
        "data": [{"results": [{"object": "organization.costs.result", "amount": {"value": 0.06, "currency": "usd"}}]}]
    }

    records, reading = read(orjson.dumps(costs))

    assert (records, reading.billed_usd, reading.billed) == ([], Decimal("0.06"), 1)


@pytest.mark.parametrize(
    ("row", "tokens"),
    [
        ({"model": SOL, "input_tokens": 7, "output_tokens": 3}, TokenCounts(input=7, output=3)),
        ({"model": SOL, "prompt_tokens": "7", "completion_tokens": 3.0}, TokenCounts(input=7, output=3)),
        ({"model": SOL, "usage": {"prompt_tokens": 7, "completion_tokens": 3}}, TokenCounts(input=7, output=3)),
        (
            {"model": SOL, "usage": {"input_tokens": 7, "output_tokens": 3, "cache_read_input_tokens": 2}},
            TokenCounts(input=7, cache_read=2, output=3),
        ),
        (
            {"response": {"body": {"model": SOL, "usage": {"prompt_tokens": 7, "completion_tokens": 3}}}},
            TokenCounts(input=7, output=3),
        ),
        ({"model": SOL, "prompt": "x" * 24}, TokenCounts(input=8)),
    ],
)
def test_logs_come_in_many_forms(row, tokens):
    (record,), _ = read(orjson.dumps(row) + b"\n")

    assert (record.model, record.usage.tokens) == (SOL, tokens)


def test_repeats_are_counted_as_the_cache_would_find_them():
    lines = [logged("a"), logged("b"), logged("a"), logged("a", model="gpt-6-luna"), logged("a", prompt_tokens=300)]

    audit = audited(*read(b"".join(lines))[0])

    assert audit.repeats.found == 2
    # the third and the fifth: 400 tokens in and 20 out
    assert sum(each.repeated for each in audit.priced()) == Decimal("0.001")


def test_beginnings_that_come_again_could_have_been_read_from_the_providers_cache():
    beginning = {"role": "system", "content": "be kind " * 1000}
    rows = [
        {"model": SOL, "messages": [beginning, {"role": "user", "content": words}], "usage": {"prompt_tokens": 3000}}
        for words in ("a", "b", "c")
    ]

    audit = audited(*read(b"\n".join(map(orjson.dumps, rows)))[0])

    # twice about 2,000 tokens at 1.90 USD less per million
    assert audit.priced()[0].prompt_cache == pytest.approx(Decimal("0.0076"), rel=Decimal("0.01"))


def test_a_sample_of_many_prompts_says_about_the_same():
    followed, sampled = Repeats(), Repeats(most_keys=500)
    for number in range(40_000):
        digest = (number * 2_654_435_761 % 20_000 * 0x9E3779B97F4A7C15 % 2**64).to_bytes(8)
        followed.take(digest)
        sampled.take(digest)

    assert (followed.is_sampled, sampled.is_sampled) == (False, True)
    assert followed.share == 0.5
    assert sampled.share == pytest.approx(0.5, abs=0.1)
    assert len(sampled._seen) <= 500


HOSTILE = [
    b"\xff\xfe\x00garbage",
    b"{" * 5000,
    b"[" * 100_000,
    b"null\n5\n[]\n{}\n",
    b'{"model": {"a": 1}, "messages": [1, 2], "input_tokens": "many"}\n',
    b'{"messages": [{"content": {"x": 1}}], "usage": {"prompt_tokens": -5}}\n',
    b'{"messages": [{"role": "user", "content": [5, null]}], "usage": []}\n',
    b'{"model": "m", "input_tokens": 1e400, "output_tokens": true}\n',
    b'{"amount": {"value": "NaN"}}\n{"amount": {"value": 1e300}}\n',
    b'model,input_tokens,output_tokens\n"unclosed,1,2\n' + b"x" * 300_000 + b"\n",
    b"model,input_tokens\n\0,\0\n=1+1,5\n,,,,,,\n",
    b'{"model": "m", "prompt": "' + b"\\ud800" + b'", "input_tokens": 5}\n',
    b'{"usage": ' + b'{"a":' * 300 + b"1" + b"}" * 301 + b"\n",
    b"",
]


@pytest.mark.parametrize("content", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("kind", exports.FORMATS)
def test_nothing_that_a_file_holds_breaks_an_audit(content, kind):
    try:
        records, _ = read(content, kind)
    except InvalidRequestError:
        return

    for priced in audited(*records).priced():
        assert priced.spent is None or priced.spent >= 0


def test_a_line_without_end_is_counted_and_left_out():
    records, reading = read(logged("a") + b'{"x": "' + b"y" * (exports.MOST_LINE_BYTES + 9) + b'"}\n' + logged("b"))

    assert (len(records), reading.too_long) == (2, 1)


def test_names_without_end_do_not_fill_the_memory():
    rows = b"".join(orjson.dumps({"model": f"m{number}", "input_tokens": 1}) + b"\n" for number in range(3000))

    priced = audited(*read(rows)[0]).priced()

    assert len(priced) == 1001
    assert sum(each.requests for each in priced) == 3000
    assert all(each.spent is None for each in priced)


def test_a_question_in_other_words_is_a_likely_hit_and_another_question_is_not():
    alike = ["What is the capital of France?", "What's the capital city of France?"]
    other = ["What is the capital of France?", "What is the capital of Spain?"]

    found, refused = (
        likely_hits.estimate([Question(b"", text) for text in texts], strict=0.5, lenient=0.4)
        for texts in (alike, other)
    )
    apart = likely_hits.estimate([Question(text.encode(), text) for text in alike], strict=0.5, lenient=0.4)

    assert found is not None
    assert refused is not None
    assert apart is not None
    assert (found.strict, refused.lenient, apart.lenient) == (0.5, 0.0, 0.0)


def test_the_command_says_what_is_certain_and_what_is_not(tmp_path):
    path = tmp_path / "log.jsonl.gz"
    path.write_bytes(gzip.compress(logged("a") + logged("a") + logged("b", model="=cmd|'/c calc'!A1\x1b[2J")))

    document = json.loads(run(path, "--json", tmp_path=tmp_path))

    figures = document["figures"]
    assert figures["saved_exact_usd"]["value"] == "0.0003"
    assert (figures["saved_routing_usd"]["low"], figures["saved_routing_usd"]["value"]) == ("0", None)
    assert Decimal(figures["saved_total_usd"]["high"]) <= Decimal(figures["spent_usd"]["value"])
    assert (figures["unpriced"]["value"], figures["unpriced"]["note"]) == (1, "models: =cmd|'/c calc'!A1[2J")
    assert str(tmp_path) not in json.dumps(document)


def test_without_prompts_the_command_claims_no_hits(tmp_path):
    path = tmp_path / "usage.json"
    path.write_bytes(orjson.dumps(OPENAI_PAGE))

    document = json.loads(run(path, "--json", tmp_path=tmp_path))

    assert all(document["figures"][f"saved_{name}_usd"]["value"] is None for name in ("exact", "semantic"))
    assert any("no prompts" in note for note in document["notes"])
    assert {file.suffix for file in (tmp_path / "out").iterdir()} == {".txt", ".json", ".html"}


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"", "counts tokens; name its kind"), (b"{}\n", "counts tokens"), (b'[\n"cut', "begins as JSON and is none")],
)
def test_a_file_of_something_else_is_refused(tmp_path, content, says):
    path = tmp_path / "file"
    path.write_bytes(content)

    with pytest.raises(CommandError, match=says):
        run(path, tmp_path=tmp_path)


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / "bad.gz").write_bytes(b"no gzip")

    for name in ("missing.csv", "bad.gz"):
        with pytest.raises(CommandError, match=name):
            run(tmp_path / name, tmp_path=tmp_path)
