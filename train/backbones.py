"""Backbones: a base model with its tokenizer, and the loss on target positions alone.

`restrict_loss` changes the wrapped module's own forward, so that DDP and PEFT wrappers stay in the path. With a vocabulary of
262,144 entries, logits at all positions would be most of a step's cost; at target positions over the ids in use they are a tenth.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import MethodType
from typing import Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from torch import nn
from transformers import AutoModelForCausalLM, PreTrainedModel
from transformers.modeling_outputs import CausalLMOutput
from unspin.infer.default_model import base_folder
from unspin.train.batches import IGNORED
from unspin.train.config import TrainConfig


def backbone_folder(name: str) -> Path | str:
    """Where a backbone named in a config is loaded from."""
    return base_folder(print) if name == "default" else (Path(name) if Path(name).is_dir() else name)


def load_backbone(config: TrainConfig) -> PeftModel:
    """The base model in fp32 (autocast gives bf16 products) under a fresh adapter, or the one the config goes on from."""
    torch.manual_seed(config.seed)
    model = AutoModelForCausalLM.from_pretrained(backbone_folder(config.backbone), dtype=torch.float32, use_safetensors=True)
    model.config.use_cache = False
    if config.adapter:
        return PeftModel.from_pretrained(model, str(config.adapter), is_trainable=True, torch_dtype=torch.float32)
    lora = LoraConfig(
        r=config.lora.rank,
        lora_alpha=config.lora.alpha,
        lora_dropout=config.lora.dropout,
        target_modules=config.lora.targets,
        task_type="CAUSAL_LM",
    )
    return get_peft_model(model, lora)


def restrict_loss(model: PreTrainedModel, vocabulary: Sequence[int] | None) -> None:
    """Make `model(input_ids, attention_mask, labels)` compute its logits at target positions, over `vocabulary` (None: all).

    Every label must be in the vocabulary; one outside raises IndexError in the loss.
    """
    kept = torch.arange(model.config.vocab_size) if vocabulary is None else torch.tensor(vocabulary)
    new_ids = torch.full((model.config.vocab_size,), len(kept))
    new_ids[kept] = torch.arange(len(kept))
    head = model.get_output_embeddings().weight.detach()[kept].clone()

    def forward(self: Any, input_ids: torch.Tensor, attention_mask: torch.Tensor, labels: torch.Tensor, **_: Any) -> CausalLMOutput:
        hidden = self.model(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state[:, :-1]
        targets = labels[:, 1:]
        at_target = targets != IGNORED
        logits = nn.functional.linear(hidden[at_target], head.to(hidden.dtype))
        loss = nn.functional.cross_entropy(logits.float(), new_ids[targets[at_target]])
        return CausalLMOutput(loss=loss)

    model.forward = MethodType(forward, model)
