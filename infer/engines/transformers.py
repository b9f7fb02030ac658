"""The transformers engine: greedy `generate` for any backbone, decoder-only or encoder-decoder, on any torch device."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from transformers import GenerationConfig
from unspin.infer.engines.base import (
    LoadableEngine,
    Rewriting,
    check_device,
    length_batches,
    process_of,
    ratios_of_scores,
    truncate_at_end,
)
from unspin.infer.models.checkpoint import Checkpoint
from unspin.infer.models.loading import load_model
from unspin.infer.models.prompt import Prompt, max_output_tokens

# The ids of one row, the log probability of each, and the runner-up of each, (id, log probability).
_Generated = tuple[list[int], list[float], list[tuple[int, float]]]


class TransformersEngine(LoadableEngine):
    """Runs a model that is already loaded, such as one in training; `load` loads that of a checkpoint.

    Log probabilities depend a little on the other texts of a batch; only those of the draft engine do not.
    """

    batch_size = 16

    def __init__(self, model: Any, prompt: Prompt) -> None:
        self._model, self._prompt = model, prompt
        self.process = process_of(str(model.device))

    @classmethod
    def load(cls, checkpoint: Checkpoint, device: str = "cpu") -> TransformersEngine:
        """Load the merged model, in fp32 on a CPU, else in bf16. Raises `ModelError` if the device cannot be used."""
        check_device(device)
        folder = checkpoint.merged_folder()
        dtype = torch.float32 if device == "cpu" else torch.bfloat16
        model = load_model(folder, checkpoint.prompt.is_encoder_decoder, dtype=dtype)
        # Settings of the folder, such as beams and penalties, would change what is written.
        model.generation_config = GenerationConfig.from_model_config(model.config)
        return cls(model.to(device).eval(), checkpoint.prompt.from_folder(folder))

    def rewrite(self, sentences: Sequence[str]) -> list[Rewriting]:
        self.check_process()
        sources = [self._prompt.text_ids(sentence) for sentence in sentences]
        outputs: dict[int, Rewriting] = {}
        for batch in length_batches(sources, self.batch_size):
            generated = self._generate([sources[row] for row in batch], [self._prompt.prefix_ids("")] * len(batch))
            for row, (ids, log_probabilities, runner_ups) in zip(batch, generated, strict=True):
                ids = truncate_at_end(ids, self._prompt.eos, max_output_tokens(sources[row]))
                outputs[row] = Rewriting.of(self._prompt, ids, log_probabilities, runner_ups)
        return [outputs[row] for row in range(len(sources))]

    def variants(self, sentence: str, opening: str, count: int) -> list[Rewriting]:
        self.check_process()
        source, prefix = self._prompt.text_ids(sentence), self._prompt.prefix_ids(opening)
        with torch.inference_mode():
            tokens = self._model(**self._inputs([source], [prefix])).logits[0, -1].topk(count).indices.tolist()
        prefixes = [[*prefix, token] for token in tokens if token != self._prompt.eos]
        generated = self._generate([source] * len(prefixes), prefixes)
        outputs = [
            [*prefix, *truncate_at_end(ids, self._prompt.eos, max_output_tokens(source))]
            for prefix, (ids, _, _) in zip(prefixes, generated, strict=True)
        ]
        return [Rewriting.of(self._prompt, ids, [0.0] * (len(ids) + 1)) for ids in outputs]

    def log_ratios(self, sentences: Sequence[str], texts: Sequence[str]) -> list[float]:
        self.check_process()
        return ratios_of_scores(
            sentences,
            texts,
            lambda pairs: [sum(self._read(*self._prompt.before_text(sentence), text)[0]) for sentence, text in pairs],
        )

    def copies(self, sentences: Sequence[str]) -> list[Rewriting]:
        self.check_process()
        before = map(self._prompt.before_copy, sentences)
        return [
            Rewriting.copy(self._prompt, sentence, *self._read(*ids, sentence))
            for ids, sentence in zip(before, sentences, strict=True)
        ]

    @torch.inference_mode()
    def _read(self, prompt: list[int], encoded: list[int], text: str) -> tuple[list[float], list[tuple[int, float]]]:
        """For a text's ids and the end token, after the ids that decoder and encoder read: the log probability of
        each, and the most likely other id with its own.
        """
        targets = [*self._prompt.text_ids(text), self._prompt.eos]
        decoder_ids = torch.tensor([[*prompt, *targets[:-1]]], device=self._model.device)
        if self._prompt.is_encoder_decoder:
            start = torch.tensor([[self._model.config.decoder_start_token_id]], device=self._model.device)
            inputs = _pad_right([encoded], self._model.device)
            inputs["decoder_input_ids"] = torch.cat([start, decoder_ids], 1)
        else:
            inputs = {"input_ids": decoder_ids}
        logits = self._model(**inputs).logits[0, -len(targets) :].float()
        expected = torch.tensor(targets, device=logits.device)
        scores = logits.log_softmax(-1)
        others = scores.scatter(1, expected[:, None], -torch.inf).max(1)
        runner_ups = list(zip(others.indices.tolist(), others.values.tolist(), strict=True))
        return scores.gather(1, expected[:, None])[:, 0].tolist(), runner_ups

    def _inputs(self, sources: Sequence[list[int]], prefixes: Sequence[Sequence[int]]) -> dict[str, torch.Tensor]:
        """The model's inputs: each source in its prompt, then the prefix that its output must begin with.

        A decoder-only model is padded on the left. The rows of an encoder-decoder model must have prefixes of one
        length.
        """
        device = self._model.device
        prompts = [self._prompt.wrap_source(source) for source in sources]
        if self._prompt.is_encoder_decoder:
            decoder_ids = [[self._model.config.decoder_start_token_id, *ids] for ids in prefixes]
            inputs = _pad_right(prompts, device)
            return {**inputs, "decoder_input_ids": torch.tensor(decoder_ids, device=device)}
        return _pad_left([[*prompt, *ids] for prompt, ids in zip(prompts, prefixes, strict=True)], device)

    def _generate(self, sources: Sequence[list[int]], prefixes: Sequence[Sequence[int]]) -> list[_Generated]:
        """What the model writes after the prefix of each row."""
        inputs = self._inputs(sources, prefixes)
        with torch.inference_mode():
            generated = self._model.generate(
                **inputs,
                do_sample=False,
                num_beams=1,
                max_new_tokens=max(map(max_output_tokens, sources)),
                eos_token_id=self._prompt.eos,
                pad_token_id=self._prompt.eos,
                return_dict_in_generate=True,
                output_logits=True,
            )
        best_two = [step.float().log_softmax(-1).topk(2) for step in generated.logits]
        values = torch.stack([step.values for step in best_two], dim=1)  # [rows, steps, 2]
        indices = torch.stack([step.indices for step in best_two], dim=1)
        runner_ups = [
            list(zip(ids, log_probabilities, strict=True))
            for ids, log_probabilities in zip(indices[..., 1].tolist(), values[..., 1].tolist(), strict=True)
        ]
        outputs = generated.sequences[:, -len(best_two) :].tolist()
        return list(zip(outputs, values[..., 0].tolist(), runner_ups, strict=True))


def _pad_left(rows: Sequence[Sequence[int]], device: Any) -> dict[str, torch.Tensor]:
    width = max(map(len, rows))
    return _tensors(
        [[*[0] * (width - len(row)), *row] for row in rows],
        [[*[0] * (width - len(row)), *[1] * len(row)] for row in rows],
        device,
    )


def _pad_right(rows: Sequence[Sequence[int]], device: Any) -> dict[str, torch.Tensor]:
    width = max(map(len, rows))
    return _tensors(
        [[*row, *[0] * (width - len(row))] for row in rows],
        [[*[1] * len(row), *[0] * (width - len(row))] for row in rows],
        device,
    )


def _tensors(ids: list[list[int]], mask: list[list[int]], device: Any) -> dict[str, torch.Tensor]:
    return {"input_ids": torch.tensor(ids, device=device), "attention_mask": torch.tensor(mask, device=device)}
