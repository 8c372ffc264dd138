"""What is to be done, in which form."""

from caching.likeness.reading import Reading, once

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
    wanted, given = actions(asked), actions(kept)
    # "explain X" may be "what is X"; "translate X" is nothing but that
    return wanted != given and bool((wanted and given) or (wanted | given) - _SPEAKING)


def forms_differ(asked: Reading, kept: Reading) -> bool:
    """Whether an answer is wanted as a table here and as a list there."""
    return forms(asked) & _DEFINITE != forms(kept) & _DEFINITE


@once
def actions(reading: Reading) -> frozenset[str]:
    return frozenset(
        _ACTION_OF[word]
        for place in reading.openings
        if place < len(reading.words) and (word := reading.words[place]) in _ACTION_OF
    )


@once
def forms(reading: Reading) -> frozenset[str]:
    is_ordered = bool(actions(reading)) or "give" in reading.words
    return frozenset(
        _FORM_OF[word]
        for place, word in enumerate(reading.words)
        if word in _FORM_OF and (is_ordered or reading.words[place - 1 : place] == ("as",))
    )
