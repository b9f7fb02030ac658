"""The CTranslate2 engine: int8 weights, neither torch nor transformers.

Most sentences use only ids that training saw, and a model with those alone is faster; a sentence that uses another goes to the whole model.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import ctranslate2
from unspin.infer.checkpoint import IDS, Checkpoint
from unspin.infer.engines import Rewriting, by_length, cut
from unspin.infer.prompt import Prompt, room_for


class _Model:
    """A converted model. Its ids are those of the tokenizer, or their places in the list beside it."""

    def __init__(self, folder: Path, threads: int) -> None:
        self.tokens: list[str] = json.loads((folder / "vocabulary.json").read_text(encoding="utf-8"))
        kept = folder / IDS
        self.ids: list[int] = json.loads(kept.read_text(encoding="utf-8")) if kept.is_file() else list(range(len(self.tokens)))
        self._places = {i: place for place, i in enumerate(self.ids)}
        self.generator = ctranslate2.Generator(str(folder), device="cpu", compute_type="int8", intra_threads=threads)

    def knows(self, ids: Sequence[int]) -> bool:
        return self._places.keys() >= set(ids)

    def generate(self, prompts: Sequence[Sequence[int]], **options: Any) -> list[Any]:
        named = [[self.tokens[self._places[i]] for i in prompt] for prompt in prompts]
        return self.generator.generate_batch(named, sampling_topk=1, include_prompt_in_result=False, **options)


class CTranslate2Engine:
    """Greedy decoding by CTranslate2, int8 weights, batches of sentences of like length."""

    batch_size = 16

    def __init__(self, checkpoint: Checkpoint, report: Callable[[str], None], threads: int = 0) -> None:
        self._checkpoint, self._report, self._threads = checkpoint, report, threads
        folder = checkpoint.int8(report, trimmed=True)
        self._prompt = Prompt.from_folder(folder)
        self._trimmed = _Model(folder, threads)

    @cached_property
    def _whole(self) -> _Model:
        return _Model(self._checkpoint.int8(self._report), self._threads)

    def rewrite(self, sentences: Sequence[str]) -> list[Rewriting]:
        sources = [self._prompt.text_ids(sentence) for sentence in sentences]
        outputs: dict[int, Rewriting] = {}
        usual = [row for row, source in enumerate(sources) if self._trimmed.knows(source)]
        for model, rows in ((self._trimmed, usual), (None, sorted(set(range(len(sources))) - set(usual)))):
            for batch in by_length([sources[row] for row in rows], self.batch_size):
                some = [rows[i] for i in batch]
                outputs.update(zip(some, self._rewrite(model or self._whole, [sources[row] for row in some]), strict=True))
        return [outputs[row] for row in range(len(sources))]

    def _rewrite(self, model: _Model, sources: Sequence[list[int]]) -> list[Rewriting]:
        ids: list[list[int]] = [[] for _ in sources]
        scores: list[list[float]] = [[] for _ in sources]
        known = model.ids  # the callback must not hold the model: a worker thread that lets go of it last would wait for its own end, and abort

        def note(step: Any) -> bool:
            ids[step.batch_id].append(known[step.token_id])
            scores[step.batch_id].append(step.log_prob)
            return False

        prompts = [self._prompt.wrap(source) for source in sources]
        model.generate(prompts, max_length=max(map(room_for, sources)), return_scores=True, callback=note)
        made = (cut(row, self._prompt.eos, room_for(source)) for row, source in zip(ids, sources, strict=True))
        return [Rewriting.of(self._prompt, row, probabilities) for row, probabilities in zip(made, scores, strict=True)]

    def variants(self, sentence: str, opening: str, count: int) -> list[Rewriting]:
        source, given = self._prompt.text_ids(sentence), self._prompt.given_ids(opening)
        model = self._trimmed if self._trimmed.knows([*source, *given]) else self._whole
        (made,) = model.generate([[*self._prompt.wrap(source), *given]], max_length=room_for(source), num_hypotheses=count, return_alternatives=True)
        outputs = [[*given, *cut([model.ids[i] for i in ids], self._prompt.eos, room_for(source))] for ids in made.sequences_ids]
        return [Rewriting.of(self._prompt, ids, [0.0] * (len(ids) + 1)) for ids in outputs]
