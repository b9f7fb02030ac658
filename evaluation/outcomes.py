"""The edits that a restorer proposes for held-out articles, each judged: the data for calibration and its reports.

An edit is correct if its span and replacement are those that lead to the original. Rows must have one original each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from unspin.edits import Edit, align, count_touched_words
from unspin.evaluation.suites.base import Row
from unspin.infer.proposals import Proposal
from unspin.infer.restorer import Restorer


@dataclass(frozen=True)
class EditOutcome:
    """An edit that the restorer proposes, and whether it is correct.

    `probability` is the restorer's confidence, which without a calibration is the model's own probability.
    `suspected_share` is the share of the article's words that the model suspects, `size` the number of words that
    the edit touches. `clean` says that the text needed no edit.
    """

    probability: float
    suspected_share: float
    size: int
    correct: bool
    clean: bool = False


@dataclass(frozen=True)
class ArticleOutcome:
    """An article's proposed edits, the share of words that the model suspects and the share that really is garbled.

    `gold_edits` is the number of edits that lead to the original, `clean_words` the number of words in texts that
    need none.
    """

    edits: tuple[EditOutcome, ...]
    suspected_share: float
    garbled_share: float
    words: int
    clean_words: int
    gold_edits: int


def restore_article(restorer: Restorer, rows: Sequence[Row]) -> ArticleOutcome:
    """Restore the rows of one article and compare them with the first reference of each.

    The restorer should have a minimum confidence of 0, so that every edit that keeps the facts is counted.
    """
    restored = restorer.restore_sentences([row.spun for row in rows])
    edits: list[EditOutcome] = []
    garbled_words = word_count = clean_words = gold_edits = 0
    for row, sentence in zip(rows, restored.sentences, strict=True):
        gold = set(align(row.spun, row.references[0]))
        touched, total = count_touched_words(row.spun, sorted((edit.start, edit.end) for edit in gold))
        garbled_words += touched
        word_count += total
        clean_words += 0 if gold else total
        gold_edits += len(gold)
        for edit, probability, _ in sentence.edits:
            size = Proposal(edit, probability).size(sentence.source)
            correct = Edit(edit.start, edit.end, edit.replacement) in gold
            edits.append(EditOutcome(probability, restored.suspected_share, size, correct, clean=not gold))
    garbled_share = garbled_words / max(word_count, 1)
    return ArticleOutcome(tuple(edits), restored.suspected_share, garbled_share, word_count, clean_words, gold_edits)
