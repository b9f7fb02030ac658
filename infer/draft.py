"""The default engine: copy-draft decoding of a Gemma 3 or a T5. Imports torch and no transformers."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace

from unspin.infer.checkpoint import Checkpoint
from unspin.infer.decoding import CopyDecoder
from unspin.infer.engines import Rewriting
from unspin.infer.gemma import Gemma, fast_dtype, int8_pays
from unspin.infer.prompt import Source
from unspin.infer.t5 import KINDS, T5


class DraftEngine:
    """Copy-draft decoding over the ids that training saw and those of the text itself."""

    def __init__(self, checkpoint: Checkpoint, report: Callable[[str], None], device: str = "cpu") -> None:
        folder = checkpoint.merged(report)
        kind = json.loads((folder / "config.json").read_text(encoding="utf-8")).get("model_type")
        dtype = fast_dtype(device)
        model = T5(folder, dtype, device) if kind in KINDS else Gemma(folder, dtype, device == "cpu" and int8_pays(), device)
        ids = checkpoint.vocabulary()
        self._prompt, self._opening = checkpoint.prompt.from_folder(folder), model.opening
        self._decoder = CopyDecoder(model, self._prompt.eos, range(len(model.embeddings)) if ids is None else ids)

    def rewrite(self, sentences: Sequence[str]) -> list[Rewriting]:
        outputs = self._decoder.decode([self._source(sentence) for sentence in sentences], [self._prompt.given_ids("")] * len(sentences))
        return [Rewriting.of(self._prompt, output.ids, output.log_probabilities, output.seconds) for output in outputs]

    def variants(self, sentence: str, opening: str, count: int) -> list[Rewriting]:
        source, given = self._source(sentence), self._prompt.given_ids(opening)
        openings = [[*given, token] for token in self._decoder.likeliest(source, given, count) if token != self._prompt.eos]
        outputs = self._decoder.decode([source] * len(openings), openings)
        return [Rewriting.of(self._prompt, output.ids, output.log_probabilities) for output in outputs]

    def _source(self, sentence: str) -> Source:
        source = self._prompt.source(sentence)
        return replace(source, prompt=[*self._opening, *source.prompt])
