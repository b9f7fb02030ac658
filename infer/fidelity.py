"""What must survive restoration: who, how many, when, polarity, addresses and the place of quotation marks.

`violation` compares the facts in the words an edit takes away with those it puts there. Equal values in another surface form pass
("2" and "two", "mustn't" and "should not"). A capitalised word counts as a name only on evidence, since spinners garble titles and
terms too: no dictionary knows it in lower case, or it is a given name before another capitalised word.
"""

from __future__ import annotations

import gzip
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import lemminflect
from unspin.data.edits import Edit, apply, word_by_word
from unspin.data.lexicons.surface import ABBREVIATIONS, BRITISH, NUMBERS
from unspin.data.segment import is_word, tokenize

_VALUES = {word: float(d) for word, d in NUMBERS.items() if d.isdigit()}
_SCALES = {"hundred": 1e2, "thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12, "dozen": 12.0}
_PLURAL_SCALES = {f"{word}s": value for word, value in _SCALES.items()}
_ORDINALS = {"second": "2nd", **{word: digits for word, digits in NUMBERS.items() if not digits.isdigit() and word != "first"}}
_SHARE = re.compile(r"(?i)%|\bper ?cent\b|\bpercentage points?\b")
_DIGIT_PLURAL = re.compile(r"(?<=\d)['’](?=s\b)")
_NEGATIONS = frozenset("not no never none nobody nothing neither nor nowhere without cannot hardly scarcely barely".split())
_AVERSION = re.compile(r"(?i)\b(?:avoid|avert|refrain|fail|refus|reject|declin\w+ to\b|den(?:y|ie)|unable|unlikely|unwilling|incapable|impossib)\w*")
_DENIES_NOTHING = tuple(  # idioms with a negation, and what says the same without
    (re.compile(rf"(?i)\b(?:{idiom})\b"), re.compile(rf"(?i)\b(?:{plain})\b"))
    for idiom, plain in {
        "(?:at|for) no (?:cost|charge|fee)|without (?:charge|payment|cost)": "free",
        "not to mention|to say nothing of": "as well as|along with|and",
        "no doubt|without (?:a |any )?doubt|no question": r"certainly|undoubtedly|surely|doubtless|definitely|undeniably",
        "no matter": r"whatever|however|regardless|whoever|wherever|despite",
        "whether or not": "whether(?! or)|if",
        "more often than not": "usually|often|generally|mostly",
        "without (?:any )?delay|in no time(?: at all)?|with no delay": "immediately|at once|quickly|promptly|soon|swiftly|straight away",
        "not long": "soon|shortly|recently|just",
        "without exception": "all|every|each",
        "nothing (?:more |other )?(?:but|than)|no more than": "only|just|merely",
        "not least": "especially|particularly|including",
        "not far (?:from|off)|no great distance": "near|nearby|close",
    }.items()
)
_LESS = re.compile(
    r"un(?!less)(\w{4,})|(?:dis|ir|il|non-?)(\w{4,})|im(\w{5,})|in((?:a[cdp]|corr|compl|consis|dep|dir|eff|exp|form|freq|just|sec|sign|suff|valid|vis)\w+)"
)
_CALENDAR = re.compile(
    r"\b(?:(?i:mon|tues|wednes|thurs|fri|satur|sun)(?i:days?)|(?i:january|february|april|june|july|august|september|october|november|december)"
    r"|(?i:(?<=mid.)|(?<=late.)|(?<=early.))(?i:march|may)|March|May)\b"
)
_PERSONS = {
    **dict.fromkeys(("he", "him", "his", "himself"), "he"),
    **dict.fromkeys(("she", "her", "hers", "herself"), "she"),
    **dict.fromkeys(("i", "me", "my", "mine", "myself"), "i"),
    **dict.fromkeys(("we", "us", "our", "ours", "ourselves"), "we"),
    **dict.fromkeys(("you", "your", "yours", "yourself"), "you"),
}
_GIVEN_NAMES = frozenset(
    """april art bill bob carol chase chip chuck clay cliff colt dale dawn dean drew earl faith faye frank gene glen grace grant guy hank
    harry heath hope iris ivy jack jade jasmine jay jean jewel jill jimmy josh joy june lance lily mark marina mason max may miles nick
    olive pat patience pearl penny pierce ray reed rich rob robin roman rose ruby sandy sky sterling stone sue summer ted tony victor
    violet wade ward will woody""".split()
)
_ADDRESS = re.compile(r"\S*(?:://|www\.|@)\S*")
_QUOTES = re.compile(r"[\"“”«»„]|(?<!\w)['‘](?!(?:s|re|ve|ll|d|m)\b)|['’](?!\w)")
_OPPOSITES = {
    group: tuple(re.compile(member) for member in members.split(" / "))
    for group, members in {
        "before or after": "before|prior|ahead|until|till / after|following|afterwards|since",
        "more or less": "more|greater|above|over|exceeding|most / less|fewer|below|under|least|fewest",
        "up or down": r"up|upward|increas\w+|ris\w+|rose|grow\w*|grew|higher|highest|raise[ds]? / "
        r"down|downward|decreas\w+|declin\w+|fall\w*|fell|drop\w*|shr[aiu]nk\w*|lower|lowest|reduc\w+",
        "how certain": "may|might|could|maybe|perhaps|possibly / will|would|shall|must|certainly|definitely|surely",
        "from or to": "from / to|until|till|towards?",
        "first or last": "first|1st|initial / last|final|latest",
        "the day": "yesterday / today|tonight / tomorrow",
        "the unit of time": "seconds? / minutes?|mins? / hours?|hrs? / days?|daily / weeks?|weekly / months?|monthly / "
        "years?|yearly|annual|annually|yrs?|twelvemonths? / decades?|decennium / century|centuries",
        "the unit of length": "kilomet(?:er|re)s?|kms? / miles? / met(?:er|re)s? / feet|foot|ft / yards?|yds? / inch(?:es)? / "
        "centimet(?:er|re)s?|cms? / millimet(?:er|re)s?|mm / (?:light.)?years?",
        "the unit of area": "acres? / hectares?|ha",
        "the unit of volume": "lit(?:er|re)s? / gallons? / pints? / barrels? / bottles? / cups? / (?:tea|table)?spoon(?:ful)?s?",
        "the unit of weight": "kilo(?:gram|gramme)?s?|kgs? / grams?|grammes? / milligrams?|mg / pounds?|lbs? / ounces?|oz / tons?|tonnes?",
        "the unit of money": r"dollars?|\$|bucks? / pounds?|£|sterling|quid / euros?|€ / cents? / pence|penny|pennies / yen|¥ / yuan / "
        "rou?bles? / rupees? / francs? / pesos? / kron(?:a|or|er|e) / dirhams? / rand / zlotys? / shekels? / liras? / won",
        "the unit of temperature": "celsius|centigrade / fahrenheit",
        "the unit of speed": "kph|kmh / mph / knots?",
        "the unit of power": "watts? / kilowatts?|kw / megawatts?|mw / gigawatts?|gw",
        "how many times": r"once / twice|doubl\w+ / thrice|tripl\w+|trebl\w+ / quadrupl\w+ / halv\w+",
        "the fraction": "half|halves / quarters?|fourths? / thirds? / tenths?",
        "the colour": "red|crimson|scarlet|carmine|ruby / green|emerald / blue|azure|navy / yellow / orange / purple|violet / pink / brown / "
        "black|ebony / white|ivory / gr[ae]y / gold|golden / silver",
        "the point of the compass": r"north\w* / south\w* / east\w* / west\w*",
        "man or woman": "m[ae]n|boys?|husbands?|sons?|brothers?|fathers?|kings?|male / "
        "wom[ae]n|girls?|wife|wives|daughters?|sisters?|mothers?|queens?|female",
        "all or some": "all|every|each|both|everyone|everybody / some|few|several|someone|somebody|many|most|half",
        "often or seldom": "always|often|usually|frequently / never|seldom|rarely|sometimes|occasionally",
        "win or lose": r"w[io]n|wins|winning|winner\w*|beat\w* / los[et]|loses|losing|loser\w*",
        "buy or sell": r"b(?:uy\w*|ought)|purchas\w+|import\w* / s(?:ell\w*|old)|export\w*",
        "for or against": r"support\w*|accept\w*|allow\w*|permit\w*|approv\w+|includ\w+|pro / "
        r"oppos\w+|reject\w*|refus\w+|ban|bans|banned|forbid\w*|forbade|prohibit\w*|exclud\w+|anti",
    }.items()
}
_AMOUNT = (
    r"(?=\W+(?:an? |the )?(?:[$£€]?\d|(?:half|scores|once|twice|(?:dozen|hundred|thousand|million|billion|trillion)s?|"
    + "|".join(word for word, digits in NUMBERS.items() if digits.isdigit())
    + r")\b))"
)
_BOUNDS = {
    bound: re.compile(rf"(?i)\b(?:{forms})")
    for bound, forms in {
        "at least": rf"at (?:the (?:very )?)?least|(?:at|as) a minimum|minimum of|(?:no|not) (?:fewer|less) than{_AMOUNT}|or (?:more|over|above)\b",
        "at most": rf"at (?:the (?:very )?)?most|(?:at|as) a maximum|maximum of|(?:no|not) more than{_AMOUNT}|"
        rf"(?:up to|as (?:many|much) as){_AMOUNT}|(?<!more )or (?:less|fewer|under)\b",
        "over": rf"(?<!no )(?<!not )(?:(?:more|greater|higher) than|over|above|exceeding|in excess of|upwards? of|beyond){_AMOUNT}",
        "under": rf"(?<!no )(?<!not )(?:(?:fewer|less|lower) than|under|below|beneath){_AMOUNT}",
        "nearly": rf"(?:nearly|almost|virtually|practically|close to|just (?:under|below)){_AMOUNT}",
        "about": rf"(?:about|around|approximately|approx\.?|roughly|some|circa|in the (?:region|neighbou?rhood) of){_AMOUNT}|"
        r"or (?:so|thereabouts)\b",
    }.items()
}
HANDFUL = 3  # content words
_OF_PHRASES = frozenset("fact course order event case point view light spite regard account terms means time moment going light great large".split())
_NUMBER = re.compile(r"\d[\d.,]*\d|\d")


@cache
def _dictionary() -> frozenset[str]:
    table = gzip.decompress((files("unspin.data.lexicons") / "wordnet.tsv.gz").read_bytes()).decode()
    return frozenset(row.split("\t", 1)[0] for row in table.splitlines()) | ABBREVIATIONS.keys() | set(ABBREVIATIONS.values()) | BRITISH.keys()


_CLOSED_CLASS = frozenset(
    """the this that these those and but or nor for yet so if then than when where while who whom whose which what why how although though
    because unless until since during despite among amongst between toward towards upon within without against across along about above
    below under over after before behind beside besides beyond from into onto off per via with would could should must might shall may can
    will do does did has have had is are was were be been being he she it they we you i his her its their our your my me him them us
    everyone everybody someone somebody anyone anybody others another each every all both several many much more most some any few either
    neither such own same other whether meanwhile nonetheless nevertheless however moreover furthermore therefore thus hence also instead
    otherwise perhaps maybe""".split()
)


@cache
def known_word(word: str) -> bool:
    """Whether English has this lower-case word, in any form, as far as lemminflect, WordNet and the spinners' own tables tell."""
    return word in _CLOSED_CLASS or word in _dictionary() or bool(lemminflect.getAllLemmas(word))


def names(sentence: str) -> list[tuple[int, int]]:
    """Spans of the words that are names on the sentence's own evidence."""
    found, position = [], 0
    tokens = tokenize(sentence)
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
    """Which fact an edit by itself changes, or "" if it keeps all."""
    before, after = sentence[edit.start : edit.end], edit.replacement
    if before.lower() == after.lower():
        return ""
    touched = Counter(sentence[a:b] for a, b in names(sentence) if a < edit.end and edit.start < b)
    if touched - Counter(tokenize(after)):
        return f"the name {' '.join(touched)!r}"
    if lost := _lost_bounds(sentence, apply(sentence, [edit])):
        return lost
    made_up = {after[a:b] for a, b in names(after)} - set(tokenize(sentence))
    if made_up:
        return f"the name {' '.join(sorted(made_up))!r}"
    return _changed(before, after) or opposed(before, after)


def changed_fact(source: str, restored: str) -> str:
    """Which fact differs between two versions of a sentence, order included, or "" if none does."""
    named, kept = ([text[a:b] for a, b in names(text)] for text in (source, restored))
    if named != kept:
        return f"the names ({', '.join(named)})"
    return _lost_bounds(source, restored) or _changed(source, restored)


def _lost_bounds(before: str, after: str) -> str:
    """The bound of an amount that is there no more ("at least once" to "once", "nearly 40" to "about 40"); one may come back from garbage."""
    lost = [bound for bound, forms in _BOUNDS.items() if len(forms.findall(before)) > len(forms.findall(after))]
    return f"a bound ({lost[0]})" if lost else ""


def _changed(before: str, after: str) -> str:
    if len(_SHARE.findall(before)) > len(_SHARE.findall(after)):
        return "a percentage"
    if not _same_polarity(before, after):
        return "polarity"
    return next((what for what, find in _FACTS.items() if find(before) != find(after)), "")


def opposed(before: str, after: str) -> str:
    """What an edit in its place would turn round: the side of a quotation mark, or a meaning ("before" to "after", "weeks" to "months").

    A wordy phrase may become a short one, but not where content words go by the handful: then something said would be unsaid, or made up.
    """
    if abs(_content(before) - _content(after)) >= HANDFUL:
        return "what is said"
    if _quote_places(before) != _quote_places(after):
        return "the place of a quotation mark"
    olds, news = ([token.lower() for token in tokenize(text.replace("-", " "))] for text in (before, after))
    if _bare(olds) & set(news) - set(olds) or _bare(news) & set(olds) - set(news):
        return "polarity"
    for group, members in _OPPOSITES.items():
        had, has = ({i for i, pattern in enumerate(members) for token in tokens if pattern.fullmatch(token)} for tokens in (olds, news))
        if had and has and not had & has:
            return group
    return ""


def _bare(tokens: Sequence[str]) -> set[str]:
    """What is left of the words that begin with a negation: "safe" of "unsafe"."""
    return {stem for token in tokens if (found := _LESS.fullmatch(token)) for stem in found.groups() if stem}


def _content(text: str) -> int:
    """How many words say something by themselves: not the closed classes, not the nouns of phrases that stand for them."""
    lowers = (token.lower() for token in tokenize(text))
    return sum(len(low) > 3 and is_word(low) and low not in _CLOSED_CLASS and low not in _OF_PHRASES for low in lowers)


def _numbers(text: str) -> list[object]:
    """Values in order: "two thousand" and "2,000" are 2000.0, "1000's" and "thousands" are many, "2nd" is an ordinal."""
    found: list[object] = []
    open_value: float | None = None
    for token in (t.lower() for t in tokenize(_DIGIT_PLURAL.sub("", text.replace("-", " "))) if not t.isspace()):
        value = _value(token)
        if value is not None and open_value is not None and open_value >= 20 and value < min(open_value, 100):
            open_value += value
        elif value is not None:
            found += [] if open_value is None else [open_value]
            open_value = value
        elif token in _SCALES:
            open_value = (1.0 if open_value is None else open_value) * _SCALES[token]
        elif token != "and" or open_value is None:
            found += [] if open_value is None else [open_value]
            open_value = None
            found += _other_numbers(token)
    return found if open_value is None else [*found, open_value]


def _value(token: str) -> float | None:
    if _NUMBER.fullmatch(token):
        plain = token.replace(",", "")
        return float(plain) if plain.count(".") <= 1 else None
    return _VALUES.get(token)


def _other_numbers(token: str) -> list[object]:
    plural = re.fullmatch(r"(10{2,9})s", token)
    if plural or token in _PLURAL_SCALES:
        return [("many", float(plural[1]) if plural else _PLURAL_SCALES[token])]
    if token != "1st" and (token in _ORDINALS or any(c.isdigit() for c in token)):  # "first" says more than a number
        return [_ORDINALS.get(token, token)]
    return []


def _negations(text: str) -> int:
    lowers = [part for token in tokenize(text) for part in token.lower().split("-")]  # "not-for-profit"
    return sum(token in _NEGATIONS or token.endswith(("n't", "n’t")) for token in lowers)


def _same_polarity(before: str, after: str) -> bool:
    """As many negations, and no "avoided" or "refused" lost; one may stand for the other ("failed to go", "did not go")."""
    for idiom, plain in _DENIES_NOTHING:
        had, has = len(idiom.findall(before)), len(idiom.findall(after))
        if (had > has and plain.search(after)) or (has > had and plain.search(before)):
            before, after = idiom.sub(" ", before), idiom.sub(" ", after)
    negations, aversions = (_negations(before), _negations(after)), (len(_AVERSION.findall(before)), len(_AVERSION.findall(after)))
    if negations[0] == negations[1]:
        return aversions[1] > 0 or aversions[0] == 0
    return negations[0] + aversions[0] == negations[1] + aversions[1]


def _dates(text: str) -> list[str]:
    return [match[0].lower() for match in _CALENDAR.finditer(text)]


def _persons(text: str) -> list[str]:
    return [_PERSONS[low] for token in tokenize(text) if (low := token.lower()) in _PERSONS]


def _quote_places(text: str) -> list[str]:
    """The quotation marks of an edit, and whether anything stands before, between and behind them; nothing if it has no marks."""
    marks = list(_QUOTES.finditer(text))
    ends = [0, *(mark.end() for mark in marks)]
    starts = [*(mark.start() for mark in marks), len(text)]
    between = [text[a:b].strip() != "" for a, b in zip(ends, starts, strict=True)]
    return [str(item) for pair in zip(between, [*(mark[0] for mark in marks), "."], strict=True) for item in pair] if marks else []


_FACTS: dict[str, Callable[[str], object]] = {
    "a number": _numbers,
    "a date or time": _dates,
    "a person": _persons,
    "an address": _ADDRESS.findall,
}


def quotations(text: str) -> Iterator[tuple[int, int]]:
    """Spans of text between double quotation marks."""
    for match in re.finditer(r"“[^”]*”|\"[^\"]*\"", text):
        yield match.span()


@dataclass(frozen=True)
class Verdict:
    """The edits of a sentence that keep its facts; those among them that keep them only together; why others were refused."""

    kept: tuple[Edit, ...]
    tied: frozenset[Edit] = frozenset()
    refused: tuple[str, ...] = ()


def _pieces(source: str, whole: Edit) -> list[Edit]:
    """An edit, or where it would change a fact what can be saved of it: words that say something, put for words that say something.

    Of "not as many" to "more than 15" nothing: "as" to "than" means something only beside its neighbours.
    """
    if not violation(source, whole):
        return [whole]
    pieces = word_by_word(source, whole)
    if len(pieces) == 1:
        return pieces
    return [piece for piece in pieces if violation(source, piece) or all(map(_content, (source[piece.start : piece.end], piece.replacement)))]


def judge(source: str, edits: Sequence[Edit]) -> Verdict:
    """Edits that keep the facts of the sentence between them all pass. Else those that change a fact by themselves fall, and if the rest
    still does, all fall.
    """
    reason = changed_fact(source, apply(source, edits))
    if not reason and not any(opposed(source[e.start : e.end], e.replacement) for e in edits):
        return Verdict(tuple(edits), frozenset(edit for edit in edits if violation(source, edit)))
    kept, refused = [], []
    for edit in (piece for whole in edits for piece in _pieces(source, whole)):
        reason = violation(source, edit)
        if reason:
            refused.append(f"{source[edit.start : edit.end]!r} kept, not {edit.replacement!r}: {reason} would change")
        else:
            kept.append(edit)
    reason = changed_fact(source, apply(source, kept))
    if reason:
        return Verdict((), refused=(*refused, f"{len(kept)} other edits of the sentence fall with it: {reason} would change"))
    return Verdict(tuple(kept), refused=tuple(refused))
