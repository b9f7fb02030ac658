"""How well garbled text is told from clean text: by screening, and by what else one could use.

``python -m unspin.evaluation.detection CONFIG [KEY=VALUE…]`` takes a config as in configs/detect, cuts articles that no
model was trained on into documents, and has several tools spin them. For each tool it prints the area under the ROC
curve and the true-positive rate at 1 % false positives, by sentence, paragraph and document, of these detectors:

- screening: the score that `unspin.infer.restorer.Restorer.screen` turns into a share
- perplexity: of the base model, which has not seen spun text
- classifier: logistic regression on words and pairs of words, trained on articles that sampled tools spun
- list: the share of words in listed phrases

It also prints how often clean text of each register and of other writers is above that threshold, how far the shares
and their intervals can be trusted, and the coefficients of `Calibration.garbled_share` that fit the validation split.
Everything else is measured on the test split. Takes half an hour on two cores.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import roc_auc_score
from unspin.config import Config, load_config
from unspin.data.config import BuildConfig
from unspin.data.corpora import Article
from unspin.data.pair_files import Pair, scan_pairs
from unspin.data.rows import split_of
from unspin.data.spinners.mixture import Mixture, spin_article
from unspin.data.spinners.persona import Persona
from unspin.edits import Edit, align, apply, count_touched_words
from unspin.evaluation.external import Peer
from unspin.evaluation.likelihood import Likelihood
from unspin.hashing import hash_uniform
from unspin.infer.article import SentenceDraft
from unspin.infer.confidence import Calibration
from unspin.infer.engines import load_engine
from unspin.infer.models.backbone import find_backbone
from unspin.infer.models.checkpoint import Checkpoint
from unspin.infer.phrase_table import PhraseTable
from unspin.infer.restorer import Restorer
from unspin.logs import track
from unspin.segment import Span, paragraphs, sentences, split_paragraphs, split_sentences, words
from unspin.storage import cache_folder

MIN_WORDS = {"sentence": 4, "paragraph": 20, "document": 100}  # of a unit that is measured
KINDS = tuple(MIN_WORDS)
LENGTHS = (4, 12, 20, 30, 1000)  # bounds of classes of sentences, in words
LINES_PER_DOCUMENT = 10  # of texts whose lines are sentences without context
MIN_PAIRS = 20
FALSE_POSITIVES = 0.01
MIN_CLEAN = 100  # clean units that a threshold for so few false positives takes
COVERAGE = 0.9
LIMITS = (0.05, 0.1, 0.2)  # shares that `--fail-over` might be given
Scores = NDArray[np.float64]


class DetectionConfig(Config):
    """What detection is measured on."""

    data: Path = Field(description="a build config: its sources, the tools that it samples and its share held out")
    corpora: Path = Field(description="folder of the build config's corpora")
    phrases: Path = Field(description="list of garbled phrases")
    registers: dict[str, str] = Field(description="source of the build config -> register")
    spinners: dict[str, str] = Field(default_factory=dict, description="tool's name -> a spinner to use by itself")
    peers: tuple[str, ...] = Field((), description="spinners that others wrote (make peers)")
    real: Path | None = Field(None, description="texts of real spinners with their originals: tool, spun, original")
    writers: dict[str, Path] = Field(
        default_factory=dict, description="name -> file of clean text by other writers, a sentence on each line"
    )
    checkpoint: str = "default"
    words: int = Field(250, gt=0, description="least number of words of a document")
    clean: int = Field(30, gt=0, description="clean documents of each register that are measured")
    spun: int = Field(8, gt=0, description="documents of each register that each tool spins")
    fitted: int = Field(5, gt=0, description="documents of each register that the coefficients are fitted on")
    training: int = Field(150, gt=0, description="articles of each register that the classifier is trained on")


@dataclass(frozen=True)
class Sample:
    """A document; `tool` is empty if it is clean, and `original` is the text before it was spun.

    `split` is that of its article.
    """

    split: str
    register: str
    tool: str
    text: str
    original: str


class Unit(NamedTuple):
    """A sentence, a paragraph or a document, with the scores of all detectors.

    `garbled` is the number of its words that a tool changed, `garbling` that of `unspin.infer.screening`.
    """

    kind: str
    sample: Sample
    sentences: tuple[str, ...]
    words: int
    garbled: int
    garbling: float
    scores: dict[str, float]

    @property
    def text(self) -> str:
        """Its sentences on one line."""
        return " ".join(self.sentences)


def read_samples(config: DetectionConfig, build: BuildConfig) -> dict[str, list[Sample]]:
    """Clean documents of all registers, by split: validation, test and train."""
    documents: dict[tuple[str, str], list[tuple[float, Sample]]] = defaultdict(list)
    for source in build.sources:
        if source.name not in config.registers:
            continue
        for article in source.articles(cache_folder()):
            if isinstance(article, Article):
                split = split_of(article.id, build.holdout_share)
                register = config.registers[source.name]
                for number, text in enumerate(_cut(article.text, config.words)):
                    sample = Sample(split, register, "", text, text)
                    documents[split, register].append((hash_uniform("detection", article.id, number), sample))
                    if split == "train":
                        break  # one document of each article
    limits = {"validation": config.fitted, "test": config.clean, "train": config.training}
    chosen: dict[str, list[Sample]] = defaultdict(list)
    for (split, _), drawn in sorted(documents.items()):
        drawn.sort(key=lambda pair: pair[0])
        chosen[split] += [sample for _, sample in drawn[: limits[split]]]
    return chosen


def _cut(text: str, least: int) -> Iterator[str]:
    """Documents of whole paragraphs with at least so many words."""
    part: list[str] = []
    for paragraph in split_paragraphs(text):
        part.append(paragraph)
        if sum(len(words(one)) for one in part) >= least:
            yield "\n\n".join(part)
            part = []


def spin_samples(samples: Sequence[Sample], config: DetectionConfig, build: BuildConfig) -> Iterator[Sample]:
    """The documents as each tool spins them."""
    for name, mixture, weights in _mixtures(config, build):
        for sample in track(samples, f"spinning: {name}"):
            persona = Persona.sample("detection", sample.text, spinners=weights, tools=build.tools)
            yield replace(sample, tool=name, text=spin_article(sample.text, persona, mixture))
    for name in config.peers:
        with Peer(name, seed=20) as peer:
            for sample in track(samples, f"spinning: {name}"):
                yield replace(sample, tool=name, text=_spin_sentences(sample.text, peer.spin))


def _mixtures(config: DetectionConfig, build: BuildConfig) -> Iterator[tuple[str, Mixture, dict[str, float]]]:
    """The sampled tools of the build config, and each spinner by itself, with every entry of their dictionaries."""
    yield "sampled tools", Mixture(build.spinners, "include", build.dictionary_files(cache_folder())), build.spinners
    for name, spinner in config.spinners.items():
        yield name, Mixture([spinner], "include"), {spinner: 1.0}


def _spin_sentences(text: str, spin: Callable[[Sequence[str]], list[str]]) -> str:
    spans = [
        Span(paragraph.start + span.start, paragraph.start + span.end)
        for paragraph in paragraphs(text)
        for span in sentences(text[paragraph.start : paragraph.end])
    ]
    spun = spin([text[span.start : span.end] for span in spans])
    return apply(text, [Edit(span.start, span.end, after) for span, after in zip(spans, spun, strict=True)])


def real_samples(file: Path) -> Iterator[Sample]:
    """Sentences of real tools and their originals, `LINES_PER_DOCUMENT` of one tool together.

    Tools with fewer than `MIN_PAIRS` sentences count as one.
    """
    by_tool: dict[str, list[Pair]] = defaultdict(list)
    for pair in scan_pairs(file):
        if isinstance(pair, Pair):
            by_tool[pair.tool].append(pair)
    rare = [tool for tool, pairs in by_tool.items() if len(pairs) < MIN_PAIRS]
    by_tool["other tools"] = [pair for tool in rare for pair in by_tool.pop(tool)]
    for tool, pairs in by_tool.items():
        for first in range(0, len(pairs), LINES_PER_DOCUMENT):
            group = pairs[first : first + LINES_PER_DOCUMENT]
            spun, original = (_lines(texts) for texts in zip(*((p.spun, p.original) for p in group), strict=True))
            yield Sample("test", "real", f"real: {tool}", spun, original)
            yield Sample("test", "real: originals", "", original, original)


def writers_samples(name: str, file: Path) -> Iterator[Sample]:
    """Clean text of other writers, `LINES_PER_DOCUMENT` sentences together."""
    lines = file.read_text(encoding="utf-8").splitlines()
    for first in range(0, len(lines), LINES_PER_DOCUMENT):
        text = _lines(lines[first : first + LINES_PER_DOCUMENT])
        yield Sample("test", name, "", text, text)


def _lines(texts: Iterable[str]) -> str:
    return "\n".join(" ".join(text.split()) for text in texts)


def units_of(sample: Sample, read: Callable[[str], list[SentenceDraft]]) -> Iterator[Unit]:
    """The units of a document that are long enough; `read` gives its sentences, with what speaks for a spinner."""
    spans = [(edit.start, edit.end) for edit in align(sample.text, sample.original)]
    lines = [span.start for span in paragraphs(sample.text)]
    grouped: dict[tuple[str, int], list[tuple[SentenceDraft, int]]] = defaultdict(list)
    for number, sentence in enumerate(read(sample.text)):
        start, end = sentence.offsets[0], sentence.offsets[-1]
        inside = [(max(a - start, 0), min(b, end) - start) for a, b in spans if a < end and start < b]
        touched, _ = count_touched_words(sample.text[start:end], inside)
        line = sum(one <= start for one in lines)
        for key in (("sentence", number), ("paragraph", line), ("document", 0)):
            grouped[key].append((sentence, touched))
    for (kind, _), members in grouped.items():
        texts = tuple(sentence.text for sentence, _ in members)
        count = sum(len(sentence.reading.garbling) for sentence, _ in members)
        garbling = sum(sum(sentence.reading.garbling) for sentence, _ in members)
        garbled = sum(touched for _, touched in members)
        if count >= MIN_WORDS[kind]:
            yield Unit(kind, sample, texts, count, garbled, garbling, {"screening": max(garbling / count, 0.0)})


def add_scores(units: Sequence[Unit], config: DetectionConfig, train: Sequence[tuple[str, bool]]) -> None:
    """Score units by the other detectors; `train` are sentences, and whether they are spun, for the classifier."""
    checkpoint = Checkpoint.open(config.checkpoint)
    likelihood = Likelihood(find_backbone(checkpoint.backbone), checkpoint.vocabulary())
    distinct = list(dict.fromkeys(text for unit in units for text in unit.sentences))
    log_probability = dict(zip(distinct, likelihood(distinct), strict=True))
    for unit in units:
        unit.scores["perplexity"] = -sum(log_probability[text] for text in unit.sentences) / unit.words
    features = HashingVectorizer(ngram_range=(1, 2), lowercase=True, n_features=2**20)
    classifier = SGDClassifier(loss="log_loss", alpha=1e-6, random_state=20)
    classifier.fit(features.transform([text for text, _ in train]), [is_spun for _, is_spun in train])
    decisions = classifier.decision_function(features.transform([unit.text for unit in units]))
    table = PhraseTable.from_file(config.phrases)
    for unit, decision in zip(units, decisions, strict=True):
        unit.scores["classifier"] = float(decision)
        unit.scores["list"] = sum(len(words(hit.found)) for hit in table.find(unit.text)) / unit.words


def fit_shares(units: Sequence[Unit]) -> Calibration:
    """The coefficients of `Calibration.garbled_share` that fit best; all kinds of units count equally.

    The floor and the rate give the least squares of the roots of the shares, the spread the least pinball loss of the
    ends of the interval, both on a grid.
    """
    ratio, share, count = (
        np.array(values)
        for values in zip(*((u.garbling / u.words, u.garbled / u.words, u.words) for u in units), strict=True)
    )
    sizes = {(kind, clean): 0 for kind in KINDS for clean in (True, False)}
    for unit in units:
        sizes[unit.kind, not unit.garbled] += 1
    weight = np.array([1 / sizes[unit.kind, not unit.garbled] for unit in units])

    def error(floor: float, rate: float) -> float:
        return float(weight @ (np.sqrt(1 - np.exp(-rate * np.maximum(ratio - floor, 0))) - np.sqrt(share)) ** 2)

    grid = [(floor, rate) for floor in np.arange(0, 0.021, 0.001) for rate in np.arange(0.5, 8.01, 0.1)]
    floor, rate = min(grid, key=lambda pair: error(*pair))
    missed = np.abs(np.sqrt(1 - np.exp(-rate * np.maximum(ratio - floor, 0))) - np.sqrt(share))

    def loss(spread: float, word_spread: float) -> float:
        beyond = missed - np.sqrt(spread + word_spread / count)
        return float(weight @ np.maximum(COVERAGE * beyond, (COVERAGE - 1) * beyond))

    spreads = [(a, b) for a in np.arange(0, 0.1, 0.002) for b in np.arange(0, 3, 0.05)]
    spread, word_spread = min(spreads, key=lambda pair: loss(*pair))
    return Calibration(
        screen_floor=round(float(floor), 4),
        screen_rate=round(float(rate), 2),
        screen_spread=round(float(spread), 4),
        screen_word_spread=round(float(word_spread), 3),
    )


def detection_table(units: Sequence[Unit]) -> Iterator[str]:
    """For each kind of unit and each tool, area under the curve and true-positive rate of each detector."""
    detectors = list(units[0].scores)
    yield f"| unit | tool | spun | {' | '.join(detectors)} |"
    yield f"| --- | --- | ---: |{' ---: |' * len(detectors)}"
    for kind in KINDS:
        clean = [unit for unit in units if unit.kind == kind and not unit.sample.tool]
        tools = dict.fromkeys(unit.sample.tool for unit in units if unit.sample.tool)
        for tool in tools:
            spun = [unit for unit in units if unit.kind == kind and unit.sample.tool == tool and unit.garbled]
            if clean and spun:
                cells = (_detection(clean, spun, detector) for detector in detectors)
                yield f"| {kind} | {tool} | {len(spun):,} | {' | '.join(cells)} |"


def _detection(clean: Sequence[Unit], spun: Sequence[Unit], detector: str) -> str:
    """Area under the ROC curve, and the true-positive rate if there are enough clean units: "0.94 / 67 %"."""
    negative, positive = _scores(clean, detector), _scores(spun, detector)
    area = roc_auc_score([0] * len(negative) + [1] * len(positive), [*negative, *positive])
    if len(negative) < MIN_CLEAN:
        return f"{area:.3f}"
    return f"{area:.3f} / {np.mean(positive > threshold(clean, detector)):.0%}"


def threshold(clean: Sequence[Unit], detector: str = "screening") -> float:
    """The score that `FALSE_POSITIVES` of the clean units are above."""
    return float(np.quantile(_scores(clean, detector), 1 - FALSE_POSITIVES))


def _scores(units: Sequence[Unit], detector: str) -> Scores:
    return np.array([unit.scores[detector] for unit in units])


def length_table(units: Sequence[Unit]) -> Iterator[str]:
    """The detection of spun sentences by screening, by their number of words; all tools together."""
    yield "| words of a sentence | spun | screening |"
    yield "| --- | ---: | ---: |"
    for least, beyond in pairwise(LENGTHS):
        inside = [unit for unit in units if unit.kind == "sentence" and least <= unit.words < beyond]
        clean = [unit for unit in inside if not unit.sample.tool]
        spun = [unit for unit in inside if unit.sample.tool and unit.garbled]
        if not (clean and spun):
            continue
        yield f"| {least} to {beyond - 1} | {len(spun):,} | {_detection(clean, spun, 'screening')} |"


def accusation_table(clean: Sequence[Unit], others: Sequence[Unit]) -> Iterator[str]:
    """How often clean text of each register, and of other writers, is above the threshold of each detector."""
    detectors = list(clean[0].scores)
    yield f"| unit | text | units | {' | '.join(detectors)} |"
    yield f"| --- | --- | ---: |{' ---: |' * len(detectors)}"
    for kind in KINDS:
        own = [unit for unit in clean if unit.kind == kind]
        if not own:
            continue
        everything = [*own, *(unit for unit in others if unit.kind == kind)]
        for register in dict.fromkeys(unit.sample.register for unit in everything):
            members = [unit for unit in everything if unit.sample.register == register]
            rates = (np.mean(_scores(members, d) > threshold(own, d)) for d in detectors)
            yield f"| {kind} | {register} | {len(members):,} | {' | '.join(f'{rate:.1%}' for rate in rates)} |"


def share_table(units: Sequence[Unit], calibration: Calibration) -> Iterator[str]:
    """By tool: how well shares are estimated.

    The columns are the mean true and estimated share, the mean absolute error, how often the interval holds the true
    share, the mean width of the interval, and how often the estimate is above each of `LIMITS`.
    """
    above = " | ".join(f"above {limit:.0%}" for limit in LIMITS)
    yield f"| unit | text | units | true share | estimated | mean error | in the interval | width | {above} |"
    yield f"| --- | --- |{' ---: |' * (6 + len(LIMITS))}"
    for kind in KINDS:
        for name in dict.fromkeys(unit.sample.tool or unit.sample.register for unit in units):
            members = [u for u in units if u.kind == kind and (u.sample.tool or u.sample.register) == name]
            if not members:
                continue
            true = np.array([unit.garbled / unit.words for unit in members])
            share, low, high = np.array([calibration.garbled_share(u.garbling, u.words) for u in members]).T
            held = np.mean((low <= true) & (true <= high))
            figures = (true.mean(), share.mean(), np.abs(share - true).mean())
            cells = " | ".join(f"{figure:.3f}" for figure in figures)
            width = (high - low).mean()
            rates = " | ".join(f"{np.mean(share > limit):.0%}" for limit in LIMITS)
            yield f"| {kind} | {name} | {len(members):,} | {cells} | {held:.0%} | {width:.2f} | {rates} |"


def main(config: DetectionConfig) -> Iterator[str]:
    """Yield the tables, line by line."""
    overrides = [f"corpora={config.corpora}", f"dictionaries.tortured.path={config.phrases}"]
    build = load_config(config.data, BuildConfig, overrides)
    clean = read_samples(config, build)
    by_register: dict[str, list[Sample]] = defaultdict(list)
    for sample in clean["test"]:
        by_register[sample.register].append(sample)
    chosen = [sample for samples in by_register.values() for sample in samples[: config.spun]]
    samples = [*clean["validation"], *spin_samples(clean["validation"], config, build)]
    samples += [*clean["test"], *spin_samples(chosen, config, build)]
    samples += real_samples(config.real) if config.real else []
    samples += [sample for name, file in config.writers.items() for sample in writers_samples(name, file)]
    checkpoint = Checkpoint.open(config.checkpoint)
    restorer = Restorer(load_engine("draft", checkpoint), max_passage_words=checkpoint.max_passage_words)

    def read(text: str) -> list[SentenceDraft]:
        return [sentence for article in restorer.read(text).articles for sentence in article.sentences]

    units = [unit for sample in track(samples, "reading") for unit in units_of(sample, read)]
    fitted = fit_shares([unit for unit in units if unit.sample.split == "validation"])
    measured = [unit for unit in units if unit.sample.split == "test"]
    own = [unit for unit in measured if unit.sample.register in by_register]
    others = [unit for unit in measured if unit.sample.register in config.writers]
    add_scores(measured, config, _training_sentences(clean["train"], build))
    names = ("screen_floor", "screen_rate", "screen_spread", "screen_word_spread")
    in_use = checkpoint.calibration
    yield "fitted: " + ", ".join(f"{name} {getattr(fitted, name)}" for name in names)
    yield "in use: " + ", ".join(f"{name} {getattr(in_use, name)}" for name in names)
    yield ""
    yield from detection_table([unit for unit in measured if unit.sample.register not in config.writers])
    yield ""
    yield from length_table(own)
    yield ""
    yield from accusation_table([unit for unit in own if not unit.sample.tool], others)
    yield ""
    yield from share_table(measured, in_use)


def _training_sentences(samples: Sequence[Sample], build: BuildConfig) -> list[tuple[str, bool]]:
    """Sentences of clean documents, and as the sampled tools of a build spin them without the entries held out."""
    mixture = Mixture(build.spinners, "exclude", build.dictionary_files(cache_folder()))
    rows: list[tuple[str, bool]] = []
    for sample in track(samples, "spinning for the classifier"):
        persona = Persona.sample("classifier", sample.text, spinners=build.spinners, tools=build.tools)
        spun = spin_article(sample.text, persona, mixture)
        rows += [(sentence, False) for sentence in split_sentences(sample.text)]
        rows += [(sentence, True) for sentence in split_sentences(spun)]
    return rows


if __name__ == "__main__":
    from unspin.logs import log_to_terminal

    if len(sys.argv) < 2:
        sys.exit("usage: python -m unspin.evaluation.detection CONFIG [KEY=VALUE …]")
    log_to_terminal()
    for line in main(load_config(Path(sys.argv[1]), DetectionConfig, sys.argv[2:])):
        print(line, flush=True)
