"""Runs systems on suites and writes the scores.

The outputs of a system on a suite are stored under the revisions of both, so that a repeated run resumes and only
what changed is computed again. Each system runs in a process of its own, which gives its speed and peak memory.
Speed excludes loading; peak memory is that of the process so far, so it includes earlier suites.
"""

from __future__ import annotations

import json
import logging
import os
import platform
import resource
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from unspin.errors import UnspinError
from unspin.evaluation.comparison import compare
from unspin.evaluation.config import CurvePoint, EvalConfig
from unspin.evaluation.examples import examples
from unspin.evaluation.report import html_report
from unspin.evaluation.scores import breakdown, p_value, score
from unspin.evaluation.suites import make_suite
from unspin.evaluation.suites.base import Suite
from unspin.evaluation.systems import load_system
from unspin.evaluation.systems.base import SystemSettings
from unspin.infer.models.checkpoint import UNSPIN_JSON, Checkpoint
from unspin.logs import track
from unspin.processes import worker_processes
from unspin.segment import words
from unspin.storage import write_atomic

logger = logging.getLogger(__name__)
OURS = "unspin"
PACKAGES = ("unspin", "torch", "ctranslate2", "sacrebleu", "tokenizers")
RESULTS, REPORT = "results.json", "report.html"
STORE = "kept"  # folder of stored outputs, below the config's output folder
_WARM_UP = "The international minister stated that the warfare had ended."


@dataclass(frozen=True)
class SystemOutputs:
    """A system's outputs for the rows of a suite.

    `seconds` is the time that restoring took, `words` the number of words in the suite's spun texts, `peak_mb` the peak
    memory of the process in MiB.
    """

    outputs: tuple[str, ...]
    seconds: float
    words: int
    peak_mb: float


def main(config: EvalConfig) -> dict[str, Any]:
    """Run what is not stored yet, score everything, write ``results.json`` and ``report.html``, and return the results.

    Raises `SuiteError` if a suite has no rows, `ModelError` if a checkpoint cannot be used, `UnspinError` if a system
    lacks a setting, or if a file of somebody else would be overwritten.
    """
    _check_output(config.output)
    for system in config.systems:  # fail before suites are built, which can take hours
        load_system(system, config.system_settings)
    compared = config.model_copy(update={"checkpoint": config.compare}) if config.compare else None
    points = curve_points(config)
    if compared:
        load_system(OURS, compared.system_settings)
    suites = [make_suite(definition, config.limit) for definition in config.suites]
    systems = sorted(config.systems, key=lambda system: system != OURS)  # reports compare the others with the first
    outputs = {system: run_system(config, system, suites) for system in systems}
    if compared:
        outputs[name_of_compared(config)] = run_system(compared, OURS, suites)
    results = _results(config, suites, outputs, points)
    write_atomic(config.output / RESULTS, (json.dumps(results, indent=1, ensure_ascii=False) + "\n").encode())
    write_atomic(config.output / REPORT, html_report(results).encode())
    return results


def _check_output(folder: Path) -> None:
    written = [folder / name for name in (RESULTS, REPORT) if (folder / name).exists()]
    if written and not (folder / STORE).is_dir():
        raise UnspinError(f"{written[0]} would be overwritten, and no evaluation wrote it: name another output")


def name_of_compared(config: EvalConfig) -> str:
    """The name of the other checkpoint in tables and results."""
    return f"{OURS} ({config.compare})"


def run_system(config: EvalConfig, system: str, suites: Sequence[Suite]) -> list[SystemOutputs]:
    """A system's outputs for each suite. Those that an earlier run stored are read back."""
    settings = config.system_settings
    revision = load_system(system, settings).revision
    files = [_store_file(config.output, system, revision, suite) for suite in suites]
    missing = [(suite, file) for suite, file in zip(suites, files, strict=True) if not file.is_file()]
    if reused := [suite.name for suite, file in zip(suites, files, strict=True) if file.is_file()]:
        logger.info("%s: using the stored outputs for %s", system, ", ".join(reused))
    if missing:
        with worker_processes(1, get_context("spawn")) as process:
            process.submit(_restore, settings, system, missing).result()
    return [SystemOutputs(**json.loads(file.read_text(encoding="utf-8"))) for file in files]


def _restore(settings: SystemSettings, system_name: str, missing: Sequence[tuple[Suite, Path]]) -> None:
    """Runs in the system's own process: restore each suite and store the outputs in its file."""
    system = load_system(system_name, settings)
    system.restore([_WARM_UP])
    for suite, file in missing:
        outputs: list[str] = []
        start = time.perf_counter()
        for rows in track(suite.groups(), f"{system_name}: {suite.name}"):
            outputs += system.restore([row.spun for row in rows])
        seconds = time.perf_counter() - start
        peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        done = SystemOutputs(tuple(outputs), seconds, _count_words(suite), peak_mb)
        write_atomic(file, json.dumps(asdict(done)).encode())


def _store_file(output: Path, system: str, revision: str, suite: Suite) -> Path:
    key = sha256(f"{revision}/{suite.digest}".encode()).hexdigest()[:16]
    return output / STORE / f"{system}-{suite.name}-{key}.json".replace(" ", "-")


