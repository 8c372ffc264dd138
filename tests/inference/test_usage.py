"""Usage reports become buckets that never overlap, whatever a provider sends."""

import math
from dataclasses import astuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.events import TokenCounts
from inference import usage
from inference.domain import Usage

DETAILED = {
    "prompt_tokens": 10_000,
    "completion_tokens": 900,
    "total_tokens": 10_900,
    "prompt_tokens_details": {"cached_tokens": 6000, "cache_write_tokens": 1000, "audio_tokens": 500},
    "completion_tokens_details": {
        "reasoning_tokens": 300,
        "audio_tokens": 200,
        "rejected_prediction_tokens": 50,
    },
}


def test_openai_totals_include_their_details_and_are_taken_apart():
    spent = usage.from_openai(DETAILED)

    assert spent.tokens == TokenCounts(
        input=2500,
        cache_read=6000,
        cache_write=1000,
        input_audio=500,
        output=700,
        output_audio=200,
        reasoning=300,
    )
    assert spent.flag == ""


def test_the_responses_api_splits_cache_writes_by_lifetime():
    details = {
        "cached_tokens": 100,
        "cache_write_tokens": 300,
        "cache_write_tokens_details": {"ttl_30m_tokens": 100, "ttl_12h_tokens": 200},
    }

    spent = usage.from_openai({"input_tokens": 1000, "output_tokens": 5, "input_tokens_details": details})

    assert spent.tokens == TokenCounts(input=600, cache_read=100, cache_write=100, cache_write_long=200, output=5)


def test_embeddings_report_no_completion_and_that_is_no_fault():
    spent = usage.from_openai({"prompt_tokens": 8, "total_tokens": 8})

    assert (spent.tokens, spent.flag) == (TokenCounts(input=8), "")


def test_cached_audio_is_counted_once():
    details = {"audio_tokens": 50, "cached_tokens": 40, "cached_tokens_details": {"audio_tokens": 30}}

    spent = usage.from_openai({"prompt_tokens": 100, "completion_tokens": 1, "prompt_tokens_details": details})

    assert spent.tokens == TokenCounts(input=40, cache_read=40, input_audio=20, output=1)


def test_details_larger_than_their_total_leave_nothing_uncached_and_are_flagged():
    details = {"cached_tokens": 90, "cache_write_tokens": 20}

    spent = usage.from_openai({"prompt_tokens": 100, "completion_tokens": 1, "prompt_tokens_details": details})

    assert spent.tokens == TokenCounts(cache_read=90, cache_write=20, output=1)
    assert spent.flag == "prompt_tokens was less than its parts"


