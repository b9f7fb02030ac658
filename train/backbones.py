"""Backbones: any sequence-to-sequence language model behind one face, and a loss at target positions alone.

Decoder-only (Gemma 3, Qwen, SmolLM) and encoder-decoder models (T5, BART, T5Gemma 2, warm-started pairs) differ in their prompt, their
batches and their forward pass; nothing else of the trainer knows which one it has. `restrict_loss` changes the wrapped module's own forward,
so that DDP and PEFT wrappers stay in the path. With a vocabulary of 262,144 entries, logits at all positions would be most of a step's cost;
at target positions over the ids in use they are a tenth.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MethodType
from typing import Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from torch import Tensor, nn
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSeq2SeqLM, BitsAndBytesConfig, PreTrainedModel
from transformers.modeling_layers import GradientCheckpointingLayer
from transformers.modeling_outputs import CausalLMOutput
from unspin.data.stores import here
from unspin.infer.default_model import ModelError, model_folder
from unspin.infer.gemma import fast_dtype
from unspin.infer.prompt import Prompt, TwoSidedPrompt
from unspin.train.batches import IGNORED, OneSidedCollator, TwoSidedCollator
from unspin.train.config import TrainConfig


@dataclass(frozen=True)
class Backbone:
    """A model folder and how its sequences are made."""

    folder: Path
    prompt: Prompt

    @classmethod
    def open(cls, name: str) -> Backbone:
        """Look up a backbone named in a config. Raises `ModelError` where it is missing or of a kind that cannot restore."""
        folder = model_folder(name, print)
        try:
            settings = AutoConfig.from_pretrained(folder)
        except (OSError, ValueError) as error:
            raise ModelError(f"backbone {name}: {str(error).splitlines()[0]}") from None
        kind = TwoSidedPrompt if settings.is_encoder_decoder else Prompt
        return cls(folder, kind.from_folder(folder))

    @property
    def two_sided(self) -> bool:
        return isinstance(self.prompt, TwoSidedPrompt)

    @property
    def collator(self) -> Callable[[list[dict[str, Any]]], dict[str, Tensor]]:
        return TwoSidedCollator() if self.two_sided else OneSidedCollator()

    def load(self, config: TrainConfig) -> nn.Module:
        """The model in fp32 (autocast gives 16-bit products), all of it trained or under an adapter. Reads safetensors alone."""
        torch.manual_seed(config.seed)
        kind = AutoModelForSeq2SeqLM if self.two_sided else AutoModelForCausalLM
        quantized = _four_bit() if config.lora and config.lora.four_bit else None
        try:
            model = kind.from_pretrained(self.folder, dtype=torch.float32, use_safetensors=True, quantization_config=quantized)
        except OSError as error:
            raise ModelError(f"backbone {config.backbone} holds no safetensors: convert it first ({str(error).splitlines()[0]})") from None
        model.config.use_cache = False
        model = self._under_adapter(model, config) if config.lora else model
        if config.compile:
            for layer in model.modules():
                if isinstance(layer, GradientCheckpointingLayer):  # what transformers' models are stacked from
                    layer.compile(dynamic=True)  # batches differ in both dimensions
        return model

    def _under_adapter(self, model: PreTrainedModel, config: TrainConfig) -> PeftModel:
        assert config.lora
        if config.adapter:
            return PeftModel.from_pretrained(model, str(here(config.adapter)), is_trainable=True, torch_dtype=torch.float32)
        lora = LoraConfig(
            r=config.lora.rank,
            lora_alpha=config.lora.alpha,
            lora_dropout=config.lora.dropout,
            target_modules=config.lora.targets,
            task_type="SEQ_2_SEQ_LM" if self.two_sided else "CAUSAL_LM",
        )
        return get_peft_model(model, lora)


def _four_bit() -> BitsAndBytesConfig:
    if not torch.cuda.is_available():
        raise ModelError("lora.four_bit needs a GPU and the package bitsandbytes: leave it out on a CPU")
    return BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.bfloat16)


def bare(model: nn.Module) -> Any:
    """The transformers model inside an adapter's wrapper."""
    return model.get_base_model() if isinstance(model, PeftModel) else model


def resolve_precision(wanted: str) -> str:
    """ "auto" as what the machine multiplies natively."""
    if wanted != "auto":
        return wanted
    native = torch.cuda.is_bf16_supported() if torch.cuda.is_available() else fast_dtype() == torch.bfloat16
    return "bf16" if native else "fp32"


def restrict_loss(model: Any, vocabulary: Sequence[int] | None, smoothing: float = 0.0) -> None:
    """Make ``model(…, labels)`` compute its loss at target positions, for a decoder-only model over `vocabulary` (None: all).

    Without labels the model's own forward runs, so that it generates as ever. Every label must be in the vocabulary; one outside raises
    IndexError in the loss.
    """
    plain = model.forward
    if model.config.is_encoder_decoder:

        def forward(self: Any, labels: Tensor | None = None, num_items_in_batch: Tensor | None = None, **inputs: Any) -> Any:
            if labels is None:
                return plain(**inputs)
            given = {name: value for name, value in inputs.items() if value is not None}  # PEFT passes on what it was not given
            given.setdefault("decoder_input_ids", self.prepare_decoder_input_ids_from_labels(labels=labels))
            logits = plain(**given | {"use_cache": False}).logits
            at_target = labels != IGNORED
            return CausalLMOutput(loss=_loss(logits[at_target], labels[at_target], smoothing, num_items_in_batch))

    else:
        size = model.get_input_embeddings().weight.shape[0]
        kept = torch.arange(size) if vocabulary is None else torch.tensor(vocabulary)
        new_ids = torch.full((size,), len(kept))
        new_ids[kept] = torch.arange(len(kept))
        tied = model.get_output_embeddings().weight
        frozen = None if tied.requires_grad else tied.detach()[kept].clone()
        body = model.base_model

        def forward(self: Any, labels: Tensor | None = None, num_items_in_batch: Tensor | None = None, **inputs: Any) -> Any:
            if labels is None:
                return plain(**inputs)
            hidden = body(input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"]).last_hidden_state[:, :-1]
            targets = labels[:, 1:]
            at_target = targets != IGNORED
            head = tied[kept.to(tied.device)] if frozen is None else frozen.to(hidden.device)
            logits = nn.functional.linear(hidden[at_target], head.to(hidden.dtype))
            return CausalLMOutput(loss=_loss(logits, new_ids.to(targets.device)[targets[at_target]], smoothing, num_items_in_batch))

    model.forward = MethodType(forward, model)


def _loss(logits: Tensor, targets: Tensor, smoothing: float, items: Tensor | None) -> Tensor:
    """The mean over a batch's targets, or their sum over the `items` of all batches that an optimizer step sums, on all processes."""
    total = nn.functional.cross_entropy(logits.float(), targets, label_smoothing=smoothing, reduction="sum")
    return total / (len(targets) if items is None else items)
