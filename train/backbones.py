"""Loads any sequence-to-sequence language model for training, with a loss computed at target positions only.

Decoder-only (Gemma 3, Qwen, SmolLM) and encoder-decoder models (T5, BART, T5Gemma 2, warm-started pairs) differ in
prompt, batches and forward pass; the rest of the trainer treats them alike. `restrict_loss` replaces the forward
method of the transformers model itself, so DDP and PEFT wrappers around it keep working. With 262,144 vocabulary
entries, logits at all positions would be most of a step's cost; at target positions over the ids in use they cost a
tenth of that.
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
from torch.nn import LinearCrossEntropyOptions, functional
from transformers import BitsAndBytesConfig, PreTrainedModel
from transformers.modeling_layers import GradientCheckpointingLayer
from transformers.modeling_outputs import CausalLMOutput
from unspin.checksums import verify_checksums
from unspin.infer.models.backbone import ModelError, find_backbone
from unspin.infer.models.base import fast_dtype
from unspin.infer.models.checkpoint import UNSPIN_JSON, Checkpoint, find_checkpoint, identify_weights
from unspin.infer.models.loading import (
    ADAPTER_CONFIG,
    load_adapter,
    load_config,
    load_model,
    read_adapter_config,
    weight_files,
)
from unspin.infer.models.prompt import EncoderDecoderPrompt, Prompt
from unspin.lazy import cached_property
from unspin.train.batches import IGNORE_INDEX, CausalCollator, Seq2SeqCollator
from unspin.train.config import TrainConfig

POSITIONS_PER_CHUNK = 2048  # target positions whose logits are in memory at once
# Compiled graphs per layer: they vary with the layer's position and kind and with the batch (a mask or none, one row or
# several). Shapes are dynamic, so there is no graph per shape.
MAX_GRAPHS = 16


@dataclass(frozen=True)
class Backbone:
    """A model folder, the name that a config gives it, and the prompt that its sequences follow."""

    name: str
    folder: Path
    prompt: Prompt

    @classmethod
    def open(cls, name: str) -> Backbone:
        """Find the backbone that a config names. Raises `ModelError` if it is missing or its config.json is damaged."""
        folder = find_backbone(name)
        prompt_class = EncoderDecoderPrompt if load_config(folder).is_encoder_decoder else Prompt
        return cls(name, folder, prompt_class.from_folder(folder))

    @cached_property
    def weights(self) -> str:
        """What identifies the weights, for the record of an adapter; read once, for all checkpoints of a run."""
        return identify_weights(self.name, self.folder)

    @property
    def is_encoder_decoder(self) -> bool:
        """Whether the model has an encoder beside its decoder."""
        return self.prompt.is_encoder_decoder

    @property
    def collator(self) -> CausalCollator | Seq2SeqCollator:
        """The collator that makes batches for this kind of model.

        On a GPU, widths are padded to multiples of 8, which matrix units need; on a CPU that would only add padding.
        """
        multiple = 8 if torch.cuda.is_available() else 1
        return Seq2SeqCollator(multiple) if self.is_encoder_decoder else CausalCollator(multiple)

    def load(self, config: TrainConfig) -> nn.Module:
        """Load the model in fp32 (autocast runs matrix products in 16 bits); only trained weights require gradients.

        Reads safetensors only. Raises `ModelError` if weights are missing, damaged or do not fit the adapter.
        """
        torch.manual_seed(config.seed)
        model = self._load_weights(config)
        model.config.use_cache = False
        if config.trainable == "layers":
            for embeddings in {model.get_input_embeddings(), model.get_output_embeddings()}:
                embeddings.requires_grad_(False)
        if config.trainable == "adapter":
            model = self._with_adapter(model, config)
        if config.torch_compile:
            _compile_layers(model)
        return model

    def _load_weights(self, config: TrainConfig) -> Any:
        quantization = _four_bit() if config.trainable == "adapter" and config.lora.load_in_4bit else None
        if missing := [file.name for file in weight_files(self.folder) if not file.is_file()]:
            raise ModelError(
                f"backbone {config.backbone} has no safetensors ({', '.join(missing)} is missing): convert it first"
            )
        return load_model(self.folder, self.is_encoder_decoder, dtype=torch.float32, quantization_config=quantization)

    def _with_adapter(self, model: PreTrainedModel, config: TrainConfig) -> PeftModel:
        return self._new_adapter(model, config) if config.adapter is None else _load_adapter(model, config)

    def _new_adapter(self, model: PreTrainedModel, config: TrainConfig) -> PeftModel:
        lora = LoraConfig(
            r=config.lora.rank,
            lora_alpha=config.lora.alpha,
            lora_dropout=config.lora.dropout,
            target_modules=config.lora.target_modules,
            task_type="SEQ_2_SEQ_LM" if self.is_encoder_decoder else "CAUSAL_LM",
        )
        try:
            return get_peft_model(model, lora)
        except ValueError as error:
            raise ModelError(
                f"lora.target_modules {config.lora.target_modules!r} matches no layer of {config.backbone} "
                f"({_first_line(error)})"
            ) from None


def _load_adapter(model: PreTrainedModel, config: TrainConfig) -> PeftModel:
    """The model with the adapter of an earlier run, ready to be trained further."""
    assert config.adapter is not None
    folder = find_checkpoint(config.adapter)
    verify_checksums(folder)
    loaded: PeftModel = load_adapter(model, folder, is_trainable=True)
    # PEFT looks up the base model's config when it saves: here, not on the hub, which the adapter's record names.
    loaded.peft_config[loaded.active_adapter].base_model_name_or_path = model.name_or_path
    return loaded


def _compile_layers(model: nn.Module) -> None:
    """Compile each layer on its own; batches differ in rows and width, so both dimensions are dynamic."""
    torch._dynamo.config.recompile_limit = MAX_GRAPHS
    for module in model.modules():
        if isinstance(module, GradientCheckpointingLayer):  # the base class of layers in transformers' models
            module.compile(dynamic=True)


def with_adapter_settings(config: TrainConfig) -> TrainConfig:
    """The config with the rank and alpha of the adapter that it continues; unchanged if it starts a new adapter.

    Raises `ModelError` if the config asks for another rank, alpha or backbone than the adapter has.
    """
    if config.adapter is None:
        return config
    folder = find_checkpoint(config.adapter)
    stored = _read_rank_and_alpha(folder)
    _check_backbone_of_adapter(folder, config.backbone)
    requested = {"rank": config.lora.rank, "alpha": config.lora.alpha}
    if "lora" in config.model_fields_set and requested != stored:
        raise ModelError(
            f"adapter {folder} has rank {stored['rank']} and alpha {stored['alpha']:g}, but lora sets rank "
            f"{requested['rank']} and alpha {requested['alpha']:g}: they cannot change; leave lora out or set the same"
        )
    return config.model_copy(update={"lora": config.lora.model_copy(update=stored)})


def _read_rank_and_alpha(adapter: Path) -> dict[str, int | float]:
    if not (adapter / ADAPTER_CONFIG).is_file():
        raise ModelError(f"adapter {adapter} is not an adapter folder: {ADAPTER_CONFIG} is missing")
    settings = read_adapter_config(adapter)
    return {"rank": settings.r, "alpha": settings.lora_alpha}


def _check_backbone_of_adapter(adapter: Path, backbone: str) -> None:
    """Raise `ModelError` if `unspin.json` names another backbone, or other weights than this run's backbone has.

    A plain PEFT adapter without that file passes.
    """
    if not (adapter / UNSPIN_JSON).is_file():
        return
    checkpoint = Checkpoint.open(str(adapter))
    trained_on = checkpoint.backbone
    if Path(trained_on).name != Path(backbone).name:
        raise ModelError(
            f"adapter {adapter} was trained on the backbone {trained_on}, but this run's is {backbone}: "
            f"set backbone to {trained_on}"
        )
    checkpoint.check_backbone(backbone, find_backbone(backbone))


def _four_bit() -> BitsAndBytesConfig:
    if not torch.cuda.is_available():
        raise ModelError("lora.load_in_4bit needs a GPU and the package bitsandbytes: leave it out on a CPU")
    return BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.bfloat16)


def unwrap(model: nn.Module) -> Any:
    """The transformers model without the PEFT wrapper of an adapter."""
    return model.get_base_model() if isinstance(model, PeftModel) else model


def count_weights(model: nn.Module) -> tuple[int, int]:
    """The number of trained weights, and the number of all weights."""
    sizes = [(weights.numel(), weights.requires_grad) for weights in model.parameters()]
    return sum(size for size, trained in sizes if trained), sum(size for size, _ in sizes)


def resolve_precision(precision: str) -> str:
    """The precision itself; for "auto", bf16 if the hardware supports it natively, otherwise fp32."""
    if precision != "auto":
        return precision
    native = torch.cuda.is_bf16_supported() if torch.cuda.is_available() else fast_dtype() == torch.bfloat16
    return "bf16" if native else "fp32"


def restrict_loss(model: Any, vocabulary: Sequence[int] | None, smoothing: float = 0.0) -> None:
    """Make ``model(…, labels)`` compute its loss at target positions only.

    A decoder-only model's softmax then runs over `vocabulary` (None: all ids), which must contain every label; torch
    raises an index error for any other. Calls without labels run the model's own forward, so generation is unchanged.
    Nothing is read back from the device.
    """
    if model.config.is_encoder_decoder:
        forward = _seq2seq_forward(model, smoothing)
    else:
        forward = _causal_forward(model, vocabulary, smoothing)
    model.forward = MethodType(forward, model)


def _seq2seq_forward(model: Any, smoothing: float) -> Callable[..., Any]:
    plain = model.forward

    def forward(
        self: Any, labels: Tensor | None = None, num_items_in_batch: Tensor | None = None, **inputs: Any
    ) -> Any:
        if labels is None:
            return plain(**inputs)
        inputs = {name: value for name, value in inputs.items() if value is not None}  # PEFT passes None where unset
        inputs.setdefault("decoder_input_ids", self.prepare_decoder_input_ids_from_labels(labels=labels))
        logits = plain(**inputs | {"use_cache": False}).logits.float().flatten(0, 1)
        total = functional.cross_entropy(
            logits, labels.flatten(), label_smoothing=smoothing, reduction="sum", ignore_index=IGNORE_INDEX
        )
        count = (labels != IGNORE_INDEX).sum() if num_items_in_batch is None else num_items_in_batch
        return CausalLMOutput(loss=total / count)

    return forward


def _causal_forward(model: Any, vocabulary: Sequence[int] | None, smoothing: float) -> Callable[..., Any]:
    plain, body = model.forward, model.base_model
    output_weights = model.get_output_embeddings().weight
    _register_vocabulary(model, output_weights, vocabulary)
    maskless_width = _maskless_width(model.config)

    def forward(
        self: Any, labels: Tensor | None = None, num_items_in_batch: Tensor | None = None, **inputs: Any
    ) -> Any:
        if labels is None:
            return plain(**inputs)
        ids, mask, positions = (inputs.get(name) for name in ("input_ids", "attention_mask", "positions"))
        assert ids is not None
        if positions is None:
            positions = _positions_before_targets(labels)
        if mask is None and ids.shape[1] < maskless_width:
            mask = dict.fromkeys(self.config.layer_types)
        hidden = body(input_ids=ids, attention_mask=mask).last_hidden_state.flatten(0, 1)[positions]
        targets = self._rows_of_ids[labels.flatten()[positions + 1]]
        head = output_weights[self._kept_ids] if self._frozen_head is None else self._frozen_head
        dtype = _autocast_dtype(hidden)
        total = _summed_loss(hidden.to(dtype), head.to(dtype), targets, smoothing)
        return CausalLMOutput(loss=total / (len(targets) if num_items_in_batch is None else num_items_in_batch))

    return forward


def _register_vocabulary(model: Any, output_weights: Tensor, vocabulary: Sequence[int] | None) -> None:
    """Store the ids in use as buffers, which move to the device with the model.

    `_kept_ids` lists them, `_rows_of_ids` gives each id's row in that list (out of range for other ids), `_frozen_head`
    holds their output weights if those are not trained.
    """
    kept = torch.arange(len(output_weights)) if vocabulary is None else torch.tensor(vocabulary)
    rows = torch.full((len(output_weights),), len(kept))
    rows[kept] = torch.arange(len(kept))
    frozen = None if output_weights.requires_grad else output_weights.detach()[kept].clone()
    model.register_buffer("_kept_ids", kept, persistent=False)
    model.register_buffer("_rows_of_ids", rows, persistent=False)
    model.register_buffer("_frozen_head", frozen, persistent=False)


def _positions_before_targets(labels: Tensor) -> Tensor:
    """Positions in the flattened (rows, width) batch whose next token is a target."""
    positions = (labels[:, 1:] != IGNORE_INDEX).flatten().nonzero()[:, 0]
    return positions + positions // (labels.shape[1] - 1)


def _autocast_dtype(tensor: Tensor) -> torch.dtype:
    """The dtype that autocast gives to products of this tensor; the tensor's own if autocast is off."""
    device = tensor.device.type
    return torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else tensor.dtype


def _maskless_width(config: Any) -> int:
    """Batches narrower than this need no attention mask; 0 if transformers must decide.

    Without a mask argument, transformers asks the device whether rows are packed, which would stall every step. Gemma
    models also accept a mapping from layer type to mask, and None in it means no mask.
    """
    return int(config.sliding_window) if config.model_type == "gemma3_text" else 0


def _summed_loss(hidden: Tensor, head: Tensor, targets: Tensor, smoothing: float) -> Tensor:
    """Cross entropy of ``hidden @ head.T``, summed over positions.

    Without smoothing it is computed in chunks, so the logits of all positions are never in memory at once.
    """
    if smoothing:
        logits = functional.linear(hidden, head).float()
        return functional.cross_entropy(logits, targets, label_smoothing=smoothing, reduction="sum")
    chunks = LinearCrossEntropyOptions(batch_chunk_size=POSITIONS_PER_CHUNK, chunking_method=None)
    return functional.linear_cross_entropy(hidden, head, targets, reduction="sum", options=chunks).float()


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
