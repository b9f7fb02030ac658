"""Numbers with their sign, unit and the word before them, compared by exact value ("2,000" equals "two thousand").

"First" is not a number, since it is often not used as one ("at first"); `opposites` protects it from "last". "One" is
optional, since it is mostly a pronoun.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache

from unspin.english.surface import NUMBERS
from unspin.english.thesaurus import related
from unspin.english.word_classes import MONTHS
from unspin.infer.fidelity.units import CURRENCY_SIGNS, SINGLE_UNITS, UNIT_WORDS, Unit, means_point, unit_at

Value = Fraction | str  # an opaque token, such as "0800" or "B52", is a str; so are "2nd" and "many 1000"


@dataclass(frozen=True)
class Amount:
    """A number in a text.

    `decimals` are the digits after the point: "1.10" is a price or a version and no "1.1". `unit` is None if no known
    unit follows; `noun` is the word that names the unit, or the word in its place. `role` is "from", "to" or "by" if
    that word stands before the number. `optional` is true for "one" and for "a day", which may be mere words.
    """

    value: Value
    decimals: int = 0
    unit: Unit | None = None
    noun: str = ""
    role: str = ""
    optional: bool = False

    @property
    def quantity(self) -> tuple[str, Value]:
        """The dimension, and the value in its base unit."""
        dimension, factor = self.unit or Unit()
        return dimension, self.value * factor if isinstance(self.value, Fraction) else self.value


_WORDS = {word: int(digits) for word, digits in NUMBERS.items() if digits.isdigit()} | {
    "zero": 0, "nought": 0, "naught": 0, "nil": 0, "deuce": 2,
}  # fmt: skip
_SCALES = {
    "hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9, "trillion": 10**12, "dozen": 12,
    "mn": 10**6, "bn": 10**9, "tn": 10**12, "m": 10**6, "k": 1000, "grand": 1000, "score": 20, "lakh": 10**5,
    "crore": 10**7,
}  # fmt: skip
_NEXT_SCALE = {100: 1000, 1000: 10**6, 10**6: 10**9, 10**9: 10**12}
_MANY = {
    f"{word}s": f"many {value}" for word, value in _SCALES.items() if len(word) > 2 and word not in ("grand", "score")
} | {
    "tens": "many 10",
    "scores": "many 20",
}
_HIGH_ORDINALS = """eleventh twelfth thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth
    twentieth thirtieth fortieth fiftieth sixtieth seventieth eightieth ninetieth hundredth thousandth
    millionth""".split()
_ORDINALS = {
    "second": "2nd",
    "tertiary": "3rd",
    **{word: digits for word, digits in NUMBERS.items() if not digits.isdigit() and word != "first"},
    **{
        word: f"{number}th"
        for word, number in zip(_HIGH_ORDINALS, (*range(11, 20), *range(20, 100, 10), 100, 1000, 10**6), strict=True)
    },
}
_ORDINAL_UNITS = {word: digits for word, digits in _ORDINALS.items() if re.fullmatch(r"[1-9]\D+", digits)} | {
    "first": "1st"
}
_FRACTIONS = {
    "½": "1/2",
    "⅓": "1/3",
    "⅔": "2/3",
    "¼": "1/4",
    "¾": "3/4",
    "⅕": "1/5",
    "⅛": "1/8",
    "⅜": "3/8",
    "⅝": "5/8",
}
_DENOMINATORS = {
    "halves": 2, "thirds": 3, "quarters": 4, "fourths": 4, "fifths": 5, "sixths": 6, "sevenths": 7, "eighths": 8,
    "ninths": 9,
    "tenths": 10,
}  # fmt: skip
_ROLES = {"from": "from", "to": "to", "by": "by", "via": "by"}
_MAX_DIGITS = 30  # longer numbers are compared as text
_CALENDAR = "|".join(sorted(MONTHS))
_HOURS = {word: i for i, word in enumerate("one two three four five six seven eight nine ten eleven twelve".split(), 1)}
# What is read as if the other form stood there.
_SAME = tuple(
    (re.compile(rf"\b(?:{form})(?!\w)", re.IGNORECASE), same)
    for form, same in {
        r"twice": "two times",
        r"(?:one|a single) time": "once",
        r"thrice": "three times",
        r"([ap])\.m\b\.?": r"\1m",
        r"12 (noon|midnight|o.clock)": r"\1",
        rf"({_CALENDAR}) (\d\d?)(?:st|nd|rd|th)": r"\1 \2",
        rf"(?:the )?(\d\d?)(?:st|nd|rd|th)(?: of)? ({_CALENDAR})": r"\1 \2",
    }.items()
)
_ANY_SAME = re.compile("|".join(form.pattern for form, _ in _SAME), re.IGNORECASE)
_CLOCK = re.compile(r"(?ia)\b(\d\d?)(?:[.:](\d\d))? ?([ap])\.? ?m\b\.?")  # "7 p.m.", "6.30pm"
_SPOKEN_CLOCK = re.compile(
    rf"(?ia)\b(half|quarter|ten|twenty|five) (past|after|to|before) ({'|'.join(_HOURS)})\b(?! (?:per|\w+s\b))"
)
_MINUTES = {"half": 30, "quarter": 15, "ten": 10, "twenty": 20, "five": 5}
_DECADE = re.compile(r"(?ia)['’]?\b(twent|thirt|fort|fift|sixt|sevent|eight|ninet)ies\b|(?<![\d])['’]?\b([2-9])0s\b")
_DECADES = "twent thirt fort fift sixt sevent eight ninet".split()
_TOKEN = re.compile(
    r"(?P<sign>(?<![\w)\]%.,])[-−–](?=[$£€]?\d))"
    r"|(?P<digits>\d+(?:[.,:/’']\d+)*)(?P<tail>[A-Za-z]*)"
    r"|(?P<fraction>[½⅓⅔¼¾⅕⅛⅜⅝])"
    r"|(?P<word>[^\W\d_]+(?:['’][^\W\d_]+)?(?=[\W_]|\d|$))|(?P<mark>[^\w\s]|_)"
)
_JOINT = re.compile(r"(?<=\w)-(?=\w)")
_PLURAL_APOSTROPHE = re.compile(r"(?<=\d)['’](?=s\b)")  # "1000's"
_GROUPED = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")
ROMAN = re.compile(r"(?=[IVXLC]{2,})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})")


def same_amounts(old: Sequence[Amount], new: Sequence[Amount]) -> bool:
    """Whether two texts name the same amounts in the same order; optional ones may be missing on either side.

    A unit or a role may be gained, since the spinner may have garbled it, but a gained unit must be related to the
    word in its place: "eleven rock" can be eleven stone, not eleven pounds.
    """
    reachable = {0}  # how many of the new amounts may be matched with the old ones so far
    for amount in old:
        skipped = _with_optional(reachable, new)
        matched = {i + 1 for i in skipped if i < len(new) and _same(amount, new[i])}
        reachable = matched | skipped if amount.optional else matched
    return len(new) in _with_optional(reachable, new)


def _with_optional(reachable: set[int], new: Sequence[Amount]) -> set[int]:
    """The positions that can be reached from others by leaving out optional amounts."""
    reached = set(reachable)
    for i, amount in enumerate(new):
        if i in reached and amount.optional:
            reached.add(i + 1)
    return reached


def _same(old: Amount, new: Amount) -> bool:
    if old.role and new.role and old.role != new.role and (old.unit or not old.noun or means_point(new.noun)):
        return False
    if old.quantity == new.quantity:
        return old.decimals == new.decimals or old.unit != new.unit
    if old.value != new.value or old.decimals != new.decimals or old.unit or not new.unit or not old.noun:
        return False
    return related(old.noun, new.noun) or old.noun.endswith(new.noun)


@lru_cache(maxsize=1 << 12)
def amounts_in(text: str) -> tuple[Amount, ...]:
    """The amounts in a text, in order."""
    return tuple(_Reader(with_usual_forms(text)).amounts())


@lru_cache(maxsize=1 << 12)
def with_usual_forms(text: str) -> str:
    """The text with one form for amounts that have two: "two times" for "twice", "6:30" for "half past six"."""
    if _ANY_SAME.search(text):
        for form, same in _SAME:
            text = form.sub(same, text)
    text = _CLOCK.sub(_in_24_hours, text)
    text = _SPOKEN_CLOCK.sub(_clock, text)
    return _DECADE.sub(lambda match: f"19{_DECADES.index(match[1].lower()) + 2 if match[1] else match[2]}0s", text)


def _in_24_hours(match: re.Match[str]) -> str:
    return f"{int(match[1]) % 12 + 12 * (match[3].lower() == 'p')}:{match[2] or '00'}"


def _clock(match: re.Match[str]) -> str:
    hour, minutes = _HOURS[match[3].lower()], _MINUTES[match[1].lower()]
    if match[2].lower() in ("to", "before"):
        hour, minutes = (hour - 2) % 12 + 1, 60 - minutes
    return f"{hour}:{minutes}"


class _Reader:
    """Reads the amounts of a text from left to right."""

    def __init__(self, text: str) -> None:
        # A hyphen between words is a space: "twenty-one", "five-year". A sign stands before a digit.
        self._tokens = list(_TOKEN.finditer(_JOINT.sub(" ", _PLURAL_APOSTROPHE.sub("", text))))
        self._lower = [token[0].lower() for token in self._tokens]

    def amounts(self) -> Iterator[Amount]:
        position = 0
        while position < len(self._tokens):
            found, end = self._amount_at(position)
            if found:
                yield self._with_surroundings(found, position, end)
            position = max(end, position + 1)

    def _amount_at(self, position: int) -> tuple[Amount | None, int]:
        """The amount whose first token is at a position, and the position after it."""
        token, low = self._tokens[position], self._lower[position]
        if token["fraction"]:
            return Amount(Fraction(_FRACTIONS[low])), position + 1
        if token["digits"]:
            return self._digits_at(position)
        if not token["word"]:
            return None, position
        if low == "half":
            return self._half_at(position)
        if (
            low in _WORDS
            or (low in _SCALES and len(low) > 2 and low not in ("grand", "score"))
            or (low == "one" and self._counts(position))
        ):
            return self._words_at(position)
        if low == "one":
            return Amount(Fraction(1), optional=True), position + 1
        if (
            self._word(position - 1) == "a"
            and self._word(position + 1) in ("of", "part")
            and f"{low}s" in _DENOMINATORS
        ):
            return Amount(Fraction(1, _DENOMINATORS[f"{low}s"])), position + 1
        if low in _MANY or low in _ORDINALS:
            return Amount(_MANY.get(low) or _ORDINALS[low]), position + 1
        if low in SINGLE_UNITS and self._word(position - 1) not in ("per", "each", "every"):
            return self._with_half(Amount(Fraction(1), 0, UNIT_WORDS[low], low, optional=True), position + 1)
        if ROMAN.fullmatch(token[0]):
            return Amount(_roman(token[0])), position + 1
        return None, position

    def _denominator_at(self, position: int) -> int | None:
        """The denominator that a word such as "thirds" names."""
        return _DENOMINATORS.get(self._word(position))

    def _half_at(self, position: int) -> tuple[Amount | None, int]:
        """ "Half a million", "half an hour", "half of"; not the "half" of "the first half"."""
        following = self._word(position + 1)
        if following in ("a", "an") and (scale := _SCALES.get(self._word(position + 2))):
            return Amount(Fraction(scale, 2)), position + 3
        if following in ("a", "an", "of", "the", "its", "their", "his", "her", "all", "our", "these", "those", "hour"):
            return Amount(Fraction(1, 2)), position + 1 + (following in ("a", "an"))
        return None, position

    def _with_half(self, amount: Amount, end: int) -> tuple[Amount, int]:
        """The amount with the "and a half" that may follow it."""
        if [self._word(end + i) for i in range(3)] == ["and", "a", "half"] and isinstance(amount.value, Fraction):
            return replace(amount, value=amount.value + Fraction(1, 2), optional=False), end + 3
        return amount, end

    def _word(self, position: int) -> str:
        return self._lower[position] if 0 <= position < len(self._lower) else ""

    def _counts(self, position: int) -> bool:
        """Whether the "one" at a position begins "one hundred"."""
        return self._word(position + 1) in _SCALES

    def _digits_at(self, position: int) -> tuple[Amount, int]:
        token = self._tokens[position]
        digits, tail = token["digits"], token["tail"].lower()
        end = position + 1
        number = digits.replace(",", "") if _GROUPED.fullmatch(digits) else digits.replace("’", "'")
        if re.fullmatch(r"\d+,\d{1,2}", number):  # a decimal comma
            number = number.replace(",", ".")
        decimals = number.partition(".")[2]
        if fraction := re.fullmatch(r"([1-9])/([2-9])", number):
            return Amount(Fraction(int(fraction[1]), int(fraction[2]))), end
        is_code = not re.fullmatch(r"\d+(?:\.\d+)?", number) or re.match(r"0\d", number) or len(number) > _MAX_DIGITS
        if (
            tail in ("rd", "th")
            and number in "3456789"
            and self._word(position - 1) == "a"
            and self._word(end) in ("of", "part")
        ):
            return Amount(Fraction(1, int(number))), end
        if tail in ("st", "nd", "rd", "th"):
            return Amount("1st" if number == "1" else f"{number}{tail}", optional=number == "1"), end
        if tail == "s" and re.fullmatch(r"10{2,9}", number):
            return Amount(f"many {number}"), end
        if tail and tail not in UNIT_WORDS and tail not in _SCALES:
            return Amount(f"{number}{tail}"), end
        if is_code:
            return Amount(number, unit=UNIT_WORDS.get(tail)), end
        value = Fraction(number)
        if denominator := self._denominator_at(end):
            return Amount(value / denominator), end + 1
        if self._word(end) in _FRACTIONS and not decimals:  # "2½"
            return Amount(value + Fraction(_FRACTIONS[self._lower[end]])), end + 1
        scale = self._scale_of_tail(tail, position) if tail else _SCALES.get(self._word(end))
        if scale:
            return self._words_at(position, value * scale, end + (not tail))
        return self._with_half(Amount(value, len(decimals), UNIT_WORDS.get(tail)), end)

    def _scale_of_tail(self, tail: str, position: int) -> int | None:
        """The scale of the letters after digits: "5m" is five million with a currency or before people, else metres."""
        if (
            tail == "m"
            and self._word(position - 1) not in CURRENCY_SIGNS
            and not self._word(position + 1).endswith("s")
        ):
            return None
        return _SCALES.get(tail)

    def _words_at(self, position: int, value: Fraction | None = None, end: int = 0) -> tuple[Amount, int]:
        """The number of the words from a position on, such as "two thousand and five"; `value` was read before."""
        end = end or position
        while end < len(self._lower):
            low = self._lower[end]
            joined = low == "and" and value is not None and value >= 100
            part = self._part_at(end + joined)
            if joined and part is None:
                break
            if value is None:
                value = Fraction(_WORDS.get(low, 1))
                if low in _SCALES:
                    value *= _SCALES[low]
            elif not joined and low in _SCALES:
                value = _scaled(value, _SCALES[low])
            elif part is not None and value >= 20 and part < min(_last_unit(value), 100):
                value += part
                end += joined
            else:
                break
            end += 1
        ordinal = _ORDINAL_UNITS.get(self._lower[end]) if end < len(self._lower) else None
        if ordinal and value and value % 10 == 0 and value % 100 >= 20:  # "twenty-third"
            return Amount(f"{int(value) // 10}{ordinal}"), end + 1
        if not value:  # "zero", which may stand for "no"
            return Amount(Fraction(0), optional=True), end
        if denominator := self._denominator_at(end):
            return Amount(value / denominator), end + 1
        return self._with_half(Amount(value), end)

    def _part_at(self, position: int) -> int | None:
        """The number below 100 at a position."""
        if position >= len(self._lower):
            return None
        low = self._lower[position]
        if (
            low.isascii()
            and low.isdigit()
            and len(low) < 3
            and position
            and self._lower[position - 1] in {*_SCALES, "and"}
        ):
            return int(low)
        return 1 if low == "one" else _WORDS.get(low)

    def _with_surroundings(self, amount: Amount, start: int, end: int) -> Amount:
        """The amount with the sign, currency, role and unit that stand around it."""
        before = start - 1
        unit, noun = amount.unit, amount.noun
        if self._word(before) in CURRENCY_SIGNS:
            unit = UNIT_WORDS[CURRENCY_SIGNS[self._word(before)]]
            before -= 1
            if self._word(before) in ("c", "nz", "hk", "au"):  # "NZ$5" is not "$5"
                unit = Unit(f"{self._word(before)} {unit.dimension}", unit.factor)
            before -= self._word(before) in ("us", "a", "c", "nz", "hk", "au")
        value = amount.value
        if before >= 0 and (self._tokens[before]["sign"] or self._word(before) == "minus"):
            value = -value if isinstance(value, Fraction) else f"-{value}"
            before -= 1
        if unit is None:
            unit, noun = unit_at(self._lower, end)
        return replace(amount, value=value, unit=unit, noun=noun, role=_ROLES.get(self._word(before), ""))


def _roman(numeral: str) -> Fraction:
    """The value of a Roman numeral below 100."""
    digits = [{"I": 1, "V": 5, "X": 10, "L": 50, "C": 100}[letter] for letter in numeral]
    return Fraction(sum(-a if a < b else a for a, b in zip(digits, (*digits[1:], 0), strict=True)))


def _last_unit(value: Fraction) -> int:
    """The place of the last digit that is not 0: 20 for 20, 100 for 1,200; parts below it may follow."""
    place = 1
    while value % (place * 10) == 0:
        place *= 10
    return place


def _scaled(value: Fraction, scale: int) -> Fraction:
    """The value multiplied by a scale, or only its last part, if a greater scale came before it.

    15 and 100 ("fifteen hundred") give 1500, but 2005 and 100 ("two thousand five hundred") give 2500.
    """
    part = (value % scale or value) if value >= _NEXT_SCALE.get(scale, math.inf) else value
    return value - part + part * scale
