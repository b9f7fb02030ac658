"""Pairs of a tool that no model was trained on, to adapt a model to it and to measure the gain.

``python -m benchmarks.peer_pairs texthumanize CORPORA FOLDER`` lets a peer (`make peers`) spin articles of the corpora
that `configs/data/open.yaml` keeps from training: its validation articles become ``FOLDER/adapt.jsonl``, its test
articles ``FOLDER/test.jsonl``. Articles are cut into texts of some hundred words. With textattack, which is slow, it
takes twenty minutes.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from pathlib import Path

from unspin.config import load_config
from unspin.data.build import CACHE
from unspin.data.config import BuildConfig
from unspin.data.corpora import Article, Source
from unspin.data.rows import split_of
from unspin.evaluation.external import Peer
from unspin.logs import log_to_terminal, track
from unspin.segment import split_paragraphs, split_sentences, words

CONFIG = Path(__file__).parents[1] / "configs" / "data" / "open.yaml"
FILES = {"adapt": "validation", "test": "test"}  # file -> split of open.yaml
MIN_WORDS = 60  # of a text; shorter ones at the end of an article are left out
TEXT_WORDS = 200  # a text ends with the paragraph that reaches so many words
MAX_TEXTS = 450  # in a file
SEED = 7


def held_out_texts(sources: Sequence[Source], holdout_share: float, split: str) -> list[tuple[str, str]]:
    """(id, text) of up to `MAX_TEXTS` texts of a split, the first ones of all articles before the second ones.

    The articles of different sources take turns.
    """
    by_source = [
        [list(_texts(article)) for article in _articles(source) if split_of(article.id, holdout_share) == split]
        for source in sources
    ]
    articles = [texts for turn in zip_longest(*by_source) for texts in turn if texts]
    rounds = (text for turn in zip_longest(*articles) for text in turn if text)
    return [text for text, _ in zip(rounds, range(MAX_TEXTS), strict=False)]


def _articles(source: Source) -> Iterator[Article]:
    return (article for article in source.articles(CACHE) if isinstance(article, Article))


def _texts(article: Article) -> Iterator[tuple[str, str]]:
    paragraphs: list[str] = []
    number = 0
    for paragraph in [*split_paragraphs(article.text), ""]:
        count = sum(len(words(text)) for text in paragraphs)
        if count >= TEXT_WORDS or (not paragraph and count >= MIN_WORDS):
            yield f"{article.id}#{number}", "\n\n".join(paragraphs)
            paragraphs, number = [], number + 1
        paragraphs.append(" ".join(paragraph.split()))


def spin(peer: Peer, text: str) -> str:
    """Spin a text sentence by sentence; paragraphs stay."""
    return "\n\n".join(" ".join(peer.spin(split_sentences(paragraph))) for paragraph in text.split("\n\n"))


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peer_pairs")
    parser.add_argument("peer", help="textattack, nlpaug or texthumanize")
    parser.add_argument("corpora", help="folder of the corpora that configs/data/open.yaml names")
    parser.add_argument("folder", type=Path, help="folder to write")
    options = parser.parse_args()
    log_to_terminal()
    # The list of garbled terms is a spinner's, and nothing is spun here by the project's own.
    config = load_config(CONFIG, BuildConfig, [f"corpora={options.corpora}"])
    sources = [source for source in config.sources if source.kind == "jsonl"]
    options.folder.mkdir(parents=True, exist_ok=True)
    for name, split in FILES.items():
        file = options.folder / f"{name}.jsonl"
        with Peer(options.peer, SEED) as peer, file.open("w", encoding="utf-8") as lines:
            for article, text in track(held_out_texts(sources, config.holdout_share, split), f"{options.peer}: {name}"):
                row = {"article": article, "tool": options.peer, "spun": spin(peer, text), "original": text}
                lines.write(json.dumps(row, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
