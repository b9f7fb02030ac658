"""Scores of restored text. `count_row` defines what is counted of one row; a figure is a ratio of sums of such counts.

An edit is a minimal word edit of the source, adjacent ones merged (`unspin.edits.align`). It is correct only if both
its span and its replacement are those that lead to the reference. F0.5 weighs precision twice as heavily as recall, as
is usual in grammatical error correction (Ng et al. 2014, CoNLL-2014, section 5). With several references, the one that
fits the prediction best counts (Dahlmeier and Ng 2012, M2). `restoration_metric` offers the figures as an
`evaluate.Metric`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from unspin.edits import Edit, align, count_touched_words, target_spans
from unspin.infer.fidelity.judge import changed_fact
from unspin.infer.fidelity.kinds import Evidence
from unspin.segment import words

Facts = Sequence[Sequence[str]]
Spans = Sequence[tuple[int, int]]


class Counts(NamedTuple):
    """Counts of one row, or the sums of several rows.

    Proposed edits are those of the prediction, gold edits those of the reference. A row is clean if its source is
    its first reference, otherwise spun.
    """

    correct: int  # proposed edits that are gold
    proposed: int
    gold: int
    restored: int  # garbled spans that read as in the reference
    spans: int  # garbled spans
    changed_words: int  # words changed in a clean row
    clean_words: int  # words of a clean row
    violations: int  # 1 if a fact changed
    exact: int  # 1 if the prediction equals a reference
    damaged_words: int  # sound words of a spun row that were changed, and words inserted between them
    sound_words: int  # words of a spun row that no gold edit touches
    rows: int = 1


def count_row(
    source: str, prediction: str, references: Sequence[str], spans: Spans | None = None, facts: Facts = ()
) -> Counts:
    """Count one row. References are ranked by F0.5, then by restored spans; the best one counts.

    `spans` are the character spans of the first reference that the spinner garbled; by default they come from
    aligning source and reference. `facts` lists the facts that must survive, each as the surface forms that express
    it. Without `facts`, the edits that lead to no reference are judged by the restorer's own fidelity check. That is
    fair to other systems, but no evidence for the restorer, which applies the same check.
    """
    clean = source == references[0]
    exact = prediction in references
    lost_fact = not exact and bool(find_lost_fact(source, prediction, facts, references))
    proposed = set(align(source, prediction))

    def against(reference: str) -> Counts:
        edits = align(source, reference)
        gold = set(edits)
        garbled = spans if spans is not None and reference is references[0] else target_spans(edits)
        damaged_words, sound_words = (0, 0) if clean else _count_damage(source, proposed, gold)
        return Counts(
            correct=len(proposed & gold),
            proposed=len(proposed),
            gold=len(gold),
            restored=count_restored_spans(reference, prediction, garbled),
            spans=len(garbled),
            changed_words=count_changed_words(source, prediction) if clean else 0,
            clean_words=len(words(source)) if clean else 0,
            violations=int(lost_fact),
            exact=int(exact),
            damaged_words=damaged_words,
            sound_words=sound_words,
        )

    return max(map(against, references), key=lambda counts: (_f_half(counts), counts.restored))


def sum_counts(counts: Iterable[Sequence[int]]) -> Counts:
    """Add the counts of several rows, field by field. There must be at least one row."""
    return Counts(*map(sum, zip(*counts, strict=True)))


def compute_figures(sums: Counts) -> dict[str, float]:
    """Turn summed counts into figures.

    restoration, precision, recall, f0.5 and exact are shares, 0..1. damage is per 1,000 sound words of spun rows,
    over_correction per 1,000 words of clean rows, violations per 1,000 rows. With nothing to restore, restoration
    and recall are 1; with nothing proposed, precision is 1.
    """
    precision, recall = _precision_recall(sums)
    return {
        "restoration": sums.restored / sums.spans if sums.spans else 1.0,
        "precision": precision,
        "recall": recall,
        "f0.5": f_score(precision, recall, 0.5),
        "damage": 1000 * sums.damaged_words / sums.sound_words if sums.sound_words else 0.0,
        "over_correction": 1000 * sums.changed_words / sums.clean_words if sums.clean_words else 0.0,
        "violations": 1000 * sums.violations / sums.rows,
        "exact": sums.exact / sums.rows,
    }


def f_score(precision: float, recall: float, beta: float) -> float:
    """F-beta (van Rijsbergen 1979, chapter 7); 0 if precision and recall are both 0."""
    weighted = beta**2 * precision + recall
    return (1 + beta**2) * precision * recall / weighted if weighted else 0.0


def chrf(predictions: Sequence[str], references: Sequence[Sequence[str]]) -> dict[str, Any]:
    """sacrebleu's corpus chrF (Popović 2015), 0..100, and its signature, without which scores are not comparable.

    A row with fewer references than others repeats its first one.
    """
    from sacrebleu.metrics.chrf import CHRF

    metric = CHRF()
    streams = [[row[i] if i < len(row) else row[0] for row in references] for i in range(max(map(len, references)))]
    return {"chrf": metric.corpus_score(list(predictions), streams).score, "signature": str(metric.get_signature())}


def count_restored_spans(reference: str, prediction: str, spans: Iterable[tuple[int, int]]) -> int:
    """How many spans of the reference the prediction reproduces word for word at their place."""
    changes = align(reference, prediction)
    return sum(not any(_touches(change, start, end) for change in changes) for start, end in spans)


def count_changed_words(source: str, prediction: str) -> int:
    """Number of words that differ: for each edit the words of its longer side, at least 1."""
    return sum(
        max(len(words(source[edit.start : edit.end])), len(words(edit.replacement)), 1)
        for edit in align(source, prediction)
    )


def find_lost_fact(source: str, prediction: str, facts: Facts = (), references: Sequence[str] = ()) -> str:
    """The first fact that the prediction lost, or "". See `count_row` for `facts`.

    Edits that lead to a reference lose no fact.
    """
    for forms in facts:
        if not any(re.search(rf"(?<!\w){re.escape(form)}(?!\w)", prediction, re.IGNORECASE) for form in forms):
            return forms[0]
    if facts:
        return ""
    right = {edit for reference in references for edit in align(source, reference)}
    others = [edit for edit in align(source, prediction) if edit not in right]
    return changed_fact(source, others, evidence=dict.fromkeys(others, Evidence.SURE))


def _precision_recall(counts: Counts) -> tuple[float, float]:
    precision = counts.correct / counts.proposed if counts.proposed else 1.0
    return precision, counts.correct / counts.gold if counts.gold else 1.0


def _f_half(counts: Counts) -> float:
    return f_score(*_precision_recall(counts), 0.5)


def _count_damage(source: str, proposed: set[Edit], gold: set[Edit]) -> tuple[int, int]:
    """(damaged words, sound words) of a spun text.

    A sound word is one that no gold edit touches. It is damaged if a proposed edit touches it. Inserted words are
    damage too, unless there is a gold edit at their place.
    """
    garbled, word_count = count_touched_words(source, sorted((edit.start, edit.end) for edit in gold))
    touched, _ = count_touched_words(source, _merge_spans((edit.start, edit.end) for edit in proposed | gold))
    insertions = (
        edit
        for edit in proposed
        if edit.start == edit.end and not any(other.start <= edit.start <= other.end for other in gold)
    )
    return touched - garbled + sum(len(words(edit.replacement)) for edit in insertions), word_count - garbled


def _merge_spans(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """The union of the spans, sorted, with overlapping and adjacent ones merged."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _touches(change: Edit, start: int, end: int) -> bool:
    """Whether a change overlaps a span, or inserts something inside it."""
    return (change.start < end and start < change.end) or (change.start == change.end and start < change.start < end)
