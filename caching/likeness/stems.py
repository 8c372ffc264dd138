"""Takes the endings off English words, so that "running" and "runs" are one."""

from functools import lru_cache

_IRREGULAR = {
    "men": "man", "women": "woman", "children": "child", "people": "person", "persons": "person", "mice": "mouse",
    "feet": "foot", "teeth": "tooth", "lives": "life", "wives": "wife", "knives": "knife", "went": "go", "gone": "go",
    "goes": "go", "did": "do", "does": "do", "done": "do", "was": "be", "were": "be", "is": "be", "are": "be",
    "am": "be",
    "been": "be", "being": "be", "has": "have", "had": "have", "bought": "buy", "sold": "sell", "made": "make",
    "said": "say", "told": "tell", "got": "get", "gotten": "get", "took": "take", "taken": "take", "gave": "give",
    "given": "give", "found": "find", "thought": "think", "wrote": "write", "written": "write", "won": "win",
    "lost": "lose", "felt": "feel", "left": "left", "kept": "keep", "began": "begin", "begun": "begin", "saw": "see",
    "seen": "see", "knew": "know", "known": "know", "became": "become", "came": "come", "ran": "run", "ate": "eat",
    "eaten": "eat", "drank": "drink", "spoke": "speak", "spoken": "speak", "met": "meet", "paid": "pay", "sent": "send",
    "spent": "spend", "built": "build", "taught": "teach", "caught": "catch", "died": "die", "dying": "die",
    "lying": "lie", "using": "use", "used": "use", "uses": "use", "news": "news", "physics": "physics", "bus": "bus",
    "gas": "gas", "this": "this", "us": "us", "his": "his", "its": "its", "as": "as", "yes": "yes",
    "thing": "thing", "something": "something", "anything": "anything", "nothing": "nothing",
    "everything": "everything",
    "during": "during", "king": "king", "bring": "bring", "string": "string", "spring": "spring", "bed": "bed",
    "red": "red", "need": "need", "speed": "speed", "feed": "feed", "seed": "seed", "better": "better", "best": "best",
}  # fmt: skip
_DOUBLED = frozenset("bdgmnprt")
_VOWELS = frozenset("aeiouy")
_SHORTEST = 3


@lru_cache(maxsize=8192)
def stem(word: str) -> str:
    """The word in small letters without plural, -ed and -ing; a word of another script as it is."""
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if not word.isalpha() or not word.isascii() or len(word) <= _SHORTEST:
        return word
    return _without_e(_without_tense(_singular(word)))


def _singular(word: str) -> str:
    if word.endswith("ies") and len(word) > len("dies"):
        return word[:-3] + "y"
    if word.endswith(("sses", "xes", "ches", "shes", "zes")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def _without_tense(word: str) -> str:
    for ending in ("ing", "ed"):
        rest = word.removesuffix(ending)
        if rest != word and len(rest) >= _SHORTEST and _VOWELS & set(rest):
            is_doubled = rest[-1] == rest[-2] and rest[-1] in _DOUBLED
            return rest[:-1] if is_doubled else rest
    return word[:-3] + "y" if word.endswith("ied") else word


def _without_e(word: str) -> str:
    return word[:-1] if word.endswith("e") and len(word) > _SHORTEST else word
