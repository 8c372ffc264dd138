"""Words that mean each other's opposite."""

from caching.likeness.stems import stem

# one line for each axis: the words of one end / those of the other
_AXES = """
on / off
before / after
increase raise grow boost gain rise higher / decrease reduce lower drop decline shrink
maximum max maximize maximal highest / minimum min minimize minimal lowest
buy purchase / sell
buyer / seller
best greatest / worst
good great / bad poor terrible
high / low
up upward upwards / down downward downwards
open opening / close closing closed shut
start begin launch / stop end finish quit
enable activate / disable deactivate
install / uninstall
import / export
upload / download
encrypt / decrypt
encode / decode
compress / decompress extract
lock / unlock
connect / disconnect
attach / detach
mount / unmount
follow / unfollow
subscribe / unsubscribe
block / unblock
hide / show unhide
push / pull
send / receive
add append / remove subtract
insert / delete
create / destroy delete
include / exclude
accept approve / reject decline deny refuse
allow permit halal / forbid forbidden prohibit ban deny haram
legal lawful / illegal unlawful
win / lose
gain / lose
rich wealthy / poor
happy / sad unhappy miserable
male man boy / female woman girl
husband / wife
father dad / mother mom mum
brother / sister
son / daughter
uncle / aunt
king / queen
actor / actress
groom / bride
left / right
north northern / south southern
east eastern / west western
hot warm / cold cool
heat / cool
fast quick rapid / slow
heavy / light
big large huge / small little tiny
bigger larger / smaller
biggest largest / smallest
wide / narrow
long longer / short shorter
longest / shortest
tall taller / short shorter
strong stronger / weak weaker
true / false
positive / negative
public / private
internal / external
inner / outer
above / below beneath
over / under
ascending / descending
horizontal / vertical
input / output
read / write
serialize / deserialize
synchronous sync / asynchronous async
safe / dangerous unsafe risky
easy easier / difficult hard harder
early earlier / late later
earliest / latest
first / last final
inside indoor indoors / outside outdoor outdoors
front / back rear
top / bottom
love / hate
like / dislike hate
pro advantage benefit merit upside strength / con disadvantage drawback demerit downside risk weakness
question / answer
hire / fire
borrow / lend
borrower / lender
deposit / withdraw withdrawal
debit / credit
asset assets / liability liabilities
profit / loss
income revenue / expense expenses
bull bullish / bear bearish
employer / employee
landlord / tenant
teacher / student
parent / child
gross / net
fixed / variable
simple / compound
primary / secondary
acute / chronic
benign / malignant
inhale / exhale
artery / vein
bacterial / viral
systolic / diastolic
adult / child
attack / defend
marry married / divorce divorced single
arrive arrival / depart departure
enter entry / exit leave
login / logout
ancient / modern
old older / new newer
old older / young younger
oldest / youngest
oldest / newest
optimistic / pessimistic
introvert / extrovert
cheap cheaper inexpensive / expensive costly
cheapest / costliest
full / empty
wet / dry
deep / shallow
thick / thin
thin skinny / fat
loud / quiet
smart intelligent clever / stupid dumb
brave courageous / coward cowardly fearful cautious
progressive / conservative
religious / secular
defensive / offensive
proud / humble
friend / enemy
guilty / innocent
healthy / sick unhealthy ill
lazy / hardworking
polite / rude
nice / cruel
honest / dishonest
active / passive
visible / invisible
possible / impossible
alive living / dead
mortal / immortal
hypertension / hypotension
inflation / deflation
supply / demand
theist / atheist
liberal / conservative
capitalism / communism
offline / online
manual / automatic
sender / recipient receiver
ally / enemy
always / never
everything / nothing
everyone everybody / nobody
all / none
minor / major
plus / minus
multiply / divide
addition / subtraction
dependent / independent
hope hopeful / despair hopeless
humble / arrogant
confident secure / insecure
generous / greedy selfish
clean / dirty
pretty beautiful attractive / ugly
interesting / boring
famous / unknown
succeed success / fail failure
""".strip()
_PREFIXES = ("un", "in", "im", "il", "ir", "dis", "non", "anti", "de", "mis")


def _read_axes() -> dict[str, tuple[tuple[int, int], ...]]:
    ends: dict[str, tuple[tuple[int, int], ...]] = {}
    for axis, line in enumerate(_AXES.splitlines()):
        for pole, words in zip((1, -1), line.split(" / "), strict=True):
            for word in words.split():
                for form in {word, stem(word)}:
                    ends[form] = (*ends.get(form, ()), (axis, pole))
    return ends


AXES = _read_axes()
WORDS = frozenset(AXES)


def ends_of(word: str, its_stem: str) -> tuple[tuple[int, int], ...]:
    """The axes a word lies on, each with its end, 1 or -1."""
    return AXES.get(word) or AXES.get(its_stem) or ()


def negate(word: str, others: frozenset[str]) -> bool:
    """Whether the word says the contrary of one of the others: unhappy of happy, useless of useful."""
    if word.endswith("less") and word.removesuffix("less") + "ful" in others:
        return True
    return word.startswith(_PREFIXES) and any(
        word.startswith(prefix) and len(word) >= len(prefix) + len("able") and word[len(prefix) :] in others
        for prefix in _PREFIXES
    )
