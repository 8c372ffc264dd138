"""Usage exports and request logs of others, read row by row: what cannot be read is counted, never raised."""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import IO, Any

import orjson

from acron_site.lib.errors import InvalidRequestError
from analytics.events import TokenCounts
from inference import usage as usages
from inference.benchmark import lines, usage_columns
from inference.benchmark.usage_columns import ANTHROPIC, OPENAI, PLAIN, Columns
from inference.domain import Usage
from inference.routing.needs import estimate_tokens

FORMATS = ("auto", "openai-usage", "anthropic-usage", "openai-log", "jsonl", "csv")
MOST_LINE_BYTES = 8_000_000
MOST_DOCUMENT_BYTES = 64_000_000
_COLUMNS = {"openai-usage": OPENAI, "anthropic-usage": ANTHROPIC}
_CHARACTERS_PER_TOKEN = 4
_DEEPEST = 6


@dataclass(frozen=True, slots=True)
class Record:
    """One call, or the sum of several. `body` is the request, where the file has its words."""

    model: str
    usage: Usage
    requests: int = 1
    body: Mapping[str, Any] | None = None
    is_sum: bool = False


@dataclass
class Reading:
    """What the file was found to be, and what of it could not be used."""

    format: str = ""
    rows: int = 0
    bad: int = 0
    too_long: int = 0
    without_usage: int = 0
    uncounted: int = 0  # rows that add up calls and do not say how many
    estimated: int = 0  # rows whose tokens were counted from their words
    billed_usd: Decimal = Decimal(0)  # what an export of costs says
    billed: int = 0


def read(file: IO[bytes], wanted: str, reading: Reading) -> Iterator[Record]:
    """Raises InvalidRequestError only for a file that is no such thing at all."""
    begin = file.peek(1 << 16)[: 1 << 16] if hasattr(file, "peek") else b""
    reading.format = wanted if wanted != "auto" else _recognized(begin)
    if _is_csv(reading.format, begin):
        yield from _of_table(file, reading)
    elif _is_document(begin):
        yield from _of_document(file, reading)
    else:
        yield from _of_lines(file, reading)


def _recognized(begin: bytes) -> str:
    head = begin.lstrip(b"\xef\xbb\xbf \r\n\t")
    if head[:1] not in (b"{", b"["):
        names = dict.fromkeys(_header(head.split(b"\n", 1)[0]))
        return {id(ANTHROPIC): "anthropic-usage", id(OPENAI): "openai-usage"}.get(
            id(usage_columns.recognized(names)), "csv"
        )
    if not _is_document(begin):
        return "openai-log" if b'"request"' in head[:4096] or b'"messages"' in head[:4096] else "jsonl"
    return "anthropic-usage" if b"uncached_input_tokens" in head else "openai-usage"


def _is_csv(kind: str, begin: bytes) -> bool:
    is_json = begin.lstrip(b"\xef\xbb\xbf \r\n\t")[:1] in (b"{", b"[")
    return kind == "csv" or (kind in _COLUMNS and not is_json)


def _is_document(begin: bytes) -> bool:
    """One JSON document over the whole file, in place of one on each line."""
    head = begin.lstrip(b"\xef\xbb\xbf \r\n\t")
    if head[:1] == b"[":
        return True
    first = head.split(b"\n", 1)[0]
    try:
        found = orjson.loads(first)
    except ValueError:
        return (head[:1] == b"{" and first.strip() in (b"{", b"{}")) or b'"object"' in first[:200]
    return isinstance(found, dict) and "data" in found


def _of_lines(file: IO[bytes], reading: Reading) -> Iterator[Record]:
    for line in lines.bounded(file, most_bytes=MOST_LINE_BYTES):
        if not line.strip():
            continue
        reading.rows += 1
        if len(line) > MOST_LINE_BYTES:
            reading.too_long += 1
            continue
        try:
            row = orjson.loads(line.removeprefix(b"\xef\xbb\xbf"))
        except ValueError:
            reading.bad += 1
            continue
        yield from _records(row, reading)


def _of_document(file: IO[bytes], reading: Reading) -> Iterator[Record]:
    content = file.read(MOST_DOCUMENT_BYTES + 1)
    if len(content) > MOST_DOCUMENT_BYTES:
        raise InvalidRequestError(
            f"a single JSON document may have {MOST_DOCUMENT_BYTES:,} bytes; export fewer days, "
            "or write a row on each line"
        )
    try:
        document = orjson.loads(content.removeprefix(b"\xef\xbb\xbf"))
    except ValueError:
        raise InvalidRequestError("the file begins as JSON and is none; export it again") from None
    for row in _rows(document, _DEEPEST):
        reading.rows += 1
        yield from _records(row, reading)


def _rows(value: Any, depth: int) -> Iterator[Any]:
    """The rows of pages of buckets of results, however they are wrapped."""
    if isinstance(value, list):
        for each in value:
            yield from _rows(each, depth - 1) if depth else ()
    elif isinstance(value, dict):
        inner = next(
            (value[name] for name in ("data", "results", "buckets") if isinstance(value.get(name), list)), None
        )
        if inner is None:
            yield value
        elif depth:
            yield from _rows(inner, depth - 1)


