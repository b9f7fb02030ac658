"""Whether the restorer's confidence and its estimated share of garbled words can be believed, and what another threshold would do."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from unspin.infer.checkpoint import Checkpoint
from unspin.infer.restorer import Restorer
from unspin.train.benchmark.suites import Suite
from unspin.train.calibrate import expected_error, reliability
from unspin.train.calibrate import judge as judge_article
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
class Share:
    """The share of an article's words that a spinner garbled: by the restorer's estimate, and in truth."""

    estimated: float
    true: float


@dataclass(frozen=True)
class Judged:
    """Edits of a suite, the shares of its articles, how many edits would be right, and the words of those texts that were clean."""

    edits: tuple[Sure, ...]
    shares: tuple[Share, ...]
    due: int
    clean_words: int


def judge(checkpoint_name: str, suites: Iterable[Suite], kept: Path) -> dict[str, Judged]:
    """Restore the rows of each suite that have one original, article by article, with no threshold. Results are kept in files of the folder."""
    checkpoint = Checkpoint.open(checkpoint_name)
    found: dict[str, Judged] = {}
    for suite in suites:
        single = Suite(suite.name, tuple(row for row in suite.rows if len(row.references) == 1))
        seen = json.dumps([checkpoint.digest, asdict(checkpoint.calibration), single.digest])
        file = kept / f"judged-{sha256(seen.encode()).hexdigest()[:16]}.json"
        if not file.is_file():
            file.write_text(json.dumps(asdict(_judge(checkpoint_name, single))), encoding="utf-8")
        read = json.loads(file.read_text(encoding="utf-8"))
        edits, shares = tuple(Sure(**edit) for edit in read["edits"]), tuple(Share(**share) for share in read["shares"])
        found[suite.name] = Judged(edits, shares, read["due"], read["clean_words"])
    return found


def _judge(checkpoint_name: str, suite: Suite) -> Judged:
    from rich.progress import track

    restorer = Restorer.from_pretrained(checkpoint_name, min_confidence=0, report=print)
    articles = [judge_article(restorer, rows) for rows in track(list(suite.articles()), description=f"confidences: {suite.name}")]
    edits = tuple(Sure(edit.probability, edit.size, edit.right, edit.clean) for article in articles for edit in article.edits)
    share = Checkpoint.open(checkpoint_name).calibration.spun_share
    shares = tuple(Share(share(article.suspected), article.garbled) for article in articles)
    return Judged(edits, shares, sum(article.due for article in articles), sum(article.clean_words for article in articles))


def _together(parts: Iterable[Judged]) -> Judged:
    found = list(parts)
    edits = tuple(edit for part in found for edit in part.edits)
    shares = tuple(share for part in found for share in part.shares)
    return Judged(edits, shares, sum(part.due for part in found), sum(part.clean_words for part in found))


def measure(judged: Mapping[str, Judged], threshold: float) -> dict[str, Any]:
    """Reliability in tenths, the expected calibration error, the figures at each threshold; and what each suite says of confidence and share."""
    everything = _together(judged.values())
    sweep = []
    for least in THRESHOLDS:
        made = [edit for edit in everything.edits if edit.confidence >= least]
        right = sum(edit.right for edit in made)
        precision, recall = right / len(made) if made else 1.0, right / everything.due if everything.due else 1.0
        changed = sum(edit.size for edit in made if edit.clean)
        figures = {"precision": precision, "recall": recall, "f0.5": f_score(precision, recall, 0.5)}
        over_correction = 1000 * changed / everything.clean_words if everything.clean_words else 0.0
        sweep.append({"threshold": least, **figures, "over_correction": over_correction})
    return {
        "threshold": threshold,
        "expected_calibration_error": expected_error(_pairs(everything)),
        "reliability": reliability(_pairs(everything)),
        "sweep": sweep,
        "by_suite": {name: _figures(found) for name, found in judged.items()},
    }


def _figures(judged: Judged) -> dict[str, float | None]:
    """Of one suite. Shares are means over its articles; the error is the mean of how far each estimate is off, in parts of the true share."""
    off = [abs(share.estimated / share.true - 1) for share in judged.shares if share.true]
    return {
        "edits": len(judged.edits),
        "expected_calibration_error": expected_error(_pairs(judged)),
        "estimated_share": float(np.mean([share.estimated for share in judged.shares])),
        "true_share": float(np.mean([share.true for share in judged.shares])),
        "share_error": float(np.mean(off)) if off else None,
    }


def _pairs(judged: Judged) -> list[tuple[float, bool]]:
    return [(edit.confidence, edit.right) for edit in judged.edits]
