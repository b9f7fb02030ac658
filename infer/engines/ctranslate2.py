"""The CTranslate2 engine: int8 weights on the CPU, without torch and transformers.

Most sentences use only ids that training saw, and a model trimmed to those is faster. A sentence with any other id goes
to the full model, which is converted and loaded on first use.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import ctranslate2
from unspin.infer.engines.base import LoadableEngine, Rewriting, length_batches, truncate_at_end
from unspin.infer.models.backbone import ModelError
from unspin.infer.models.checkpoint import IDS, Checkpoint
from unspin.infer.models.prompt import Prompt, max_output_tokens
from unspin.lazy import cached_property


class _Model:
    """A converted model. Row `i` of its embeddings belongs to the tokenizer's id ``ids[i]``."""

    def __init__(self, folder: Path) -> None:
        self.tokens: list[str] = json.loads((folder / "vocabulary.json").read_text(encoding="utf-8"))
        kept_ids = folder / IDS  # only a trimmed model has this file
        all_ids = list(range(len(self.tokens)))
        self.ids: list[int] = json.loads(kept_ids.read_text(encoding="utf-8")) if kept_ids.is_file() else all_ids
        self._row_of = {i: row for row, i in enumerate(self.ids)}
        self.generator = ctranslate2.Generator(str(folder), device="cpu", compute_type="int8")

    def knows(self, ids: Sequence[int]) -> bool:
        """Whether the model has embeddings for all of these ids."""
        return self._row_of.keys() >= set(ids)

    def generate(self, prompts: Sequence[Sequence[int]], **options: Any) -> list[Any]:
        """Greedy continuations of prompts, without the prompts."""
        tokens = [[self.tokens[self._row_of[i]] for i in prompt] for prompt in prompts]
        return self.generator.generate_batch(tokens, sampling_topk=1, include_prompt_in_result=False, **options)

    def log_probability(self, ids: Sequence[int]) -> float:
        """The log probability of all ids after the first."""
        (scores,) = self.generator.score_batch([[self.tokens[self._row_of[i]] for i in ids]])
        return sum(scores.log_probs)


class CTranslate2Engine(LoadableEngine):
    """Greedy decoding by CTranslate2 in batches of sentences of similar length.

    Log probabilities may depend a little on the other texts of a batch; only those of the draft engine do not.
    """

    batch_size = 16

    def __init__(self, checkpoint: Checkpoint) -> None:
        self.process = _first_process()
        self.check_process()
        self._checkpoint = checkpoint
        folder = checkpoint.int8_folder(trimmed=True)
        self._prompt = Prompt.from_folder(folder)
        self._trimmed = _Model(folder)

    @classmethod
    def load(cls, checkpoint: Checkpoint, device: str = "cpu") -> CTranslate2Engine:
        """Load the converted checkpoint; convert it on first use.

        Raises `ModelError` for any device but the CPU, and in a process that was forked from one that did the same.
        """
        if device != "cpu":
            raise ModelError(
                f"the ctranslate2 engine runs on the CPU only: leave out --device {device}, or use --engine draft"
            )
        return cls(checkpoint)

    @cached_property
    def _full(self) -> _Model:
        return _Model(self._checkpoint.int8_folder())

    def rewrite(self, sentences: Sequence[str]) -> list[Rewriting]:
        self.check_process()
        sources = [self._prompt.text_ids(sentence) for sentence in sentences]
        common: list[int] = []
        rare: list[int] = []
        for row, source in enumerate(sources):
            (common if self._trimmed.knows(source) else rare).append(row)
        outputs = self._rewrite_rows(self._trimmed, sources, common)
        if rare:
            outputs |= self._rewrite_rows(self._full, sources, rare)
        return [outputs[row] for row in range(len(sources))]

    def variants(self, sentence: str, opening: str, count: int) -> list[Rewriting]:
        self.check_process()
        source, prefix = self._prompt.text_ids(sentence), self._prompt.prefix_ids(opening)
        model = self._trimmed if self._trimmed.knows([*source, *prefix]) else self._full
        (result,) = model.generate(
            [[*self._prompt.wrap_source(source), *prefix]],
            max_length=max_output_tokens(source),
            num_hypotheses=count,
            return_alternatives=True,
        )
        continuations = ([model.ids[i] for i in ids] for ids in result.sequences_ids)
        outputs = [
            [*prefix, *truncate_at_end(ids, self._prompt.eos, max_output_tokens(source))] for ids in continuations
        ]
        return [Rewriting.of(self._prompt, ids, [0.0] * (len(ids) + 1)) for ids in outputs]

    def copies(self, sentences: Sequence[str]) -> list[Rewriting]:
        """Raises `ModelError`: CTranslate2 reads only texts that are shorter than the model's attention window."""
        raise ModelError("the ctranslate2 engine restores texts and does not screen them: use the draft engine")

    def log_ratios(self, sentences: Sequence[str], texts: Sequence[str]) -> list[float]:
        self.check_process()
        return [
            self._log_probability(text, sentence) - self._log_probability(sentence, text)
            for sentence, text in zip(sentences, texts, strict=True)
        ]

    def _log_probability(self, text: str, other: str) -> float:
        """The log probability of a text, by a model that knows the ids of another one too."""
        ids = [*self._prompt.before_text(other)[0], *self._prompt.text_ids(text), self._prompt.eos]
        model = self._trimmed if self._trimmed.knows([*ids, *self._prompt.text_ids(other)]) else self._full
        return model.log_probability(ids)

    def _rewrite_rows(self, model: _Model, sources: Sequence[list[int]], rows: Sequence[int]) -> dict[int, Rewriting]:
        """The outputs of some rows of `sources`, by row index."""
        outputs: dict[int, Rewriting] = {}
        for batch in length_batches([sources[row] for row in rows], self.batch_size):
            chosen = [rows[i] for i in batch]
            outputs.update(zip(chosen, self._rewrite_batch(model, [sources[row] for row in chosen]), strict=True))
        return outputs

    def _rewrite_batch(self, model: _Model, sources: Sequence[list[int]]) -> list[Rewriting]:
        ids: list[list[int]] = [[] for _ in sources]
        log_probabilities: list[list[float]] = [[] for _ in sources]
        # The callback must not hold the model: a worker thread that released it last would wait for itself and abort.
        id_of_row = model.ids

        def record(step: Any) -> bool:
            ids[step.batch_id].append(id_of_row[step.token_id])
            log_probabilities[step.batch_id].append(step.log_prob)
            return False

        prompts = [self._prompt.wrap_source(source) for source in sources]
        model.generate(prompts, max_length=max(map(max_output_tokens, sources)), return_scores=True, callback=record)
        return [
            Rewriting.of(self._prompt, truncate_at_end(row, self._prompt.eos, max_output_tokens(source)), probabilities)
            for row, source, probabilities in zip(ids, sources, log_probabilities, strict=True)
        ]


@cache
def _first_process() -> int:
    """The id of the first process that loaded a model. In processes forked from it, even loading one hangs."""
    return os.getpid()
