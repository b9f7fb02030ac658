"""A dictionary baseline: the spinners' own lexicons, applied backwards with counts of clean English.

The counts come from the training articles, the margin from the validation articles of a data set. Both are computed
once per process, when the first text is restored.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from unspin.checksums import sha256_of
from unspin.data.load import load_split, split_files
from unspin.data.origin import LEXICONS
from unspin.data.spinners.persona import is_held_out_term
from unspin.data.spinners.phrases import index as phrases
from unspin.data.spinners.protocol import Sentence
from unspin.data.spinners.tables import recase
from unspin.data.spinners.thesaurus import index as thesaurus
from unspin.edits import Edit, align, apply, select_non_overlapping
from unspin.english.morphology import inflect
from unspin.errors import UnspinError
from unspin.evaluation.metrics import f_score
from unspin.evaluation.systems.base import System, SystemSettings, digest, package_digest
from unspin.lazy import cached_property
from unspin.segment import words

TUNING_ROWS = 150  # validation rows on which the margin is tuned
MARGINS = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0)  # differences of natural logarithms
MAX_NGRAM = 4  # words; longer phrases count as unseen


class ReverseLexicon(System):
    """Replaces a word or phrase by the dictionary entry commonest in clean English, if the gain exceeds a margin.

    A gain is a difference of log counts; the margin has the best F0.5 on validation rows. Dictionary entries that are
    held out from training are held out here too.
    """

    rounds = 1
    max_candidates = 4  # per word or phrase, the commonest in clean English

    def __init__(self, settings: SystemSettings) -> None:
        if settings.lexicon_data is None:
            raise UnspinError(
                "the lexicon baselines count the clean text of a data set: set lexicon_data to its folder"
            )
        self._data = settings.lexicon_data

    @property
    def revision(self) -> str:
        tuning = TUNING_ROWS, MARGINS
        texts = [sha256_of(file) for split in ("train", "validation") for file in split_files(self._data, split)]
        code = package_digest("unspin.evaluation.systems", "unspin.data.spinners", "unspin.english", data=LEXICONS)
        return digest(type(self).__name__, texts, *tuning, code)

    def restore(self, texts: Sequence[str]) -> list[str]:
        return [self._restore(text) for text in texts]

    def _restore(self, text: str) -> str:
        for _ in range(self.rounds):
            before, text = text, apply(text, edits_above_margin(self.gains(text), self._margin))
            if text == before:
                break
        return text

    @cached_property
    def _margin(self) -> float:
        """The margin with the best F0.5 on validation rows."""
        rows = [row for row in load_split(self._data, "validation").to_list() if row["edits"]][:TUNING_ROWS]
        scored = [(self.gains(row["spun"]), set(align(row["spun"], row["original"]))) for row in rows]

        def score(margin: float) -> float:
            proposed = [set(edits_above_margin(gains, margin)) for gains, _ in scored]
            correct = sum(len(edits & gold) for edits, (_, gold) in zip(proposed, scored, strict=True))
            precision = correct / max(sum(map(len, proposed)), 1)
            return f_score(precision, correct / sum(len(gold) for _, gold in scored), 0.5)

        return max(MARGINS, key=score)

    def gains(self, text: str) -> list[tuple[float, Edit]]:
        """(gain, candidate edit) pairs; a gain is how much better the replacement scores than what it replaces."""
        count = self._log_count
        return [(count(edit.replacement) - count(text[edit.start : edit.end]), edit) for edit in self.candidates(text)]

    def candidates(self, text: str) -> Iterator[Edit]:
        """For each word or phrase in a dictionary, edits to its commonest substitutes, inflected and cased alike."""
        for (start, end), replacements in self._substitutes(text).items():
            others = replacements - {text[start:end]}
            ranked = sorted(others, key=lambda replacement: (-self._log_count(replacement), replacement))
            yield from (Edit(start, end, replacement) for replacement in ranked[: self.max_candidates])

    def _substitutes(self, text: str) -> dict[tuple[int, int], set[str]]:
        """The substitutes for each (start, end) of the text that is in a dictionary, without held-out ones."""
        sentence = Sentence.of(text)
        substitutes: dict[tuple[int, int], set[str]] = {}
        for match in (match for index in (phrases(), thesaurus()) for match in index.matches(sentence)):
            start, end = sentence.words[match.first].start, sentence.words[match.last].end
            for term in (*match.entry.substitutes, *match.entry.near):
                if not (is_held_out_term(term) or is_held_out_term(match.entry.lemma)):
                    inflected = inflect(term, match.entry.pos, match.tag)
                    substitutes.setdefault((start, end), set()).add(recase(text[start:end], inflected, True))
        return substitutes

    @cached_property
    def _log_count(self) -> Callable[[str], float]:
        """Smoothed log count of a phrase of up to `MAX_NGRAM` words in the originals of the training articles."""
        ngrams: Counter[tuple[str, ...]] = Counter()
        for original in dict.fromkeys(load_split(self._data, "train")["original"]):
            tokens = [word.lower() for word in words(original)]
            for size in range(1, MAX_NGRAM + 1):
                ngrams.update(zip(*(tokens[i:] for i in range(size)), strict=False))
        return lambda phrase: math.log(ngrams[tuple(word.lower() for word in words(phrase))] + 0.1)


def edits_above_margin(gains: Sequence[tuple[float, Edit]], margin: float) -> list[Edit]:
    """The edits whose gain exceeds the margin. Of overlapping edits the one with the greatest gain is taken."""
    ranked = sorted(gains, key=lambda it: (-it[0], it[1]))
    return select_non_overlapping(edit for gain, edit in ranked if gain > margin)
