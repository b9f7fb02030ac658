"""Engines: what turns spun sentences into restored ones. One interface, two implementations.

`CTranslate2Engine` runs int8 on a CPU and imports neither torch nor transformers once its files are made; `TransformersEngine` is
exact and runs on any device torch knows. Both decode greedily and stop at the end mark or where an output outgrows its source.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Protocol

from unspin.infer.checkpoint import Checkpoint
from unspin.infer.prompt import Prompt

ENGINES = ("ctranslate2", "transformers")


class Engine(Protocol):
    """Rewrites sentences."""

    def rewrite(self, sentences: Sequence[str]) -> list[str]:
        """One output a sentence, in order. An output that ran away is cut short: the caller compares lengths."""
        ...


def load_engine(name: str, checkpoint: Checkpoint, report: Callable[[str], None], device: str = "cpu", threads: int = 0) -> Engine:
    """Make an engine ready. `threads` 0 takes all cores."""
    if name == "ctranslate2":
        return CTranslate2Engine(checkpoint, report, threads)
    if name == "transformers":
        return TransformersEngine(checkpoint, report, device)
    raise ValueError(f"engine {name!r}: there are {', '.join(ENGINES)}")


def room_for(source: Sequence[int]) -> int:
    """How many tokens an honest restoration of a source may have."""
    return len(source) * 3 // 2 + 16


class CTranslate2Engine:
    """Greedy decoding by CTranslate2, int8 weights, batches of sentences of like length."""

    batch_size = 16

    def __init__(self, checkpoint: Checkpoint, report: Callable[[str], None], threads: int = 0) -> None:
        import ctranslate2

        folder = checkpoint.int8(report)
        self._prompt = Prompt.from_folder(folder)
        self._tokens: list[str] = json.loads((folder / "vocabulary.json").read_text(encoding="utf-8"))
        self._generator = ctranslate2.Generator(str(folder), device="cpu", compute_type="int8", intra_threads=threads)

    def rewrite(self, sentences: Sequence[str]) -> list[str]:
        sources = [self._prompt.text_ids(sentence) for sentence in sentences]
        order = sorted(range(len(sources)), key=lambda i: len(sources[i]))
        outputs = [""] * len(sources)
        for start in range(0, len(order), self.batch_size):
            batch = order[start : start + self.batch_size]
            results = self._generator.generate_batch(
                [[self._tokens[i] for i in self._prompt.wrap(sources[row])] for row in batch],
                max_length=room_for(sources[batch[-1]]),
                sampling_topk=1,
                include_prompt_in_result=False,
            )
            for row, result in zip(batch, results, strict=True):
                outputs[row] = self._prompt.decode(result.sequences_ids[0][: room_for(sources[row])])
        return outputs


class TransformersEngine:
    """Greedy `generate` of the merged model in fp32."""

    batch_size = 16

    def __init__(self, checkpoint: Checkpoint, report: Callable[[str], None], device: str = "cpu") -> None:
        import torch

        base = checkpoint.base(report)
        self._torch = torch
        self._prompt = Prompt.from_folder(base)
        self._device = device
        self._model = checkpoint.merged(base).to(device).eval()

    def rewrite(self, sentences: Sequence[str]) -> list[str]:
        sources = [self._prompt.text_ids(sentence) for sentence in sentences]
        order = sorted(range(len(sources)), key=lambda i: len(sources[i]))
        outputs = [""] * len(sources)
        for start in range(0, len(order), self.batch_size):
            batch = order[start : start + self.batch_size]
            for row, ids in zip(batch, self._generate([sources[row] for row in batch]), strict=True):
                outputs[row] = self._prompt.decode(ids[: room_for(sources[row])])
        return outputs

    def _generate(self, sources: list[list[int]]) -> list[list[int]]:
        torch = self._torch
        prompts = [self._prompt.wrap(source) for source in sources]
        width = max(map(len, prompts))
        ids = torch.tensor([[0] * (width - len(p)) + p for p in prompts], device=self._device)
        mask = torch.tensor([[0] * (width - len(p)) + [1] * len(p) for p in prompts], device=self._device)
        with torch.inference_mode():
            made = self._model.generate(
                input_ids=ids,
                attention_mask=mask,
                do_sample=False,
                max_new_tokens=max(map(room_for, sources)),
                eos_token_id=self._prompt.eos,
                pad_token_id=self._prompt.eos,
            )
        return [self._until_end(row) for row in made[:, width:].tolist()]

    def _until_end(self, ids: list[int]) -> list[int]:
        return ids[: ids.index(self._prompt.eos)] if self._prompt.eos in ids else ids
