"""A sick provider never makes a wrong answer: every fault, plain and streamed, in two formats, and what it costs."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

import pytest

from tests.faults import books
from tests.faults.books import Books
from tests.faults.load import CHAT, MESSAGES, Log, Sent, Wish, send_all
from tests.faults.plant import Plant
from tests.faults.sickness import RETRY_AFTER_SECONDS

_SETTINGS = {
    "ASAHI_PROVIDERS_CONNECT_TIMEOUT_SECONDS": "3",
    "ASAHI_PROVIDERS_FIRST_BYTE_TIMEOUT_SECONDS": "4",
    "ASAHI_PROVIDERS_IDLE_TIMEOUT_SECONDS": "3",
    "ASAHI_PROVIDERS_TOTAL_TIMEOUT_SECONDS": "6",
    # every retry that is worth one is made, and no breaker comes in between: both have tests of their own
    "ASAHI_PROVIDERS_RETRY_BUDGET_PERCENT": "300",
    "ASAHI_PROVIDERS_BREAKER_FAILURES": "100000",
}
_BOUND_SECONDS = 20.0
_ANSWER_USD = Decimal("0.00004")  # 20 tokens in at $1, 5 out at $4 a million
_WHOLE_MARKS = ("[DONE]", "message_stop", '"stop"', "end_turn")


@dataclass(frozen=True)
class Case:
    """A model that fails, and what is to be seen of it. `breaks_streams`: only after their first event."""

    model: str
    status: int
    code: str
    most_calls: int = 3
    retry_after: str = ""
    breaks_streams: bool = False
    is_charged: bool = False  # the provider may have worked for it
    is_reachable: bool = True


UPSTREAM, LATE, OVERLOADED, LIMITED = "upstream_error", "upstream_timeout", "overloaded", "rate_limit_exceeded"
CASES = (
    Case("sick-500", 502, UPSTREAM),
    Case("sick-503", 502, UPSTREAM),
    Case("sick-503-later", 503, OVERLOADED, 1, RETRY_AFTER_SECONDS),
    Case("sick-429", 429, LIMITED, 3, "1"),
    Case("sick-429-later", 429, LIMITED, 1, RETRY_AFTER_SECONDS),
    Case("sick-400", 400, "invalid_request_error", 1),
    Case("sick-401", 502, UPSTREAM, 1),
    Case("sick-404", 404, "model_not_found", 1),
    Case("sick-hang", 504, LATE, 1, is_charged=True),
    Case("sick-garbage", 502, UPSTREAM, is_charged=True),
    Case("sick-empty", 502, UPSTREAM, is_charged=True),
    Case("sick-html", 502, UPSTREAM, is_charged=True),
    Case("sick-truncated", 502, UPSTREAM, breaks_streams=True, is_charged=True),
    Case("sick-half", 502, UPSTREAM, breaks_streams=True, is_charged=True),
    Case("sick-lie", 502, UPSTREAM, breaks_streams=True, is_charged=True),
    Case("sick-drip", 504, LATE, 1, breaks_streams=True, is_charged=True),
    Case("sick-stalled", 504, LATE, 1, breaks_streams=True, is_charged=True),
    Case("sick-reset-before", 502, UPSTREAM, is_charged=True),
    Case("sick-reset-after", 502, UPSTREAM, breaks_streams=True, is_charged=True),
    Case("dead", 502, UPSTREAM, is_reachable=False),
    Case("tls", 502, UPSTREAM, is_reachable=False),
    Case("mute", 504, LATE, is_reachable=False),
    Case("dns", 502, UPSTREAM, is_reachable=False),
)
MANNERS = tuple((path, stream) for path in (CHAT, MESSAGES) for stream in (False, True))


@pytest.fixture(scope="module")
def impatient(bare_plant: Plant) -> Iterator[Plant]:
    """A product that soon loses patience, so that the tests need none either."""
    with bare_plant.another_product("impatient", workers=2, also=_SETTINGS) as plant:
        yield plant


def wishes_for(plant: Plant) -> list[tuple[Case, Wish]]:
    return [
        (
            case,
            wish_for(
                plant,
                f"sick-{case.model}{path.replace('/', '-')}-{'stream' if stream else 'plain'}",
                case,
                path,
                stream=stream,
            ),
        )
        for case in CASES
        for path, stream in MANNERS
    ]


def wish_for(plant: Plant, user: str, case: Case, path: str, *, stream: bool) -> Wish:
    return Wish(user, f"{user}: are you well?", plant.product.key, case.model, stream, path)


async def test_every_fault_is_told_as_what_it_is_and_nothing_of_it_is_kept(impatient: Plant):
    asked = wishes_for(impatient)
    await asyncio.to_thread(impatient.make_provider, "sick")

    log = await send_all(impatient, [wish for _, wish in asked])
    book = await books.balanced(impatient, "sick", within_seconds=20)
    await asyncio.to_thread(impatient.make_provider, "well")
    again = await send_all(impatient, [wish for _, wish in asked])
    after = await books.balanced(impatient, "sick", within_seconds=20)

    told = [(case, sent, healed) for (case, _), sent, healed in zip(asked, log.sent, again.sent, strict=True)]
    print(f"\n{table(told, book)}\n{log}; {book}\nhealed: {again}; {after}")
    problems = [text for case, sent, healed in told for text in complaints(case, sent, healed, book, after)]
    assert problems == []


def complaints(case: Case, sent: Sent, healed: Sent, book: Books, after: Books) -> Iterator[str]:
    """What is not as it should be."""
    user = sent.wish.user
    calls, rows = book.calls.count(user), [row for row in book.rows if row[0] == user]
    is_broken_stream = sent.wish.stream and case.breaks_streams
    most = 1 if is_broken_stream else case.most_calls
    costs = [cost for _, _, _, cost, _ in rows]
    checks = {
        "bounded": sent.seconds < _BOUND_SECONDS,
        "status": sent.status == (0 if is_broken_stream else case.status),
        "shape": error_of(sent).get("code") == case.code,
        "retry-after": sent.retry_after == case.retry_after,
        "no end": not any(mark in sent.text for mark in _WHOLE_MARKS),
        "calls": 1 <= calls <= most if case.is_reachable else calls == 0,
        "rows": len(rows) == calls if case.is_reachable else 1 <= len(rows) <= most,
        "failed rows": {status for _, status, *_ in rows} == {"error"},
        "charge": all(cost > 0 if case.is_charged else cost == 0 for cost in costs),
        **(healed_checks(sent, healed, book, after) if case.is_reachable else {"still": healed.status == case.status}),
    }
    yield from (
        f"{user}: {name}: {sent.status} {sent.text[:300]!r} {rows}" for name, fine in checks.items() if not fine
    )


def healed_checks(sent: Sent, healed: Sent, book: Books, after: Books) -> dict[str, bool]:
    """The same request finds nothing kept, and gets a right answer of one more call."""
    user = sent.wish.user
    rows = [row for row in after.rows if row[0] == user and row[1] == "ok"]
    return {
        "healed": (healed.status, healed.cache) == (200, "MISS"),
        "right": healed.wish.user in healed.text and error_of(healed) == {},
        "one more call": after.calls.count(user) == book.calls.count(user) + 1,
        "its cost": [(row[2], row[3]) for row in rows] == [("priced", _ANSWER_USD)],
    }


def error_of(sent: Sent) -> dict[str, str]:
    """The error in the shape of the API that was asked, of a body or of a stream's last event; {} if there is none."""
    last = sent.text.strip().rpartition("data: ")[2] if sent.wish.stream else sent.text
    try:
        document = json.loads(last)
    except ValueError:
        return {}
    if sent.wish.path == MESSAGES and (document.get("type") != "error" or "request_id" not in document):
        return {}
    error: dict[str, str] = document.get("error") or {}
    is_whole = {"message", "type", "code", "param"} <= error.keys()
    if sent.wish.path == CHAT:
        is_whole = is_whole and "request_id" in error
    return error if is_whole else {}


