"""Engines: what turns spun sentences into restored ones. One interface, three implementations.

`DraftEngine`, the default, decodes Gemma 3 with the source as draft and loads torch alone; `TransformersEngine` runs any decoder-only
backbone on any device; `CTranslate2Engine` runs int8 and loads neither torch nor transformers. All decode greedily, stop at the end
mark or where an output outgrows its source, and give the log probability of each token.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from unspin.infer.checkpoint import Checkpoint
from unspin.infer.prompt import Prompt, room_for

ENGINES = ("draft", "ctranslate2", "transformers")


@dataclass(frozen=True)
class Rewriting:
    """An engine's output for a sentence: where each token ends in `text`, and the log probability of each, the end mark's last.

    `seconds` are the second choices for each token, (text, probability), where the engine knows them.
    """

    text: str
    ends: tuple[int, ...]
    log_probabilities: tuple[float, ...]
    seconds: tuple[tuple[str, float], ...] = ()

    @classmethod
    def of(cls, prompt: Prompt, ids: Sequence[int], log_probabilities: Sequence[float], seconds: Sequence[tuple[int, float]] = ()) -> Rewriting:
        text = prompt.decode(list(ids))
        ends = tuple(min(len(prompt.decode(list(ids[: i + 1]))), len(text)) for i in range(len(ids)))
        pieces = tuple((prompt.piece(token), math.exp(log_probability)) for token, log_probability in seconds[: len(ids)])
        return cls(text, ends, tuple(log_probabilities[: len(ids) + 1]), pieces)

    def log_probability(self, start: int, end: int) -> float:
        """Of characters ``start:end`` and the token that follows them: what an edit says and that it ends there."""
        total = 0.0
        for i, log_probability in enumerate(self.log_probabilities):
            opens = self.ends[i - 1] if i else 0
            closes = self.ends[i] if i < len(self.ends) else len(self.text) + 1
            if closes > start:
                total += log_probability
            if opens >= end and closes > end:
                break
        return total


class Engine(Protocol):
    """Rewrites sentences."""

    def rewrite(self, sentences: Sequence[str]) -> list[Rewriting]:
        """One output a sentence, in order. An output that ran away is cut short: the caller compares lengths."""
        ...

    def variants(self, sentence: str, opening: str, count: int) -> list[Rewriting]:
        """Outputs that begin with `opening`, part ways in the token behind it, and go on as the model likes; the likeliest first."""
        ...


def load_engine(name: str, checkpoint: Checkpoint, report: Callable[[str], None], device: str = "cpu", threads: int = 0) -> Engine:
    """Make an engine ready. `threads` 0 takes all cores."""
    if name == "draft":
        return DraftEngine(checkpoint, report)
    if name == "ctranslate2":
        return CTranslate2Engine(checkpoint, report, threads)
    if name == "transformers":
        return TransformersEngine(checkpoint, report, device)
    raise ValueError(f"engine {name!r}: there are {', '.join(ENGINES)}")


class DraftEngine:
    """Copy-draft decoding of a Gemma 3 over the ids that training saw and those of the text itself."""

    def __init__(self, checkpoint: Checkpoint, report: Callable[[str], None]) -> None:
        folder = checkpoint.merged(report)
        import torch
        from unspin.infer.decoding import CopyDecoder
        from unspin.infer.gemma import Gemma, fast_dtype

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


class CTranslate2Engine:
    """Greedy decoding by CTranslate2, int8 weights, batches of sentences of like length."""

    batch_size = 16

    def __init__(self, checkpoint: Checkpoint, report: Callable[[str], None], threads: int = 0) -> None:
        folder = checkpoint.int8(report)
        import ctranslate2

        self._prompt = Prompt.from_folder(folder)
        self._tokens: list[str] = json.loads((folder / "vocabulary.json").read_text(encoding="utf-8"))
        self._generator = ctranslate2.Generator(str(folder), device="cpu", compute_type="int8", intra_threads=threads)

    def rewrite(self, sentences: Sequence[str]) -> list[Rewriting]:
        sources = [self._prompt.text_ids(sentence) for sentence in sentences]
        outputs: dict[int, Rewriting] = {}
        for batch in _by_length(sources, self.batch_size):
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
                outputs[row] = Rewriting.of(self._prompt, _cut(made, self._prompt.eos, room_for(sources[row])), probabilities)
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
        outputs = [[*given, *_cut(ids, self._prompt.eos, room_for(source))] for ids in made.sequences_ids]
        return [Rewriting.of(self._prompt, ids, [0.0] * (len(ids) + 1)) for ids in outputs]


class TransformersEngine:
    """Greedy `generate` of the merged model: fp32 on a CPU, bf16 elsewhere."""

    batch_size = 16

    def __init__(self, checkpoint: Checkpoint, report: Callable[[str], None], device: str = "cpu") -> None:
        import torch
        from transformers import AutoModelForCausalLM

        folder = checkpoint.merged(report)
        self._torch = torch
        self._prompt = Prompt.from_folder(folder)
        self._device = device
        dtype = torch.float32 if device == "cpu" else torch.bfloat16
        self._model = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, use_safetensors=True).to(device).eval()

    def rewrite(self, sentences: Sequence[str]) -> list[Rewriting]:
        sources = [self._prompt.text_ids(sentence) for sentence in sentences]
        outputs: dict[int, Rewriting] = {}
        for batch in _by_length(sources, self.batch_size):
            for row, (ids, scores, seconds) in zip(batch, self._generate([sources[row] for row in batch]), strict=True):
                outputs[row] = Rewriting.of(self._prompt, _cut(ids, self._prompt.eos, room_for(sources[row])), scores, seconds)
        return [outputs[row] for row in range(len(sources))]

    def variants(self, sentence: str, opening: str, count: int) -> list[Rewriting]:
        source, given = self._prompt.text_ids(sentence), self._prompt.given_ids(opening)
        ids = self._torch.tensor([[*self._prompt.wrap(source), *given]], device=self._device)
        with self._torch.inference_mode():
            tokens = self._model(input_ids=ids).logits[0, -1].topk(count).indices.tolist()
        openings = [[*given, token] for token in tokens if token != self._prompt.eos]
        made = self._generate([source] * len(openings), openings)
        cut = [[*opening, *_cut(ids, self._prompt.eos, room_for(source))] for opening, (ids, _, _) in zip(openings, made, strict=True)]
        return [Rewriting.of(self._prompt, ids, [0.0] * (len(ids) + 1)) for ids in cut]

    def _generate(
        self, sources: list[list[int]], given: Sequence[Sequence[int]] = ()
    ) -> Iterator[tuple[list[int], list[float], list[tuple[int, float]]]]:
        torch = self._torch
        prompts = [[*self._prompt.wrap(source), *opening] for source, opening in zip(sources, given or [()] * len(sources), strict=True)]
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
                return_dict_in_generate=True,
                output_logits=True,
            )
        tops = [step.float().log_softmax(-1).topk(2) for step in made.logits]
        scores, choices = (torch.stack([getattr(top, part) for top in tops], dim=1) for part in ("values", "indices"))
        seconds = [list(zip(ids, values, strict=True)) for ids, values in zip(choices[..., 1].tolist(), scores[..., 1].tolist(), strict=True)]
        yield from zip(made.sequences[:, width:].tolist(), scores[..., 0].tolist(), seconds, strict=True)


def _by_length(sources: Sequence[Sequence[int]], size: int) -> Iterator[list[int]]:
    """Row numbers in batches of like length, the longest of each batch last."""
    order = sorted(range(len(sources)), key=lambda i: len(sources[i]))
    for start in range(0, len(order), size):
        yield order[start : start + size]


def _cut(ids: list[int], end: int, room: int) -> list[int]:
    ids = ids[:room]
    return ids[: ids.index(end)] if end in ids else ids
