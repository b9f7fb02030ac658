"""Suites: texts to restore, article by article, each with what it should become.

A suite is made from pinned sources when it is asked for: a data set that `unspin build` makes, articles spun by somebody else's tool,
or files that were written by hand. None of it is ever trained on. Ten articles of the
benchmark, spun with unseen heads, are calibrated on (configs/calibrate/default.yaml).
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import chain, zip_longest
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field
from unspin.data.config import Config
from unspin.data.corpora import CorpusError
from unspin.data.edits import Edit
from unspin.data.errors import UnspinError
from unspin.data.pairs import Pair, PairError, check, scan
from unspin.data.peers import PEERS, Peer
from unspin.data.rows import SECTION
from unspin.data.segment import paragraphs, sentences

TURN = 10  # rows of an article that are taken at a time


class SuiteError(UnspinError):
    """A suite whose texts are missing or do not fit one another; the message names the file and what to do."""


@dataclass(frozen=True)
class Row:
    """A text of an article: `spun` is to become one of `references`, the first of which is the original.

    `edits` lead from `spun` to the original and name the engine that made each necessary, where that is known; `facts` are as in
    `metrics.count`; `strength` is the share of words the spinner touched; `tool` names the spinner where scores by tool are wanted. Rows of one
    `group` are restored together; left out, those of an article are.
    """

    article: str
    spun: str
    references: tuple[str, ...]
    edits: tuple[Edit, ...] | None = None
    facts: tuple[tuple[str, ...], ...] = ()
    strength: float | None = None
    tool: str = ""
    group: str = ""


@dataclass(frozen=True)
class Suite:
    """Rows, those that are restored together side by side."""

    name: str
    rows: tuple[Row, ...]

    @property
    def digest(self) -> str:
        fields = [{name: value for name, value in asdict(row).items() if value or name not in ("tool", "group")} for row in self.rows]
        text = json.dumps(fields, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def articles(self) -> Iterator[list[Row]]:
        grouped: dict[str, list[Row]] = defaultdict(list)
        for row in self.rows:
            grouped[row.group or row.article].append(row)
        yield from grouped.values()

    def by_tool(self) -> Iterator[tuple[Suite, list[int]]]:
        """The rows of each tool as a suite of their own, with their numbers in this one; nothing where rows name no two tools."""
        tools = dict.fromkeys(row.tool for row in self.rows if row.tool)
        for tool in tools if len(tools) > 1 else ():
            numbers = [i for i, row in enumerate(self.rows) if row.tool == tool]
            yield Suite(f"{self.name}: {tool}", tuple(self.rows[i] for i in numbers)), numbers


class PairsSuite(Config):
    """What real tools wrote, with its originals: a .tsv or .jsonl file with the columns `tool`, `spun` and `original`.

    Scored over all and per tool; a limit takes a row of each tool in turn. A tool's rows are restored together, 25 at a time. A row that
    cannot be read or has an empty side is named and left out. One whose texts share few words is named and stays: leaving out what a tool
    garbled most would flatter every system. If most rows are like that, the columns are probably mixed up, and the suite is refused.
    """

    kind: Literal["pairs"]
    name: str
    path: Path

    def rows(self) -> Iterator[Row]:
        kept, left_out, unlike = self._read()
        if left_out or unlike:
            print(f"{self.path}: {left_out} rows left out, {unlike} kept whose texts share few words, each named above")
        if unlike > len(kept) / 2:
            what = f"{unlike} of {len(kept)} rows share too few words to be a spun text and its original"
            raise SuiteError(f"{self.path}: {what}: check which column is which")
        if not kept:
            raise SuiteError(f"{self.path}: no row holds a spun text and its original")
        by_tool: dict[str, list[Pair]] = defaultdict(list)
        for pair in kept:
            by_tool[" ".join(pair.tool.split()) or "unnamed"].append(pair)
        for i in range(max(map(len, by_tool.values()))):
            for tool, pairs in by_tool.items():
                if i < len(pairs):
                    yield self._row(tool, i, pairs[i])

    def _read(self) -> tuple[list[Pair], int, int]:
        """The usable rows, how many others there are, and how many of the usable hardly look like a spun text and its original."""
        kept: list[Pair] = []
        left_out = unlike = 0
        try:
            for found in scan(self.path, tool_field="tool"):
                try:
                    if isinstance(found, PairError):
                        raise found
                    check(found)
                    kept.append(found)
                except PairError as error:
                    print(str(error).removesuffix(", or set on_error=skip"))
                    if error.kind == "unlike" and isinstance(found, Pair):
                        kept.append(found)
                        unlike += 1
                    else:
                        left_out += 1
        except CorpusError as error:
            raise SuiteError(str(error)) from None
        return kept, left_out, unlike

    def _row(self, tool: str, number: int, pair: Pair) -> Row:
        spun, original = (" ".join(text.split()) for text in (pair.spun, pair.original))
        return Row(f"{tool}/{number}", spun, (original,), tool=tool, group=f"{tool}/{number // SECTION}")


class DataSuite(Config):
    """Spun rows of a data set; it is built if it is not there."""

    kind: Literal["data"]
    name: str
    data: Path = Field(description="folder written by `unspin build`")
    build: Path | None = Field(None, description="config that makes it where it is missing")
    split: Literal["validation", "test"] = "test"

    def rows(self) -> Iterator[Row]:
        yield from _in_turn(_spun(row) for row in _data(self.data, self.build, self.split) if row["edits"])


class CleanSuite(Config):
    """Text that needs no restoring: a folder of articles, or the originals of a data set, sentence by sentence."""

    kind: Literal["clean"]
    name: str
    articles: Path | None = Field(None, description="folder of .txt articles")
    data: Path | None = Field(None, description="folder written by `unspin build`")
    build: Path | None = Field(None, description="config that makes the data set where it is missing")
    split: Literal["validation", "test"] = "test"

    def rows(self) -> Iterator[Row]:
        if not self.articles and not self.data:
            raise SuiteError(f"suite {self.name}: give `articles` or `data`")
        written = ((name, sentence) for name, text in _texts(self.articles) for sentence in _sentences(text)) if self.articles else ()
        read = ((row["article_id"], row["original"]) for row in _data(self.data, self.build, self.split)) if self.data else ()
        yield from _in_turn(Row(article, text, (text,)) for article, text in chain(written, read))


class PeerSuite(Config):
    """Articles spun sentence by sentence by a tool that others wrote (`make peers`)."""

    kind: Literal["peer"]
    name: str
    articles: Path
    peer: Literal["textattack", "nlpaug", "texthumanize"]
    seed: int = 20

    def rows(self) -> Iterator[Row]:
        with Peer(self.peer, self.seed) as peer:
            for name, text in _texts(self.articles):
                originals = _sentences(text)
                for original, spun in zip(originals, peer.spin(originals), strict=True):
                    if spun != original:
                        yield Row(name, spun, (original,))


class ArticlesSuite(Config):
    """Whole articles, a row a paragraph: spun by hand where `spun` has the file, else by each of the peers in turn."""

    kind: Literal["articles"]
    name: str
    articles: Path
    spun: Path
    peers: tuple[str, ...] = PEERS
    seed: int = 20

    def rows(self) -> Iterator[Row]:
        others = [(name, text) for name, text in _texts(self.articles) if not (self.spun / name).is_file()]
        by_peer = dict(self._by_peers(others))
        for name, text in _texts(self.articles):
            spun = by_peer.get(name) or (self.spun / name).read_text(encoding="utf-8")
            before, after = (_paragraphs(version) for version in (spun, text))
            if len(before) != len(after):
                raise SuiteError(f"{self.spun / name}: {len(before)} paragraphs, its original has {len(after)}")
            yield from (Row(name, garbled, (original,)) for garbled, original in zip(before, after, strict=True))

    def _by_peers(self, articles: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
        for i, peer_name in enumerate(self.peers[: len(articles)]):
            with Peer(peer_name, self.seed) as peer:
                for name, text in articles[i :: len(self.peers)]:
                    spun = [" ".join(peer.spin(_sentences(paragraph))) for paragraph in _paragraphs(text)]
                    yield name, "\n\n".join(" ".join(paragraph.split()) for paragraph in spun)


class ItemsSuite(Config):
    """Sentences written by hand, JSON Lines with `spun`, `references` (or `original`) and, where they matter, `facts`.

    `clean` takes the originals as well, which are to stay as they are.
    """

    kind: Literal["items"]
    name: str
    path: Path
    clean: bool = False

    def rows(self) -> Iterator[Row]:
        for number, line in enumerate(self.path.read_text(encoding="utf-8").splitlines(), 1):
            try:
                item = json.loads(line)
                references = tuple(item["references"]) if "references" in item else (item["original"],)
                facts = tuple(tuple(forms) for forms in item.get("facts", ()))
                row = Row(f"{self.path.name}:{number}", item["spun"], references, facts=facts)
            except (ValueError, KeyError, TypeError) as error:
                raise SuiteError(f"{self.path}:{number}: no item with `spun` and `references` ({error!r})") from None
            yield row
            if self.clean:
                yield Row(f"{row.article} clean", references[0], references, facts=facts)


SuiteConfig = Annotated[PairsSuite | DataSuite | CleanSuite | PeerSuite | ArticlesSuite | ItemsSuite, Field(discriminator="kind")]


def make(config: SuiteConfig, limit: int) -> Suite:
    """The suite's first `limit` rows. Raises `SuiteError` where there are none."""
    rows = tuple(row for row, _ in zip(config.rows(), range(limit), strict=False))
    if not rows:
        raise SuiteError(f"suite {config.name}: no rows; look at its texts")
    return Suite(config.name, tuple(row for group in Suite("", rows).articles() for row in group))


