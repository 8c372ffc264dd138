"""The report of a back-test: what the past would have cost, by which moves, and what nobody can know."""

from collections.abc import Mapping

from acron_site.lib.money import ZERO
from inference.benchmark import wording
from inference.benchmark.intervals import Bootstrap
from inference.benchmark.past import Findings
from inference.benchmark.report import Figure, Report, Section, Step, Table, Unit, Waterfall

_SHOWN_MOVES = 20
_LIMITS = (
    (
        "Whether the other models would have answered as well is not known: the ledger keeps no texts, and qualities "
        "in the models file are priors unless they say otherwise."
    ),
    (
        "The same numbers of tokens are priced. Other models count text in other tokens and write longer or shorter "
        "answers; some think first."
    ),
    "Whether a request needed tools, pictures or a format is not in the ledger: some calls could not have moved.",
    "A call that moves is priced without its provider's prompt cache and at standard conditions.",
    (
        "Answers from the cache stay so. Calls for a model that was asked for by name stay with it, unless "
        "--move-explicit says otherwise."
    ),
    "The interval says how much chance there is in which requests came, and nothing of the doubts above.",
)


def report(found: Findings, boot: Bootstrap, *, title: str, conditions: Mapping[str, str]) -> Report:
    saved = found.paid - found.cost
    verb = "less" if saved >= 0 else "more"
    return Report(
        title=title,
        lead=f"{found.rows:,} rows of the ledger. What cost {wording.dollars(found.paid)} would have cost "
        f"{wording.dollars(found.cost)} under this policy: {wording.dollars(abs(saved))} {verb}, if the same tokens "
        "had been used.",
        headlines=("saved_share", "paid_usd", "policy_usd", "moved"),
        sections=(
            Section("Cost", figures=_figures(found, boot), plots=(_waterfall(found),)),
            Section("What moves", tables=(_moves(found), _tasks(found))),
        ),
        limits=_LIMITS,
        conditions=conditions,
    )


def _figures(found: Findings, boot: Bootstrap) -> tuple[Figure, ...]:
    paid, cost = found.pots[found.pots.any(axis=1)].T
    span = boot.ratio(paid - cost, paid)
    share = float((found.paid - found.cost) / found.paid) if found.paid else None
    low, high = (span.low, span.high) if span and found.paid else (None, None)
    moved = found.moved.total()
    return (
        Figure("saved_share", "Saved", share, Unit.SHARE, low, high),
        Figure("paid_usd", "Cost as it was", found.paid, Unit.USD),
        Figure("policy_usd", "Cost under the policy", found.cost, Unit.USD),
        Figure("moved", "Calls that move to another model", moved, Unit.COUNT),
        Figure("kept", "Calls and overhead that stay", found.kept, Unit.COUNT),
        Figure("nowhere", "Of these, calls for which the policy has no model", found.nowhere, Unit.COUNT),
        Figure("hits", "Answers from the cache, which stay", found.hits, Unit.COUNT),
        Figure("unpriced", "Rows without a known price, in no sum", found.unpriced, Unit.COUNT),
    )


def _waterfall(found: Findings) -> Waterfall:
    steps = [
        Step("as it was", ZERO, found.paid, is_total=True),
        Step("other prices", found.paid, found.repriced),
        Step("other models", found.repriced, found.cost),
        Step("under the policy", ZERO, found.cost, is_total=True),
    ]
    return Waterfall(
        "From what was paid to what would have been", tuple(each for each in steps if each.begin != each.end)
    )


def _moves(found: Findings) -> Table:
    most = found.moved.most_common(_SHOWN_MOVES)
    rows = [(old, new, f"{count:,}", wording.dollars(found.moved_usd[old, new])) for (old, new), count in most]
    return Table(f"The {_SHOWN_MOVES} most frequent moves", ("from", "to", "calls", "saved"), tuple(rows))


def _tasks(found: Findings) -> Table:
    rows = [
        (task, wording.dollars(paid), wording.dollars(cost), wording.dollars(paid - cost))
        for task, (paid, cost) in sorted(found.by_task.items(), key=lambda each: -each[1][0])
    ]
    return Table("Each kind of task", ("task", "as it was", "under the policy", "saved"), tuple(rows))
