"""The fidelity check under test: ``python -m benchmarks.facts`` prints what it refuses and what it lets pass.

Four parts, each a table:

- ``pairs``: 1,320 edits written by hand (``data/benchmark/facts.tsv``), half of which change a fact.
- ``lies``: sound sentences, one fact of each altered by `lies`. None may pass.
- ``spun``: sentences that the project's spinners garbled, restored with every edit that the model proposes. A second
  judge, which compares numbers, names and negations with the *original*, counts the facts that restoring changed.
- ``cost``: the share of restoring time that the check takes.

``lies`` and ``spun`` read the articles of ``--corpus`` (JSON Lines, also gzipped, with a ``text``); the default is the
project's own articles. Run it from the root of a clone of the repository.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import re
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple
from unittest import mock

from rich.console import Console
from rich.table import Table
from unspin.data.spinners.mixture import Mixture
from unspin.data.spinners.persona import Persona
from unspin.edits import Edit, align
from unspin.infer.fidelity.context import Context
from unspin.infer.fidelity.judge import Verdict, judge, violation
from unspin.infer.fidelity.kinds import Evidence
from unspin.infer.restorer import Restorer
from unspin.logs import track
from unspin.segment import split_sentences, words

from benchmarks.lies import LIES

PAIRS = Path("data/benchmark/facts.tsv")
OWN_ARTICLES = Path("data/articles")
MIN_WORDS, MAX_WORDS = 5, 60
SENTENCES_PER_ARTICLE = 20
FULL_MONTHS = ("January", "February", "August", "September", "October", "November", "December")
NUMBER_WORDS = {
    word: value for value, word in enumerate("two three four five six seven eight nine ten eleven twelve".split(), 2)
}
ANY_NUMBER_WORD = rf"\b(?i:{'|'.join(NUMBER_WORDS)})\b"
SPINNERS = {"phrases": 1.0, "thesaurus": 0.7, "moby": 0.5, "surface": 0.4}


class Pair(NamedTuple):
    """An edit of a sentence: `old` becomes `new`. `article` is more text of the same article, as evidence."""

    kind: str
    changes: bool
    sentence: str
    old: str
    new: str
    article: str

    @property
    def refusal(self) -> str:
        """The fact that the check says would change, or ""."""
        start = self.sentence.index(self.old)
        edit = Edit(start, start + len(self.old), self.new)
        return violation(self.sentence, edit, Context(f"{self.sentence}\n{self.article}"))


def read_pairs(path: Path = PAIRS) -> list[Pair]:
    """The hand-written pairs."""
    rows = (line.split("\t") for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#"))
    return [Pair(kind, changes == "yes", *rest) for kind, changes, *rest in rows]


class Score(NamedTuple):
    """How many changes there are and were refused, and how many other edits there are and were refused wrongly."""

    changes: int
    refused: int
    others: int
    wrongly_refused: int

    @property
    def recall(self) -> float:
        """The share of changes that were refused."""
        return self.refused / self.changes if self.changes else 1.0

    @property
    def false_refusals(self) -> float:
        """The share of other edits that were refused."""
        return self.wrongly_refused / self.others if self.others else 0.0


def score_pairs(pairs: Sequence[Pair]) -> dict[str, Score]:
    """The score of each kind and, under "all", of all pairs."""
    counts: dict[str, Counter[tuple[bool, bool]]] = defaultdict(Counter)
    for pair in pairs:
        outcome = (pair.changes, bool(pair.refusal))
        counts[pair.kind][outcome] += 1
        counts["all"][outcome] += 1
    return {
        kind: Score(
            count[True, True] + count[True, False], count[True, True], count[False, True] + count[False, False],
            count[False, True],
        )
        for kind, count in sorted(counts.items())
    }  # fmt: skip


def read_articles(corpora: Sequence[Path], seed: int = 0) -> Iterator[str]:
    """The texts of all corpora by turns, in a shuffled order."""
    rng = random.Random(seed)  # noqa: S311
    texts = []
    for corpus in corpora:
        raw = corpus.read_bytes()
        lines = (gzip.decompress(raw) if corpus.suffix == ".gz" else raw).decode().splitlines()
        texts.append([json.loads(line)["text"] for line in lines])
    if not corpora:
        texts.append([file.read_text(encoding="utf-8") for file in sorted(OWN_ARTICLES.rglob("*.txt"))])
    for group in texts:
        rng.shuffle(group)
    for i in range(max(map(len, texts))):
        yield from (group[i] for group in texts if i < len(group))


def sentences_of(article: str) -> list[str]:
    """The first sentences of an article that are neither very short nor very long."""
    found = (" ".join(sentence.split()) for sentence in split_sentences(article))
    return [sentence for sentence in found if MIN_WORDS <= len(words(sentence)) <= MAX_WORDS][:SENTENCES_PER_ARTICLE]


def tell_lies(articles: Iterator[str], sentences: int) -> tuple[Counter[str], dict[str, list[str]]]:
    """The number of lies of each kind, and those that passed. A sentence gets one lie, of the rarest kind so far."""
    rng = random.Random(0)  # noqa: S311
    told: Counter[str] = Counter()
    passed: dict[str, list[str]] = defaultdict(list)
    for article in articles:
        context = Context(article)
        for sentence in sentences_of(article):
            lies = {kind: lied for kind, lie in LIES.items() if (lied := lie(sentence, rng)) != sentence}
            if not lies:
                continue
            kind = min(lies, key=lambda kind: told[kind])
            told[kind] += 1
            verdict = judge(sentence, align(sentence, lies[kind]), context)
            passed[kind] += [f"{sentence[e.start : e.end]!r} to {e.replacement!r}: {sentence}" for e in verdict.kept]
            if told.total() >= sentences:
                return told, passed
    return told, passed


class Facts(NamedTuple):
    """What the second judge compares: the numbers, names and negations of a sentence, each as a sorted list."""

    numbers: tuple[str, ...]
    names: tuple[str, ...]
    negations: int


def facts_of(sentence: str) -> Facts:
    """Numbers up to twelve in words or digits, words with a capital inside the sentence, and words of negation.

    Found by plain patterns; months are written in full, and "no matter" and the like deny nothing.
    """
    for short, full in zip(("Jan", "Feb", "Aug", "Sept", "Oct", "Nov", "Dec"), FULL_MONTHS, strict=True):
        sentence = re.sub(rf"\b{short}\b\.?", full, sentence)
    sentence = re.sub(
        r"\bno (?:matter|doubt)\b|\b(?:whether or|or|if) not\b|\bnot (?:only|just|merely)\b|\bnothing (?:but|more)\b",
        "",
        sentence,
    )
    numbers = [
        str(NUMBER_WORDS.get(word.lower(), word)) for word in re.findall(rf"\d[\d.,]*\d|\d|{ANY_NUMBER_WORD}", sentence)
    ]
    names = re.findall(r"(?<=[a-z,] )[A-Z][a-z]{2,}", sentence)
    denials = re.findall(r"\b(?:not|no|never|none|nobody|nothing|without|cannot)\b|n['’]t\b", sentence)
    return Facts(tuple(sorted(numbers)), tuple(sorted(names)), len(denials))


def changed_by_restoring(original: str, spun: str, restored: str) -> list[str]:
    """The facts that were right in the spun sentence and are wrong in the restored one."""
    before, after, right = map(facts_of, (spun, restored, original))
    return [
        name for name, was, now, should in zip(Facts._fields, before, after, right, strict=True) if was == should != now
    ]


def _articles_with(articles: Iterator[str], sentences: int) -> list[list[str]]:
    """The sentences of the first articles, until there are enough."""
    batches: list[list[str]] = []
    while sum(map(len, batches)) < sentences and (article := next(articles, None)) is not None:
        if found := sentences_of(article):
            batches.append(found)
    return batches


def restore_spun(
    restorer: Restorer, articles: Iterator[str], sentences: int
) -> tuple[int, list[tuple[str, str, str, str]]]:
    """Spin and restore sentences: how many, and the (fact, original, spun, restored) of each fact changed."""
    mixture = Mixture(SPINNERS)
    batches = _articles_with(articles, sentences)
    count, changed = sum(map(len, batches)), []
    for number, originals in enumerate(track(batches, "restoring")):
        persona = Persona.sample("facts", number, spinners=SPINNERS)
        spun = [" ".join(mixture.spin(original, persona).text.split()) for original in originals]
        restored = [sentence.text for sentence in restorer.restore_sentences(spun).sentences]
        for triple in zip(originals, spun, restored, strict=True):
            changed += [(fact, *triple) for fact in changed_by_restoring(*triple)]
    return count, changed


def measure_cost(articles: Iterator[str], sentences: int) -> float:
    """The share of restoring time spent in the check, with the model's own threshold."""
    restorer = Restorer.from_pretrained()
    spent = 0.0

    def timed(sentence: str, edits: Sequence[Edit], context: Context, evidence: Mapping[Edit, Evidence]) -> Verdict:
        nonlocal spent
        start = time.perf_counter()
        verdict = judge(sentence, edits, context, evidence)
        spent += time.perf_counter() - start
        return verdict

    mixture = Mixture(SPINNERS)
    spun = []
    for number, originals in enumerate(_articles_with(articles, sentences)):
        persona = Persona.sample("cost", number, spinners=SPINNERS)
        spun.append([" ".join(mixture.spin(original, persona).text.split()) for original in originals])
    restorer.restore_sentences(spun[0])
    with mock.patch("unspin.infer.decision.judge", timed):
        start = time.perf_counter()
        for article_sentences in spun:
            restorer.restore_sentences(article_sentences)
        return spent / (time.perf_counter() - start)


