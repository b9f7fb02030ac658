"""What must survive restoration: who, how many, when, polarity, addresses and the place of quotation marks.

`violation` compares the facts in the words an edit takes away with those it puts there. Equal values in another surface form pass
("2" and "two", "mustn't" and "should not"). A capitalised word counts as a name only on evidence, since spinners garble titles and
terms too: no dictionary knows it in lower case, or it is a given name before another capitalised word.
"""

from __future__ import annotations

import gzip
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

from unspin.data.edits import Edit
from unspin.data.lexicons.surface import NUMBERS
from unspin.data.segment import is_word, tokenize

_VALUES = {**{word: float(d) for word, d in NUMBERS.items() if d.isdigit()}, "zero": 0.0, "half": 0.5, "twice": 2.0}
_SCALES = {"hundred": 1e2, "thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12, "dozen": 12.0}
_PLURAL_SCALES = {f"{word}s": value for word, value in _SCALES.items()}
_ORDINALS = {"second": "2nd", **{word: digits for word, digits in NUMBERS.items() if not digits.isdigit() and word != "first"}}
_NEGATIONS = frozenset("not no never none nobody nothing neither nor nowhere without cannot hardly scarcely barely".split())
_CALENDAR = frozenset(
    """monday tuesday wednesday thursday friday saturday sunday january february march april may june july august september october november
    december today yesterday tomorrow before after until since""".split()
)
_AMBIGUOUS_CALENDAR = frozenset({"march", "may"})  # common verbs unless capitalised
_PERSONS = {
    **dict.fromkeys(("he", "him", "his", "himself"), "he"),
    **dict.fromkeys(("she", "her", "hers", "herself"), "she"),
    **dict.fromkeys(("i", "me", "my", "mine", "myself"), "i"),
    **dict.fromkeys(("we", "us", "our", "ours", "ourselves"), "we"),
    **dict.fromkeys(("you", "your", "yours", "yourself"), "you"),
}
_GIVEN_NAMES = frozenset(
    """april art bill bob carol chase chip chuck clay cliff colt dale dawn dean drew earl faith faye frank gene glen grace grant guy hank harry heath
    hope iris ivy jack jade jasmine jay jean jewel jill jimmy josh joy june lance lily mark marina mason max may miles nick olive pat patience pearl
    penny pierce ray reed rich rob robin roman rose ruby sandy sky sterling stone sue summer ted tony victor violet wade ward will woody""".split()
)
_ADDRESS = re.compile(r"\S*(?:://|www\.|@)\S*")
_QUOTES = re.compile(r"[\"“”«»„]|(?<!\w)['‘]|['’](?!\w)")
_NUMBER = re.compile(r"\d[\d.,]*\d|\d")


@cache
def _dictionary() -> frozenset[str]:
    table = gzip.decompress((files("unspin.data.lexicons") / "wordnet.tsv.gz").read_bytes()).decode()
    return frozenset(row.split("\t", 1)[0] for row in table.splitlines())


_SUFFIXES = (("ies", "y"), ("es", ""), ("s", ""), ("ed", ""), ("ed", "e"), ("ing", ""), ("ing", "e"), ("er", ""), ("est", ""))
_CLOSED_CLASS = frozenset(
    """the this that these those and but or nor for yet so if then than when where while who whom whose which what why how although though because
    unless until since during despite among amongst between toward towards upon within without against across along about above below under over after
    before behind beside besides beyond from into onto off per via with would could should must might shall may can will do does did has have had is are was were be been
    being he she it they we you i his her its their our your my me him them us everyone everybody someone somebody anyone anybody others another
    each every all both several many much more most some any few either neither such own same other whether meanwhile nonetheless nevertheless
    however moreover furthermore therefore thus hence also instead otherwise perhaps maybe""".split()
)


@cache
def known_word(word: str) -> bool:
    """Whether English has this lower-case word, as far as WordNet, the closed classes and plain inflections tell."""
    if word in _CLOSED_CLASS or word in _dictionary():
        return True
    stems = (word.removesuffix(ending) + stem for ending, stem in _SUFFIXES if word.endswith(ending))
    return any(stem in _dictionary() for stem in stems)


def names(sentence: str) -> list[tuple[int, int]]:
    """Spans of the words that are names on the sentence's own evidence."""
    found, position = [], 0
    tokens = [token for token in tokenize(sentence)]
    for i, token in enumerate(tokens):
        following = next((t for t in tokens[i + 1 :] if not t.isspace()), "")
        if token[:1].isupper() and is_word(token) and _is_name(token, following):
            found.append((position, position + len(token)))
        position += len(token)
    return found


def _is_name(token: str, following: str) -> bool:
    low = token.lower()
    if low in _GIVEN_NAMES and following[:1].isupper():
        return True
    return not all(known_word(part) for part in re.split(r"[-'’]", low) if part)


def violation(sentence: str, edit: Edit) -> str:
    """Why an edit may not be made, or "" if it keeps every fact."""
    before, after = sentence[edit.start : edit.end], edit.replacement
    touched = Counter(sentence[a:b] for a, b in names(sentence) if a < edit.end and edit.start < b)
    if touched - Counter(tokenize(after)):
        return f"name {' '.join(touched)!r} would be lost"
    new_names = {after[a:b] for a, b in names(after)} - set(tokenize(sentence))
    if new_names:
        return f"name {' '.join(sorted(new_names))!r} would be made up"
    for what, find in _FACTS.items():
        if find(before) != find(after):
            return f"{what} would change"
    return ""


def _numbers(text: str) -> Counter[object]:
    found: Counter[object] = Counter()
    pending: float | None = None
    for token in (t.lower() for t in tokenize(text.replace("-", " ")) if not t.isspace()):
        value = _value(token)
        if value is not None:
            pending = value if pending is None else pending + value if pending >= 20 and value < 10 else _count(found, pending, value)
        elif token in _SCALES:
            pending = (1.0 if pending is None else pending) * _SCALES[token]
        elif token != "and" or pending is None:
            if pending is not None:
                found[pending] += 1
                pending = None
            if token in _PLURAL_SCALES:
                found["many", _PLURAL_SCALES[token]] += 1
            elif token in _ORDINALS or token in _ORDINALS.values():
                found["ordinal", _ORDINALS.get(token, token)] += 1
    if pending is not None:
        found[pending] += 1
    return _as_magnitudes(found, text)


def _count(found: Counter[object], done: float, following: float) -> float:
    found[done] += 1
    return following


def _value(token: str) -> float | None:
    if _NUMBER.fullmatch(token):
        plain = token.replace(",", "")
        return float(plain) if plain.count(".") <= 1 else None
    return _VALUES.get(token)


def _as_magnitudes(found: Counter[object], text: str) -> Counter[object]:
    """Read "1000's" and "100s" as thousands and hundreds."""
    for digits in re.findall(r"\b(10{2,9})['’]?s\b", text):
        found[float(digits)] -= 1
        found["many", float(digits)] += 1
    return +found


def _negations(text: str) -> int:
    lowers = [token.lower() for token in tokenize(text)]
    return sum(token in _NEGATIONS or token.endswith(("n't", "n’t")) for token in lowers)


def _dates(text: str) -> Counter[str]:
    tokens = [token for token in tokenize(text.replace("-", " "))]
    return Counter(
        low for token in tokens if (low := token.lower()) in _CALENDAR and not (low in _AMBIGUOUS_CALENDAR and token.islower())
    )


def _persons(text: str) -> set[str]:
    return {_PERSONS[low] for token in tokenize(text) if (low := token.lower()) in _PERSONS}


def _quotes(text: str) -> list[str]:
    return _QUOTES.findall(text)


def _addresses(text: str) -> list[str]:
    return _ADDRESS.findall(text)


_FACTS = {
    "a number": _numbers,
    "polarity": _negations,
    "a date or time": _dates,
    "a person": _persons,
    "a quotation mark": _quotes,
    "an address": _addresses,
}


def quotations(text: str) -> Iterator[tuple[int, int]]:
    """Spans of text between double quotation marks."""
    for match in re.finditer(r"“[^”]*”|\"[^\"]*\"", text):
        yield match.span()
