"""Runs systems over suites. Outputs are kept by (system, suite, revision of both), so that a run resumes and only what changed runs anew.

Each system works in a process of its own, which gives its speed and peak memory; loading is not timed.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from hashlib import sha256
from importlib.metadata import version
from multiprocessing import get_context, parent_process
from pathlib import Path
from typing import Any

from unspin.data.segment import words
from unspin.infer.checkpoint import Checkpoint
from unspin.train.benchmark import suites as texts
from unspin.train.benchmark.examples import examples
from unspin.train.benchmark.scores import breakdown, compare, score
from unspin.train.benchmark.suites import Suite
from unspin.train.benchmark.systems import SYSTEMS
from unspin.train.config import EvalConfig

OURS = "unspin"
PACKAGES = ("unspin", "torch", "ctranslate2", "sacrebleu", "tokenizers")
_WARM_UP = "The international minister stated that the warfare had ended."


@dataclass(frozen=True)
class Run:
    """What a system made of a suite."""

    outputs: tuple[str, ...]
    seconds: float
    words: int
    peak_mb: float


def main(config: EvalConfig) -> dict[str, Any]:
    """Run what is not kept yet, score everything, and write ``results.json`` and ``report.html`` to the output folder."""
    from unspin.train.benchmark.report import page

    suites = [texts.make(suite, config.limit) for suite in config.suites]
    runs: dict[str, list[Run]] = {system: run(config, system, suites) for system in config.systems}
    main_system = OURS if OURS in runs else next(iter(runs))
    views = [view for i, suite in enumerate(suites) for view in _views(suite, {system: found[i] for system, found in runs.items()})]
    results: dict[str, Any] = {
        "config": config.model_dump(mode="json"),
        "machine": {"processor": _processor(), "cores": os.cpu_count()},
        "versions": {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}},
        "suites": {suite.name: _size(suite) | ({} if suite in suites else {"part_of": suite.name.partition(": ")[0]}) for suite, _ in views},
        "scores": {suite.name: _scores(config, suite, found, main_system) for suite, found in views},
        "breakdown": {suite.name: breakdown(suite, runs[main_system][i].outputs) for i, suite in enumerate(suites)},
        "examples": examples(suites, [found.outputs for found in runs[main_system]]),
        "curve": _curve(config, suites[1 if config.real and len(suites) > 1 else 0]),
    }
    if OURS in config.systems and config.min_confidence is None:
        results["calibration"] = _calibration(config, suites)
    config.output.mkdir(parents=True, exist_ok=True)
    (config.output / "results.json").write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    (config.output / "report.html").write_text(page(results), encoding="utf-8")
    return results


def _views(suite: Suite, runs: dict[str, Run]) -> Iterator[tuple[Suite, dict[str, Run]]]:
    """A suite with what each system made of it, then the same for the rows of each tool, where rows name one."""
    yield suite, runs
    for part, numbers in suite.by_tool():
        yield part, {system: replace(done, outputs=tuple(done.outputs[i] for i in numbers)) for system, done in runs.items()}


def _scores(config: EvalConfig, suite: Suite, runs: dict[str, Run], main_system: str) -> dict[str, Any]:
    """Figures of every system on one suite; `p` says how likely a difference in F0.5 from the main system's is by chance."""
    found = {}
    for system, done in runs.items():
        found[system] = score(suite, done.outputs, config.resamples, config.seed)
        found[system] |= {"words_per_second": done.words / done.seconds, "peak_mb": done.peak_mb}
        if system != main_system:
            found[system]["p"] = compare(suite, runs[main_system].outputs, done.outputs, config.resamples, config.seed)
    return found


def run(config: EvalConfig, system: str, suites: Sequence[Suite]) -> list[Run]:
    """A system's outputs for each suite, those kept by an earlier run taken from their files."""
    revision = SYSTEMS[system](config).revision
    files = [_kept(config.output, system, revision, suite) for suite in suites]
    missing = [(suite, file) for suite, file in zip(suites, files, strict=True) if not file.is_file()]
    if missing:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
            process.submit(_restore, config, system, missing).result()
    return [Run(**json.loads(file.read_text(encoding="utf-8"))) for file in files]


def _restore(config: EvalConfig, system_name: str, work: Sequence[tuple[Suite, Path]]) -> None:
    from rich.progress import track

    system = SYSTEMS[system_name](config)
    system.restore([_WARM_UP])
    for suite, file in work:
        outputs: list[str] = []
        start = time.perf_counter()
        for rows in track(list(suite.articles()), description=f"{system_name}: {suite.name}"):
            if (parent := parent_process()) is not None and not parent.is_alive():
                os._exit(1)  # the run was killed: nobody waits for this, and the pool would wait for ever for more
            outputs += system.restore([row.spun for row in rows])
        seconds = time.perf_counter() - start
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        count = sum(len(words(row.spun)) for row in suite.rows)
        file.parent.mkdir(parents=True, exist_ok=True)
        unfinished = file.with_suffix(".partial")
        unfinished.write_text(json.dumps({"outputs": outputs, "seconds": seconds, "words": count, "peak_mb": peak}), encoding="utf-8")
        unfinished.rename(file)


def _kept(output: Path, system: str, revision: str, suite: Suite) -> Path:
    key = sha256(f"{revision}/{suite.digest}".encode()).hexdigest()[:16]
    return output / "kept" / f"{system}-{suite.name}-{key}.json".replace(" ", "-")


def _size(suite: Suite) -> dict[str, Any]:
    return {
        "rows": len(suite.rows),
        "articles": len({row.article for row in suite.rows}),
        "words": sum(len(words(row.spun)) for row in suite.rows),
        "digest": suite.digest,
    }


def _curve(config: EvalConfig, suite: Suite) -> list[dict[str, Any]]:
    """Scores of checkpoints on one suite, every edit that keeps the facts made."""
    points = []
    for stage in config.curve:
        (done,) = run(config.model_copy(update={"checkpoint": stage.checkpoint, "min_confidence": 0.0}), OURS, [suite])
        points.append({"pairs": stage.pairs, "checkpoint": stage.checkpoint, **score(suite, done.outputs, config.resamples, config.seed)})
    return points


def _calibration(config: EvalConfig, suites: Sequence[Suite]) -> dict[str, Any]:
    """How sure the restorer is of its edits and how often it is right, and what another threshold would do, over all suites with one original."""
    from unspin.train.benchmark.calibration import judge, measure

    single = [suite for suite in suites if any(len(row.references) == 1 for row in suite.rows)]
    return measure(judge(config.checkpoint, single, config.output / "kept"), Checkpoint.open(config.checkpoint).calibration.threshold)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.processor())
