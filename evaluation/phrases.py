"""How well a phrase table restores: listed phrases in sentences that call for them, and in clean text.

A clean sentence with an expected phrase is garbled by a listed phrase. With the table, that phrase should be restored.
A tenth of the list, chosen by hash, is then left out: these phrases the model must restore by itself. A sentence in
which a listed phrase occurs naturally must stay as it is. ``python -m unspin.evaluation.phrases PHRASES TEXTS
[CHECKPOINT]`` takes a list of phrases and a folder of .jsonl or .jsonl.gz files, and prints the figures and the
coefficients of `Calibration.phrase_confidence` that fit half of the texts. A list of 5,000 phrases takes about twenty
minutes.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from unspin.data.corpora import Article, JsonLines
from unspin.data.spinners.persona import is_held_out_term
from unspin.edits import Edit, apply, target_spans
from unspin.evaluation.calibrate import logistic_weights
from unspin.evaluation.metrics import count_restored_spans
from unspin.hashing import hash_uniform
from unspin.infer.confidence import PHRASE_INTERCEPT, PHRASE_SLOPE
from unspin.infer.engines import load_engine
from unspin.infer.engines.base import Engine
from unspin.infer.fidelity.foreign import addresses_in
from unspin.infer.models.checkpoint import Checkpoint
from unspin.infer.phrase_matching import PhraseMatcher
from unspin.infer.phrase_table import PhraseTable, spell_like
from unspin.infer.restorer import Restorer
from unspin.logs import track
from unspin.phrase_lists import PhrasePair, read_phrases
from unspin.segment import split_sentences, words

WORDS = range(6, 61)  # in a sentence that is used
BATCH = 64  # sentences that the model compares at a time
PER_PHRASE = 20  # sentences of clean text that are used for one listed phrase


@dataclass(frozen=True)
class Case:
    """A sentence with a listed phrase, and the edit that leads to the original; None if it is the original.

    `for_fit` says that the coefficients are fitted on it.
    """

    spun: str
    edit: Edit | None
    garbled: str
    for_fit: bool

    @property
    def original(self) -> str:
        """The sentence as it was."""
        return apply(self.spun, [self.edit] if self.edit else [])

    def is_restored(self, output: str) -> bool:
        """Whether the phrase reads as in the original, apart from capitals and hyphens."""
        (span,) = target_spans([self.edit] if self.edit else [])
        return count_restored_spans(_plain(self.original), _plain(output), [span]) == 1


def find_cases(pairs: Sequence[PhrasePair], texts: Iterable[Article]) -> tuple[list[Case], int]:
    """Cases for a list, and the number of sentences read.

    There are up to two for each expected phrase in the texts, one of them for the fit, unless the list gives several
    for one garbled phrase: then it is unknown which is right. Of each listed phrase that occurs naturally there are up
    to `PER_PHRASE`.
    """
    garbled_for: dict[str, list[str]] = {}
    for pair in pairs:
        if len(pair.expected) == 1:
            garbled_for.setdefault(pair.expected[0].lower(), []).append(pair.garbled)
    expected_phrases, listed = PhraseMatcher(garbled_for), PhraseMatcher(pair.garbled for pair in pairs)
    cases: list[Case] = []
    kept: Counter[tuple[str, bool]] = Counter()
    replaced: set[tuple[str, bool]] = set()
    count = 0
    for article in texts:
        for_fit = hash_uniform("phrases", article.id) < 0.5
        for sentence in split_sentences(article.text):
            if len(words(sentence)) not in WORDS:
                continue
            count += 1
            for match in listed.find(sentence):
                garbled = listed.phrases[match.phrase]
                if match.forms is None and kept[garbled, for_fit] < PER_PHRASE:
                    kept[garbled, for_fit] += 1
                    cases.append(Case(sentence, None, garbled, for_fit))
            for match in expected_phrases.find(sentence):
                expected = expected_phrases.phrases[match.phrase]
                if match.forms is not None or (expected, for_fit) in replaced:
                    continue
                choices = garbled_for[expected]
                garbled = choices[int(hash_uniform(expected, sentence) * len(choices))]
                case = _garble(sentence, match.start, match.end, garbled, expected, for_fit)
                if addresses_in(case.spun) == addresses_in(sentence):  # a spinner leaves "health.gov" alone
                    replaced.add((expected, for_fit))
                    cases.append(case)
    return cases, count


def _garble(sentence: str, start: int, end: int, garbled: str, expected: str, for_fit: bool) -> Case:
    found = sentence[start:end]
    spun = spell_like(found, expected, garbled)
    return Case(sentence[:start] + spun + sentence[end:], Edit(start, start + len(spun), found), garbled, for_fit)


def _plain(text: str) -> str:
    return text.lower().replace("-", " ")


def fit(cases: Sequence[Case], table: PhraseTable, engine: Engine) -> tuple[float, float]:
    """The slope and the intercept of the confidence of a right edit.

    Edits that restore a garbled sentence are told from the edits of clean sentences; both count equally. Other edits of
    garbled sentences are left out: they may be as good as the original.
    """
    edits = [
        (case, edit)
        for case in cases
        for hit in table.find(case.spun)
        for edit in hit.edits
        if not case.edit or case.is_restored(apply(case.spun, [edit]))
    ]
    ratios: list[float] = []
    for first in track(range(0, len(edits), BATCH), "weighing"):
        batch = edits[first : first + BATCH]
        ratios += engine.log_ratios(
            [case.spun for case, _ in batch], [apply(case.spun, [edit]) for case, edit in batch]
        )
    right = np.array([case.edit is not None for case, _ in edits], dtype=float)
    importance = np.where(right == 1, 0.5 / right.mean(), 0.5 / (1 - right.mean()))
    slope, intercept = map(float, logistic_weights(np.array([[ratio, 1.0] for ratio in ratios]), right, importance))
    return slope, intercept


def main(phrases: Path, texts: Path, checkpoint: str) -> Iterator[str]:
    """Yield the figures, line by line."""
    pairs = read_phrases(phrases)
    source = JsonLines(kind="jsonl", name="texts", path=texts, licence="")
    cases, sentences = find_cases(pairs, (a for a in source.articles(Path()) if isinstance(a, Article)))
    measured = [case for case in cases if not case.for_fit]
    yield f"{len(pairs):,} phrases; {sentences:,} sentences with {len(cases):,} cases, {len(measured):,} to measure on"
    opened = Checkpoint.open(checkpoint)
    engine = load_engine("draft", opened)
    slope, intercept = fit([case for case in cases if case.for_fit], PhraseTable(pairs), engine)
    yield f"fitted: slope {slope:.2f}, intercept {intercept:.2f}; in use: {PHRASE_SLOPE}, {PHRASE_INTERCEPT}"

    def restore(which: Sequence[Case], table: PhraseTable | None) -> Iterator[tuple[Case, str, bool]]:
        restorer = Restorer(engine, opened.calibration, max_passage_words=opened.max_passage_words, phrases=table)
        restored = restorer.restore_all(case.spun for case in which)
        for case, result in zip(track(which, "restoring"), restored, strict=True):
            yield case, result.text, any(edit.kind == "dictionary" for edit in result.edits)

    garbled = [case for case in measured if case.edit]
    clean = [case for case in measured if not case.edit]
    right = sum(case.is_restored(text) for case, text, _ in restore(garbled, PhraseTable(pairs)))
    yield f"listed: {right} of {len(garbled)} restored ({right / len(garbled):.1%})"
    held_out = [case for case in garbled if is_held_out_term(case.garbled)]
    others = PhraseTable(pair for pair in pairs if not is_held_out_term(pair.garbled))
    right = sum(case.is_restored(text) for case, text, _ in restore(held_out, others))
    yield f"left out of the list: {right} of {len(held_out)} restored ({right / len(held_out):.1%})"
    wrong = sum(is_edited for _, _, is_edited in restore(clean, PhraseTable(pairs)))
    yield f"clean: {wrong} of {len(clean)} listed phrases changed, in half of {sentences:,} sentences"


if __name__ == "__main__":
    from unspin.logs import log_to_terminal

    if not 3 <= len(sys.argv) <= 4:
        sys.exit("usage: python -m unspin.evaluation.phrases PHRASES TEXTS [CHECKPOINT]")
    log_to_terminal()
    for line in main(Path(sys.argv[1]), Path(sys.argv[2]), *(sys.argv[3:] or ["default"])):
        print(line, flush=True)
