"""Fits the words that an edit inserts to the article: to its style, and to the grammar around the edit.

`fit` keeps the author's style: contractions, digits or words for numbers, and British or American spelling change only
towards the form that the rest of the article uses more. It drops an edit that only changes the style, one that takes
away a symbol such as "&", and one that puts a plural noun before a singular verb. `fit_articles` makes "a" and "an" fit
the words after them once it is known which edits of a sentence are made.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from unicodedata import category

from unspin.edits import Edit
from unspin.english.morphology import forms, starts_with_vowel_sound
from unspin.english.surface import CONTRACTIONS, NUMBERS
from unspin.english.varieties import AMERICAN, SPELLINGS, TO_AMERICAN, TO_BRITISH
from unspin.infer.fidelity.context import CONTRACTED_FORMS, FULL_FORMS, NUMERALS, STRAIGHT, Context
from unspin.infer.fidelity.units import CURRENCY_SIGNS
from unspin.segment import tokenize

_CONTRACTED = {short: full for full, short in CONTRACTIONS.items()} | {"can't": "can not", "won't": "will not"}
_ARTICLE = re.compile(r"(?<![\w-])([Aa]n?) (?=\S|$)")
_LAST_ARTICLE = re.compile(r"(?<![\w-])([Aa]n?) $")
_FIRST_WORD = re.compile(r"[ “\"‘']*([A-Za-z0-9][\w-]*)")
_LEADING_ARTICLE = re.compile(r"(?i)^(?:an?|the) ")
_DETERMINER = re.compile(r"(?i)(?:^|\s)(?:an?|the|my|your|its|our|their) $")
_QUOTES = " “\"‘'("
_SYMBOLS = "&%@#§¶*†‡/"  # besides those that Unicode calls symbols
_NEAR = 40  # characters in which the next word lies
_SINGULAR_VERBS = frozenset("is was has does isn't wasn't hasn't doesn't".split())


def fit(source: str, edit: Edit, context: Context) -> Edit | None:
    """The edit fitted to its article's style, or None if nothing remains to be changed or grammar would break."""
    before = source[edit.start : edit.end]
    after = edit.replacement
    for keep in (_keep_contractions, _keep_numbers, _keep_variety):
        after = keep(before, after, context)
    fitted = replace(edit, replacement=after)
    return None if after == before or _loses_symbol(before, after) or _breaks_agreement(source, fitted) else fitted


def _loses_symbol(before: str, after: str) -> bool:
    """Whether an edit takes away a symbol: "&" for "and", "%" or "€" is the author's choice."""
    kept = Counter(after)
    return any(count > kept[c] for c, count in Counter(before).items() if c in _SYMBOLS or category(c)[0] == "S")


def _keep_contractions(before: str, after: str, context: Context) -> str:
    """The words after an edit, contracted like the words before it."""
    old = before.translate(STRAIGHT)
    if (short := CONTRACTED_FORMS.search(old)) and not context.prefers("full", "short"):
        full = _CONTRACTED[short[0].lower()]
        return re.sub(
            rf"(?i)\b{full}(?!\w)", lambda match: _cased(match[0], before[short.start() : short.end()]), after
        )
    if (whole := FULL_FORMS.search(old)) and not context.prefers("short", "full"):
        contraction = CONTRACTIONS.get(whole[0].lower(), "can't")
        pattern = re.escape(contraction).replace("'", "['’]")
        return re.sub(rf"(?i)\b{pattern}(?!\w)", lambda match: _cased(match[0], whole[0]), after)
    return after


def _keep_numbers(before: str, after: str, context: Context) -> str:
    """The words after an edit, their cardinals written like the same numbers before it."""
    old = [token.lower() for token in tokenize(before)]
    tokens = tokenize(after)
    for i, token in enumerate(tokens):
        low = token.lower()
        if "".join(tokens[i - 1 : i]) in CURRENCY_SIGNS or "".join(tokens[i + 1 : i + 2]) in ("%", "-", "–"):
            continue
        if (
            low in NUMBERS
            and NUMBERS[low].isdigit()
            and NUMBERS[low] in old
            and low not in old
            and not context.prefers("words", "digits")
        ):
            tokens[i] = NUMBERS[low]
        elif (
            low.isdigit()
            and NUMERALS.get(low, low) in old
            and low not in old
            and not context.prefers("digits", "words")
        ):
            tokens[i] = _cased(token if i else before, NUMERALS[low])
    return "".join(tokens)


def _keep_variety(before: str, after: str, context: Context) -> str:
    """The words after an edit in the article's variety of English, or in that of the words before it."""
    old = {token.lower() for token in tokenize(before)}
    tokens = tokenize(after)
    for i, token in enumerate(tokens):
        low = token.lower()
        for is_own, table, own_side, other_side in (
            (context.is_british, AMERICAN, "british", "american"),
            (context.is_american, SPELLINGS, "american", "british"),
        ):
            other = table.get(low)
            if other and low not in old and (is_own or (other in old and not context.prefers(other_side, own_side))):
                tokens[i] = _cased(token, other)
                break
    for counterparts, side, other_side in ((TO_AMERICAN, "british", "american"), (TO_BRITISH, "american", "british")):
        if context.prefers(side, other_side):
            for own in (word for word in counterparts if word in old):
                tokens = [
                    _cased(t, own) if t.lower() in counterparts[own] and t.lower() not in old else t for t in tokens
                ]
    return "".join(tokens)


