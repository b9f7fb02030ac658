"""Tiny random models of every family: they train, load and restore; unusable backbones are explained."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from datasets import Dataset
from tokenizers import Tokenizer
from tokenizers.processors import TemplateProcessing
from torch._dynamo.utils import counters
from transformers import (
    BartConfig,
    BartForConditionalGeneration,
    BertConfig,
    BertLMHeadModel,
    BertModel,
    EncoderDecoderModel,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedModel,
    Qwen3Config,
    Qwen3ForCausalLM,
    T5Config,
    T5ForConditionalGeneration,
    T5Gemma2Config,
    T5Gemma2ForConditionalGeneration,
)
from unspin.edits import Edit, apply
from unspin.infer.models.backbone import ModelError
from unspin.infer.models.prompt import EncoderDecoderPrompt, PromptError
from unspin.infer.restorer import Restorer
from unspin.train import finetune
from unspin.train.backbones import MAX_GRAPHS, Backbone, restrict_loss, unwrap
from unspin.train.batches import Rows
from unspin.train.config import TrainConfig

SIZE = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "head_dim": 16,
}
IDS = {"pad_token_id": 0, "eos_token_id": 1, "bos_token_id": 2}


def _t5(vocabulary: int) -> PreTrainedModel:
    config = T5Config(
        vocab_size=vocabulary, d_model=32, d_kv=16, d_ff=64, num_layers=2, num_heads=2, decoder_start_token_id=0, **IDS
    )
    return T5ForConditionalGeneration(config)


def _bart(vocabulary: int) -> PreTrainedModel:
    sides = {
        f"{side}_{name}": n
        for side in ("encoder", "decoder")
        for name, n in (("layers", 2), ("attention_heads", 2), ("ffn_dim", 64))
    }
    return BartForConditionalGeneration(
        BartConfig(vocab_size=vocabulary, d_model=32, decoder_start_token_id=1, forced_eos_token_id=1, **sides, **IDS)
    )


def _t5gemma2(vocabulary: int) -> PreTrainedModel:
    text = {"vocab_size": vocabulary, **SIZE, "max_position_embeddings": 512, "query_pre_attn_scalar": 16, **IDS}
    vision = {
        "hidden_size": 16,
        "intermediate_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "image_size": 28,
        "patch_size": 14,
    }
    config = T5Gemma2Config(encoder={"text_config": text, "vision_config": vision}, decoder=text, **IDS)
    config.decoder_start_token_id = 2
    return T5Gemma2ForConditionalGeneration(config)


def _warm_started(vocabulary: int) -> PreTrainedModel:
    size = {
        "vocab_size": vocabulary,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        **IDS,
    }
    decoder = BertLMHeadModel(BertConfig(**size, is_decoder=True, add_cross_attention=True))
    model = EncoderDecoderModel(encoder=BertModel(BertConfig(**size)), decoder=decoder)
    model.config.update({"decoder_start_token_id": 2, **IDS})
    return model


def _qwen(vocabulary: int) -> PreTrainedModel:
    return Qwen3ForCausalLM(Qwen3Config(vocab_size=vocabulary, **SIZE, **IDS))


def _smollm(vocabulary: int) -> PreTrainedModel:
    return LlamaForCausalLM(LlamaConfig(vocab_size=vocabulary, **SIZE, **IDS))


FAMILIES = {
    "t5": _t5,
    "bart": _bart,
    "t5gemma2": _t5gemma2,
    "warm-started": _warm_started,
    "qwen": _qwen,
    "smollm": _smollm,
}
TEMPLATES = {"t5": "$A <eos>", "bart": "<bos> $A <eos>", "t5gemma2": "<bos> $A", "warm-started": "<bos> $A <eos>"}


def _save(name: str, tiny_base: Path, folder: Path) -> Path:
    torch.manual_seed(0)
    tokenizer = Tokenizer.from_file(str(tiny_base / "tokenizer.json"))
    FAMILIES[name](tokenizer.get_vocab_size()).save_pretrained(folder)
    if name in TEMPLATES:
        tokenizer.post_processor = TemplateProcessing(
            single=TEMPLATES[name], special_tokens=[("<eos>", 1), ("<bos>", 2)]
        )
    tokenizer.save(str(folder / "tokenizer.json"))
    shutil.copy(tiny_base / "tokenizer_config.json", folder)
    return folder


CASES = [(name, "adapter") for name in FAMILIES] + [
    (name, trainable) for name in ("t5", "smollm") for trainable in ("layers", "everything")
]


@pytest.mark.parametrize(("name", "trainable"), CASES)
def test_every_family_trains_and_restores(
    name: str, trainable: str, pairs: Path, tiny_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = _save(name, tiny_base, tmp_path / "base")
    config = TrainConfig(
        backbone=str(base), data=pairs, output=tmp_path / "run", max_steps=4, warmup_steps=0, save_steps=2,
        tokens_per_batch=1024, max_tokens=512, learning_rate=1e-2, precision="fp32", trainable=trainable,
        lora={"rank": 4, "alpha": 8}, eval_steps=2, eval_rows=4, report_to=(),
    )  # fmt: skip
    target = finetune.main(config)
    record = json.loads((target / "unspin.json").read_text())
    assert 0 <= record["validation"][0]["f0.5"] <= 1 and record["figures"]["train_loss"] > 0
    assert "# unspin checkpoint" in (target / "README.md").read_text()
    monkeypatch.setattr("unspin.infer.models.checkpoint.cache_folder", lambda: tmp_path / "cache")
    text = "The overseas minister stated <eos> that the warfare had ended."
    for engine in ("draft", "transformers") if name == "t5" else ("transformers",):
        restorer = Restorer.from_pretrained(str(target), engine=engine, min_confidence=0, alternatives=1)
        restoration = restorer.restore(text)
        assert (
            apply(text, [Edit(edit.start, edit.end, edit.restored) for edit in restoration.edits]) == restoration.text
        )
    if name != "t5":
        with pytest.raises(ModelError, match="use --engine transformers"):
            Restorer.from_pretrained(str(target))


@pytest.mark.parametrize("name", ["t5", "smollm"])
def test_the_loss_equals_the_model_s_own(name: str, tiny_base: Path, tmp_path: Path) -> None:
    base = _save(name, tiny_base, tmp_path / "base")
    backbone = Backbone.open(str(base))
    model = backbone.load(
        TrainConfig(backbone=str(base), data=tmp_path, output=tmp_path, max_steps=1, trainable="everything")
    ).eval()
    row = {"source": backbone.prompt.source_ids("The warfare."), "target": backbone.prompt.target_ids("The war.")}
    rows = Rows(Dataset.from_list([row, {"source": row["source"][:-2], "target": row["target"][-3:]}]))
    batch = backbone.collator(rows.__getitems__([0, 1]))
    expected = model(**{key: tensor for key, tensor in batch.items() if key != "positions"}).loss
    restrict_loss(model, None)
    torch.testing.assert_close(model(**batch).loss, expected)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_large_batch_has_the_gradients_of_its_parts(precision: str, tiny_base: Path, tmp_path: Path) -> None:
    config = TrainConfig(
        backbone=str(tiny_base), data=tmp_path, output=tmp_path, max_steps=1, lora={"rank": 4, "alpha": 8}
    )
    model = Backbone.open(str(tiny_base)).load(config)
    restrict_loss(unwrap(model), None)
    ids = torch.randint(3, 300, (2048, 64), generator=torch.Generator().manual_seed(1))
    labels = ids.masked_fill(
        torch.arange(64) < torch.arange(2048)[:, None] % 60, -100
    )  # rows have different shares of targets
    items = (labels[:, 1:] != -100).sum()

    def gradients(parts: int, dtype: torch.dtype) -> dict[str, torch.Tensor]:
        model.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=dtype == torch.bfloat16):
            for some, targets in zip(ids.chunk(parts), labels.chunk(parts), strict=True):
                model(input_ids=some, labels=targets, num_items_in_batch=items).loss.backward()
        return {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None and p.grad.any()}

    whole, parts = gradients(1, torch.float32), gradients(8, torch.bfloat16 if precision == "bf16" else torch.float32)
    assert whole.keys() == parts.keys() and len(whole) == 14
    for name in whole:
        assert (whole[name] - parts[name]).norm() < (0.05 if precision == "bf16" else 1e-4) * whole[name].norm(), name


def test_a_label_outside_the_vocabulary_is_an_error(tiny_base: Path, tmp_path: Path) -> None:
    model = Backbone.open(str(tiny_base)).load(
        TrainConfig(backbone=str(tiny_base), data=tmp_path, output=tmp_path, max_steps=1)
    )
    restrict_loss(unwrap(model), [3, 5, 7])
    with pytest.raises(RuntimeError, match="out of bounds"):
        model(input_ids=torch.tensor([[3, 5, 11]]), labels=torch.tensor([[-100, 5, 11]]))


def test_layers_are_not_compiled_again_for_each_shape(
    tiny_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compile_module = torch.nn.Module.compile
    monkeypatch.setattr(
        torch.nn.Module, "compile", lambda self, **keys: compile_module(self, backend="eager", **keys)
    )  # traces graphs without generating code
    torch._dynamo.reset()
    counters.clear()
    config = TrainConfig(
        backbone=str(tiny_base),
        data=tmp_path,
        output=tmp_path,
        max_steps=1,
        lora={"rank": 4, "alpha": 8},
        torch_compile=True,
    )
    model = Backbone.open(str(tiny_base)).load(config).train()
    restrict_loss(unwrap(model), None)
    random = torch.Generator().manual_seed(1)
    graphs = []
    for _ in range(30):
        rows, width = (int(torch.randint(1, most, (), generator=random)) for most in (12, 120))
        ids = torch.randint(3, 300, (rows, width + 2), generator=random)
        model(input_ids=ids, labels=ids).loss.backward()
        graphs.append(counters["stats"]["unique_graphs"])
    assert 0 < graphs[-1] <= MAX_GRAPHS and graphs[-15:] == [graphs[-1]] * 15
    assert not counters["graph_break"] and not counters["unimplemented"]


@pytest.mark.parametrize("name", list(TEMPLATES))
def test_encoder_decoder_prompts_end_and_treat_special_tokens_as_text(
    name: str, tiny_base: Path, tmp_path: Path
) -> None:
    prompt = EncoderDecoderPrompt.from_folder(_save(name, tiny_base, tmp_path / "base"))
    text = "He said <eos> and <bos>."
    ids = prompt.target_ids(text)
    assert ids[-1] == prompt.eos and ids.count(prompt.eos) == 1
    assert prompt.decode(ids) == text and prompt.source_ids(text) == ids
    assert ids[: len(prompt.prefix_ids("He said"))] == prompt.prefix_ids("He said")


def test_unusable_backbones_are_explained(tiny_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ModelError, match="nobody/nothing' is not a folder, and the hub does not provide it"):
        Backbone.open("nobody/nothing")
    without: Callable[[str], Path] = lambda file: shutil.copytree(tiny_base, tmp_path / file, ignore=lambda *_: [file])  # noqa: E731
    with pytest.raises(PromptError, match=r"tokenizer\.json is missing"):
        Backbone.open(str(without("tokenizer.json")))
    weightless = Backbone.open(str(without("model.safetensors")))
    with pytest.raises(ModelError, match="has no safetensors"):
        weightless.load(TrainConfig(backbone=str(weightless.folder), data=tmp_path, output=tmp_path, max_steps=1))
    with pytest.raises(ModelError, match="needs a GPU"):
        Backbone.open(str(tiny_base)).load(
            TrainConfig(data=tmp_path, output=tmp_path, max_steps=1, lora={"load_in_4bit": True})
        )
