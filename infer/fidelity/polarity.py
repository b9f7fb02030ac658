"""Polarity: whether a phrase affirms or denies.

Negations are counted, not parsed, so a negation that moves within an edit goes unnoticed. An idiom whose negation
denies nothing ("no doubt") may be exchanged for a plain equivalent ("certainly"). A verb of refusal may be exchanged
for a negation ("failed to go", "did not go").
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

from unspin.infer.fidelity.change import lower_tokens

_NEGATIONS = frozenset(
    """not no zero nil naught nought never none nobody nothing neither nor nowhere without cannot hardly scarcely
    barely""".split()
)
_REFUSAL_FORMS = (
    "avoid",
    "avert",
    "refrain",
    "fail",
    "refus",
    "reject",
    r"declin\w+ to\b",
    "den(?:y|ie)",
    "unable",
    "unlikely",
    "unwilling",
    "incapable",
    "impossib",
    "inadequate",
    "insufficient",
    "lack",
    "neglect",
    "shortage",
    "scarc(?!ely)",
    "yet to",
    "dearth",
    "deficien",
    "deficit",
    "shortfall",
    "paucity",
    "absen",
)
_REFUSAL = re.compile(rf"(?i)\b(?:{'|'.join(_REFUSAL_FORMS)})\w*")
_IDIOMS = tuple(  # idioms with a negation that denies nothing, and the words that say the same without one
    (re.compile(rf"\b(?:{idiom})\b", re.IGNORECASE), re.compile(rf"\b(?:{plain})\b", re.IGNORECASE))
    for idiom, plain in {
        "(?:at|for) no (?:cost|charge|fee)|without (?:charge|payment|cost)": "free",
        "not to mention|to say nothing of": "as well as|along with|and",
        "no doubt|without (?:a |any )?doubt|no question": (
            "certainly|undoubtedly|surely|doubtless|definitely|undeniably"
        ),
        "no matter": "whatever|however|regardless|whoever|wherever|despite",
        "whether or not": "whether(?! or)|if",
        "more often than not": "usually|often|generally|mostly",
        "without (?:any )?delay|in no time(?: at all)?|with no delay": (
            "immediately|at once|quickly|promptly|soon|swiftly|straight away"
        ),
        "not long": "soon|shortly|recently|just",
        "without exception": "all|every|each",
        "nothing (?:more |other )?(?:but|than)|no more than": "only|just|merely",
        "not least": "especially|particularly|including",
        "not far (?:from|off)|no great distance": "near|nearby|close",
        "(?:no|not) (?:fewer|less|lower) than": "at least|a minimum of|or more",
        "(?:no|not) (?:more|greater|higher) than": "at most|up to|a maximum of|only|just|merely|or less|or fewer",
        "hardly ever|scarcely ever|not often": "rarely|seldom|infrequently",
        "not (?:seldom|rarely|infrequently)": "often|frequently|regularly",
    }.items()
)
_ANY_IDIOM = re.compile("|".join(idiom.pattern for idiom, _ in _IDIOMS), re.IGNORECASE)
# "im-" and "in-" begin many words that are not negations ("improve", "inform"), so their stems are longer or listed.
_NEGATED_WORD = re.compile(
    r"un(?!less)(\w{4,})"
    r"|(?:dis|ir|il|non-?)(\w{4,})"
    r"|im(\w{5,})"
    r"|in((?:a[cdp]|corr|compl|consis|dep|dir|eff|exp|form|freq|just|sec|sign|suff|valid|vis)\w+)"
)


def denies(phrase: str) -> bool:
    """Whether a phrase has a negation, a verb of refusal or an idiom with a negation."""
    return any(_count_denials(phrase)) or _ANY_IDIOM.search(phrase) is not None


def negated_stems(tokens: Sequence[str]) -> set[str]:
    """The stems of lower-case tokens that begin with a negative prefix: "safe" for "unsafe".

    Some are not words ("der" for "under"), so compare them with words that do occur.
    """
    matches = filter(None, map(_NEGATED_WORD.fullmatch, tokens))
    return {stem for match in matches for stem in match.groups() if stem}


def same_polarity(before: str, after: str) -> bool:
    """Whether two sentences have as many negations and `after` has no fewer verbs of refusal.

    A refusal and a negation may stand for each other if the sum of both stays the same.
    """
    before, after = _without_exchanged_idioms(before, after)
    (negations_before, refusals_before), (negations_after, refusals_after) = map(_count_denials, (before, after))
    prefixes_before, prefixes_after = _count_prefixed(before, after), _count_prefixed(after, before)
    negations_before, negations_after = negations_before + prefixes_before, negations_after + prefixes_after
    if negations_before == negations_after:
        return refusals_after >= refusals_before or bool(prefixes_before or prefixes_after)
    return negations_before + refusals_before == negations_after + refusals_after


def _without_exchanged_idioms(before: str, after: str) -> tuple[str, str]:
    """Both phrases without the idioms that one has and the other expresses plainly.

    A plain word that both have expresses nothing that was lost: in "surely he has no doubt", the "no" must stay.
    """
    if not (_ANY_IDIOM.search(before) or _ANY_IDIOM.search(after)):
        return before, after
    for idiom, plain in _IDIOMS:
        lost = len(idiom.findall(before)) - len(idiom.findall(after))
        plain_gained = len(plain.findall(after)) - len(plain.findall(before))
        if 0 < lost <= plain_gained or plain_gained <= lost < 0:
            before, after = idiom.sub(" ", before), idiom.sub(" ", after)
    return before, after


def _count_prefixed(text: str, other: str) -> int:
    """The words with a negative prefix that the other text has without it: "unlawful" for "not lawful"."""
    own, theirs = Counter(lower_tokens(text)), Counter(lower_tokens(other))
    gone = [word for word in theirs - own if len(word) > 3]
    stems = negated_stems(tuple(own - theirs))
    return sum(len(stem) > 3 and any(word.startswith(stem) or stem.startswith(word) for word in gone) for stem in stems)


@lru_cache(maxsize=1 << 12)
def _count_denials(text: str) -> tuple[int, int]:
    """The numbers of negations and of verbs of refusal."""
    negations = sum(token in _NEGATIONS or token.endswith(("n't", "n’t")) for token in lower_tokens(text))
    return negations, len(_REFUSAL.findall(text))