def _cased(pattern: str, word: str) -> str:
    """The word, capitalised like the pattern."""
    if len(pattern) > 1 and pattern.isupper():
        return word.upper()
    return word[:1].upper() + word[1:] if pattern[:1].isupper() else word[:1].lower() + word[1:]


def fit_articles(source: str, edits: Sequence[Edit]) -> list[Edit]:
    """The sorted edits of a sentence, all of which are made, with "a" or "an" to fit the next word.

    An edit grows by the article before it if that one is wrong. An article that an edit puts in is left out where the
    sentence has one already.
    """
    fitted: list[Edit] = []
    left, position = "", 0  # the restored text so far
    for i, edit in enumerate(edits):
        gap = source[position : edit.start]
        left += gap
        right = _text_after(source, edits[i:])
        text = edit.replacement
        if (
            _LEADING_ARTICLE.match(text)
            and _DETERMINER.search(left)
            and not _LEADING_ARTICLE.match(source[edit.start :])
        ):
            text = _LEADING_ARTICLE.sub("", text)
        text = _right_articles(left, text, right)
        article = _last_article(left)
        following = _FIRST_WORD.match(text + right)
        if article and following and (right_article := _article(article[1], following[1])) != article[1]:
            tail = len(left) - article.start()
            left = f"{left[: article.start()]}{right_article} "
            if tail <= len(gap):
                edit = replace(edit, start=edit.start - tail)
                text = f"{right_article} {text}"
                left = left[: article.start()]
            elif fitted:
                fitted[-1] = replace(
                    fitted[-1], replacement=_LAST_ARTICLE.sub(f"{right_article} ", fitted[-1].replacement)
                )
        fitted.append(replace(edit, replacement=text))
        left, position = left + text, edits[i].end
    return fitted


def _text_after(source: str, edits: Sequence[Edit]) -> str:
    """The beginning of the restored text after the first of the edits."""
    first, *rest = edits
    text, position = "", first.end
    for edit in rest:
        if len(text) > _NEAR:
            break
        text += source[position : edit.start] + edit.replacement
        position = edit.end
    return text + source[position : position + _NEAR]


def _right_articles(left: str, text: str, right: str) -> str:
    """The inserted words with "a" or "an" to fit the words after them."""

    def fix(match: re.Match[str]) -> str:
        opens = not (left + text[: match.start()]).strip(_QUOTES)
        following = _FIRST_WORD.match(text[match.end() :] + right)
        if not following or (match[1][0] == "A" and not opens):  # "plan A"
            return match[0]
        return f"{_article(match[1], following[1])} "

    ends_with_article = re.search(r"(?<!\w)[Aa]n?$", text) and right.startswith(" ")
    if ends_with_article:
        return _ARTICLE.sub(fix, f"{text} ")[:-1]
    return _ARTICLE.sub(fix, text)


def _last_article(left: str) -> re.Match[str] | None:
    """The "a" or "an" at the end of a text; an "A" only if it begins the sentence."""
    match = _LAST_ARTICLE.search(left)
    return match if match and (match[1][0] == "a" or not left[: match.start()].strip(_QUOTES)) else None


def _article(article: str, word: str) -> str:
    """The article, "a" or "an" as the word after it needs; an acronym or a single letter keeps the one it has."""
    if word.isupper() or (len(word) == 1 and word.isalpha()):
        return article
    right = "an" if starts_with_vowel_sound(word) else "a"
    return right.capitalize() if article[0].isupper() else right


def _breaks_agreement(source: str, edit: Edit) -> bool:
    """Whether the edit puts a plural noun before a singular verb ("adults does") where none was."""
    if not _singular_verb_near(source, edit):
        return False
    restored = source[: edit.start] + edit.replacement + source[edit.end :]
    return _disagreements(restored) > _disagreements(source)


def _singular_verb_near(source: str, edit: Edit) -> bool:
    near = source[max(edit.start - 20, 0) : edit.start] + edit.replacement + source[edit.end : edit.end + 12]
    return any(token.lower() in _SINGULAR_VERBS for token in tokenize(near))


def _disagreements(sentence: str) -> int:
    return sum(1 for _ in _disagreeing(tuple(token for token in tokenize(sentence) if not token.isspace())))


def _disagreeing(tokens: tuple[str, ...]) -> Iterator[str]:
    """Plural nouns after "the", "these", "many" or a like word, or first in the sentence, before a singular verb."""
    for i, token in enumerate(tokens[1:], 1):
        if token.lower() in _SINGULAR_VERBS and _is_plural(tokens[i - 1]):
            opener = tokens[i - 2].lower() if i > 1 else ""
            earlier = {word.lower() for word in tokens[max(i - 7, 0) : i - 1]}
            if opener in (
                "",
                "the",
                "these",
                "those",
                "many",
                "some",
                "most",
                "their",
                "our",
                ".",
                "”",
            ) and not earlier & {"of", "in", "for", "to", "with", "what", "and", "on", "by", "from"}:
                yield token


@lru_cache(maxsize=1 << 14)
def _is_plural(word: str) -> bool:
    tags = {form.tag for form in forms(word.lower())}
    return tags == {"NNS"}
