"""Scores of restored text. What is counted of one row is defined once, in `count`; every figure is a ratio of such sums.

An edit is a minimal word edit of the source, adjacent ones merged (`unspin.data.edits.align`); it counts as right only if span and replacement
are those that lead to the original. F0.5 weighs precision twice as heavily as recall, as grammar correction does (Ng et al. 2014,
CoNLL-2014, section 5). Of several references a row is held against the one that suits it best (Dahlmeier and Ng 2012, M2).
The `evaluate.Metric` subclasses need no network.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import datasets
import evaluate
from unspin.data.edits import Edit, align, original_spans, touched
from unspin.data.morphology import forms
from unspin.data.segment import tokenize, words
from unspin.data.spinners.tables import IMMUTABLE
from unspin.infer.fidelity import changed_fact, opposed


class Counts(NamedTuple):
    """What is counted of one row; rows add up with `total`."""

    right: int  # edits made that are due
    made: int
    due: int
    restored: int  # spun spans that read as in the reference
    spans: int
    changed: int  # words changed of clean text
    clean: int  # words of clean text
    violated: int  # 1 where a fact is another
    exact: int
    damaged: int  # sound words of spun text that were changed
    sound: int  # words of spun text that no due edit touches
    rows: int = 1


Facts = Sequence[Sequence[str]]
Spans = Sequence[tuple[int, int]]


def count(source: str, prediction: str, references: Sequence[str], spans: Spans | None = None, facts: Facts = ()) -> Counts:
    """Count one row. `spans` are the places of the first reference that the spinner touched; without them, what `align` finds.

    `facts` lists, for each fact that must survive, the surface forms that express it; without them facts are compared as the restorer's
    own check does, which is fair to others but no evidence for the restorer itself.
    """
    made = set(align(source, prediction))
    scored = []
    for reference in references:
        due = set(align(source, reference))
        places = spans if spans is not None and reference is references[0] else original_spans(align(source, reference))
        restored = restored_spans(reference, prediction, places)
        scored.append((len(made & due), len(made), len(due), restored, len(places), *_damage(source, made, due)))
    right, n, due_count, restored, spun, damaged, sound = max(scored, key=lambda it: (f_score(*_rates(*it[:3]), 0.5), it[3]))
    clean = source == references[0]
    return Counts(
        right,
        n,
        due_count,
        restored,
        spun,
        words_changed(source, prediction) if clean else 0,
        len(words(source)) if clean else 0,
        int(prediction not in references and bool(broken(source, prediction, facts))),
        int(prediction in references),
        0 if clean else damaged,
        0 if clean else sound,
    )


def _damage(source: str, made: set[Edit], due: set[Edit]) -> tuple[int, int]:
    """Words of the source that lie in an edit made and in none that is due, with those put between them, and how many lie in none that is due."""
    garbled, count = touched(source, sorted((edit.start, edit.end) for edit in due))
    either, _ = touched(source, _united((edit.start, edit.end) for edit in made | due))
    between = (edit for edit in made if edit.start == edit.end and not any(it.start <= edit.start <= it.end for it in due))
    return either - garbled + sum(len(words(edit.replacement)) for edit in between), count - garbled


def _united(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """The same characters as spans that neither overlap nor meet, in order."""
    united: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if united and start <= united[-1][1]:
            united[-1] = (united[-1][0], max(end, united[-1][1]))
        else:
            united.append((start, end))
    return united


def total(counts: Iterable[Sequence[int]]) -> Counts:
    return Counts(*map(sum, zip(*counts, strict=True)))


def figures(sums: Counts) -> dict[str, float]:
    """The figures of a suite. With nothing to restore, restoration and recall are 1; with nothing done, precision is 1."""
    precision, recall = _rates(sums.right, sums.made, sums.due)
    return {
        "restoration": sums.restored / sums.spans if sums.spans else 1.0,
        "precision": precision,
        "recall": recall,
        "f0.5": f_score(precision, recall, 0.5),
        "damage": 1000 * sums.damaged / sums.sound if sums.sound else 0.0,
        "over_correction": 1000 * sums.changed / sums.clean if sums.clean else 0.0,
        "violations": 1000 * sums.violated / sums.rows,
        "exact": sums.exact / sums.rows,
    }


def _rates(right: int, made: int, due: int) -> tuple[float, float]:
    return (right / made if made else 1.0), (right / due if due else 1.0)


def f_score(precision: float, recall: float, beta: float) -> float:
    """Van Rijsbergen's F; 0 where both are 0."""
    weighted = beta**2 * precision + recall
    return (1 + beta**2) * precision * recall / weighted if weighted else 0.0


