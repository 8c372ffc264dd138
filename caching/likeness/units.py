"""Which units and currencies a text measures in."""

from caching.likeness.reading import Reading, once
from caching.likeness.word_lists import words

_SAME = """
kilometer km kms kilometers kilometre kilometres kmh kph
meter meters metre metres
centimeter cm cms centimeters centimetre centimetres
millimeter mm millimeters millimetre millimetres
mile miles mi mph
yard yards
foot feet ft
inch inches
acre acres
hectare hectares
kilogram kg kgs kilo kilos kilograms
gram grams gm gms
milligram mg milligrams
microgram mcg micrograms
pound pounds lb lbs
ounce ounces oz
ton tons tonne tonnes
liter liters litre litres
milliliter ml milliliters millilitre millilitres
gallon gallons
cup cups
teaspoon teaspoons tsp
tablespoon tablespoons tbsp
celsius centigrade
fahrenheit
kelvin
joule joules
calorie calories kcal
watt watts
kilowatt kilowatts kw
megawatt megawatts mw
volt volts
amp amps ampere amperes
hertz hz
megahertz mhz
gigahertz ghz
byte bytes
kilobyte kb kilobytes
megabyte mb mbs megabytes
gigabyte gb gbs gigabytes
terabyte tb terabytes
bit bits
second seconds sec secs
minute minutes mins
hour hours hr hrs hourly
day days daily
week weeks weekly
month months monthly
year years yearly annually annual yr yrs
decade decades
century centuries
dollar dollars usd $ bucks
euro euros eur €
sterling gbp £
yen jpy ¥
rupee rupees inr ₹ rs
yuan cny rmb renminbi
franc francs chf
peso pesos
ruble rubles rub
won krw
cent cents
percent % percentage pct
degree degrees °
""".strip()
_FORMS = {form: line.split()[0] for line in _SAME.splitlines() for form in line.split()}
# short forms that are words too, or are said without measuring: they count behind a number alone
_BEHIND_NUMBERS = words(
    "mi rs won rub sec mins day days daily second seconds minute bit bits cup cups degree degrees won yard yards",
    "year years month months week weeks hour hours pounds pound mm percent % percentage mb kb $ cent cents mw",
)  # fmt: skip
_SHORT = {
    "m": "meter", "g": "gram", "l": "liter", "c": "celsius", "f": "fahrenheit", "h": "hour", "s": "second",
    "in": "inch",
          "min": "minute", "v": "volt", "w": "watt", "ms": "millisecond", "k": "thousand"}  # fmt: skip


def differ(asked: Reading, kept: Reading) -> bool:
    """Whether both measure, and each in something that the other does not; or one converts and the other does not."""
    ours, theirs = measured(asked), measured(kept)
    if ours - theirs and theirs - ours:
        return True
    free_ours, free_theirs = _named(asked) | ours, _named(kept) | theirs
    return bool(free_ours - theirs - _named(kept) and free_theirs - ours - _named(asked))


@once
def measured(reading: Reading) -> frozenset[str]:
    """Units that stand behind a number, or in front of it as currencies do."""
    found = set()
    words = reading.words
    for place, word in enumerate(words):
        if not _is_number(word):
            found |= {_FORMS[word]} if word in _CURRENCY_SIGNS else set()
            continue
        digits = len(word) - len(word.lstrip("0123456789"))
        tail = word[digits:] or (words[place + 1] if place + 1 < len(words) else "")
        unit = _FORMS.get(tail) or (_SHORT.get(tail) if tail != "in" or word[digits:] else None)
        found |= {unit} if unit else set()
    return frozenset(found)


_CURRENCY_SIGNS = frozenset("$€£¥₹")


@once
def _named(reading: Reading) -> frozenset[str]:
    return frozenset(_FORMS[word] for word in reading.words if word in _FORMS and word not in _BEHIND_NUMBERS)


def _is_number(word: str) -> bool:
    return word[0].isdigit()
