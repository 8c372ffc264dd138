"""Words that mean the same in a question, for counting what one text says beyond the other."""

from caching.likeness.stems import stem

_SAME = """
best good great greatest finest top better ideal excellent nice
way method means approach technique procedure manner
buy purchase
get obtain acquire receive gain
make create build construct produce generate develop
begin start commence initiate
stop quit cease
end finish complete conclude
fix repair solve resolve
help assist aid
increase improve boost enhance raise
decrease reduce lower cut
large big huge
small little tiny
quick fast rapid quickly
easy simple easily
hard difficult tough
important significant crucial essential
need require
want wish desire
use utilize utilise
job career work employment profession
money cash
car automobile vehicle
phone mobile smartphone cellphone
computer pc desktop laptop
film movie
photo picture image pic
kid child
doctor physician
medicine drug medication
illness disease sickness disorder
house home
holiday vacation
shop store
purpose aim goal objective
reason cause
difference distinction differ different
example instance
mean meaning definition define signify
happen occur
learn study
teach educate
earn make
lose drop shed
weight fat
prepare prep preparation
choose select pick
show display
remove delete erase eliminate
add append
change modify alter edit
find locate discover
check verify
search look
think believe opinion view thought
famous popular well-known
safe secure
error mistake fault
book novel
love adore
woman lady female
man guy male
person someone somebody people anyone anybody one human individual
thing something stuff
answer reply respond response
question query
cost price charge fee
cheap inexpensive affordable
rich wealthy
smart intelligent clever
beautiful pretty attractive
happy glad
sad unhappy
company firm business organization
country nation
city town
university college
school
student pupil
exam examination test
website site webpage
app application
software program
internet web online
password passcode
account profile
restore recover retrieve recovery
reset
install set setup
connect link
speak talk
language tongue
country nation
government govt administration
president
war conflict
win
travel trip visit journey
food meal dish
symptom sign
treat treatment cure therapy remedy heal
pain ache
effect impact influence affect
advantage benefit pro
disadvantage drawback con
function role
feature characteristic property
type kind sort
part component piece
rule law
list
tip advice suggestion recommendation
recommend suggest advise
explain describe
tell
write
read
possible feasible
become turn
gay homosexual
currency money
notes note bill
ban demonetize demonetise demonetization demonetisation prohibit scrap discontinue
""".strip()
_FIRST = {
    form: stem(line.split()[0])
    for line in reversed(_SAME.splitlines())
    for word in line.split()
    for form in (word, stem(word))
}


def canonical(its_stem: str) -> str:
    """The stem that stands for all that mean the same."""
    return _FIRST.get(its_stem, its_stem)