def restored_spans(reference: str, prediction: str, spans: Iterable[tuple[int, int]]) -> int:
    """How many spans of the reference the prediction has word for word in their place."""
    changes = align(reference, prediction)
    return sum(not any(_touch(change, start, end) for change in changes) for start, end in spans)


def _touch(change: Edit, start: int, end: int) -> bool:
    return (change.start < end and start < change.end) or (change.start == change.end and start < change.start < end)


def words_changed(source: str, prediction: str) -> int:
    return sum(max(len(words(source[e.start : e.end])), len(words(e.replacement)), 1) for e in align(source, prediction))


def broken(source: str, prediction: str, facts: Facts = ()) -> str:
    """Which fact of a row its restoration lost, or ""."""
    for ways in facts:
        if not any(re.search(rf"(?<!\w){re.escape(way)}(?!\w)", prediction, re.IGNORECASE) for way in ways):
            return ways[0]
    if facts:
        return ""
    return changed_fact(source, prediction) or next(
        filter(None, (opposed(source[e.start : e.end], e.replacement) for e in align(source, prediction))), ""
    )


class _Metric(evaluate.Metric):
    """A metric over the parallel lists `sources`, `predictions` and `references`."""

    keys: tuple[str, ...]

    def _info(self) -> evaluate.MetricInfo:
        texts = datasets.Features({name: datasets.Value("string") for name in ("sources", "predictions", "references")})
        return evaluate.MetricInfo(description=self.__doc__ or "", citation="", inputs_description="parallel lists of texts", features=texts)

    def _compute(self, sources: Sequence[str], predictions: Sequence[str], references: Sequence[str]) -> dict[str, float]:
        found = figures(total(count(s, p, [r]) for s, p, r in zip(sources, predictions, references, strict=True)))
        return {key: found[key] for key in self.keys}


class EditScore(_Metric):
    """Edit precision, recall and F0.5, each in 0..1."""

    keys = ("precision", "recall", "f0.5")


class EditScoreBy(_Metric):
    """Edit precision, recall and F0.5 by engine and by the part of speech of what stands in the source: ``["engine"]["phrases"]["recall"]``.

    Takes the data set's `edits` beside the texts; an edit that touches none of an engine's counts under "none".
    """

    def _info(self) -> evaluate.MetricInfo:
        info = super()._info()
        edit = {"start": datasets.Value("int64"), "end": datasets.Value("int64"), "engine": datasets.Value("string")}
        info.features = datasets.Features({**info.features, "edits": datasets.List(edit)})
        return info

    def _compute(  # type: ignore[override]
        self, sources: Sequence[str], predictions: Sequence[str], references: Sequence[str], edits: Sequence[Sequence[dict[str, Any]]]
    ) -> dict[str, dict[str, dict[str, float]]]:
        table: dict[str, dict[str, list[int]]] = {"engine": defaultdict(lambda: [0, 0, 0]), "part of speech": defaultdict(lambda: [0, 0, 0])}
        for source, prediction, reference, spun in zip(sources, predictions, references, edits, strict=True):
            made, due = set(align(source, prediction)), set(align(source, reference))
            for edit in made | due:
                engine = next((it["engine"] for it in spun if it["start"] <= edit.end and edit.start <= it["end"]), "none")
                for counted in (table["engine"][engine], table["part of speech"][part_of_speech(source[edit.start : edit.end])]):
                    counted[0] += edit in made and edit in due
                    counted[1] += edit in made
                    counted[2] += edit in due
        return {dimension: {value: _edit_scores(*counted) for value, counted in sorted(rows.items())} for dimension, rows in table.items()}


def _edit_scores(right: int, made: int, due: int) -> dict[str, float]:
    precision, recall = _rates(right, made, due)
    return {"precision": precision, "recall": recall, "f0.5": f_score(precision, recall, 0.5)}


