"""Lies: each alters one fact of a sentence. The fidelity check must refuse all of them.

The facts are chosen by lists and patterns written here, never by the check's own finders, which would hide what those
miss.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping

Lie = Callable[[str, random.Random], str]


def _pairs(text: str) -> dict[str, str]:
    """The pairs of a table: ``old>new``, with an underscore for each space."""
    return dict(pair.replace("_", " ").split(">") for pair in text.split())


DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
MONTHS = "January February April June July August September October November December".split()
SURNAMES = """Delacroix Dunmire Ellison Haddadin Harcourt Harlow Larkham Nordgren Okonjo Pemberton Penrose Prather
    Prosser Quiroga Solheim Stroh Szymanski Tidmarsh Tillinghast Tolliver Vickery Whitlock Wickramanayake
    Winstanley Clinton Obama Reagan Kennedy Nixon Roosevelt Gillard Keating Morrison Schumer Grassley""".split()
PLACES = """Afghanistan Africa Armenia Asia Australia Azerbaijan Bangladesh Beijing Belgium Boston Brazil Britain
    Brussels California Cambodia Canada Chicago Chile China Congo Copenhagen Dakar Egypt England Ethiopia Europe
    Florida France Geneva Germany Ghana Guinea Honduras India Iran Iraq Ireland Israel Italy Japan Kentucky Kenya
    Kosovo Libya London Malawi Mali Manila Mexico Minnesota Morocco Myanmar Nairobi Netherlands Nigeria Norway Ohio
    Oregon Panama Paris Peru Philippines Poland Portugal Russia Rwanda Scotland Serbia Spain Sudan Taiwan Thailand
    Tokyo Toronto Turkey Ukraine Vietnam Wales Yemen Yerevan Sydney Melbourne Canberra Queensland Virginia Iowa
    Wisconsin""".split()
PEOPLES = """American Australian British Chinese French German Russian Japanese Indian Korean Israeli Iranian Indonesian
    Mexican European African Asian Soviet Canadian Italian Spanish""".split()
PERSONS = {"he": "she", "she": "he", "his": "her", "He": "She", "She": "He", "we": "they"}
OPPOSITES = _pairs(
    """more>less less>more before>after after>before rose>fell fell>rose increase>decrease increased>reduced
    supported>opposed support>oppose accept>reject agreed>refused killed>injured injured>killed won>lost
    lost>won bought>sold import>export exports>imports guilty>innocent convicted>acquitted surplus>deficit
    deficit>surplus profit>loss prevent>cause causes>prevents cause>prevent open>closed opened>closed
    began>ended first>last last>first hired>fired allow>ban allowed>banned enemy>ally allies>enemies
    friend>enemy arrested>released north>south northern>southern eastern>western left>right high>low
    highest>lowest higher>lower large>small larger>smaller strong>weak rich>poor public>private
    majority>minority always>never often>rarely all>some every>some both>some may>will would>might could>must
    inside>outside early>late birth>death"""
)
UNITS = _pairs(
    """days>weeks day>week week>month weeks>days months>weeks years>months year>decade hours>minutes minutes>hours
    kilometres>miles miles>kilometers metres>feet feet>yards tonnes>kilos tons>pounds euros>dollars
    dollars>cents pounds>ounces mg>mcg grams>milligrams percent>percentage_points acres>hectares million>billion
    billion>million thousand>million hundred>thousand hundreds>thousands thousands>millions twice>once
    half>a_third a.m.>p.m. gallons>litres inches>centimeters decades>years century>decade"""
)
TIMES = _pairs(
    """summer>winter winter>summer morning>evening evening>morning night>day yesterday>tomorrow today>yesterday
    noon>midnight monthly>bimonthly weekly>monthly annual>biannual annually>monthly daily>weekly"""
)
KIN = _pairs(
    """man>woman men>women woman>man women>men boy>girl girls>boys boys>girls son>daughter daughter>son
    wife>husband husband>wife father>mother mother>father brother>sister sister>brother parents>mothers
    spouse>wife children>grandchildren aunt>uncle uncle>aunt sons>daughters parent>father siblings>brothers
    sibling>sister spouses>wives adults>children males>females males_and_females>females_and_males"""
)
TERMS = _pairs(
    """cancer>diabetes diabetes>asthma asthma>cancer heart>kidney kidney>liver liver>lung lung>stomach brain>liver
    stroke>pneumonia fever>cough pain>nausea murder>theft fraud>murder theft>fraud rape>arson copper>zinc
    gold>copper iron>nickel oxygen>hydrogen carbon>nitrogen hydrogen>helium coal>uranium aspirin>morphine
    insulin>penicillin dog>cat dogs>cats horse>cow cattle>sheep sheep>goats wheat>barley rice>wheat skin>bone
    lungs>kidneys kidneys>lungs eyes>ears eye>ear bone>muscle muscles>bones arthritis>diabetes leukemia>anemia
    anemia>leukemia epilepsy>leukemia tumor>fracture seizures>ulcers"""
)
COLOURS = {"red": "green", "green": "blue", "blue": "yellow", "yellow": "red", "black": "white", "white": "black"}
LIMITS = r"(?:[Aa]t least|[Mm]ore than|[Aa]bout|[Nn]early|[Aa]lmost|[Uu]p to|[Oo]ver|[Aa]pproximately|[Ll]ess than)"


def _swap(table: Mapping[str, str]) -> Lie:
    pattern = re.compile(rf"(?<![\w'’-])(?:{'|'.join(map(re.escape, table))})(?![\w'’-])")
    return lambda sentence, rng: pattern.sub(lambda match: table[match[0]], sentence, count=1)


def _exchange(names: list[str]) -> Lie:
    """The first of these names becomes another one."""
    pattern = re.compile(rf"\b(?:{'|'.join(names)})\b")

    def lie(sentence: str, rng: random.Random) -> str:
        return pattern.sub(
            lambda m: names[(names.index(m[0]) + rng.randrange(1, len(names))) % len(names)], sentence, count=1
        )

    return lie


def _substitute(pattern: str, replacement: str | Callable[[re.Match[str]], str]) -> Lie:
    compiled = re.compile(pattern)
    return lambda sentence, rng: compiled.sub(replacement, sentence, count=1)


def _other_number(sentence: str, rng: random.Random) -> str:
    return re.sub(
        r"(?<![\w.,–-])\d{1,4}(?![\w.,–-]?\d)", lambda m: str(int(m[0]) + rng.randint(1, 9)), sentence, count=1
    )


def _digit_dropped(sentence: str, rng: random.Random) -> str:
    return re.sub(r"\b([1-9]\d*)(\d)\b(?![.,]\d)", r"\1", sentence, count=1)


def _not_dropped(sentence: str, rng: random.Random) -> str:
    """Not the "not" of "more often than not" and "not to mention", which denies nothing."""
    return re.sub(
        r"(?<!ore often than)(?<!hether or) not\b(?! to mention| only| just| least)|(?<=\w)n['’]t\b",
        "",
        sentence,
        count=1,
    )


LIES: dict[str, Lie] = {
    "another number": _other_number,
    "a digit dropped": _digit_dropped,
    "a decimal point dropped": _substitute(r"(?<=\d)\.(?=\d)", ""),
    "another unit or scale": _swap(UNITS),
    "a bound dropped": _substitute(rf"\b{LIMITS} (?=\d|half|two|three|four|five|six)", ""),
    "another weekday": _exchange(DAYS),
    "another month": _exchange(MONTHS),
    "another time": _swap(TIMES),
    "every other": _substitute(r"\bevery (?=day|week|month|year)", "every other "),
    "a negation dropped": _not_dropped,
    "a negation added": _substitute(r"\b(is|was|are|were|has|had|will|would|could)\b(?! not|n['’]t)", r"\1 not"),
    "a negative prefix dropped": _substitute(
        r"\b(?:un|il|dis|in)(?=(?:able|likely|clear|known|usual|employed|certain|expected|legal|appear|cover|dependent|direct|accura)\w*)",
        "",
    ),
    "an opposite": _swap(OPPOSITES),
    "another person": _swap(PERSONS),
    "another relative or gender": _swap(KIN),
    "another surname": _exchange(SURNAMES),
    "a surname dropped": _substitute(rf"\b(?:{'|'.join(SURNAMES)})\b ?", ""),
    "another place": _exchange(PLACES),
    "an invented place": _substitute(rf"\b(?:{'|'.join(PLACES)})\b", "Vandrakovia"),
    "another people": _exchange(PEOPLES),
    "a name made common": _substitute(
        r"(?<=[a-z] )(?:Congress|Parliament|Senate|Department|Ministry|Supreme Court|White House|United Nations)\b",
        "government",
    ),
    "another office": _swap(
        {
            "Prime Minister": "Foreign Minister",
            "Senator": "Governor",
            "Senate": "House",
            "President": "Chancellor",
            "Secretary": "Director",
            "Treasurer": "Premier",
            "Supreme Court": "Appeals Court",
        }
    ),
    "another term": _swap(TERMS),
    "another colour": _swap(COLOURS),
    "a quotation mark moved": _substitute(r"(?<=\s)([\w'’-]+[,.]?)([”\"])", r"\2\1"),
    "a limit dropped": _substitute(r"\b(?:only|allegedly|reportedly|except|unless|alleged|attempted) ", ""),
}
