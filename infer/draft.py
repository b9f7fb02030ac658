"""The default engine: copy-draft decoding of a Gemma 3. Imports torch and no transformers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from unspin.infer.checkpoint import Checkpoint
from unspin.infer.decoding import CopyDecoder
from unspin.infer.engines import Rewriting
from unspin.infer.gemma import Gemma, fast_dtype
from unspin.infer.prompt import Prompt


class DraftEngine:
    """Copy-draft decoding of a Gemma 3 over the ids that training saw and those of the text itself."""

    def __init__(self, checkpoint: Checkpoint, report: Callable[[str], None]) -> None:
        folder = checkpoint.merged(report)
        model = Gemma(folder, fast_dtype())
        ids = checkpoint.vocabulary()
        self._prompt = Prompt.from_folder(folder)
        self._decoder = CopyDecoder(model, self._prompt.eos, torch.arange(len(model.embeddings)) if ids is None else torch.tensor(ids))

    def rewrite(self, sentences: Sequence[str]) -> list[Rewriting]:
        outputs = self._decoder.decode([self._prompt.source(sentence) for sentence in sentences])
        return [Rewriting.of(self._prompt, output.ids, output.log_probabilities, output.seconds) for output in outputs]

    def variants(self, sentence: str, opening: str, count: int) -> list[Rewriting]:
        source, given = self._prompt.source(sentence), self._prompt.given_ids(opening)
        openings = [[*given, token] for token in self._decoder.likeliest(source, given, count) if token != self._prompt.eos]
        outputs = self._decoder.decode([source] * len(openings), openings)
        return [Rewriting.of(self._prompt, output.ids, output.log_probabilities) for output in outputs]