def table(told: list[tuple[Case, Sent, Sent]], book: Books) -> str:
    """A line for each request: what was seen, how many calls there were, what is charged."""
    calls = Counter(book.calls)
    charged: Counter[str] = Counter()
    for user, _, _, cost, _ in book.rows:
        charged[user] += cost
    lines = [f"{'fault':20}{'asked':28}{'seen':6}{'code':24}{'retry':6}{'calls':6}{'charged':12}{'s':>6}  healed"]
    for case, sent, healed in told:
        asked = f"{sent.wish.path.removeprefix('/v1/')} {'stream' if sent.wish.stream else ''}"
        user = sent.wish.user
        lines.append(
            f"{case.model:20}{asked:28}{sent.status or 'broke':<6}{error_of(sent).get('code', '?'):24}"
            f"{sent.retry_after:6}{calls[user]:<6}{charged[user]:<12f}{sent.seconds:6.2f}"
            f"  {healed.status} {healed.cache}"
        )
    return "\n".join(lines)


async def test_connections_that_end_after_each_answer_are_no_trouble(impatient: Plant):
    case = Case("sick-closing", 200, "")
    await asyncio.to_thread(impatient.make_provider, "sick")

    sent: list[Sent] = []
    for turn in range(10):
        rows = [
            wish_for(impatient, f"closing-{turn}-{n}", case, path, stream=stream)
            for n, (path, stream) in enumerate(MANNERS)
        ]
        sent += (await send_all(impatient, [replace(wish, question=f"{wish.user}: again?") for wish in rows])).sent
    log = Log(sent)

    book = await books.balanced(impatient, "closing", within_seconds=10)
    print(f"\nconnections closed: {log}; {book}")
    assert log.besides(200) == []
    assert all(each.wish.user in each.text for each in sent)
    # one that goes before its end is known here is a failed attempt, which has a row of its own
    assert Counter(book.calls) == Counter(book.paid)
    assert len(sent) <= len(book.calls) <= len(sent) * 1.2
    answered = [(user, cost) for user, status, _, cost, _ in book.rows if status == "ok"]
    assert Counter(user for user, _ in answered) == Counter(each.wish.user for each in sent)
    assert sum(cost for _, cost in answered) == len(sent) * _ANSWER_USD
