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
from collections.abc import Sequence

from unspin.english.surface import ABBREVIATIONS
from unspin.infer.fidelity.capitals import Word, is_heading, is_no_name, kind_of_name, name_spans, words_of
from unspin.infer.fidelity.change import Change
from unspin.infer.fidelity.dates import restores_month
from unspin.infer.fidelity.dictionary import is_known
from unspin.infer.fidelity.support import JOINING, is_supported, is_well_known

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
        garbled = all(is_known(name.lower()) and kind_of_name(name) != "word" for name in lost)
        if garbled and _has_capital(change.source, start, end) and is_supported(change):
            return ""
        return f"the name {' '.join(lost or gained or old)!r}"
    if is_heading(change.source, words_of(change.source)):
        return ""
    old_capitals = _other_capitals(change.source, start, end)
    new_capitals = _other_capitals(change.restored, start, change.restored_end)
    if sorted(map(_in_full, old_capitals)) == sorted(map(_in_full, new_capitals)):
        return ""
    if new_capitals and is_supported(change):
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
    initials = "".join(word[0] for word in long.split() if word not in JOINING)
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
    words = words_of(sentence)
    found = []
    for i, word in enumerate(words):
        if not (start <= word.start < end and word.has_capital) or word.start in sure or is_no_name(word.text):
            continue
        if not word.opens or _begins_name(words, i, sure, end):
            found.append(word.text)
    return found


def _begins_name(words: Sequence[Word], i: int, sure: set[int], end: int) -> bool:
    """Whether the first word of a sentence belongs to a name: "Supreme Courtroom", "Secretary of State"."""
    following = words[i + 1 : i + 2]
    if following and following[0].has_capital and following[0].start not in sure and following[0].start < end:
        return True
    return any(is_well_known(" ".join(word.text for word in words[i : i + size])) for size in (2, 3, 4))


def _has_capital(sentence: str, start: int, end: int) -> bool:
    return any(word.has_capital for word in words_of(sentence) if start <= word.start < end)
