"""The far side of a peer: ``build/peers/bin/python -P serve.py NAME SEED`` answers lists of sentences in JSON Lines.

Runs inside the peers' environment and imports nothing of unspin. When the peer is loaded it writes ``{"ready": VERSION}``; to each line
``{"sentences": […]}`` it answers ``{"sentences": […]}`` or ``{"error": "…"}``. Whatever a peer prints itself goes to standard error.
Every peer is used by its public interface and at its own defaults; where it asks for data that cannot be had, the hook is named below.
"""

from __future__ import annotations

import json
import os
import random
import sys
from collections.abc import Callable, Iterable
from importlib import import_module
from importlib.metadata import version
from typing import Any, TextIO

Spin = Callable[[str], str]


def textattack(seed: int) -> Spin:
    """WordNet synonyms for a tenth of the words, stopwords excepted."""
    nltk: Any = import_module("nltk")
    nltk.download = lambda *_, **__: True  # asked for at every start; all that is needed lies in NLTK_DATA
    augmenter = import_module("textattack.augmentation").WordNetAugmenter()
    return lambda sentence: next(iter(augmenter.augment(sentence)), sentence)


def nlpaug(seed: int) -> Spin:
    """WordNet synonyms for three words in ten, at most ten. NLTK's tagger model is not to be had: TextBlob's tags the words instead."""
    tagger = import_module("textblob.taggers").PatternTagger()
    word_dict = import_module("nlpaug.model.word_dict")

    class Tagged(word_dict.WordNet):  # type: ignore[name-defined]
        @classmethod
        def pos_tag(cls, tokens: list[str]) -> list[tuple[str, str]]:
            tags = [tag for _, tag in tagger.tag(" ".join(tokens), tokenize=False)]
            return list(zip(tokens, tags if len(tags) == len(tokens) else [""] * len(tokens), strict=True))

    augmenter = import_module("nlpaug.augmenter.word").SynonymAug(aug_src="wordnet")
    augmenter.model = Tagged(lang="eng")
    return lambda sentence: next(iter(augmenter.augment(sentence)), sentence)


def texthumanize(seed: int) -> Spin:
    """A small dictionary of the package's own, half of the words that it knows."""
    spinner = import_module("texthumanize.spinner").ContentSpinner(lang="en", seed=seed)
    return lambda sentence: spinner.spin(sentence).spun


LOADERS: dict[str, Callable[[int], Spin]] = {"textattack": textattack, "nlpaug": nlpaug, "texthumanize": texthumanize}


def answer(spin: Spin, line: str) -> dict[str, Any]:
    try:
        return {"sentences": [spin(sentence) for sentence in json.loads(line)["sentences"]]}
    except Exception as error:  # whatever the peer raises is told on the other side
        return {"error": f"failed: {type(error).__name__}: {error}"}


def serve(spin: Spin, lines: Iterable[str], output: TextIO) -> None:
    for line in lines:
        print(json.dumps(answer(spin, line)), file=output, flush=True)


def main(name: str, seed: str) -> None:
    output = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    random.seed(int(seed))
    try:
        spin = LOADERS[name](int(seed))
        spin("The minister told the reporters that the large company would start soon.")  # what is read at the first use is read now
    except Exception as error:
        print(json.dumps({"error": f"did not load: {type(error).__name__}: {error}"}), file=output, flush=True)
        raise
    random.seed(int(seed))
    print(json.dumps({"ready": version(name)}), file=output, flush=True)
    serve(spin, sys.stdin, output)


if __name__ == "__main__":
    main(*sys.argv[1:3])
