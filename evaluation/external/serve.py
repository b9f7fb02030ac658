"""Serves a peer over standard input and output; `client.py` starts ``build/peers/bin/python -P serve.py NAME SEED``.

It runs inside the peers' environment and imports only the standard library and the peer, nothing of unspin. Once the
peer is loaded it writes ``{"ready": VERSION}``. It answers each line ``{"sentences": […]}`` with ``{"sentences": […]}``
or ``{"error": "…"}``. Anything that a peer prints goes to standard error. Peers are used through their public interface
with their default settings; the exceptions, for data that cannot be downloaded, are named below.
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
    """WordNet synonyms for a tenth of the words, except stopwords."""
    nltk: Any = import_module("nltk")
    nltk.download = lambda *_, **__: True  # called at every start; NLTK_DATA holds all that is needed
    augmenter = import_module("textattack.augmentation").WordNetAugmenter()
    return lambda sentence: next(iter(augmenter.augment(sentence)), sentence)


def nlpaug(seed: int) -> Spin:
    """WordNet synonyms for three words in ten, at most ten. TextBlob's tagger replaces NLTK's, which is a download."""
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
    """Synonyms from the package's own small dictionary, for half of the words that it holds."""
    spinner = import_module("texthumanize.spinner").ContentSpinner(lang="en", seed=seed)
    return lambda sentence: spinner.spin(sentence).spun


LOADERS: dict[str, Callable[[int], Spin]] = {"textattack": textattack, "nlpaug": nlpaug, "texthumanize": texthumanize}


def answer(spin: Spin, line: str) -> dict[str, Any]:
    """The reply to one request, with an error message if the peer fails."""
    try:
        return {"sentences": [spin(sentence) for sentence in json.loads(line)["sentences"]]}
    except Exception as error:  # the client raises it as `PeerError`
        return {"error": f"failed: {type(error).__name__}: {error}"}


def serve(spin: Spin, lines: Iterable[str], output: TextIO) -> None:
    """Answer requests, one a line, until the input ends."""
    for line in lines:
        print(json.dumps(answer(spin, line)), file=output, flush=True)


def main(name: str, seed: str) -> None:
    """Load a peer and serve it. The real standard output is kept for replies; descriptor 1 then writes to stderr."""
    output = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    random.seed(int(seed))
    try:
        spin = LOADERS[name](int(seed))
        spin("The minister told the reporters that the large company would start soon.")  # loads what is read lazily
    except Exception as error:
        print(json.dumps({"error": f"did not load: {type(error).__name__}: {error}"}), file=output, flush=True)
        raise
    random.seed(int(seed))
    print(json.dumps({"ready": version(name)}), file=output, flush=True)
    serve(spin, sys.stdin, output)


if __name__ == "__main__":
    main(*sys.argv[1:3])
