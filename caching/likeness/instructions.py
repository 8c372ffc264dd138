"""Whether a text gives orders to the model rather than asks it."""

import re

from caching.likeness.reading import Reading, once
from caching.likeness.word_lists import words

_ORDERS = re.compile(
    r"\b(?:ignore|disregard|forget|override|bypass|skip)\b.{0,40}\b(?:instructions?|prompts?|rules|above|previous|prior|everything|all|context|guidelines|question|directives?)\b"
    r"|(?:^|[.!?:;,)\n]\s{0,3}|\b(?:you|and)\s+(?:must\s+|should\s+|will\s+)?)(?:always|only|must|never)\s+(?:answer|respond|reply|say|output|return|claim)\b"
    r"|\b(?:answer|respond|reply|say|output)\s+(?:only|exactly|always|with\s+the\s+(?:word|phrase|text))\b"
    r"|\bfrom\s+now\s+on\b|\byou\s+are\s+now\s+(?:a|an|the|in|my|going|free)\b|\bact\s+as\s+(?:if|though|dan|an?\s+unrestricted)\b|\bpretend\s+(?:to\s+be|that|you)\b"
    r"|\b(?:system|developer|hidden|initial)\s+(?:prompt|message|instructions?)\b|\b(?:developer|god|dan|debug)\s+mode\b"
    r"|\bnew\s+(?:instructions?|rules?|task)\s*:|\b(?:real|actual|true)\s+(?:task|question|instructions?)\s+is\b|\binstead\s*,?\s*(?:say|answer|tell|reply|respond|output|print)\b"
    r"|\b(?:every|any|all)\s+(?:other\s+|future\s+|following\s+)?(?:users?|questions?|requests?)\b.{0,40}\b(?:answer|respond|reply|say|gets?)\b"
    r"|\b(?:cache|store|remember|memorize)\s+this\s+(?:answer|response|for)\b|\bregardless\s+of\s+(?:the|what)\s+(?:question|user|is\s+asked)\b"
    r"|\b(?:ignorez|ignora|ignoriere|ignoriert|oublie|olvida|vergiss)\b.{0,40}\b(?:instruc\w*|anweisung\w*|regel\w*|consignes?|todo|tout|alles)\b"
    r"|<\|[a-z_]{2,20}\|>|\[/?inst\]|<</?sys>>|^\s*(?:system|assistant|human|user)\s*:|###\s*(?:instruction|system|response)",
    re.IGNORECASE | re.MULTILINE,
)
# one of these stands in each of the orders above; to look for them is quicker by far
_HINTS = words(
    "ignor disregard forget override bypass skip answer respond reply say output return claim now act pretend prompt",
    "message instruction mode rule task question instead user request cache store remember memorize regardless oublie",
    "olvida vergiss <| inst] sys>> system assistant human ###",
)
_FEWEST_SPACED = 7
_SPACED = re.compile(r"(?<![^\W_])(?:[^\W\d_][ .\-_*]){7,40}[^\W\d_](?![^\W_])")


def give_orders(asked: Reading, kept: Reading) -> bool:
    """Whether either does: such an answer may have been made to be found by others."""
    return looks_like_orders(asked) or looks_like_orders(kept)


@once
def looks_like_orders(reading: Reading) -> bool:
    # letters set apart are a way to slip through: "i g n o r e"
    return _is_order(reading.text) or (
        sum(len(word) == 1 for word in reading.words) >= _FEWEST_SPACED and bool(_SPACED.search(reading.text))
    )


def _is_order(text: str) -> bool:
    small = text.casefold()
    # beyond ASCII the search below takes more letters for one than casefold does
    return not (text.isascii() and not any(hint in small for hint in _HINTS)) and bool(_ORDERS.search(text))