def part_of_speech(garbled: str) -> str:
    """The first reading of a word, "function" for those of the closed classes, "phrase" for several words."""
    found = words(garbled.lower())
    if len(found) != 1:
        return "phrase"
    readings = forms(found[0])
    return "function" if found[0] in IMMUTABLE or not readings else readings[0].pos


class Restoration(_Metric):
    """Share of the spun spans that read as in the reference, 0..1."""

    keys = ("restoration",)


class OverCorrection(_Metric):
    """Words changed per 1,000 words of clean text: rows whose source is their reference."""

    keys = ("over_correction",)


class Fidelity(_Metric):
    """Rows per 1,000 whose names, numbers, dates, persons, polarity, addresses or quotation marks are not those of the source."""

    keys = ("violations",)


class ExactMatch(_Metric):
    """Share of texts that are the reference, letter for letter."""

    keys = ("exact",)


class ChrF(_Metric):
    """Character F-score of sacrebleu (Popović 2015), 0..100, with the signature that makes it comparable."""

    def _compute(self, sources: Sequence[str], predictions: Sequence[str], references: Sequence[str]) -> dict[str, Any]:
        return chrf(predictions, [[reference] for reference in references])


class Bleu(_Metric):
    """BLEU of sacrebleu (Papineni et al. 2002, Post 2018), 0..100, with its signature."""

    def _compute(self, sources: Sequence[str], predictions: Sequence[str], references: Sequence[str]) -> dict[str, Any]:
        from sacrebleu.metrics.bleu import BLEU

        metric = BLEU()
        score = metric.corpus_score(list(predictions), [list(references)]).score
        return {"bleu": score, "signature": str(metric.get_signature())}


class Sari(_Metric):
    """SARI (Xu et al. 2016), 0..100: what was rightly kept, deleted and added, by n-grams of up to four words."""

    def _compute(self, sources: Sequence[str], predictions: Sequence[str], references: Sequence[str]) -> dict[str, float]:
        scores = [sari(s, p, [r]) for s, p, r in zip(sources, predictions, references, strict=True)]
        return {"sari": 100 * sum(scores) / len(scores) if scores else 0.0}


def sari(source: str, prediction: str, references: Sequence[str]) -> float:
    """SARI of one text, 0..1. An operation that neither happens nor is called for counts as right."""
    total_score = 0.0
    for size in range(1, 5):
        before, after = ({gram: n * len(references) for gram, n in _grams(text, size).items()} for text in (source, prediction))
        wanted = sum((_grams(reference, size) for reference in references), Counter[tuple[str, ...]]())
        old, new = Counter(before), Counter(after)
        kept, keep = old & new, old & wanted
        kept_right = kept & wanted
        keeping = f_score(_share(kept_right, kept), _share(kept_right, keep), 1)
        deleting = _share((old - new) - wanted, old - new)
        added, add = new.keys() - old.keys(), wanted.keys() - old.keys()
        adding = f_score(len(added & add) / len(added) if added else 1.0, len(added & add) / len(add) if add else 1.0, 1)
        total_score += (keeping + deleting + adding) / 3
    return total_score / 4


def _grams(text: str, size: int) -> Counter[tuple[str, ...]]:
    found = [token for token in tokenize(text) if not token.isspace()]
    return Counter(zip(*(found[i:] for i in range(size)), strict=False))


def _share(part: Counter[tuple[str, ...]], whole: Counter[tuple[str, ...]]) -> float:
    """The mean share of each n-gram of `whole` that is in `part`; 1 where there is none."""
    return sum(part[gram] / n for gram, n in whole.items()) / len(whole) if whole else 1.0


def chrf(predictions: Sequence[str], references: Sequence[Sequence[str]]) -> dict[str, Any]:
    """Over a whole suite. Rows with fewer references than others repeat their first."""
    from sacrebleu.metrics.chrf import CHRF

    metric = CHRF()
    most = max(map(len, references))
    streams = [[row[i] if i < len(row) else row[0] for row in references] for i in range(most)]
    return {"chrf": metric.corpus_score(list(predictions), streams).score, "signature": str(metric.get_signature())}
