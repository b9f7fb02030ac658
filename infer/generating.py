"""The transformers engine: greedy `generate` of any backbone, decoder-only or encoder-decoder, on any device."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from unspin.infer.checkpoint import Checkpoint
from unspin.infer.engines import Rewriting, by_length, cut
from unspin.infer.prompt import Prompt, TwoSidedPrompt, room_for

Choices = tuple[list[int], list[float], list[tuple[int, float]]]  # ids, the log probability of each, and second choices


class TransformersEngine:
    """Runs a loaded model; `open` loads a checkpoint's in fp32 on a CPU, in bf16 elsewhere."""

    batch_size = 16

    def __init__(self, model: Any, prompt: Prompt) -> None:
        self._model, self._prompt = model, prompt
        self._two_sided = isinstance(prompt, TwoSidedPrompt)

    @classmethod
    def open(cls, checkpoint: Checkpoint, report: Callable[[str], None], device: str = "cpu") -> TransformersEngine:
        from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM

        folder = checkpoint.merged(report)
        kind = AutoModelForSeq2SeqLM if issubclass(checkpoint.prompt, TwoSidedPrompt) else AutoModelForCausalLM
        model = kind.from_pretrained(folder, dtype=torch.float32 if device == "cpu" else torch.bfloat16, use_safetensors=True)
        return cls(model.to(device).eval(), checkpoint.prompt.from_folder(folder))

    def rewrite(self, sentences: Sequence[str]) -> list[Rewriting]:
        sources = [self._prompt.text_ids(sentence) for sentence in sentences]
        outputs: dict[int, Rewriting] = {}
        for batch in by_length(sources, self.batch_size):
            made = self._generate([sources[row] for row in batch], [self._prompt.given_ids("")] * len(batch))
            for row, (ids, scores, seconds) in zip(batch, made, strict=True):
                outputs[row] = Rewriting.of(self._prompt, cut(ids, self._prompt.eos, room_for(sources[row])), scores, seconds)
        return [outputs[row] for row in range(len(sources))]

    def variants(self, sentence: str, opening: str, count: int) -> list[Rewriting]:
        source, given = self._prompt.text_ids(sentence), self._prompt.given_ids(opening)
        with torch.inference_mode():
            tokens = self._model(**self._inputs([source], [given])).logits[0, -1].topk(count).indices.tolist()
        openings = [[*given, token] for token in tokens if token != self._prompt.eos]
        made = self._generate([source] * len(openings), openings)
        outputs = [[*opening, *cut(ids, self._prompt.eos, room_for(source))] for opening, (ids, _, _) in zip(openings, made, strict=True)]
        return [Rewriting.of(self._prompt, ids, [0.0] * (len(ids) + 1)) for ids in outputs]

    def _inputs(self, sources: Sequence[list[int]], given: Sequence[Sequence[int]]) -> dict[str, torch.Tensor]:
        """Prompts padded on the left, or on the side of the encoder; what is given goes where the output stands."""
        device = self._model.device
        prompts = [self._prompt.wrap(source) for source in sources]
        if self._two_sided:
            opening = [[self._model.config.decoder_start_token_id, *ids] for ids in given]
            return {**_padded(prompts, device, left=False), "decoder_input_ids": torch.tensor(opening, device=device)}
        return _padded([[*prompt, *ids] for prompt, ids in zip(prompts, given, strict=True)], device, left=True)

    def _generate(self, sources: Sequence[list[int]], given: Sequence[Sequence[int]]) -> Iterator[Choices]:
        """What follows the given ids of each row."""
        inputs = self._inputs(sources, given)
        with torch.inference_mode():
            made = self._model.generate(
                **inputs,
                do_sample=False,
                num_beams=1,
                max_new_tokens=max(map(room_for, sources)),
                eos_token_id=self._prompt.eos,
                pad_token_id=self._prompt.eos,
                return_dict_in_generate=True,
                output_logits=True,
            )
        tops = [step.float().log_softmax(-1).topk(2) for step in made.logits]
        scores, choices = (torch.stack([getattr(top, part) for top in tops], dim=1) for part in ("values", "indices"))
        seconds = [list(zip(ids, values, strict=True)) for ids, values in zip(choices[..., 1].tolist(), scores[..., 1].tolist(), strict=True)]
        yield from zip(made.sequences[:, -len(tops) :].tolist(), scores[..., 0].tolist(), seconds, strict=True)


def _padded(rows: Sequence[Sequence[int]], device: Any, left: bool) -> dict[str, torch.Tensor]:
    width = max(map(len, rows))
    ids, mask = [], []
    for row in rows:
        padding, ones = [0] * (width - len(row)), [1] * len(row)
        ids.append([*padding, *row] if left else [*row, *padding])
        mask.append([*padding, *ones] if left else [*ones, *padding])
    return {"input_ids": torch.tensor(ids, device=device), "attention_mask": torch.tensor(mask, device=device)}
