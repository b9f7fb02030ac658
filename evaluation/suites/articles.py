"""Whole articles, spun by hand or by a peer, as suites of paragraphs; and how a folder of articles is read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from unspin.evaluation.external import PEERS, Peer
from unspin.evaluation.suites.base import Row, SuiteDefinition, SuiteError
from unspin.logs import counted
from unspin.segment import split_paragraphs, split_sentences


class ArticlesSuite(SuiteDefinition):
    """Whole articles, one row per paragraph. An article is spun by hand if `spun` has its file, otherwise by one of the
    `peers`, which take turns.
    """

    kind: Literal["articles"]
    articles: Path
    spun: Path
    peers: tuple[str, ...] = PEERS
    seed: int = 20

    def rows(self) -> Iterator[Row]:
        articles = read_articles(self.articles)
        spun_by_peer = self._spin([(name, text) for name, text in articles if not (self.spun / name).is_file()])
        for name, text in articles:
            spun = spun_by_peer.get(name) or (self.spun / name).read_text(encoding="utf-8")
            spun_paragraphs, originals = split_paragraphs(spun), split_paragraphs(text)
            if len(spun_paragraphs) != len(originals):
                what = f"{self.spun / name} has {counted(len(spun_paragraphs), 'paragraph')}"
                raise SuiteError(f"{what} and its original {len(originals)}: give both the same paragraphs")
            for garbled, original in zip(spun_paragraphs, originals, strict=True):
                yield Row(name, garbled, (original,))

    def _spin(self, articles: list[tuple[str, str]]) -> dict[str, str]:
        """Spun text by name; article i goes to peer i modulo their number. Each peer starts once."""
        spun: dict[str, str] = {}
        for i, peer_name in enumerate(self.peers[: len(articles)]):
            with Peer(peer_name, self.seed) as peer:
                for name, text in articles[i :: len(self.peers)]:
                    lines = [" ".join(peer.spin(split_sentences(paragraph))) for paragraph in split_paragraphs(text)]
                    spun[name] = "\n\n".join(" ".join(line.split()) for line in lines)
        return spun


def read_articles(folder: Path) -> list[tuple[str, str]]:
    """The ``.txt`` files below a folder as (relative path, text).

    They are sorted by file name before folder, so that the first few come from every sub-folder (register). Raises
    `SuiteError` if the folder is missing.
    """
    if not folder.is_dir():
        raise SuiteError(f"{folder} is not a folder: run the command in a clone of the repository, or change the path")
    files = sorted(folder.rglob("*.txt"), key=lambda file: (file.name, file.parent.name))
    return [(file.relative_to(folder).as_posix(), file.read_text(encoding="utf-8")) for file in files]