def main() -> None:
    """Run the script."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.facts", description="Put the fidelity check to the test."
    )
    parser.add_argument(
        "parts", nargs="*", default=["pairs", "lies"], help="pairs, lies, spun, cost (default: pairs lies)"
    )
    parser.add_argument("--corpus", type=Path, action="append", default=[], help="JSON Lines of articles; repeatable")
    parser.add_argument("--sentences", type=int, default=10_000)
    parser.add_argument("--show", type=int, default=5, help="failures to print for each kind")
    parser.add_argument("--pairs", type=Path, default=PAIRS, help="another file of pairs")
    options = parser.parse_args()
    if unknown := set(options.parts) - {"pairs", "lies", "spun", "cost"}:
        parser.error(f"unknown part {', '.join(sorted(unknown))}: choose from pairs, lies, spun, cost")
    console = Console(width=120)
    if "pairs" in options.parts:
        _show_pairs(console, read_pairs(options.pairs), options.show)
    if "lies" in options.parts:
        told, passed = tell_lies(read_articles(options.corpus), options.sentences)
        table = Table("lie", "told", "passed")
        for kind in LIES:
            table.add_row(kind, f"{told[kind]:,}", str(len(passed[kind])))
        table.add_row("all", f"{told.total():,}", str(sum(map(len, passed.values()))))
        console.print(table)
        for kind, failures in passed.items():
            for failure in failures[: options.show]:
                console.print(f"{kind}: {failure}", markup=False)
    if "spun" in options.parts:
        restorer = Restorer.from_pretrained(min_confidence=0.0)
        count, changed = restore_spun(restorer, read_articles(options.corpus, 1), options.sentences)
        kinds = Counter(fact for fact, *_ in changed)
        console.print(f"{count:,} spun sentences with every edit made: {len(changed)} facts changed {dict(kinds)}")
        for fact, *triple in changed[: 4 * options.show]:
            console.print(f"{fact}: " + " | ".join(triple), markup=False)
    if "cost" in options.parts:
        share = measure_cost(read_articles(options.corpus, 2), options.sentences)
        console.print(f"the check takes {share:.1%} of the time of restoring")


def _show_pairs(console: Console, pairs: Sequence[Pair], show: int) -> None:
    table = Table("kind", "changes", "recall", "other edits", "false refusals")
    for kind, score in score_pairs(pairs).items():
        table.add_row(kind, str(score.changes), f"{score.recall:.3f}", str(score.others), f"{score.false_refusals:.3f}")
    console.print(table)
    wrong = [pair for pair in pairs if bool(pair.refusal) != pair.changes]
    for pair in wrong[: 20 * show]:
        console.print(
            f"{'passed' if pair.changes else 'refused'} ({pair.kind}): {pair.old!r} to {pair.new!r} in "
            f"{pair.sentence!r} {pair.refusal}",
            markup=False,
        )


if __name__ == "__main__":
    main()
