"""The CTranslate2 engine: int8 weights, neither torch nor transformers."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

import ctranslate2
from unspin.infer.checkpoint import Checkpoint
from unspin.infer.engines import Rewriting, by_length, cut
from unspin.infer.prompt import Prompt, room_for


class CTranslate2Engine:
    """Greedy decoding by CTranslate2, int8 weights, batches of sentences of like length."""

    batch_size = 16

    def __init__(self, checkpoint: Checkpoint, report: Callable[[str], None], threads: int = 0) -> None:
        folder = checkpoint.int8(report)
        self._prompt = Prompt.from_folder(folder)
        self._tokens: list[str] = json.loads((folder / "vocabulary.json").read_text(encoding="utf-8"))
        self._generator = ctranslate2.Generator(str(folder), device="cpu", compute_type="int8", intra_threads=threads)

    def rewrite(self, sentences: Sequence[str]) -> list[Rewriting]:
        sources = [self._prompt.text_ids(sentence) for sentence in sentences]
        outputs: dict[int, Rewriting] = {}
        for batch in by_length(sources, self.batch_size):
            ids: list[list[int]] = [[] for _ in batch]
            scores: list[list[float]] = [[] for _ in batch]

            def note(step, ids=ids, scores=scores) -> bool:  # type: ignore[no-untyped-def]
                ids[step.batch_id].append(step.token_id)
                scores[step.batch_id].append(step.log_prob)
                return False

            self._generator.generate_batch(
                [[self._tokens[i] for i in self._prompt.wrap(sources[row])] for row in batch],
                max_length=room_for(sources[batch[-1]]),
                sampling_topk=1,
                include_prompt_in_result=False,
                return_scores=True,
                callback=note,
            )
            for row, made, probabilities in zip(batch, ids, scores, strict=True):
                outputs[row] = Rewriting.of(self._prompt, cut(made, self._prompt.eos, room_for(sources[row])), probabilities)
        return [outputs[row] for row in range(len(sources))]

    def variants(self, sentence: str, opening: str, count: int) -> list[Rewriting]:
        source, given = self._prompt.text_ids(sentence), self._prompt.given_ids(opening)
        (made,) = self._generator.generate_batch(
            [[self._tokens[i] for i in (*self._prompt.wrap(source), *given)]],
            max_length=room_for(source),
            sampling_topk=1,
            num_hypotheses=count,
            return_alternatives=True,
            include_prompt_in_result=False,
        )
        outputs = [[*given, *cut(ids, self._prompt.eos, room_for(source))] for ids in made.sequences_ids]
        return [Rewriting.of(self._prompt, ids, [0.0] * (len(ids) + 1)) for ids in outputs]