def _data(data: Path, build: Path | None, split: str) -> list[dict[str, Any]]:
    if not data.is_dir() and build:
        from unspin.data.build import BuildConfig
        from unspin.data.build import build as make_data
        from unspin.data.config import load_config

        print(f"{data}: not there yet, building it from {build}")
        make_data(load_config(build, BuildConfig, [f"output={data}"]), f"unspin build {build} output={data}")
    from unspin.train.batches import load_split

    return load_split(data, split).to_list()


def _texts(folder: Path) -> list[tuple[str, str]]:
    """Articles of a folder, those of its sub-folders in turn, so that the first of them are of every register."""
    if not folder.is_dir():
        raise SuiteError(f"{folder}: no such folder; run in a clone of the repository")
    files = sorted(folder.rglob("*.txt"), key=lambda file: (file.name, file.parent.name))
    return [(file.relative_to(folder).as_posix(), file.read_text(encoding="utf-8")) for file in files]


def _paragraphs(text: str) -> list[str]:
    return [text[span.start : span.end] for span in paragraphs(text)]


def _sentences(text: str) -> list[str]:
    return [paragraph[span.start : span.end] for paragraph in _paragraphs(text) for span in sentences(paragraph)]


def _spun(row: dict[str, Any]) -> Row:
    edits = tuple(Edit(e["start"], e["end"], e["replacement"], e["engine"], e["rule"]) for e in row["edits"])
    return Row(row["article_id"], row["spun"], (row["original"],), edits, strength=row["strength"])


def _in_turn(rows: Iterable[Row]) -> Iterator[Row]:
    """Some rows of an article of each source in turn, so that a limit cuts all registers alike; an article's source is its id's first part."""
    sources: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        sources[row.article.partition("/")[0]].append(row)
    for turn in zip_longest(*(_in_parts(source) for source in sources.values()), fillvalue=()):
        yield from chain.from_iterable(turn)


def _in_parts(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    """The first `TURN` rows of each article, then the next ones of each."""
    articles = list(Suite("", tuple(rows)).articles())
    for start in range(0, max(map(len, articles)), TURN):
        yield from filter(None, (article[start : start + TURN] for article in articles))
