"""Opposites and other words that never replace each other: "before" and "after", "weeks" and "months".

Each group lists kinds of words as regular expressions over whole lower-case tokens. An edit changes the meaning if it
removes words of some kinds of a group and inserts words of other kinds only. Inserting or removing alone is allowed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from unspin.english.word_classes import CLOSED_CLASS
from unspin.infer.fidelity.polarity import negated_stems
from unspin.infer.fidelity.quotations import quotation_layout
from unspin.segment import is_word, tokenize

_OPPOSITES = {
    "the order in time (before or after)": (
        "before|prior|ahead|until|till",
        "after|following|afterwards|since",
    ),
    "the comparison (more or less)": (
        "more|greater|above|over|exceeding|most",
        "less|fewer|below|under|least|fewest",
    ),
    "the direction (up or down)": (
        r"up|upward|increas\w+|ris\w+|rose|grow\w*|grew|higher|highest|raise[ds]?",
        r"down|downward|decreas\w+|declin\w+|fall\w*|fell|drop\w*|shr[aiu]nk\w*|lower|lowest|reduc\w+",
    ),
    "the degree of certainty": (
        "may|might|could|maybe|perhaps|possibly",
        "will|would|shall|must|certainly|definitely|surely",
    ),
    "the direction (from or to)": (
        "from",
        "to|until|till|towards?",
    ),
    "the order (first or last)": (
        "first|1st|initial",
        "last|final|latest",
    ),
    "the day": (
        "yesterday",
        "today|tonight",
        "tomorrow",
    ),
    "the unit of time": (
        "seconds?",
        "minutes?|mins?",
        "hours?|hrs?",
        "days?|daily",
        "weeks?|weekly",
        "months?|monthly",
        "years?|yearly|annual|annually|yrs?|twelvemonths?",
        "decades?|decennium",
        "century|centuries",
    ),
    "the unit of length": (
        "kilomet(?:er|re)s?|kms?",
        "miles?",
        "met(?:er|re)s?",
        "feet|foot|ft",
        "yards?|yds?",
        "inch(?:es)?",
        "centimet(?:er|re)s?|cms?",
        "millimet(?:er|re)s?|mm",
        "(?:light.)?years?",
    ),
    "the unit of area": (
        "acres?",
        "hectares?|ha",
    ),
    "the unit of volume": (
        "lit(?:er|re)s?",
        "gallons?",
        "pints?",
        "barrels?",
        "bottles?",
        "cups?",
        "(?:tea|table)?spoon(?:ful)?s?",
    ),
    "the unit of weight": (
        "kilo(?:gram|gramme)?s?|kgs?",
        "grams?|grammes?",
        "milligrams?|mg",
        "pounds?|lbs?",
        "ounces?|oz",
        "tons?|tonnes?",
    ),
    "the unit of money": (
        r"dollars?|\$|bucks?",
        "pounds?|£|sterling|quid",
        "euros?|€",
        "cents?",
        "pence|penny|pennies",
        "yen|¥",
        "yuan",
        "rou?bles?",
        "rupees?",
        "francs?",
        "pesos?",
        "kron(?:a|or|er|e)",
        "dirhams?",
        "rand",
        "zlotys?",
        "shekels?",
        "liras?",
        "won",
    ),
    "the unit of temperature": (
        "celsius|centigrade",
        "fahrenheit",
    ),
    "the unit of speed": (
        "kph|kmh",
        "mph",
        "knots?",
    ),
    "the unit of power": (
        "watts?",
        "kilowatts?|kw",
        "megawatts?|mw",
        "gigawatts?|gw",
    ),
    "the number of times": (
        "once",
        r"twice|doubl\w+",
        r"thrice|tripl\w+|trebl\w+",
        r"quadrupl\w+",
        r"halv\w+",
    ),
    "the fraction": (
        "half|halves",
        "quarters?|fourths?",
        "thirds?",
        "fifths",  # here and below, the ordinal is a number
        "sixths",
        "sevenths",
        "eighths",
        "ninths",
        "tenths?",
    ),
    "the colour": (
        "red|crimson|scarlet|carmine|ruby",
        "green|emerald",
        "blue|azure|navy",
        "yellow",
        "orange",
        "purple|violet",
        "pink",
        "brown",
        "black|ebony",
        "white|ivory",
        "gr[ae]y",
        "gold|golden",
        "silver",
    ),
    "the point of the compass": (
        r"north\w*",
        r"south\w*",
        r"east\w*",
        r"west\w*",
    ),
    "the gender": (
        "m[ae]n|boys?|husbands?|sons?|brothers?|fathers?|kings?|male",
        "wom[ae]n|girls?|wife|wives|daughters?|sisters?|mothers?|queens?|female",
    ),
    "the quantity (all or some)": (
        "all|every|each|both|everyone|everybody",
        "some|few|several|someone|somebody|many|most|half",
    ),
    "the frequency (often or seldom)": (
        "always|often|usually|frequently",
        "never|seldom|rarely|sometimes|occasionally",
    ),
    "the result (won or lost)": (
        r"w[io]n|wins|winning|winner\w*|beat\w*",
        r"los[et]|loses|losing|loser\w*",
    ),
    "the roles (buying or selling)": (
        r"b(?:uy\w*|ought)|purchas\w+|import\w*",
        r"s(?:ell\w*|old)|export\w*",
    ),
    "the stance (for or against)": (
        r"support\w*|accept\w*|allow\w*|permit\w*|approv\w+|includ\w+|pro",
        r"oppos\w+|reject\w*|refus\w+|ban|bans|banned|forbid\w*|forbade|prohibit\w*|exclud\w+|anti",
    ),
}
_GROUPS = {group: tuple(map(re.compile, kinds)) for group, kinds in _OPPOSITES.items()}
CONTENT_CHANGE_LIMIT = 3  # an edit that adds or removes this many content words adds or removes a statement
# Words of phrases that stand for a closed-class word, such as "in spite of" and "due to the fact that".
_PHRASE_WORDS = frozenset(
    """fact course order event case point view light spite regard account terms means time moment going great
    large""".split()
)


def opposed(before: str, after: str) -> str:
    """Name the meaning that replacing `before` by `after` would change, or "" if it would change none.

    Checks the number of content words, the place of quotation marks, negative prefixes and the groups of opposites. A
    phrase may become longer or shorter by fewer than `CONTENT_CHANGE_LIMIT` content words.
    """
    if abs(count_content_words(before) - count_content_words(after)) >= CONTENT_CHANGE_LIMIT:
        return "what is said"
    if quotation_layout(before) != quotation_layout(after):
        return "the place of a quotation mark"
    old, new = ([token.lower() for token in tokenize(text.replace("-", " "))] for text in (before, after))
    if negated_stems(old) & set(new) - set(old) or negated_stems(new) & set(old) - set(new):
        return "polarity"
    for group, kinds in _GROUPS.items():
        old_kinds, new_kinds = _kinds_in(old, kinds), _kinds_in(new, kinds)
        if old_kinds and new_kinds and not old_kinds & new_kinds:
            return group
    return ""


def _kinds_in(tokens: Sequence[str], kinds: Sequence[re.Pattern[str]]) -> set[int]:
    """The indices of the kinds that some token matches."""
    return {i for i, kind in enumerate(kinds) if any(map(kind.fullmatch, tokens))}


def count_content_words(text: str) -> int:
    """The number of words of four or more letters, not counting closed-class words and phrases that stand for them."""
    words = (token.lower() for token in tokenize(text) if is_word(token))
    return sum(len(word) > 3 and word not in CLOSED_CLASS and word not in _PHRASE_WORDS for word in words)
