"""Backbones: any sequence-to-sequence language model behind one face, and a loss at target positions alone.

Decoder-only (Gemma 3, Qwen, SmolLM) and encoder-decoder models (T5, BART, T5Gemma 2, warm-started pairs) differ in their prompt, their
batches and their forward pass; nothing else of the trainer knows which one it has. `restrict_loss` changes the wrapped module's own forward,
so that DDP and PEFT wrappers stay in the path. With a vocabulary of 262,144 entries, logits at all positions would be most of a step's cost;
at target positions over the ids in use they are a tenth.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MethodType
from typing import Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors import SafetensorError
from torch import Tensor, nn
from torch.nn import LinearCrossEntropyOptions, functional
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSeq2SeqLM, BitsAndBytesConfig, PreTrainedModel
from transformers.modeling_layers import GradientCheckpointingLayer
from transformers.modeling_outputs import CausalLMOutput
from unspin.data.guard import verify
from unspin.data.stores import here
from unspin.infer.checkpoint import RECORD, Checkpoint
from unspin.infer.default_model import ModelError, model_folder, quiet
from unspin.infer.gemma import fast_dtype
from unspin.infer.prompt import Prompt, TwoSidedPrompt
from unspin.train.batches import IGNORED, OneSidedCollator, TwoSidedCollator
from unspin.train.config import TrainConfig

POSITIONS_AT_A_TIME = 2048
MOST_GRAPHS = 16  # of a layer: first or not, of which kind, with a mask or without, one row or several; never one for each shape


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
        except (OSError, ValueError, TypeError, AttributeError) as error:  # the last two where the file holds no object
            raise ModelError(f"backbone {name}: its config.json cannot be used ({str(error).splitlines()[0]})") from None
        kind = TwoSidedPrompt if settings.is_encoder_decoder else Prompt
        return cls(folder, kind.from_folder(folder))

    @property
    def two_sided(self) -> bool:
        return isinstance(self.prompt, TwoSidedPrompt)

    @property
    def collator(self) -> OneSidedCollator | TwoSidedCollator:
        multiple = 8 if torch.cuda.is_available() else 1  # what a GPU's matrix units are made for; a CPU would only pad more
        return TwoSidedCollator(multiple) if self.two_sided else OneSidedCollator(multiple)

    def load(self, config: TrainConfig) -> nn.Module:
        """The model in fp32 (autocast gives 16-bit products), with what is trained asking for gradients. Reads safetensors alone."""
        quiet()
        torch.manual_seed(config.seed)
        kind = AutoModelForSeq2SeqLM if self.two_sided else AutoModelForCausalLM
        under_adapter = config.trained == "adapter"
        quantized = _four_bit() if under_adapter and config.lora.four_bit else None
        try:
            model = kind.from_pretrained(self.folder, dtype=torch.float32, use_safetensors=True, quantization_config=quantized)
        except OSError as error:
            raise ModelError(f"backbone {config.backbone} holds no safetensors: convert it first ({str(error).splitlines()[0]})") from None
        except (SafetensorError, RuntimeError, ValueError) as error:
            raise ModelError(f"backbone {config.backbone} is damaged: copy it again ({str(error).splitlines()[0]})") from None
        model.config.use_cache = False
        if config.trained == "layers":
            for embeddings in {model.get_input_embeddings(), model.get_output_embeddings()}:
                embeddings.requires_grad_(False)
        model = self._under_adapter(model, config) if under_adapter else model
        if config.compile:
            torch._dynamo.config.recompile_limit = MOST_GRAPHS
            for layer in model.modules():
                if isinstance(layer, GradientCheckpointingLayer):  # what transformers' models are stacked from
                    layer.compile(dynamic=True)  # batches differ in both dimensions
        return model

    def _under_adapter(self, model: PreTrainedModel, config: TrainConfig) -> PeftModel:
        if config.adapter:
            folder = here(config.adapter)
            verify(folder)
            try:
                return PeftModel.from_pretrained(model, str(folder), is_trainable=True, torch_dtype=torch.float32)
            except (ValueError, OSError, RuntimeError, SafetensorError) as error:
                raise ModelError(f"adapter {folder} does not load on the backbone {config.backbone}: {str(error).splitlines()[0]}") from None
        lora = LoraConfig(
            r=config.lora.rank,
            lora_alpha=config.lora.alpha,
            lora_dropout=config.lora.dropout,
            target_modules=config.lora.targets,
            task_type="SEQ_2_SEQ_LM" if self.two_sided else "CAUSAL_LM",
        )
        try:
            return get_peft_model(model, lora)
        except ValueError as error:
            raise ModelError(f"lora.targets {config.lora.targets!r} fits no layer of {config.backbone} ({str(error).splitlines()[0]})") from None


def settled(config: TrainConfig) -> TrainConfig:
    """The config with the rank and scale of the adapter it continues from, where there is one.

    Raises `ModelError` where the config asks for another rank, scale or backbone.
    """
    if config.adapter is None:
        return config
    file = here(config.adapter) / "adapter_config.json"
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        theirs = {"rank": int(found["r"]), "alpha": float(found["lora_alpha"])}
    except FileNotFoundError:
        raise ModelError(f"adapter {here(config.adapter)} is no adapter folder: {file.name} is missing") from None
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{file} is damaged ({error!r}): copy the adapter again") from None
    if (file.parent / RECORD).is_file():
        backbone = Checkpoint.open(str(file.parent)).backbone
        if Path(backbone).name != Path(config.backbone).name:
            raise ModelError(f"adapter {file.parent} was trained on the backbone {backbone}, and this run's is {config.backbone}: give that one")
    asked = {"rank": config.lora.rank, "alpha": config.lora.alpha}
    if "lora" in config.model_fields_set and asked != theirs:
        raise ModelError(
            f"adapter {here(config.adapter)} has rank {theirs['rank']} and alpha {theirs['alpha']:g}, and lora says rank {asked['rank']} and "
            f"alpha {asked['alpha']:g}: a further stage keeps them, so leave lora out or say the same"
        )
    return config.model_copy(update={"lora": config.lora.model_copy(update=theirs)})


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

    Without labels the model's own forward runs, so that it generates as ever. Every label must be in the vocabulary; one outside is an
    error of torch's. Nothing here reads a value back from the device.
    """
    model.forward = MethodType(_two_sided(model, smoothing) if model.config.is_encoder_decoder else _one_sided(model, vocabulary, smoothing), model)