def _results(
    config: EvalConfig,
    suites: Sequence[Suite],
    outputs: Mapping[str, Sequence[SystemOutputs]],
    points: Sequence[CurvePoint],
) -> dict[str, Any]:
    """The content of results.json."""
    main_system = next(iter(outputs))
    sizes: dict[str, Any] = {}
    scores: dict[str, Any] = {}
    for i, suite in enumerate(suites):
        by_system = {system: of_suites[i] for system, of_suites in outputs.items()}
        sizes[suite.name] = _size(suite)
        scores[suite.name] = _scores(config, suite, by_system, main_system)
        for part, part_outputs in _by_tool(suite, by_system):
            sizes[part.name] = _size(part) | {"part_of": suite.name}
            scores[part.name] = _scores(config, part, part_outputs, main_system)
    results = {
        "config": config.model_dump(mode="json"),
        "machine": {"processor": _processor(), "cores": os.cpu_count()},
        "versions": {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}},
        "suites": sizes,
        "scores": scores,
        "breakdown": {suite.name: breakdown(suite, outputs[main_system][i].outputs) for i, suite in enumerate(suites)},
        "examples": examples(suites, [of_suite.outputs for of_suite in outputs[main_system]]),
        "comparison": _comparison(config, suites, outputs),
        "curve": _curve(config, points, suites[1 if config.real and len(suites) > 1 else 0]),
    }
    if OURS in config.systems and config.min_confidence is None:
        results["calibration"] = _calibration(config, suites)
    return results


def _comparison(
    config: EvalConfig, suites: Sequence[Suite], outputs: Mapping[str, Sequence[SystemOutputs]]
) -> dict[str, Any]:
    """How the two checkpoints differ on each suite; empty if there is only one."""
    if config.compare is None:
        return {}
    both = zip(suites, outputs[OURS], outputs[name_of_compared(config)], strict=True)
    return {
        suite.name: compare(suite, ours.outputs, theirs.outputs, config.resamples, config.seed)
        for suite, ours, theirs in both
    }


def _by_tool(suite: Suite, outputs: Mapping[str, SystemOutputs]) -> Iterator[tuple[Suite, dict[str, SystemOutputs]]]:
    """For each tool of a suite, its rows and each system's outputs for them."""
    for part, indices in suite.by_tool():
        yield (
            part,
            {
                system: replace(of_suite, outputs=tuple(of_suite.outputs[i] for i in indices))
                for system, of_suite in outputs.items()
            },
        )


def _scores(
    config: EvalConfig, suite: Suite, outputs: Mapping[str, SystemOutputs], main_system: str
) -> dict[str, dict[str, Any]]:
    """Figures of every system on one suite; "p" compares its F0.5 with that of the main system."""
    scores = {}
    for system, done in outputs.items():
        scores[system] = score(suite, done.outputs, config.resamples, config.seed)
        scores[system] |= {"words_per_second": done.words / done.seconds, "peak_mb": done.peak_mb}
        if system != main_system:
            ours = outputs[main_system].outputs
            scores[system]["p"] = p_value(suite, ours, done.outputs, config.resamples, config.seed)
    return scores


def _size(suite: Suite) -> dict[str, Any]:
    return {
        "rows": len(suite.rows),
        "articles": len({row.article for row in suite.rows}),
        "words": _count_words(suite),
        "digest": suite.digest,
    }


def _count_words(suite: Suite) -> int:
    return sum(len(words(row.spun)) for row in suite.rows)


def curve_points(config: EvalConfig) -> list[CurvePoint]:
    """The points of the learning curve: those that the config lists, and the checkpoints of its `curve_run`.

    Raises `UnspinError` if that run has no checkpoints that say how many pairs they have seen, or one is unusable.
    """
    points = list(config.curve)
    if config.curve_run is not None:
        if not config.curve_run.is_dir():
            raise UnspinError(f"curve_run: {config.curve_run} is no folder: give a run folder of `unspin train`")
        found = [(_pairs_seen(folder), str(folder)) for folder in config.curve_run.glob("checkpoint-*")]
        known = sorted((pairs, folder) for pairs, folder in found if pairs is not None)
        if not known:
            raise UnspinError(
                f"curve_run: {config.curve_run} has no checkpoints that say how many pairs they have seen: give a run "
                "folder of `unspin train`"
            )
        points += [CurvePoint(checkpoint=folder, pairs=pairs) for pairs, folder in known]
    for point in points:
        Checkpoint.open(point.checkpoint)
    return points


def _pairs_seen(checkpoint: Path) -> int | None:
    """The number of pairs that a checkpoint was trained on, if it says so."""
    try:
        return int(json.loads((checkpoint / UNSPIN_JSON).read_text(encoding="utf-8"))["figures"]["pairs_seen"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _curve(config: EvalConfig, curve: Sequence[CurvePoint], suite: Suite) -> list[dict[str, Any]]:
    """Scores of the learning curve's checkpoints on one suite, with a minimum confidence of 0."""
    points = []
    for point in curve:
        at_point = config.model_copy(update={"checkpoint": point.checkpoint, "min_confidence": 0.0})
        (done,) = run_system(at_point, OURS, [suite])
        figures = score(suite, done.outputs, config.resamples, config.seed)
        points.append({"pairs": point.pairs, "checkpoint": point.checkpoint, **figures})
    return points


def _calibration(config: EvalConfig, suites: Sequence[Suite]) -> dict[str, Any]:
    """Reliability of the checkpoint's confidences on all suites that have rows with one reference."""
    from unspin.evaluation.reliability import load_outcomes, measure_calibration

    single = [suite for suite in suites if any(len(row.references) == 1 for row in suite.rows)]
    outcomes = load_outcomes(config.checkpoint, single, config.output / STORE)
    return measure_calibration(outcomes, Checkpoint.open(config.checkpoint).calibration)


def _processor() -> str:
    """The processor's model name, as far as the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor())
