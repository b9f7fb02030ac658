"""Judges how garbled a text looks, without restoring it: `unspin.infer.restorer.Restorer.screen`.

The model reads each sentence as its own restoration. A word that it doubts, and would replace by another word, looks
garbled. Only the sentences with the most of these are restored, to show what probably stood there.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from heapq import nlargest
from itertools import accumulate, islice
from typing import Any

from rapidfuzz.distance import Levenshtein, Prefix
from unspin.edits import Edit
from unspin.english.lexicons import function_words
from unspin.infer.article import SentenceDraft
from unspin.infer.confidence import Calibration
from unspin.infer.decision import RestoredArticle, touches
from unspin.infer.documents.base import View
from unspin.infer.fidelity.dictionary import is_known
from unspin.infer.phrase_matching import PhraseMatcher
from unspin.segment import is_word, paragraphs, tokenize, words

MAX_PLACES = 10  # places that are shown, and at most as many sentences are restored to find them
MIN_GARBLED_WORDS = 0.3  # sum of `garbling` from which a sentence is worth restoring
ERROR_WEIGHT = -0.5  # of a word that the model would only spell or inflect otherwise, or another function word
SIMILAR = 0.6  # normalised Levenshtein similarity of a misspelling to the right word
_WORD_BEFORE, _WORD_AFTER = re.compile(r"(?<!\w)\w+[^\w\s]*\s*\Z"), re.compile(r"\s*\w+")
NO_PROSE = "no English prose: nothing to judge"


@dataclass(frozen=True)
class Place:
    """A place that looks garbled: `found` stands at ``start:end`` of an article, `expected` probably stood there.

    `confidence` is the chance, 0..1, that an editor who knows the original would make this change. `is_listed` says
    that a phrase table has it. `sentence` is the sentence around it, in which it begins at `offset`.
    """

    article: int
    start: int
    end: int
    found: str
    expected: str
    confidence: float
    is_listed: bool
    sentence: str
    offset: int


@dataclass(frozen=True)
class ScreenedParagraph:
    """A paragraph, characters ``start:end`` of an article, and its share of garbled words; see `Screening`.

    `words` are those of its prose; paragraphs without any are left out.
    """

    article: int
    start: int
    end: int
    text: str = field(repr=False)
    words: int
    share: float
    low: float
    high: float


@dataclass(frozen=True)
class Screening:
    """How garbled a text looks.

    `share` is the estimated share of the words of its prose that a spinner garbled, 0..1. In nine of ten texts like
    those of the fit, the true share lies between `low` and `high`. `hits` are the phrases of a phrase table that the
    model finds out of place, in order; `places` are up to `MAX_PLACES` places that tell most, the surest first.
    """

    words: int
    share: float
    low: float
    high: float
    paragraphs: tuple[ScreenedParagraph, ...]
    hits: tuple[Place, ...]
    places: tuple[Place, ...]
    warnings: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """All of it, in the types of JSON."""
        return asdict(self)


def garbling(
    sentence: SentenceDraft, view: View, calibration: Calibration, protected: PhraseMatcher
) -> tuple[float, ...]:
    """How much each word of a sentence that the model has read speaks for a spinner, from -1 to 1.

    That is what the model doubts about the word, times the weight of what it would write instead (`weight_of`). For a
    phrase that a table lists it is the confidence of its edit. Words that restoring would not touch, because they are
    protected or code, speak neither for nor against it.
    """
    doubted = {word.start: word for word in sentence.uncertain_words}
    kept = _kept(sentence, view, protected)
    listed = list(_listed(sentence, kept, calibration))
    values = []
    start = 0
    for token in tokenize(sentence.text):
        end = start + len(token)
        if is_word(token):
            value = max((chance for edit, chance in listed if edit.start < end and start < edit.end), default=0.0)
            if not value and (word := doubted.get(start)) and not kept(Edit(start, end, "")):
                value = word.doubt * weight_of(token.lower(), word.runner_up)
            values.append(value)
        start = end
    return tuple(values)


def _listed(
    sentence: SentenceDraft, kept: Callable[[Edit], bool], calibration: Calibration
) -> Iterator[tuple[Edit, float]]:
    """The edits of listed phrases that restoring could make, each with its confidence."""
    for hit in sentence.phrases:
        edit = with_words(sentence.text, hit.edit)
        if hit.keeps_facts and not kept(edit):
            yield edit, calibration.phrase_confidence(hit.log_ratio)


def _kept(sentence: SentenceDraft, view: View, protected: PhraseMatcher) -> Callable[[Edit], bool]:
    """Tells whether an edit of a sentence touches words that restoring would not touch."""
    spans = protected.find(sentence.text)

    def kept(edit: Edit) -> bool:
        return touches(edit, spans) or view.is_fixed(_in_view(sentence, edit))

    return kept


def _in_view(sentence: SentenceDraft, edit: Edit) -> Edit:
    return replace(edit, start=sentence.offsets[edit.start], end=sentence.offsets[edit.end])


def weight_of(word: str, runner_up: str) -> float:
    """How much a doubted word speaks for a spinner, given the beginning of what the model would write instead.

    Spinners put one word for another. People who are learning English, and people in a hurry, rather write another form
    of the right word, misspell it, or choose the wrong preposition. Such errors speak against a spinner, as measured by
    `unspin.evaluation.detection`. All words are in lower case; `runner_up` is empty if it is unknown.
    """
    word = word.replace("’", "'")
    if not runner_up:
        return 1.0
    if not runner_up[0].isalnum():
        return 0.0
    function = function_words()
    common = Prefix.similarity(word, runner_up)
    is_form = common >= min(3, len(word), len(runner_up))
    is_misspelling = len(word) >= 4 and Levenshtein.normalized_similarity(word, runner_up) >= SIMILAR
    if is_form or is_misspelling or (word in function and runner_up in function):
        return ERROR_WEIGHT
    return 1.0 if word not in function and runner_up not in function and (is_known(word) or not word.isalpha()) else 0.0


def with_words(sentence: str, edit: Edit) -> Edit:
    """The edit, with the word beside it if it only inserts or deletes words: "mining" → "data mining"."""
    changed = sentence[edit.start : edit.end]
    if words(changed) and words(edit.replacement):
        return edit
    before, after = _WORD_BEFORE.search(sentence[: edit.start]), _WORD_AFTER.match(sentence, edit.end)
    if before and not (after and f"{changed}{edit.replacement}"[-1:].isspace()):
        return Edit(before.start(), edit.end, before[0] + edit.replacement)
    return Edit(edit.start, after.end(), edit.replacement + after[0]) if after else edit


def most_garbled(sentences: Iterable[SentenceDraft]) -> list[SentenceDraft]:
    """The sentences with the most words that look garbled, as many as hold about `MAX_PLACES` of them together."""
    garbled = [sentence for sentence in sentences if sum(sentence.reading.garbling) >= MIN_GARBLED_WORDS]
    chosen = nlargest(MAX_PLACES, garbled, key=lambda sentence: sum(sentence.reading.garbling))
    before = accumulate((sum(sentence.reading.garbling) for sentence in chosen), initial=0.0)
    return [sentence for sentence, total in zip(chosen, before, strict=False) if total < MAX_PLACES]


def screening_of(
    articles: Sequence[RestoredArticle], calibration: Calibration, threshold: float, protected: PhraseMatcher
) -> Screening:
    """What the words of a document's articles say together, and the edits that were found."""
    values = [v for article in articles for sentence in article.draft.sentences for v in sentence.reading.garbling]
    hits = [
        _place(sentence, number, edit, confidence, True)
        for number, article in enumerate(articles)
        for sentence in article.draft.sentences
        if sentence.phrases
        for edit, confidence in _listed(sentence, _kept(sentence, article.draft.view, protected), calibration)
        if confidence >= threshold
    ]
    edits = [place for number, article in enumerate(articles) for place in _edited(article, number)]
    return Screening(
        *_estimate(values, calibration),
        tuple(row for number, article in enumerate(articles) for row in _paragraphs(article, number, calibration)),
        tuple(hits),
        tuple(islice(_most_telling([*hits, *edits]), MAX_PLACES)),
        () if values else (NO_PROSE,),
    )