def _two_sided(model: Any, smoothing: float) -> Callable[..., Any]:
    plain = model.forward

    def forward(self: Any, labels: Tensor | None = None, num_items_in_batch: Tensor | None = None, **inputs: Any) -> Any:
        if labels is None:
            return plain(**inputs)
        given = {name: value for name, value in inputs.items() if value is not None}  # PEFT passes on what it was not given
        given.setdefault("decoder_input_ids", self.prepare_decoder_input_ids_from_labels(labels=labels))
        logits = plain(**given | {"use_cache": False}).logits.float().flatten(0, 1)
        total = functional.cross_entropy(logits, labels.flatten(), label_smoothing=smoothing, reduction="sum", ignore_index=IGNORED)
        return CausalLMOutput(loss=total / ((labels != IGNORED).sum() if num_items_in_batch is None else num_items_in_batch))

    return forward


def _one_sided(model: Any, vocabulary: Sequence[int] | None, smoothing: float) -> Callable[..., Any]:
    plain, body = model.forward, model.base_model
    tied = model.get_output_embeddings().weight
    kept = torch.arange(len(tied)) if vocabulary is None else torch.tensor(vocabulary)
    rows = torch.full((len(tied),), len(kept))
    rows[kept] = torch.arange(len(kept))
    model.register_buffer("_kept_ids", kept, persistent=False)  # buffers move to the device with the model
    model.register_buffer("_rows_of_ids", rows, persistent=False)
    model.register_buffer("_frozen_head", None if tied.requires_grad else tied.detach()[kept].clone(), persistent=False)
    window = _window(model.config)

    def forward(self: Any, labels: Tensor | None = None, num_items_in_batch: Tensor | None = None, **inputs: Any) -> Any:
        if labels is None:
            return plain(**inputs)
        ids, mask, positions = (inputs.get(name) for name in ("input_ids", "attention_mask", "positions"))
        assert ids is not None
        if positions is None:
            positions = (labels[:, 1:] != IGNORED).flatten().nonzero()[:, 0]
            positions += positions // (ids.shape[1] - 1)
        if mask is None and ids.shape[1] < window:
            mask = dict.fromkeys(self.config.layer_types)
        hidden = body(input_ids=ids, attention_mask=mask).last_hidden_state.flatten(0, 1)[positions]
        targets = self._rows_of_ids[labels.flatten()[positions + 1]]
        head = tied[self._kept_ids] if self._frozen_head is None else self._frozen_head
        dtype = torch.get_autocast_dtype(hidden.device.type) if torch.is_autocast_enabled(hidden.device.type) else hidden.dtype
        total = _summed_loss(hidden.to(dtype), head.to(dtype), targets, smoothing)
        return CausalLMOutput(loss=total / (len(targets) if num_items_in_batch is None else num_items_in_batch))

    return forward


def _window(config: Any) -> int:
    """Sequences shorter than this need no attention mask; 0 where transformers has to see to it.

    Given none, transformers asks the device whether rows are packed, which would hold up every step. Gemma models also take a mask for each kind of
    layer, and there none means none.
    """
    return int(config.sliding_window) if config.model_type == "gemma3_text" else 0


def _summed_loss(hidden: Tensor, head: Tensor, targets: Tensor, smoothing: float) -> Tensor:
    """Cross entropy of ``hidden @ head.T``, summed over positions, some thousands at a time: the logits of all are never in memory at once."""
    if smoothing:
        return functional.cross_entropy(functional.linear(hidden, head).float(), targets, label_smoothing=smoothing, reduction="sum")
    pieces = LinearCrossEntropyOptions(batch_chunk_size=POSITIONS_AT_A_TIME, chunking_method=None)
    return functional.linear_cross_entropy(hidden, head, targets, reduction="sum", options=pieces).float()
