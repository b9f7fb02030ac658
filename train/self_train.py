"""Adapts a model to a spinner of which there are only spun texts: `unspin self-train`.

Iterated back-translation (Hoang et al. 2018, aclanthology.org/W18-2703), for a spinner in place of a language. Each
round restores the spun texts, counts what was restored as what over all of them, keeps the substitutions that it is
sure of, spins clean text with them and trains the first checkpoint on the result. The next round restores with the
checkpoint of this one. A killed command, run again, continues where it was; a finished round is not repeated.
"""

from __future__ import annotations

import hashlib
import json
import logging
import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from unspin.config import load_config, with_values
from unspin.data.build import CACHE, build
from unspin.data.config import BuildConfig
from unspin.data.corpora import CorpusError, Dictionary, Source
from unspin.data.substitutions import TermPair, phrase_lines
from unspin.english.lexicons import TERM
from unspin.errors import UnspinError
from unspin.hashing import hash_uniform
from unspin.infer import Restorer
from unspin.infer.models.checkpoint import Checkpoint
from unspin.locking import sole_writer
from unspin.logs import counted, track
from unspin.storage import write_atomic
from unspin.train.backbones import with_adapter_settings
from unspin.train.config import SelfTrainConfig, TrainConfig
from unspin.train.finetune import main as finetune
from unspin.train.resume import OtherRunError

SPINNER = "learned"  # the spinner that reads a round's list
logger = logging.getLogger(__name__)


class SelfTrainError(UnspinError):
    """Self-training cannot go on; the message says why and what to change."""


def self_train(config: SelfTrainConfig, command: str = "") -> Path:
    """Run all rounds; returns the folder of the last checkpoint. `command` is what the user typed, for the model cards.

    Raises `SelfTrainError` if the texts teach nothing, the build lacks the spinner or the output belongs to other texts
    or settings, and what restoring, building and training raise.
    """
    with sole_writer(config.output):
        # Whatever can fail does so now, not after an hour of restoring.
        clean = load_config(config.build, BuildConfig)
        if SPINNER not in clean.spinners:
            raise SelfTrainError(f"{config.build}: add {SPINNER!r} to its spinners: nothing else reads the list")
        training = with_values(load_config(config.train, TrainConfig), config.train, adapter=config.checkpoint)
        with_adapter_settings(training)
        texts = list(_read_texts(config.spun))
        licence = f"learned from texts under these terms: {'; '.join(dict.fromkeys(s.licence for s in config.spun))}"
        checkpoint = config.checkpoint
        for number in range(1, config.rounds + 1):
            logger.info("round %d of %d", number, config.rounds)
            folder = config.output / f"round-{number}"
            folder.mkdir(parents=True, exist_ok=True)
            phrases = folder / "phrases.tsv"
            listed = Dictionary(path=phrases, licence=licence)
            dictionaries = {**clean.dictionaries, SPINNER: listed}
            data = with_values(clean, config.build, output=folder / "data", dictionaries=dictionaries)
            run = with_values(training, config.train, data=data.output, output=folder / "run")
            _learn(texts, checkpoint, config.min_confidence, phrases)
            build(data, _build_command(config.build, data))
            checkpoint = _train(run, command)
    return Path(checkpoint)


def _build_command(file: Path, data: BuildConfig) -> str:
    """The command that builds the data set of a round again."""
    key, listed = f"dictionaries.{SPINNER}", data.dictionaries[SPINNER]
    settings = [f"output={data.output}", f"{key}.path={listed.path}", f"{key}.licence={json.dumps(listed.licence)}"]
    return shlex.join(["unspin", "build", str(file), *settings])


def _train(run: TrainConfig, command: str) -> str:
    try:
        return str(finetune(run, command=command))
    except OtherRunError as error:
        raise SelfTrainError(f"{error.what}: set output=… of self-train to another folder") from None


def _read_texts(sources: Iterable[Source]) -> Iterator[str]:
    """The texts of all sources, in order. Raises `CorpusError` if one cannot be read or there are none."""
    empty = True
    for source in sources:
        for article in source.articles(CACHE):
            if isinstance(article, CorpusError):
                raise article
            if article.text.strip() and hash_uniform("share", article.id) < source.share:
                empty = False
                yield article.text
    if empty:
        raise CorpusError(f"no text in any of the sources: {', '.join(source.name for source in sources)}")


def _learn(texts: Sequence[str], checkpoint: str, min_confidence: float, target: Path) -> None:
    """Write the list of substitutions that a checkpoint undoes in the texts, unless it is there already."""
    origin = f"# {_origin(texts, checkpoint, min_confidence)}"
    if target.is_file():
        if target.read_text(encoding="utf-8").partition("\n")[0] != origin:
            raise SelfTrainError(
                f"{target} was learned from other texts, settings or weights: set output=… to another folder"
            )
        return
    counts = count_restored(texts, Restorer.from_pretrained(checkpoint, min_confidence=min_confidence))
    if not counts:
        raise SelfTrainError(
            f"the model is sure of no restoration in {counted(len(texts), 'text')}: give more texts, "
            "or lower min_confidence"
        )
    logger.info(
        "%s: %s from %s", target, counted(len(counts), "substitution"), counted(counts.total(), "sure restoration")
    )
    write_atomic(target, "\n".join([origin, *phrase_lines(counts), ""]).encode())


def _origin(texts: Sequence[str], checkpoint: str, min_confidence: float) -> str:
    digest = hashlib.sha256(json.dumps([texts, min_confidence]).encode()).hexdigest()[:16]
    return f"learned from {len(texts)} texts ({digest}) with checkpoint {Checkpoint.open(checkpoint).fingerprint}"


def count_restored(texts: Sequence[str], restorer: Restorer) -> Counter[TermPair]:
    """How often each (expected, garbled) phrase was restored in all texts, in lower case."""
    counts: Counter[TermPair] = Counter()
    restorations = restorer.restore_all(track(texts, "restoring"))
    for edit in (edit for restoration in restorations for edit in restoration.edits):
        expected, garbled = edit.restored.lower(), edit.spun.lower()
        if expected != garbled and TERM.fullmatch(expected) and TERM.fullmatch(garbled):
            counts[expected, garbled] += 1
    return counts
