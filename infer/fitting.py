"""Fits the words that an edit inserts to the article: to its style, and to the grammar around the edit.

The author's style is kept: contractions, digits or words for numbers, and British or American spelling change only
towards the form that the rest of the article uses more. "A" and "an" are made to fit the word after them, and no
article is doubled. An edit that only changes the style is dropped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache

from unspin.edits import Edit
from unspin.english.morphology import forms, starts_with_vowel_sound
from unspin.english.surface import CONTRACTIONS, NUMBERS
from unspin.english.varieties import AMERICAN, COUNTERPARTS, SPELLINGS
from unspin.infer.fidelity.context import CONTRACTED_FORMS, FULL_FORMS, NUMERALS, STRAIGHT, Context
from unspin.segment import tokenize

_CONTRACTED = {short: full for full, short in CONTRACTIONS.items()} | {"can't": "can not", "won't": "will not"}
_ARTICLE = re.compile(r"(?i)\b(an?)( )(?=[\w“\"‘']*$)")
_LEADING_ARTICLE = re.compile(r"(?i)^(?:an?|the) ")
_DETERMINER = re.compile(r"(?i)(?:^|\s)(?:an?|the|this|that|these|those|my|your|his|her|its|our|their|no) $")
_INNER_ARTICLE = re.compile(r"\b([Aa]n?) (?=([A-Za-z0-9][\w-]*))")
_SINGULAR_VERBS = frozenset("is was has does isn't wasn't hasn't doesn't".split())


def fit_all(source: str, edits: Sequence[Edit], context: Context) -> list[Edit | None]:
    """Each of a sentence's sorted edits fitted, None for those to be dropped; none grows over its neighbour."""
    fitted: list[Edit | None] = []
    position = 0
    for edit in edits:
        new = fit(source, edit, context)
        if new and new.start < position:  # the article before it belongs to the neighbour
            article, _, rest = new.replacement.partition(" ")
            new = replace(edit, replacement=rest)
            if fitted[-1]:
                fitted[-1] = replace(fitted[-1], replacement=re.sub(r"(?i)\ban?$", article, fitted[-1].replacement))
        fitted.append(new)
        position = edit.end
    return fitted


def fit(source: str, edit: Edit, context: Context) -> Edit | None:
    """The edit fitted to its sentence and article, or None if nothing remains to be changed or grammar would break."""
    before = source[edit.start : edit.end]
    after = edit.replacement
    for keep in (_keep_contractions, _keep_numbers, _keep_variety):
        after = keep(before, after, context)
    fitted = _fit_articles(source, replace(edit, replacement=after))
    if fitted.replacement == source[fitted.start : fitted.end] or _breaks_agreement(source, fitted):
        return None
    return fitted


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
    for british, american in COUNTERPARTS:
        for own, other, side, other_side in (
            (british, american, "british", "american"),
            (american, british, "american", "british"),
        ):
            if (
                own in old
                and other in map(str.lower, tokens)
                and other not in old
                and context.prefers(side, other_side)
            ):
                tokens = [_cased(token, own) if token.lower() == other else token for token in tokens]
    return "".join(tokens)


def _cased(pattern: str, word: str) -> str:
    """The word, capitalised like the pattern."""
    if len(pattern) > 1 and pattern.isupper():
        return word.upper()
    return word[:1].upper() + word[1:] if pattern[:1].isupper() else word[:1].lower() + word[1:]


def _fit_articles(source: str, edit: Edit) -> Edit:
    """The edit with "a" or "an" to fit the next word, in the edit and before it, and without a doubled article."""
    before, text = source[: edit.start], edit.replacement
    if _LEADING_ARTICLE.match(text) and _DETERMINER.search(before):
        text = _LEADING_ARTICLE.sub("", text)
    text = _INNER_ARTICLE.sub(lambda match: f"{_article(match[1], match[2])} ", text)
    last = re.search(r"(?i)\b(an?)$", text)
    following = re.match(r" ([A-Za-z0-9][\w-]*)", source[edit.end :])
    if last and following:
        text = text[: last.start()] + _article(last[1], following[1])
    edit = replace(edit, replacement=text)
    first = re.match(r"[“\"‘']?([A-Za-z0-9][\w-]*)", text) or (
        not text and re.match(r" ?([A-Za-z0-9][\w-]*)", source[edit.end :])
    )
    article = _ARTICLE.search(before)
    if first and article and article.end() == edit.start:
        right = _article(article[1], first[1])
        if right != article[1]:
            return replace(edit, start=article.start(), replacement=f"{right} {text}")
    return edit


def _article(article: str, word: str) -> str:
    """The article, "a" or "an" as the word after it needs; an acronym or a single letter keeps the one it has."""
    if (len(word) > 1 and word.isupper()) or len(word) == 1:
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
