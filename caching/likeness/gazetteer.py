"""Names that are known as names even in small letters."""

from caching.likeness.stems import stem
from caching.likeness.word_lists import words

# names that mean the same stand in one line, its first word for all
_SAME = """
usa us america american americans states
uk britain british england english
india indian indians bharat
china chinese
japan japanese
germany german germans
france french
spain spanish
italy italian italians
russia russian russians
canada canadian canadians
australia australian australians
pakistan pakistani pakistanis
israel israeli israelis
iran iranian persian
iraq iraqi
turkey turkish turks
greece greek greeks
poland polish
portugal portuguese
netherlands dutch holland
sweden swedish
norway norwegian
denmark danish
finland finnish
ireland irish
scotland scottish
switzerland swiss
austria austrian
belgium belgian
brazil brazilian
mexico mexican
argentina argentinian
chile chilean
colombia colombian
peru peruvian
cuba cuban
egypt egyptian
nigeria nigerian
kenya kenyan
ethiopia ethiopian
korea korean
vietnam vietnamese
thailand thai
indonesia indonesian
malaysia malaysian
philippines filipino
singapore singaporean
nepal nepali
bangladesh bangladeshi
srilanka sinhalese
afghanistan afghan
ukraine ukrainian
romania romanian
hungary hungarian
czechia czech
bulgaria bulgarian
serbia serbian
croatia croatian
syria syrian
arabia saudi arabic arab
africa african africans
europe european europeans eu
asia asian asians
hindi
urdu
tamil
telugu
bengali
punjabi
marathi
gujarati
kannada
malayalam
mandarin
cantonese
latin
hebrew
swahili
trump
clinton hillary
obama
modi
putin
facebook fb
whatsapp
instagram insta
twitter
youtube
google
gmail
microsoft
windows
linux
ubuntu
debian
fedora
macos mac osx
ios
android
apple
iphone
ipad
samsung
amazon aws
netflix
tesla
uber
quora
reddit
linkedin
snapchat
tiktok
python
java
javascript js
typescript ts
kotlin
swift
ruby
rust
golang
php
perl
scala
haskell
matlab
html
css
sql
mysql
postgresql postgres
sqlite
oracle
mongodb mongo
redis
excel
word
powerpoint
photoshop
docker
kubernetes k8s
azure
react
angular
vue
django
flask
rails
spring
node nodejs
git
github
gitlab
chrome
firefox
safari
bitcoin btc
ethereum eth
paypal
visa
mastercard
stripe
muslim muslims islam islamic
christian christians christianity
hindu hindus hinduism
jewish jew jews judaism
buddhist buddhism
catholic catholics
london
paris
berlin
munich
madrid
barcelona
rome
milan
lisbon
vienna
zurich
geneva
amsterdam
brussels
dublin
moscow
istanbul
dubai
delhi
mumbai bombay
bangalore bengaluru
chennai madras
kolkata calcutta
hyderabad
pune
tokyo
osaka
kyoto
beijing peking
shanghai
hongkong
seoul
sydney
melbourne
toronto
vancouver
montreal
chicago
boston
seattle
houston
dallas
texas
california
florida
nyc
washington
miami
cairo
lagos
nairobi
karachi
lahore
mars
venus
jupiter
saturn
mercury
neptune
uranus
pluto
aspirin
ibuprofen
paracetamol acetaminophen tylenol
insulin
metformin
penicillin
amoxicillin
""".strip()


def _read() -> dict[str, str]:
    return {
        form: line.split()[0] for line in _SAME.splitlines() for name in line.split() for form in (name, stem(name))
    }


KNOWN = _read()
# these mean something else in small letters more often than not
_AMBIGUOUS = words(
    "us states turkey word spring swift rust react node polish oracle excel apple chile mercury windows rails window",
    "state uber orange",
)


def known_as(word: str, cased: str) -> str | None:
    """The name's usual form, or None when the word is not known as a name."""
    small = cased == word
    return None if small and word in _AMBIGUOUS else KNOWN.get(word)
