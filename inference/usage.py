"""Providers' usage reports, normalised once into buckets that never overlap."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from analytics.events import TokenCounts
from inference.domain import Usage

MISSING = "no usage was reported"
# above any real report; what a broken provider says beyond it must not overflow a column
MOST_TOKENS = 1_000_000_000

# providers' words for the ordinary conditions, and what each tier is called here
_ORDINARY = frozenset({"default", "standard", "auto", "on_demand", "global", "not_available", "none"})
_SPELLINGS = {"batches": "batch"}
_LONGEST_WORD = 32
_LONGEST_FLAG = 200
_LONGEST_NUMERAL = 12

# text of the usual languages, in UTF-8; a longer piece of a stream bundles several tokens
_BYTES_PER_TOKEN = 4
_LONGEST_TOKEN_BYTES = 8


def from_openai(usage: object, *, service_tier: object = "", geography: str = "", web_searches: int = 0) -> Usage:
    """A `usage` of chat completions, embeddings or responses. `service_tier` is the one the response names.

    Nonsense is read as the nearest sensible count and named in `flag`; nothing is raised.
    """
    report = _Report(usage)
    tokens = _openai_tokens(report)
    if web_searches:
        tokens = replace(tokens, web_searches=web_searches)
    return Usage(tokens=tokens, service_tier=_word(service_tier), geography=_word(geography), flag=report.flag)


def from_anthropic(usage: object) -> Usage:
    """A `usage` of messages, compaction included. What other models used in the call is in `side_usages`."""
    report = _Report(usage)
    tokens = _anthropic_tokens(report)
    for row in report.rows("iterations"):
        if row.values.get("type") == "compaction" and not _own_model(row):
            tokens = _sum(tokens, _anthropic_tokens(row))
    return _anthropic_usage(report, tokens)


def side_usages(usage: object) -> tuple[tuple[str, Usage], ...]:
    """What models other than the one asked used inside a call to Anthropic, each to be priced on its own.

    It is not part of the totals that `from_anthropic` reads.
    """
    report = _Report(usage)
    return tuple(
        (model, _anthropic_usage(report, _anthropic_tokens(row, with_tools=False)))
        for row in report.rows("iterations")
        if (model := _own_model(row))
    )


def estimate(*, input_bytes: int, output_bytes: int, output_pieces: int = 0) -> Usage:
    """For answers that ended without a report: a token per 4 bytes of UTF-8.

    Where a stream came in `output_pieces`, each counts as one token, as providers send them, unless they
    are so long that they must have been bundled.
    """
    output = math.ceil(output_bytes / _BYTES_PER_TOKEN)
    if output_bytes <= output_pieces * _LONGEST_TOKEN_BYTES:
        output = output_pieces
    tokens = TokenCounts(input=math.ceil(input_bytes / _BYTES_PER_TOKEN), output=output)
    return Usage(tokens=tokens, is_estimate=True)


def geography_of(base_url: str) -> str:
    """ "us" or "eu" for OpenAI's regional hosts, for which it charges more; else ""."""
    region, _, rest = (urlsplit(base_url).hostname or "").partition(".")
    return region if region in {"us", "eu"} and rest == "api.openai.com" else ""


class _Report:
    """One usage object, or a part of it. Remembers, together with its parts, what was wrong."""

    def __init__(self, values: object, doubts: dict[str, None] | None = None) -> None:
        self.values: Mapping[str, Any] = values if isinstance(values, dict) else {}
        self._doubts = {} if doubts is None else doubts
        if doubts is None and not self.values:
            self._doubts[MISSING] = None

    @property
    def flag(self) -> str:
        return "; ".join(self._doubts)[:_LONGEST_FLAG]

    def doubt(self, what: str) -> None:
        self._doubts[what] = None

    def has(self, name: str) -> bool:
        return self.values.get(name) is not None

    def count(self, name: str) -> int:
        """The number under `name`: 0 when it is absent, the nearest sensible one when it is nonsense."""
        value = self.values.get(name, 0)
        if type(value) is int and 0 <= value <= MOST_TOKENS:
            return value
        if value is None:
            return 0
        self.doubt(f"{name} was nonsense")
        return min(max(_whole(value), 0), MOST_TOKENS)

    def required(self, name: str) -> int:
        if self.values and not self.has(name):
            self.doubt(f"{name} was missing")
        return self.count(name)

    def part(self, name: str) -> "_Report":
        value = self.values.get(name)
        if value is not None and not isinstance(value, dict):
            self.doubt(f"{name} was nonsense")
        return _Report(value, self._doubts)

    def rows(self, name: str) -> Iterator["_Report"]:
        value = self.values.get(name)
        return (_Report(row, self._doubts) for row in (value if isinstance(value, list) else ()))

    def rest(self, what: str, whole: int, *parts: int) -> int:
        """What `parts` leave of `whole`; never below 0."""
        left = whole - sum(parts)
        if left < 0:
            self.doubt(f"{what} was less than its parts")
        return max(left, 0)


