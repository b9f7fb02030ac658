"""The default engine: copy-draft decoding for the models in `ARCHITECTURES`. Imports torch, not transformers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from pkgutil import resolve_name

from unspin.infer.engines.base import LoadableEngine, Rewriting, check_device, process_of, ratios_of_scores
from unspin.infer.engines.decoding import CopyDecoder
from unspin.infer.models import ARCHITECTURES
from unspin.infer.models.backbone import ModelError
from unspin.infer.models.base import DecodingModel
from unspin.infer.models.checkpoint import Checkpoint, check_ids
from unspin.infer.models.loading import MODEL_CONFIG, read_json
from unspin.infer.models.prompt import Source


class CopyDraftEngine(LoadableEngine):
    """Decodes over the token ids that training saw and those of the source itself.

    On one machine, a text has the same output alone and among any others, to the last bit (see `CopyDecoder`).
    """

    def __init__(self, checkpoint: Checkpoint, model: DecodingModel, folder: Path) -> None:
        """Decode with a loaded model, whose tokenizer is in `folder`."""
        self.process = process_of(str(model.device))
        ids = checkpoint.vocabulary()
        self._prompt, self._start_ids = checkpoint.prompt.from_folder(folder), model.start_ids
        rows = len(model.embeddings)
        if ids is not None:
            check_ids(checkpoint.folder, ids, rows)
        self.decoder = CopyDecoder(model, self._prompt.eos, range(rows) if ids is None else ids)

    @classmethod
    def load(cls, checkpoint: Checkpoint, device: str = "cpu") -> CopyDraftEngine:
        """Load the merged model of a checkpoint.

        Raises `ModelError` for an architecture that is not in `ARCHITECTURES` and for a device that cannot be used.
        """
        check_device(device)
        folder = checkpoint.merged_folder()
        model_type = read_json(folder / MODEL_CONFIG).get("model_type")
        if model_type not in ARCHITECTURES:
            known = ", ".join(ARCHITECTURES)
            raise ModelError(
                f"{folder} holds a {model_type} model, and the draft engine runs {known}; use --engine transformers"
            )
        architecture: type[DecodingModel] = resolve_name(ARCHITECTURES[model_type])
        return cls(checkpoint, architecture.load(folder, device), folder)

    def rewrite(self, sentences: Sequence[str]) -> list[Rewriting]:
        self.check_process()
        sources = [self._source(sentence) for sentence in sentences]
        outputs = self.decoder.decode(sources, [self._prompt.prefix_ids("")] * len(sentences))
        return [
            Rewriting.of(self._prompt, output.ids, output.log_probabilities, output.runner_ups) for output in outputs
        ]

    def variants(self, sentence: str, opening: str, count: int) -> list[Rewriting]:
        self.check_process()
        source, prefix = self._source(sentence), self._prompt.prefix_ids(opening)
        tokens = self.decoder.likeliest_next(source, prefix, count)
        prefixes = [[*prefix, token] for token in tokens if token != self._prompt.eos]
        outputs = self.decoder.decode([source] * len(prefixes), prefixes)
        return [Rewriting.of(self._prompt, output.ids, output.log_probabilities) for output in outputs]

    def log_ratios(self, sentences: Sequence[str], texts: Sequence[str]) -> list[float]:
        self.check_process()
        return ratios_of_scores(sentences, texts, self._log_probabilities)

    def copies(self, sentences: Sequence[str]) -> list[Rewriting]:
        self.check_process()
        targets = [self._target(self._prompt.before_copy(sentence), sentence) for sentence in sentences]
        return [
            Rewriting.copy(self._prompt, sentence, output.log_probabilities, output.runner_ups)
            for sentence, output in zip(sentences, self.decoder.read(targets), strict=True)
        ]

    def _log_probabilities(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        """The log probability of each text, for (sentence, text) pairs."""
        targets = [self._target(self._prompt.before_text(sentence), text) for sentence, text in pairs]
        return [sum(output.log_probabilities) for output in self.decoder.read(targets)]

    def _target(self, before: tuple[list[int], list[int]], text: str) -> Source:
        """A source whose ids are those of a text, after the ids that decoder and encoder read before it."""
        prompt, encoded = before
        return Source([*self._start_ids, *prompt], self._prompt.text_ids(text), (), 0, encoded)

    def _source(self, sentence: str) -> Source:
        source = self._prompt.source(sentence)
        return replace(source, prompt=[*self._start_ids, *source.prompt])