def _of_table(file: IO[bytes], reading: Reading) -> Iterator[Record]:
    texts = (line.decode("utf-8-sig", "replace").replace("\0", "") for line in _bounded(file, reading))
    table = csv.reader(texts)
    names: list[str] | None = None
    while True:
        try:
            cells = next(table)
        except StopIteration:
            return
        except csv.Error:
            reading.rows, reading.bad = reading.rows + 1, reading.bad + 1
            continue
        if names is None:
            names = [cell.strip().lower() for cell in cells]
        elif cells:
            reading.rows += 1
            yield from _records(dict(zip(names, cells, strict=False)), reading)


def _bounded(file: IO[bytes], reading: Reading) -> Iterator[bytes]:
    for line in lines.bounded(file, most_bytes=MOST_LINE_BYTES):
        if len(line) > MOST_LINE_BYTES:
            reading.too_long += 1
        else:
            yield line


def _header(line: bytes) -> list[str]:
    return [cell.strip().strip('"').lower() for cell in line.decode("utf-8", "replace").split(",")]


def _records(row: Any, reading: Reading) -> Iterator[Record]:
    if not isinstance(row, dict):
        reading.bad += 1
        return
    if _took_costs(row, reading):
        return
    found = _sum_of(row, reading) if reading.format in _COLUMNS else (_call(row, reading) or _sum_of(row, reading))
    if found is None:
        reading.without_usage += 1
    else:
        yield found


def _took_costs(row: Mapping[str, Any], reading: Reading) -> bool:
    """A row of OpenAI's Costs API has an amount and no tokens."""
    amount = row.get("amount")
    if not isinstance(amount, dict) or "value" not in amount:
        return False
    try:
        value = Decimal(str(amount["value"]))
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or abs(value) > 10**12:
        reading.bad += 1
        return True
    reading.billed_usd, reading.billed = reading.billed_usd + value, reading.billed + 1
    return True


def _sum_of(row: Mapping[str, Any], reading: Reading) -> Record | None:
    flat = _flat(row)
    columns: Columns = _COLUMNS.get(reading.format) or usage_columns.recognized(flat)
    usage = usage_columns.usage_of(flat, columns)
    if usage is None:
        return None
    requests = usage_columns.count(flat, columns.requests)
    # exports add calls up; a log's row is a call
    reading.uncounted += reading.format in _COLUMNS and not requests
    is_sum = requests > 1 or (reading.format in _COLUMNS and requests != 1)
    model = usage_columns.text(flat, columns.model) or usage_columns.text(flat, PLAIN.model)
    return Record(model, usage, requests=requests or 1, body=_body(row), is_sum=is_sum)


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(row)
    for name, value in row.items():
        if isinstance(value, dict):
            found |= {f"{name}.{inner}": each for inner, each in value.items()}
    return found


def _call(row: Mapping[str, Any], reading: Reading) -> Record | None:
    """A request with its response, in whichever of the usual envelopes; None for a row of another kind."""
    body, response = _body(row), _part(row, "response", "body")
    usage = response.get("usage", row.get("usage"))
    if not isinstance(usage, dict) and (body is None or usage_columns.usage_of(_flat(row), PLAIN) is not None):
        return None
    model = next((each for each in (_model(response), _model(body or {}), _model(row)) if each), "")
    if isinstance(usage, dict):
        is_anthropic = "cache_read_input_tokens" in usage or "cache_creation_input_tokens" in usage
        tier = response.get("service_tier", "")
        found = usages.from_anthropic(usage) if is_anthropic else usages.from_openai(usage, service_tier=tier)
        return Record(model, found, body=body)
    reading.estimated += 1
    return Record(model, _estimated(body or {}, response), body=body)


def _body(row: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The request's words, if they are there in a form that can be compared."""
    found = _part(row, "request", "body") or _part(row, "body", "") or row
    messages = found.get("messages")
    if isinstance(messages, list) and messages and all(isinstance(each, dict) for each in messages):
        return {name: found[name] for name in found if name not in ("response", "usage", "timestamp", "id")}
    prompt = found.get("prompt")
    if isinstance(prompt, str) and prompt:
        return {"model": found.get("model"), "messages": [{"role": "user", "content": prompt}]}
    return None


def _part(row: Mapping[str, Any], name: str, inner: str) -> Mapping[str, Any]:
    value = row.get(name)
    if not isinstance(value, dict):
        return {}
    nested = value.get(inner)
    return nested if isinstance(nested, dict) else value


def _model(row: Mapping[str, Any]) -> str:
    return usage_columns.text(row, PLAIN.model)


def _estimated(body: Mapping[str, Any], response: Mapping[str, Any]) -> Usage:
    """A token for four characters of what is there."""
    choices = response.get("choices")
    answer = (
        choices[0].get("message") if isinstance(choices, list) and choices and isinstance(choices[0], dict) else None
    )
    said = answer.get("content") if isinstance(answer, dict) else None
    output = len(said) // _CHARACTERS_PER_TOKEN + 1 if isinstance(said, str) else 0
    return Usage(tokens=TokenCounts(input=_tokens(body), output=output), is_estimate=True)


def _tokens(body: Mapping[str, Any]) -> int:
    try:
        return estimate_tokens(body)
    except (KeyError, TypeError, AttributeError):
        return 0  # parts that are no parts