def _openai_tokens(report: _Report) -> TokenCounts:
    """OpenAI's totals include what their details list (accounting rules 1, 2, 5 and 6)."""
    is_responses = report.has("input_tokens") and not report.has("prompt_tokens")
    prompt_name, completion_name = (
        ("input_tokens", "output_tokens") if is_responses else ("prompt_tokens", "completion_tokens")
    )
    prompt = report.required(prompt_name)
    completion = _completion(report, completion_name, prompt)
    into, out = report.part(f"{prompt_name}_details"), report.part(f"{completion_name}_details")
    cached = into.count("cached_tokens")
    written, written_long = _openai_writes(report, into)
    audio = into.count("audio_tokens")
    if audio:  # cached audio is billed as cached, not as audio
        audio = max(audio - into.part("cached_tokens_details").count("audio_tokens"), 0)
    output_audio = out.count("audio_tokens")
    return TokenCounts(
        input=report.rest(prompt_name, prompt, cached, written, written_long, audio),
        cache_read=cached,
        cache_write=written,
        cache_write_long=written_long,
        input_audio=audio,
        output=report.rest(completion_name, completion, output_audio),
        output_audio=output_audio,
        reasoning=min(out.count("reasoning_tokens"), completion),
    )


def _completion(report: _Report, name: str, prompt: int) -> int:
    """Embeddings report a prompt and a total only."""
    if not report.has(name) and report.has("total_tokens"):
        return max(report.count("total_tokens") - prompt, 0)
    return report.required(name)


def _openai_writes(report: _Report, details: _Report) -> tuple[int, int]:
    split = details if details.has("cache_write_tokens_details") else report
    if not split.has("cache_write_tokens_details"):
        return details.count("cache_write_tokens"), 0
    lifetimes = split.part("cache_write_tokens_details")
    return _writes(
        details,
        total=details.count("cache_write_tokens"),
        short=lifetimes.count("ttl_30m_tokens"),
        long=lifetimes.count("ttl_12h_tokens"),
    )


def _anthropic_tokens(report: _Report, *, with_tools: bool = True) -> TokenCounts:
    """Anthropic's `input_tokens` exclude cache reads and writes (accounting rules 1 and 3)."""
    lifetimes = report.part("cache_creation")
    written, written_long = _writes(
        report,
        total=report.count("cache_creation_input_tokens"),
        short=lifetimes.count("ephemeral_5m_input_tokens"),
        long=lifetimes.count("ephemeral_1h_input_tokens"),
    )
    tools = report.part("server_tool_use") if with_tools else _Report({}, {})
    return TokenCounts(
        input=report.required("input_tokens"),
        cache_read=report.count("cache_read_input_tokens"),
        cache_write=written,
        cache_write_long=written_long,
        output=report.required("output_tokens"),
        web_searches=tools.count("web_search_requests"),
    )


def _writes(report: _Report, *, total: int, short: int, long: int) -> tuple[int, int]:
    """Cache writes by lifetime, short and long. What is not split counts as short."""
    if total and (short or long) and total != short + long:
        report.doubt("cache writes did not add up")
    return max(total - long, short), long


def _anthropic_usage(report: _Report, tokens: TokenCounts) -> Usage:
    values = report.values
    return Usage(
        tokens=tokens,
        service_tier=_word(values.get("service_tier")),
        speed=_word(values.get("speed")),
        geography=_word(values.get("inference_geo")),
        flag=report.flag,
    )


def _own_model(row: _Report) -> str:
    model = row.values.get("model")
    return model if isinstance(model, str) else ""


def _sum(one: TokenCounts, other: TokenCounts) -> TokenCounts:
    """Capped like every count."""
    return TokenCounts(
        *(min(getattr(one, name) + getattr(other, name), MOST_TOKENS) for name in TokenCounts.__dataclass_fields__)
    )


def _word(value: object) -> str:
    """A condition's name in lower case; "" for the ordinary ones and for nonsense."""
    if not isinstance(value, str):
        return ""
    word = value.strip().lower()[:_LONGEST_WORD]
    return "" if word in _ORDINARY else _SPELLINGS.get(word, word)


def _whole(value: object) -> int:
    """The whole number a nonsense count was probably meant to be; 0 if it cannot be told."""
    if isinstance(value, bool):
        return 0
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return MOST_TOKENS if value == math.inf else int(value) if math.isfinite(value) else 0
    if isinstance(value, str) and len(value) <= _LONGEST_NUMERAL and value.isascii() and value.isdigit():
        return int(value)
    return 0
