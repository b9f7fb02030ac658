"""Articles spun by a peer, a spinner that others wrote, as a suite of sentences."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from unspin.evaluation.external import Peer
from unspin.evaluation.suites.articles import read_articles
from unspin.evaluation.suites.base import Row, SuiteDefinition
from unspin.segment import split_sentences


class PeerSuite(SuiteDefinition):
    """Articles spun sentence by sentence by another tool (`make peers`); unchanged sentences are left out."""

    kind: Literal["peer"]
    articles: Path
    peer: Literal["textattack", "nlpaug", "texthumanize"]
    seed: int = 20

    def rows(self) -> Iterator[Row]:
        with Peer(self.peer, self.seed) as peer:
            for name, text in read_articles(self.articles):
                originals = split_sentences(text)
                for original, spun in zip(originals, peer.spin(originals), strict=True):
                    if spun != original:
                        yield Row(name, spun, (original,))
