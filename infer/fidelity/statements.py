"""What is said: an edit neither adds nor removes a statement, nor puts one thing for another.

A spinner's words are related to those that they replace, so a word that no thesaurus relates to the words removed is
taken for another thing, unless the article has it.
"""

from __future__ import annotations

from collections.abc import Sequence

from unspin.english.morphology import lemmas
from unspin.english.surface import NUMBERS
from unspin.english.terms import name_one_thing
from unspin.english.thesaurus import are_distant, is_listed, related
from unspin.english.word_classes import CLOSED_CLASS, MONTHS, NUMBER_WORDS, WEEKDAYS
from unspin.infer.fidelity.abbreviations import agreement
from unspin.infer.fidelity.change import Change
from unspin.infer.fidelity.dates import SHORT_DATES
from unspin.infer.fidelity.names import abbreviates
from unspin.infer.fidelity.phrases import completes_phrase
from unspin.infer.fidelity.polarity import denies
from unspin.infer.fidelity.units import UNIT_WORDS
from unspin.segment import is_word, tokenize

CONTENT_CHANGE_LIMIT = 3  # an edit that adds or removes this many content words adds or removes a statement
_STEM = 4  # letters that words formed alike begin with
_MESSAGE = "what is said"
_NO_CONTENT = (
    CLOSED_CLASS | UNIT_WORDS.keys() | NUMBERS.keys() | MONTHS | WEEKDAYS | SHORT_DATES.keys() | NUMBER_WORDS
    | set(
        """none once twice thrice times half zero circa around about almost nearly point points basis one ones any due
        far too very well soon
        ever even still quite rather also just according""".split()
    )
)  # fmt: skip
# Words of phrases that stand for a closed-class word, such as "in spite of" and "due to the fact that".
_PHRASE_WORDS = frozenset(
    """fact course order event case point view light spite regard account terms means time moment going great
    large""".split()
)


def changed_statement(change: Change) -> str:
    """A message if an edit adds or removes a statement, or ""."""
    if abbreviates(change):
        return ""
    difference = count_content_words(change.before) - count_content_words(change.after)
    if abs(difference) >= CONTENT_CHANGE_LIMIT:
        return _MESSAGE
    removed, inserted = (_content_words(tokens) for tokens in (change.removed, change.inserted))
    if inserted and not any(token.isalpha() for token in change.removed):
        return _MESSAGE if any(len(word) > 3 for word in inserted) and not _has_number(change) else ""
    lists = {",", "and", "or"} & set(change.removed)  # an item is removed from a list
    if (len(removed) > 1 or (removed and lists)) and not any(token.isalpha() for token in change.inserted):
        return _MESSAGE
    return ""


def put_another_thing(change: Change) -> str:
    """A message if an edit puts one thing for another, or ""."""
    removed, inserted = (_content_words(tokens) for tokens in (change.removed, change.inserted))
    if abbreviates(change) or not inserted:
        return ""
    if denies(change.before) or denies(change.after):
        return ""  # left to `polarity`
    if len(removed) in (1, len(inserted)) or _is_unpunctuated(change.source):
        unlike = [word for word in inserted if all(_is_unlike(old, word) for old in removed)]
        if unlike and (len(removed) > 1 or len(unlike) == len(inserted)) and not _is_known(change, removed, unlike):
            return _MESSAGE
    return ""


def _is_unpunctuated(sentence: str) -> bool:
    """Whether no punctuation ends a sentence: a heading is restored word by word, not from what the article says."""
    return bool(sentence) and not sentence.rstrip("\"”’')").endswith((".", "!", "?", ":", ";", "…"))


def _content_words(tokens: Sequence[str]) -> list[str]:
    """The words that name things, deeds and qualities; numbers, units and dates are left to `amounts` and `dates`."""
    return [token for token in tokens if token.isalpha() and len(token) > 2 and token not in _NO_CONTENT]


def _has_number(change: Change) -> bool:
    return any(character.isdigit() for character in change.before)


def _is_unlike(old: str, new: str) -> bool:
    """Whether a word can hardly be what a spinner made of another: no thesaurus relates them, nor do their stems."""
    alike = any(_have_one_stem(one, other) for one in lemmas(old) for other in lemmas(new))
    return not alike and are_distant(old, new) and not name_one_thing(old, new)


def _have_one_stem(one: str, other: str) -> bool:
    size = min(_STEM, len(one), len(other))
    return one[:size] == other[:size]


def _is_known(change: Change, removed: Sequence[str], inserted: Sequence[str]) -> bool:
    """Whether the phrases are known, or the article has the new words and a spinner may have written the old ones.

    The phrase that an abbreviation stands for is known.
    """
    if related(" ".join(change.removed), " ".join(change.inserted)) or completes_phrase(change):
        return True
    if agreement(change.source, change.edit) > 0:
        return True
    return any(map(is_listed, removed)) and all(len(word) > 3 and change.context.has_word(word) for word in inserted)


def count_content_words(text: str) -> int:
    """The number of words of four or more letters, not counting closed-class words and phrases that stand for them."""
    words = (token.lower() for token in tokenize(text) if is_word(token))
    return sum(len(word) > 3 and word not in _NO_CONTENT and word not in _PHRASE_WORDS for word in words)