def _estimate(values: Sequence[float], calibration: Calibration) -> tuple[int, float, float, float]:
    """The number of words, the estimated share of garbled ones, and the ends of its interval."""
    return len(values), *calibration.garbled_share(sum(values), len(values))


def _paragraphs(article: RestoredArticle, number: int, calibration: Calibration) -> Iterator[ScreenedParagraph]:
    text = article.draft.view.text
    spans = paragraphs(text)
    starts = [span.start for span in spans]
    values: dict[int, list[float]] = defaultdict(list)
    for sentence in article.draft.sentences:
        values[bisect_right(starts, sentence.offsets[0]) - 1] += sentence.reading.garbling
    for index, own in sorted(values.items()):
        start, end = spans[index].start, spans[index].end
        yield ScreenedParagraph(number, start, end, text[start:end], *_estimate(own, calibration))


def _edited(article: RestoredArticle, number: int) -> Iterator[Place]:
    """The edits that put words for other words, where these may be touched."""
    for sentence in article.sentences:
        for edit, confidence, is_listed in sentence.edits:
            is_fixed = article.draft.view.is_fixed(_in_view(sentence.draft, edit))
            if words(edit.replacement) and words(sentence.source[edit.start : edit.end]) and not is_fixed:
                yield _place(sentence.draft, number, edit, confidence, is_listed)


def _place(sentence: SentenceDraft, article: int, edit: Edit, confidence: float, is_listed: bool) -> Place:
    return Place(
        article,
        sentence.offsets[edit.start],
        sentence.offsets[edit.end - 1] + 1,
        sentence.text[edit.start : edit.end],
        edit.replacement,
        confidence,
        is_listed,
        sentence.text,
        edit.start,
    )


def _most_telling(places: Iterable[Place]) -> Iterator[Place]:
    """The surest places, each pair of phrases once; of places that overlap, the first."""
    seen: set[tuple[str, str]] = set()
    taken: dict[int, list[Place]] = defaultdict(list)
    for place in sorted(places, key=lambda place: -place.confidence):
        pair = place.found.lower(), place.expected.lower()
        overlaps = any(place.start < other.end and other.start < place.end for other in taken[place.article])
        if pair not in seen and not overlaps:
            seen.add(pair)
            taken[place.article].append(place)
            yield place
