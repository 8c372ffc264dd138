"""What kind of answer a text asks for."""

from caching.likeness.reading import Reading
from caching.likeness.word_lists import words

# each line is one kind of answer; an opening of two or three words goes before one of a single word
_KINDS = """
count: how many; how much; what number of; what is the number of
age: how old
distance: how far
frequency: how often; how frequently
duration: how long; how much time; how many years; how many days; how many minutes; how many weeks; how many months
person: who; whom
possessor: whose
place: where; in which country; in which city; what place; which place
time: when; what time; what year; in what year; in which year; which year; what date; on what date
reason: why; how come; what is the reason; what are the reasons; what is the cause; what causes; what caused
manner: how; what is the best way to; what is the way to; what are the ways to; in what way
""".strip()
_OPENINGS = {
    tuple(opening.split()): kind
    for kind, _, openings in (line.partition(": ") for line in _KINDS.splitlines())
    for opening in openings.split("; ")
}
_LONGEST = max(map(len, _OPENINGS))
# what is asked is an action: one of these verbs where a sentence begins
_ACTIONS = """
explain: explain describe clarify
list: list name enumerate
write: write draft compose create generate
summarize: summarize summarise shorten condense
translate: translate
rewrite: rewrite rephrase paraphrase reword
correct: correct proofread fix debug repair
compare: compare contrast
classify: classify categorize categorise label
calculate: calculate compute solve evaluate
convert: convert transform
define: define
prove: prove
extract: extract
review: review critique
expand: expand elaborate
delete: delete remove
test: test
""".strip()
_ACTION_OF = {
    verb: line.partition(": ")[0] for line in _ACTIONS.splitlines() for verb in line.partition(": ")[2].split()
}
_SPEAKING = frozenset({"explain", "list", "define", "compare", "calculate"})
_DOERS = words("i you we one my your")
_FORMS = """
json
xml
yaml
csv
html
markdown
table
bullet bullets
poem poetry
haiku
limerick
song lyrics
essay
email mail
tweet
story
paragraph paragraphs
sentence sentences
step steps
code
diagram
""".strip()
_FORM_OF = {form: line.split()[0] for line in _FORMS.splitlines() for form in line.split()}
_DEFINITE = frozenset(
    {
        "haiku",
        "json",
        "xml",
        "yaml",
        "csv",
        "markdown",
        "table",
        "bullet",
        "poem",
        "limerick",
        "tweet",
        "email",
        "essay",
    }
)


def differ(asked: Reading, kept: Reading) -> bool:
    ours, theirs = kinds(asked), kinds(kept)
    if ours and theirs and ours.isdisjoint(theirs) and not _may_be_one(asked, kept):
        return True
    wanted, given = actions(asked), actions(kept)
    # "explain X" may be "what is X"; "translate X" is nothing but that
    return wanted != given and bool((wanted and given) or (wanted | given) - _SPEAKING)


def _may_be_one(asked: Reading, kept: Reading) -> bool:
    """How it happens and why it happens are often one answer; so are how and where I can get it."""
    wanted = kinds(asked) | kinds(kept)
    has_doer = any(
        {first, second} & _DOERS
        for each in (asked, kept)
        for first, second in zip(each.words[1:], each.words[2:], strict=False)
    )
    return wanted == ({"place", "manner"} if has_doer else {"reason", "manner"})


def forms_differ(asked: Reading, kept: Reading) -> bool:
    """Whether an answer is wanted as a table here and as a list there."""
    return forms(asked) & _DEFINITE != forms(kept) & _DEFINITE


def kinds(reading: Reading) -> frozenset[str]:
    found = set()
    place = 0
    while place < len(reading.words):
        kind, length = _opening(reading.words, place)
        if kind:
            found.add(kind)
        place += length
    return frozenset(found)


def _opening(spoken: tuple[str, ...], place: int) -> tuple[str, int]:
    for length in range(_LONGEST, 0, -1):
        kind = _OPENINGS.get(spoken[place : place + length])
        if kind:
            return kind, length
    return "", 1


def actions(reading: Reading) -> frozenset[str]:
    return frozenset(
        _ACTION_OF[word]
        for place in reading.openings
        if place < len(reading.words) and (word := reading.words[place]) in _ACTION_OF
    )


def forms(reading: Reading) -> frozenset[str]:
    is_ordered = bool(actions(reading)) or "give" in reading.words
    return frozenset(
        _FORM_OF[word]
        for place, word in enumerate(reading.words)
        if word in _FORM_OF and (is_ordered or reading.words[place - 1 : place] == ("as",))
    )
