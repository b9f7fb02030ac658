"""Whether the restorer's confidence can be believed, and what another threshold would do."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from unspin.data.edits import Edit, align
from unspin.data.segment import words
from unspin.infer.checkpoint import Checkpoint
from unspin.infer.proposals import Proposal
from unspin.infer.restorer import Restorer
from unspin.train.benchmark.suites import Row
from unspin.train.calibrate import expected_error, reliability
from unspin.train.metrics import f_score

THRESHOLDS = tuple(step / 20 for step in range(20))


@dataclass(frozen=True)
class Sure:
    """An edit that the restorer would make at threshold 0: its confidence, words touched, whether it is right, whether the text was clean."""

    confidence: float
    size: int
    right: bool
    clean: bool


@dataclass(frozen=True)
class Judged:
    """Edits of some texts, how many would be right, and the words of those texts that were clean."""

    edits: tuple[Sure, ...]
    due: int
    clean_words: int
    threshold: float


def judge(checkpoint_name: str, rows: Sequence[Row], kept: Path) -> Judged:
    """Restore the rows, article by article, with no threshold. The result is kept in a file of the folder."""
    checkpoint = Checkpoint.open(checkpoint_name)
    seen = json.dumps([checkpoint.digest, asdict(checkpoint.calibration), [asdict(row) for row in rows]])
    file = kept / f"judged-{sha256(seen.encode()).hexdigest()[:16]}.json"
    if not file.is_file():
        found = _judge(checkpoint_name, rows)
        file.write_text(json.dumps([asdict(edit) for edit in found]), encoding="utf-8")
    edits = tuple(Sure(**edit) for edit in json.loads(file.read_text(encoding="utf-8")))
    clean = sum(len(words(row.spun)) for row in rows if row.spun == row.references[0])
    return Judged(edits, sum(len(align(row.spun, row.references[0])) for row in rows), clean, checkpoint.calibration.threshold)


def _judge(checkpoint_name: str, rows: Sequence[Row]) -> list[Sure]:
    from rich.progress import track

    restorer = Restorer.from_pretrained(checkpoint_name, min_confidence=0, report=print)
    articles: dict[tuple[str, bool], list[Row]] = defaultdict(list)
    for row in rows:
        articles[row.group or row.article, row.spun == row.references[0]].append(row)
    found = []
    for (_, clean), texts in track(list(articles.items()), description="confidences"):
        restored = restorer.restore_sentences([row.spun for row in texts])
        for row, sentence in zip(texts, restored.sentences, strict=True):
            due = set(align(row.spun, row.references[0]))
            for edit, confidence in sentence.edits:
                right = Edit(edit.start, edit.end, edit.replacement) in due
                found.append(Sure(confidence, Proposal(edit, confidence).size(row.spun), right, clean))
    return found


def measure(judged: Judged) -> dict[str, Any]:
    """Reliability in tenths, the expected calibration error, and the figures at each threshold."""
    pairs = [(edit.confidence, edit.right) for edit in judged.edits]
    sweep = []
    for threshold in THRESHOLDS:
        made = [edit for edit in judged.edits if edit.confidence >= threshold]
        right = sum(edit.right for edit in made)
        precision, recall = right / len(made) if made else 1.0, right / judged.due if judged.due else 1.0
        changed = sum(edit.size for edit in made if edit.clean)
        figures = {"precision": precision, "recall": recall, "f0.5": f_score(precision, recall, 0.5)}
        sweep.append({"threshold": threshold, **figures, "over_correction": 1000 * changed / judged.clean_words if judged.clean_words else 0.0})
    return {
        "threshold": judged.threshold,
        "expected_calibration_error": expected_error(pairs),
        "reliability": reliability(pairs),
        "sweep": sweep,
    }