def test_anthropic_input_excludes_cache_reads_and_writes():
    spent = usage.from_anthropic(
        {
            "input_tokens": 3,
            "cache_read_input_tokens": 700,
            "cache_creation_input_tokens": 500,
            "cache_creation": {"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 400},
            "output_tokens": 50,
            "server_tool_use": {"web_search_requests": 2},
            "service_tier": "batch",
            "speed": "fast",
            "inference_geo": "us",
        }
    )

    assert spent == Usage(
        tokens=TokenCounts(input=3, cache_read=700, cache_write=100, cache_write_long=400, output=50, web_searches=2),
        service_tier="batch",
        speed="fast",
        geography="us",
    )


def test_anthropic_cache_writes_without_a_split_are_short():
    spent = usage.from_anthropic({"input_tokens": 1, "output_tokens": 1, "cache_creation_input_tokens": 9})

    assert (spent.tokens.cache_write, spent.tokens.cache_write_long) == (9, 0)


def test_a_split_that_does_not_add_up_never_undercharges():
    creation = {"ephemeral_5m_input_tokens": 6, "ephemeral_1h_input_tokens": 8}

    spent = usage.from_anthropic(
        {"input_tokens": 1, "output_tokens": 1, "cache_creation_input_tokens": 9, "cache_creation": creation}
    )

    assert (spent.tokens.cache_write, spent.tokens.cache_write_long) == (6, 8)
    assert spent.flag == "cache writes did not add up"


ITERATIONS = {
    "input_tokens": 10,
    "output_tokens": 20,
    "service_tier": "standard",
    "iterations": [
        {"type": "message", "input_tokens": 10, "output_tokens": 20},
        {"type": "compaction", "input_tokens": 5000, "output_tokens": 300, "cache_read_input_tokens": 7},
        {"type": "advisor_message", "model": "claude-opus-5-5", "input_tokens": 800, "output_tokens": 90},
    ],
}


def test_compaction_is_added_to_the_totals_and_messages_are_not_counted_twice():
    spent = usage.from_anthropic(ITERATIONS)

    assert spent.tokens == TokenCounts(input=5010, cache_read=7, output=320)


def test_rows_with_a_model_of_their_own_are_kept_apart():
    assert usage.side_usages(ITERATIONS) == (("claude-opus-5-5", Usage(tokens=TokenCounts(input=800, output=90))),)
    assert usage.side_usages({"input_tokens": 1, "output_tokens": 1}) == ()


@pytest.mark.parametrize("word", ["default", "standard", "auto", "on_demand", "", None, 7, "Standard "])
def test_ordinary_and_nonsensical_tiers_are_the_standard_one(word):
    assert usage.from_openai(DETAILED, service_tier=word).service_tier == ""


def test_conditions_are_normalised():
    assert usage.from_openai(DETAILED, service_tier="Batches").service_tier == "batch"
    assert usage.from_openai(DETAILED, service_tier="flex", geography="EU").geography == "eu"
    assert usage.from_openai(DETAILED, web_searches=2).tokens.web_searches == 2
    assert usage.from_anthropic({"inference_geo": "global", "speed": "standard"}).geography == ""


@pytest.mark.parametrize(
    ("value", "count"),
    [
        (-5, 0),
        (12.0, 12),
        (12.9, 12),
        (-3.5, 0),
        (math.nan, 0),
        (math.inf, usage.MOST_TOKENS),
        (-math.inf, 0),
        (10**30, usage.MOST_TOKENS),
        (1e300, usage.MOST_TOKENS),
        (True, 0),
        ("12", 12),
        ("-12", 0),
        ("twelve", 0),
        ("9" * 5000, 0),
        ([12], 0),
        ({"count": 12}, 0),
    ],
)
def test_nonsense_is_read_as_the_nearest_sensible_count_and_flagged(value, count):
    spent = usage.from_openai({"prompt_tokens": value, "completion_tokens": 1})

    assert (spent.tokens.input, spent.flag) == (count, "prompt_tokens was nonsense")


@pytest.mark.parametrize("report", [None, {}, [], "none", 7, True])
def test_no_report_is_flagged_as_missing(report):
    for spent in (usage.from_openai(report), usage.from_anthropic(report)):
        assert (spent.tokens, spent.flag) == (TokenCounts(), usage.MISSING)


def test_a_missing_count_is_named():
    assert usage.from_openai({"prompt_tokens": 3}).flag == "completion_tokens was missing"
    assert usage.from_anthropic({"output_tokens": 3}).flag == "input_tokens was missing"


def test_null_details_are_no_fault():
    spent = usage.from_openai({"prompt_tokens": 3, "completion_tokens": 1, "prompt_tokens_details": None})

    assert (spent.tokens, spent.flag) == (TokenCounts(input=3, output=1), "")


def test_an_estimate_counts_four_bytes_a_token_rounded_up():
    spent = usage.estimate(input_bytes=9, output_bytes=1)

    assert (spent.tokens, spent.is_estimate) == (TokenCounts(input=3, output=1), True)


def test_an_estimate_of_a_stream_counts_its_pieces_unless_they_were_bundled():
    assert usage.estimate(input_bytes=0, output_bytes=120, output_pieces=25).tokens.output == 25
    assert usage.estimate(input_bytes=0, output_bytes=4000, output_pieces=2).tokens.output == 1000


@pytest.mark.parametrize(
    ("base_url", "geography"),
    [
        ("https://eu.api.openai.com/v1", "eu"),
        ("https://us.api.openai.com/v1", "us"),
        ("https://api.openai.com/v1", ""),
        ("https://eu.example.com/v1", ""),
        ("", ""),
    ],
)
def test_openais_regional_hosts_are_known(base_url, geography):
    assert usage.geography_of(base_url) == geography


tokens = st.integers(0, 1_000_000)


@given(st.tuples(tokens, tokens, tokens, tokens, tokens, tokens))
def test_buckets_are_disjoint(counts):
    prompt, cached, written, audio, completion, spoken = counts
    report = {
        "prompt_tokens": prompt + cached + written + audio,
        "completion_tokens": completion + spoken,
        "prompt_tokens_details": {
            "cached_tokens": cached,
            "cache_write_tokens": written,
            "audio_tokens": audio,
        },
        "completion_tokens_details": {"audio_tokens": spoken},
    }

    spent = usage.from_openai(report)

    assert spent.tokens.total_input == report["prompt_tokens"]
    assert spent.tokens.total_output == report["completion_tokens"]
    assert spent.flag == ""


FIELDS = [
    *("prompt_tokens", "completion_tokens", "total_tokens", "input_tokens", "output_tokens", "cached_tokens"),
    *("prompt_tokens_details", "completion_tokens_details", "input_tokens_details", "cache_write_tokens"),
    *("cache_write_tokens_details", "ttl_12h_tokens", "audio_tokens", "reasoning_tokens", "cache_creation"),
    *("cache_creation_input_tokens", "cache_read_input_tokens", "ephemeral_1h_input_tokens", "type", "model"),
    *("server_tool_use", "web_search_requests", "service_tier", "speed", "inference_geo", "iterations"),
]
nonsense = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("compaction"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=8),
    max_leaves=20,
)


@settings(max_examples=40)
@given(nonsense | st.dictionaries(st.sampled_from(FIELDS), nonsense, max_size=12))
def test_no_report_whatever_raises_or_counts_below_zero(report):
    spent = [usage.from_openai(report), usage.from_anthropic(report)]
    spent += [part for _, part in usage.side_usages(report)]

    for each in spent:
        assert all(type(count) is int and 0 <= count <= usage.MOST_TOKENS for count in astuple(each.tokens))
        assert len(each.flag) <= 200
