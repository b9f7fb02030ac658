"""The lookup that all dictionary spinners share.

`Index` finds dictionary entries in a sentence whatever their inflection, and `propose_substitutions` puts substitutes
in the inflection and casing of the original. An index holds its whole dictionary in memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from unspin.data.spinners.persona import Persona
from unspin.data.spinners.protocol import Sentence, Substitution
from unspin.english.morphology import forms, inflect, select_form
from unspin.english.word_classes import COMMONEST

MAX_WORDS = 6  # of a headword; longer ones are never found
COMMONEST_SHARE = 0.25  # how often tools' dictionaries have the commonest words, relative to other words


@dataclass(frozen=True, slots=True)
class Headword:
    """A dictionary entry.

    `lemma` is a lemma or a phrase of lemmas. `pos` is its part of speech; "function" and "term" entries are not
    inflected. `substitutes` come in the dictionary's order of preference. `near` holds weaker relations than
    synonyms. `counts` says how often each substitute was observed; it is empty if that is unknown.
    """

    lemma: str
    pos: str
    substitutes: tuple[str, ...]
    near: tuple[str, ...] = ()
    counts: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Match:
    """The words ``first..last`` (inclusive) of a sentence are an inflection of `entry`, with the Penn tag `tag`."""

    first: int
    last: int
    entry: Headword
    tag: str


class Index:
    """A dictionary, searchable by the words of a sentence; inflected words are reduced to their lemma."""

    def __init__(self, headwords: Iterable[Headword]) -> None:
        self._entries = {(headword.pos, tuple(headword.lemma.lower().split(" "))): headword for headword in headwords}
        self._longest_by_first_word: dict[str, int] = {}
        for _, words in self._entries:
            if len(words) > 1:
                self._longest_by_first_word[words[0]] = max(self._longest_by_first_word.get(words[0], 1), len(words))

    def entries(self) -> Iterable[Headword]:
        """All entries."""
        return self._entries.values()

    def matches(self, sentence: Sentence) -> Iterator[Match]:
        """Every entry at every position, from left to right, and the longest first at each position."""
        lowers = [word.lower for word in sentence.words]
        for first in range(len(lowers)):
            for count in range(self._longest_from(lowers[first]), 0, -1):
                last = first + count - 1
                if last < len(lowers) and sentence.adjacent(first, last):
                    yield from self._matches_at(lowers, first, last)

    def _longest_from(self, word: str) -> int:
        """The length in words of the longest entry that starts with a form of `word`, at most `MAX_WORDS`."""
        lemmas = {word, *(form.lemma for form in forms(word))}
        return min(MAX_WORDS, max(self._longest_by_first_word.get(lemma, 1) for lemma in lemmas))

    def _matches_at(self, lowers: list[str], first: int, last: int) -> Iterator[Match]:
        """The entries for exactly these words. Entries that do not inflect take precedence over all others."""
        window = tuple(lowers[first : last + 1])
        literal = self._entries.get(("function", window)) or self._entries.get(("term", window))
        if literal:
            yield Match(first, last, literal, "")
            return
        previous = lowers[first - 1] if first else ""
        for inflected, parts_of_speech in ((window[-1], ("noun", "adj", "adv")), (window[0], ("verb",))):
            readings = [form for form in forms(inflected) if form.pos in parts_of_speech]
            for lemma, pos in dict.fromkeys((form.lemma, form.pos) for form in readings):
                words = (lemma, *window[1:]) if pos == "verb" else (*window[:-1], lemma)
                entry = self._entries.get((pos, words))
                if entry:
                    own = [form for form in readings if (form.lemma, form.pos) == (lemma, pos)]
                    yield Match(first, last, entry, select_form(own, previous).tag)


def choose_term(match: Match, persona: Persona, spinner: str) -> str:
    """The substitute, as a lemma, that this tool uses for a match, or "" if its dictionary lacks the entry."""
    entry = match.entry
    share = COMMONEST_SHARE if COMMONEST.issuperset(entry.lemma.split(" ")) else 1.0
    if entry.pos == "function":
        share *= persona.function_words
    if not persona.knows(spinner, entry.lemma, share):
        return ""
    options, counts = entry.substitutes, entry.counts
    if entry.near and (not options or persona.draw("near", entry.lemma) < persona.near):
        options, counts = entry.near, ()
    return persona.choose(entry.lemma, options, counts, match.first) if options else ""


def propose_substitutions(index: Index, sentence: Sentence, persona: Persona, spinner: str) -> Iterator[Substitution]:
    """What a dictionary spinner proposes: one substitute per match, inflected and cased like the original."""
    for match in index.matches(sentence):
        term = choose_term(match, persona, spinner)
        if not term:
            continue
        start, end = sentence.words[match.first].start, sentence.words[match.last].end
        form = inflect(term, match.entry.pos, match.tag) if persona.inflects else term
        text = recase(sentence.text[start:end], form, persona.title_case)
        if text.lower() != sentence.text[start:end].lower():
            yield Substitution(start, end, text, spinner, match.entry.lemma, term)


def recase(original: str, substitute: str, title_case: bool) -> str:
    """Give `substitute` the casing of `original`: upper case, lower case, or a capital at the start.

    With `title_case`, a phrase whose words are all capitalised stays so.
    """
    if original.isupper() and len(original) > 1:
        return substitute.upper()
    if not original[:1].isupper():
        return substitute
    titled = title_case and all(word[:1].isupper() for word in original.split())
    if titled and " " in original:
        return " ".join(word[:1].upper() + word[1:] for word in substitute.split(" "))
    return substitute[:1].upper() + substitute[1:]
