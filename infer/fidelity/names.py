"""Proper names: none is lost, and none is put in unless the article or a list of well-known names supports it.

A capital letter alone does not make a name, since spinners garble titles and terms too ("the Frosty Warfare"). Two
sorts are told apart:

- *Sure names* are words that are always written with a capital ("Korea"), that no dictionary knows in lower case
  ("Kamilov"), or that are a place or a given name in the middle of a sentence ("in Turkey", "Roman Vassilenko").
  An edit never removes one.
- Other words with a capital in the middle of a sentence may be part of a garbled name. An edit changes them only if the
  name that it makes occurs in the article or is well known, and if no other such name could have been garbled to the
  same words: "Unified Countries" may be the United Nations or the United States.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from unspin.english.morphology import forms
from unspin.english.surface import ABBREVIATIONS
from unspin.english.terms import common_names, known_names
from unspin.english.thesaurus import related
from unspin.english.varieties import SPELLINGS
from unspin.english.word_classes import MONTHS, WEEKDAYS
from unspin.infer.fidelity.amounts import ROMAN
from unspin.infer.fidelity.change import Change
from unspin.infer.fidelity.context import MAX_NAME_WORDS
from unspin.infer.fidelity.dates import SHORT_DATES, restores_month
from unspin.infer.fidelity.dictionary import is_known
from unspin.infer.fidelity.units import UNIT_WORDS
from unspin.segment import is_word, tokenize

# Given names that are also words.
_GIVEN_NAMES = frozenset(
    """april art bill bob carol chase chip chuck clay cliff colt dale dawn dean drew earl faith faye frank gene glen
    grace grant guy hank harry heath hope iris ivy jack jade jasmine jay jean jewel jill jimmy josh joy june lance
    lily mark marina mason max may miles nick olive pat patience pearl penny pierce ray reed rich rob robin roman rose
    ruby sandy sky sterling stone sue summer ted tony victor violet wade ward will woody""".split()
)
# Names of one thing, each form and the name that stands for all of them.
_SAME_NAMES = {
    "United States of America": "America", "United States": "America", "U.S.A.": "America", "USA": "America",
    "U.S.": "America", "US": "America", "United Kingdom": "Britain", "U.K.": "Britain", "UK": "Britain",
    "Great Britain": "Britain", "European Union": "EU", "E.U.": "EU", "United Nations": "UN", "U.N.": "UN",
    "Soviet Union": "USSR", "U.S.S.R.": "USSR", "Holland": "Netherlands", "Eire": "Ireland",
}  # fmt: skip
_SAME_NAMES_IN_CAPITALS = {form.upper(): name for form, name in _SAME_NAMES.items()}
_ANY_SAME_NAME = re.compile(
    rf"(?<!\w)(?:{'|'.join(re.escape(written) for form in _SAME_NAMES for written in (form, form.upper()))})(?!\w)"
)
_SHORTENED = {"square": "sq", "saint": "st", "street": "st", "mount": "mt", "fort": "ft", "captain": "capt",
              "lieutenant": "lt",
              "sergeant": "sgt", "representative": "rep", "president": "pres", "company": "co", "corporation": "corp",
              "incorporated": "inc", "limited": "ltd", "university": "univ", "avenue": "ave", "road": "rd"}  # fmt: skip
_FULL_FORMS = {short: full for table in (_SHORTENED, ABBREVIATIONS) for full, short in table.items() if " " not in full}
_JOINING = frozenset("of the and for on in de &".split())
_OFFICES = frozenset(
    """Senate House Congress Parliament Assembly Cabinet Court Department Ministry Treasury Bureau Agency Commission
    Committee Council Board Senator Congressman Congresswoman Representative Governor President Secretary Minister
    Premier Chancellor Mayor Director Treasurer Ambassador Judge Justice General Admiral Colonel Captain Major
    Lieutenant Sergeant King Queen Prince Princess Duke Pope Bishop Professor Doctor Chairman Speaker""".split()
)
_OPENING = frozenset("\"“‘'«(:[>")
# Dates and units are left to other kinds.
_OTHER_WORDS = frozenset("i the a b c bc bce ad ce no tis twas".split())
_NO_NAMES = SHORT_DATES.keys() | {unit for unit in UNIT_WORDS if len(unit) < 4} | MONTHS | WEEKDAYS | _OTHER_WORDS
_HEADING_SHARE = 0.9  # share of the long words that have a capital in a heading


@dataclass(frozen=True, slots=True)
class _Word:
    """A word of a sentence, with its place."""

    text: str
    start: int
    opens: bool  # whether a sentence or quotation begins with it

    @property
    def has_capital(self) -> bool:
        return self.text[:1].isupper()


@lru_cache(maxsize=1 << 12)
def _words(sentence: str) -> tuple[_Word, ...]:
    found, position, opens = [], 0, True
    for token in tokenize(sentence):
        if is_word(token):
            found.append(_Word(token, position, opens))
            opens = False
        elif not token.isspace():
            opens = (
                token in _OPENING
                or (token in ".!?" and not (found and len(found[-1].text) < 3))
                or (opens and token not in ",;")
            )
        position += len(token)
    return tuple(found)


@lru_cache(maxsize=1 << 12)
def name_spans(sentence: str) -> tuple[tuple[int, int], ...]:
    """The (start, end) of each word of the sentence that is surely a name, in order."""
    words = _words(sentence)
    heading = _is_heading(sentence, words)
    return tuple(
        (word.start, word.start + len(word.text))
        for word, following in zip(words, (*words[1:], _Word("", 0, True)), strict=True)
        if (word.has_capital or "-" in word.text) and _is_name(word, following, heading)
    )


def _is_no_name(word: str) -> bool:
    return word.lower() in _NO_NAMES or ROMAN.fullmatch(word) is not None


def _is_name(word: _Word, following: _Word, heading: bool) -> bool:
    low = word.text.lower()
    if low in _GIVEN_NAMES and following.has_capital and following.start == word.start + len(word.text) + 1:
        return True
    if _is_no_name(word.text) or (low.removesuffix("s").endswith("day") and _kind(word.text) == "word"):
        return False  # left to `dates`
    kind = _kind(word.text)
    if kind == "word" or (kind == "place" and not heading and (not word.opens or _is_mostly_a_place(low))):
        return True
    if not word.has_capital:  # "post-Soviet"
        return any(map(_kind, word.text.split("-")))
    if word.opens and is_known(low.removesuffix("s")):  # "Childrens"
        return False
    return not all(is_known(part) for part in re.split(r"[-'’]", low) if part)


@cache
def _is_mostly_a_place(low: str) -> bool:
    """Whether the word spelt like a place is only a noun, as "turkey" is; "Nice" and "Reading" open sentences."""
    return low in ("japan", "france") or {form.pos for form in forms(low)} <= {"noun"}


@cache
def _kind(word: str) -> str:
    """The kind of a well-known name of one word, also in the plural ("Koreans"), or ""."""
    return known_names().get(word) or (known_names().get(word[:-1], "") if word.endswith("s") else "")


def _is_heading(sentence: str, words: Sequence[_Word]) -> bool:
    """Whether nearly all long words have a capital, and no full stop ends the sentence."""
    long = [word.has_capital for word in words if len(word.text) > 3]
    return not sentence.endswith((".", "!", "?")) and len(long) > 3 and sum(long) >= _HEADING_SHARE * len(long)


def changed_name(change: Change) -> str:
    """The name that an edit removes or puts in without support, or ""."""
    start, end = change.edit.start, change.edit.end
    if change.before.lower() == change.after.lower() or abbreviates(change):
        return ""
    if restores_month(change) or _with_same_names(change.before) == _with_same_names(change.after):
        return ""
    old = _sure_names(change.source, start, end)
    new = _sure_names(change.restored, start, change.restored_end)
    if old != new:
        lost = [name for name in old if not _has_form(name, new)]
        gained = [name for name in new if not _has_form(name, old)]
        if not lost and not gained and len(old) == len(new):
            return "" if all(map(_is_form, old, new)) else f"the name {' '.join(old)!r}"
        garbled = all(is_known(name.lower()) and _kind(name) != "word" for name in lost)
        if garbled and _has_capital(change.source, start, end) and _is_supported(change):
            return ""
        return f"the name {' '.join(lost or gained or old)!r}"
    if _is_heading(change.source, _words(change.source)):
        return ""
    old_capitals = _other_capitals(change.source, start, end)
    new_capitals = _other_capitals(change.restored, start, change.restored_end)
    if sorted(map(_in_full, old_capitals)) == sorted(map(_in_full, new_capitals)):
        return ""
    if new_capitals and _is_supported(change):
        return ""
    return f"the name {' '.join(old_capitals or new_capitals)!r}"


def _is_form(name: str, other: str) -> bool:
    """Whether two names are forms of one: "Korea" and "Korean", "China" and "Chinese"."""
    short, long = sorted((name, other), key=len)
    stem = max(len(short) - 1, 4)
    alike = len(short) > 3 and short[:stem] == long[:stem] and len(long) - len(short) < 4
    return short == long or (alike and long.endswith(("s", "n", "ese", "i", "ish")))


def _has_form(name: str, others: Sequence[str]) -> bool:
    return any(_is_form(name, other) for other in others)


def _in_full(word: str) -> str:
    """A word in lower case, and in full if it is an abbreviated title or address."""
    return _FULL_FORMS.get(word.lower(), word.lower())


def abbreviates(change: Change) -> bool:
    """Whether an edit puts an abbreviation in full or back: "CEO", "chief executive officer"; "Gov.", "Governor"."""
    sides = (" ".join(tokens).replace(".", "").strip() for tokens in (change.removed, change.inserted))
    short, long = sorted(sides, key=len)
    initials = "".join(word[0] for word in long.split() if word not in _JOINING)
    return (len(short) > 1 and initials == short) or short in (ABBREVIATIONS.get(long), _SHORTENED.get(long))


def _sure_names(sentence: str, start: int, end: int) -> list[str]:
    """The sure names between two places, each thing by one name."""
    text = sentence[start:end]
    plain = _with_same_names(text)
    if plain != text:  # the places differ, so look again
        return [plain[a:b] for a, b in name_spans(plain)]
    return [sentence[a:b] for a, b in name_spans(sentence) if a < end and start < b]


def _with_same_names(text: str) -> str:
    return _ANY_SAME_NAME.sub(lambda match: f" {_SAME_NAMES_IN_CAPITALS[match[0].upper()]} ", text)


def _other_capitals(sentence: str, start: int, end: int) -> list[str]:
    """The words between two places that have a capital, are no sure names and do not begin a sentence."""
    sure = {a for a, _ in name_spans(sentence)}
    words = _words(sentence)
    found = []
    for i, word in enumerate(words):
        if not (start <= word.start < end and word.has_capital) or word.start in sure or _is_no_name(word.text):
            continue
        if not word.opens or _begins_name(words, i, sure, end):
            found.append(word.text)
    return found


def _begins_name(words: Sequence[_Word], i: int, sure: set[int], end: int) -> bool:
    """Whether the first word of a sentence belongs to a name: "Supreme Courtroom", "Secretary of State"."""
    following = words[i + 1 : i + 2]
    if following and following[0].has_capital and following[0].start not in sure and following[0].start < end:
        return True
    return any(_is_well_known(" ".join(word.text for word in words[i : i + size])) for size in (2, 3, 4))


def _has_capital(sentence: str, start: int, end: int) -> bool:
    return any(word.has_capital for word in _words(sentence) if start <= word.start < end)


def _is_supported(change: Change) -> bool:
    """Whether the article or the list has the name that an edit makes, and no other garbled to the same words."""
    for old, new in _runs(change):
        name = " ".join(new)
        if (len(old) > 1 and _is_well_known(" ".join(old))) or (len(old) == 1 and {old[0], name} <= _OFFICES):
            return False  # a name that is sound
        mentioned = change.context.mentions(name)
        if mentioned or _is_well_known(name):
            if len(old) == len(new) and not _may_stand_for(old, new, name):
                return False
            known, own = _candidates(tuple(old), tuple(new)), _in_american(name)
            if mentioned:
                garbled = " ".join(old)
                rivals = [
                    rival for rival in change.context.names if rival != garbled and _may_stand_for(old, new, rival)
                ]
                rivals += filter(change.context.mentions, known)
                return all(_in_american(rival) == own for rival in rivals)
            return all(_in_american(rival) == own for rival in known)
    return False


def _in_american(name: str) -> str:
    return " ".join(SPELLINGS.get(word, word) for word in name.lower().split(" "))


def _may_stand_for(old: Sequence[str], new: Sequence[str], name: str) -> bool:
    """Whether the words of a garbled name are related to those of another name one by one.

    Words that the edit keeps are taken to be right.
    """
    garbled, words = [word.lower() for word in old], name.lower().split(" ")
    kept = {word.lower() for word in new} & set(garbled)
    return len(garbled) == len(words) and all(
        word == other or (word not in kept and related(word, other)) for word, other in zip(garbled, words, strict=True)
    )


def _runs(change: Change) -> Iterator[tuple[list[str], list[str]]]:
    """The stretches of capitalised words around an edit, before and after it, longest first."""
    source, restored = _words(change.source), _words(change.restored)
    start = change.edit.start
    before = [word for word in source if word.start + len(word.text) <= start]
    after = [word for word in source if word.start >= change.edit.end]
    old = [word for word in source if word not in before and word not in after]
    new = [word for word in restored if word.start + len(word.text) > start and word.start < change.restored_end]
    while old and new and old[0].text == new[0].text:
        before.append(old.pop(0))
        new.pop(0)
    while old and new and old[-1].text == new[-1].text:
        after.insert(0, old.pop())
        new.pop()
    left = _reach(before[::-1])[::-1]
    right = _reach(after)
    stretches = [
        (left[len(left) - i :], right[:j])
        for i in range(len(left) + 1)
        for j in range(len(right) + 1)
        if len(new) < i + j + len(new) <= MAX_NAME_WORDS or i == j == 0
    ]
    sure = {change.source[a:b] for a, b in name_spans(change.source)}
    stands_alone = all(not w.has_capital or w.text in sure | _OFFICES or w.opens for w in (*left[-1:], *right[:1]))
    for head, tail in sorted(stretches, key=lambda stretch: -len(stretch[0]) - len(stretch[1])):
        old_run, new_run = ([w.text for w in (*head, *middle, *tail)] for middle in (old, new))
        while new_run and old_run and new_run[0] == old_run[0] and not new_run[0][:1].isupper():
            new_run, old_run = new_run[1:], old_run[1:]
        is_name = new_run and new_run[0][:1].isupper() and new_run[-1][:1].isupper()
        if is_name and (len(new_run) > 1 or stands_alone):  # "Addicts" of "Mobile Addicts" is no name by itself
            yield old_run, new_run


def _reach(words: Sequence[_Word]) -> list[_Word]:
    """The capitalised words next to an edit, with the small words between them."""
    reached: list[_Word] = []
    for word in words:
        if not word.has_capital and word.text not in _JOINING:
            break
        reached.append(word)
        if word.opens:
            break
    return reached


@cache
def _well_known() -> frozenset[str]:
    return frozenset(name.lower() for name, kind in known_names().items() if kind == "phrase")


def _is_well_known(name: str) -> bool:
    return name.lower() in _well_known()


@cache
def _rival_names() -> Mapping[int, Mapping[str, list[str]]]:
    """The names written for this project, which are the best known, by their number of words and their first word."""
    names: dict[int, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for name in sorted(common_names()):
        low = name.lower()
        names[low.count(" ") + 1][low.split(" ")[0]].append(low)
    return names


@lru_cache(maxsize=1 << 10)
def _candidates(old: tuple[str, ...], new: tuple[str, ...]) -> tuple[str, ...]:
    """The best-known names that a garbled name may stand for."""
    first_word = old[0].lower()
    return tuple(
        name
        for first, names in _rival_names()[len(old)].items()
        if related(first_word, first)
        for name in names
        if _may_stand_for(old, new, name)
    )
