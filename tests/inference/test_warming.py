"""An answer that was kept beforehand is found by the request that it answers, as if it had been given."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from accounts.services import organizations
from caching.entry_query import selection
from caching.selectors_entries import page
from caching.wiring import shelves
from inference import warming
from inference.domain import CacheStatus
from inference.warming import Warmer
from tests.inference.kit import ADA, MALLORY, Kit, Present, ask, text_of
from tests.inference.script import COMPLETION

REQUEST = {"model": "mock-small", "messages": [{"role": "user", "content": "What is the capital of France?"}]}


def line(request=REQUEST, response=COMPLETION):
    return json.dumps({"request": request} if response is None else {"request": request, "response": response})


async def warmed(kit, *texts, **options):
    lines = warming.read(texts)
    warmer = Warmer(kit.gateway, ADA, Present(), **options)
    return [*lines.bad, *[await warmer.warm(each) for each in lines.good]]


async def test_a_given_answer_is_told_to_who_asks_its_question():
    kit = Kit()

    (outcome,) = await warmed(kit, line())
    answer = await kit.answer(ADA, ask())

    assert outcome.is_kept
    assert answer.facts.cache_status is CacheStatus.HIT_T1
    assert text_of(answer) == "Paris."
    assert answer.facts.tokens.output == 2
    assert answer.facts.saved_usd is not None
    assert answer.facts.saved_usd > 0
    assert kit.ledger.opened == 0


async def test_it_is_told_to_nobody_else():
    kit = Kit()
    await warmed(kit, line())

    theirs = await kit.answer(MALLORY, ask())

    assert theirs.facts.cache_status is CacheStatus.MISS


async def test_a_namespace_that_is_given_wins():
    kit = Kit()
    await warmed(kit, line(), namespace="staging")

    here = await kit.answer(ADA, ask())
    there = await kit.answer(ADA, ask(acron={"cache": {"namespace": "staging"}}))

    assert (here.facts.cache_status, there.facts.cache_status) == (CacheStatus.MISS, CacheStatus.HIT_T1)


async def test_the_pair_of_a_stream_serves_too():
    kit = Kit()
    await warmed(kit, line({**REQUEST, "stream": True, "stream_options": {"include_usage": True}}))

    answer = await kit.answer(ADA, ask())

    assert answer.facts.cache_status is CacheStatus.HIT_T1


async def test_a_request_alone_is_asked_once():
    kit = Kit()

    first, second = await warmed(kit, line(response=None), line(response=None))

    assert (first.is_kept, second.is_kept, second.reason) == (True, False, "an answer was kept already")
    assert kit.ledger.opened == 1


CUT = {**COMPLETION, "choices": [{"index": 0, "message": {"content": "Par"}, "finish_reason": "length"}]}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("nonsense", "line 1 column 1"),
        ("[]", "a line must be"),
        ('{"request": {}, "response": {}, "more": 1}', "a line must be"),
        ('{"request": "a"}', "a line must be"),
        (line({"messages": []}), "'model' is missing"),
        (line({**REQUEST, "model": "nobody"}), "nobody"),
        (line({**REQUEST, "temperature": 0.7}), "not kept"),
        (line(response={"choices": []}), "no chat completion"),
        (line(response=CUT), "cut-by-length"),
    ],
)
async def test_what_cannot_be_kept_is_skipped_with_its_reason(text, reason):
    kit = Kit()

    (outcome,) = await warmed(kit, text)

    assert not outcome.is_kept
    assert reason in outcome.reason
    assert await kit.store.get(b"") is None
    assert kit.store.size_bytes == 0


async def test_a_time_to_live_of_zero_keeps_nothing():
    (outcome,) = await warmed(Kit(), line(), ttl_seconds=0)

    assert "zero-ttl" in outcome.reason


def run(*arguments):
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "pairs.jsonl"

    def write(*texts):
        path.write_text("\n".join(texts))
        return str(path)

    return write


@pytest.fixture
def ada(transactional_db):
    return organizations.found("Ada Ltd", "ada@example.com").organization


def kept(organization):
    return page(shelves(), organization.pk, selection({}, now=0.0), after=None, limit=10).rows


def test_the_command_keeps_pairs_and_the_other_one_purges_them(ada, file):
    other = {**REQUEST, "messages": [{"role": "user", "content": "And of Spain?"}]}
    path = file(line(), "", line(other), "nonsense")

    warmed = json.loads(run("warm_cache", path, "--organization", ada.slug, "--namespace", "staging", "--json"))
    tried = json.loads(run("purge_cache", "--organization", ada.slug, "--prefix", "And of", "--dry-run", "--json"))
    rows = kept(ada)
    purged = run("purge_cache", "--all-organizations", "--namespace", "staging")

    assert (warmed["kept"], [each["line"] for each in warmed["skipped"]]) == (2, [4])
    assert [row.namespace for row in rows] == ["staging", "staging"]
    assert tried == {"ada-ltd": {"1": 1, "2": 0, "3": 0}}
    assert purged.splitlines() == ["ada-ltd: tier 1: 2, tier 2: 0, tier 3: 0 deleted", "2 entries deleted"]
    assert kept(ada) == []


def test_requests_that_cost_money_are_not_asked_unasked(ada, file):
    with pytest.raises(CommandError, match=r"1 requests have no response.*--yes"):
        run("warm_cache", file(line(response=None)), "--organization", ada.slug)


def test_a_file_that_is_not_there_is_named(ada):
    with pytest.raises(CommandError, match="missing"):
        run("warm_cache", "missing.jsonl", "--organization", ada.slug)


@pytest.mark.parametrize("arguments", [["--older-than", "soon"], ["--tag", "team"], ["--organization", "nobody"]])
def test_a_purge_with_a_wrong_option_says_what_is_wrong(ada, arguments):
    whose = [] if "--organization" in arguments else ["--organization", ada.slug]

    with pytest.raises(CommandError):
        run("purge_cache", *whose, *arguments)
