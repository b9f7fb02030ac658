"""Exports: every format restores what the checkpoint restores, and the output is there completely or not at all."""

import json
import shutil
from errno import ENOSPC
from pathlib import Path

import ctranslate2
import onnxruntime
import pytest
import torch
import xllamacpp
from huggingface_hub import ModelCard
from peft import PeftModel
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM
from unspin.cli.export import Format
from unspin.cli.options import OptionError, parse_new_folder
from unspin.hub import HubError
from unspin.infer.engines import load_engine
from unspin.infer.engines.transformers import TransformersEngine
from unspin.infer.models.checkpoint import Checkpoint, identify_weights
from unspin.infer.models.prompt import Prompt, max_output_tokens
from unspin.train import export as module
from unspin.train.export import FORMATS, ExportError, export

SENTENCES = ["The mayor said so.", "It was built in 1911.", "Its roof leaks in winter and the heating often fails."]


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unspin.infer.models.checkpoint.cache_folder", lambda: tmp_path / "model-cache")


def _load(folder: Path) -> AutoModelForCausalLM:
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()


def test_the_merged_model_is_base_plus_adapter(tiny_base: Path, tiny_adapter: Path, tmp_path: Path) -> None:
    """Up to the rounding of the merged weights to bf16, after which a close choice between two tokens may change."""
    (merged,) = export(str(tiny_adapter), tmp_path / "out")
    ids = torch.tensor([Prompt.from_folder(merged).source_ids(SENTENCES[0])])
    models = (_load(merged), PeftModel.from_pretrained(_load(tiny_base), str(tiny_adapter)).eval(), _load(tiny_base))
    with torch.inference_mode():
        rounded, exact, base = (model(input_ids=ids).logits.log_softmax(-1) for model in models)
    assert (rounded - exact).abs().max() < 0.05 < 0.5 < (rounded - base).abs().max()


def test_ctranslate2_restores_what_the_merged_folder_restores(tiny_adapter: Path, tmp_path: Path) -> None:
    merged, converted = export(str(tiny_adapter), tmp_path / "out", ["merged", "ctranslate2"])
    prompt = Prompt.from_folder(merged)
    expected = [output.text for output in TransformersEngine(_load(merged), prompt).rewrite(SENTENCES)]
    assert len(set(expected)) == len(SENTENCES)
    generator = ctranslate2.Generator(str(converted), compute_type="float32")
    tokens = json.loads((converted / "vocabulary.json").read_text())
    for sentence, text in zip(SENTENCES, expected, strict=True):
        ids = prompt.text_ids(sentence)
        (result,) = generator.generate_batch(
            [[tokens[i] for i in prompt.wrap_source(ids)]],
            sampling_topk=1,
            include_prompt_in_result=False,
            max_length=max_output_tokens(ids),
        )
        assert prompt.decode(result.sequences_ids[0]) == text


def test_onnx_runtime_restores_what_the_merged_folder_restores(tiny_adapter: Path, tmp_path: Path) -> None:
    """Up to a text longer than the model's attention window."""
    merged, converted = export(str(tiny_adapter), tmp_path / "out", ["merged", "onnx"])
    prompt = Prompt.from_folder(converted)
    texts = [*SENTENCES, " ".join(SENTENCES * 3)]
    session = onnxruntime.InferenceSession(converted / "model.onnx")
    for text, expected in zip(texts, TransformersEngine(_load(merged), prompt).rewrite(texts), strict=True):
        source = prompt.text_ids(text)
        written: list[int] = []
        while len(written) < max_output_tokens(source) and prompt.eos not in written:
            (logits,) = session.run(["logits"], {"input_ids": [[*prompt.wrap_source(source), *written]]})
            written.append(int(logits[0].argmax()))
        assert prompt.decode(written) == expected.text


def test_llama_cpp_restores_what_the_merged_default_model_restores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()  # the real cache holds the default model
    sentences = ["The overseas minister spoke to correspondents.", "He purchased an automobile in the Unified States."]
    (folder,) = export("default", tmp_path / "out", ["gguf"])
    expected = [output.text for output in load_engine("transformers", Checkpoint.open("default")).rewrite(sentences)]
    settings = xllamacpp.CommonParams()
    settings.model.path = str(folder / "model.gguf")
    settings.n_ctx, settings.n_parallel, settings.warmup = 256, 1, False
    settings.cpuparams.n_threads = settings.cpuparams_batch.n_threads = 1
    server = xllamacpp.Server(settings)
    for sentence, text in zip(sentences, expected, strict=True):
        request = {"prompt": f"Spun: {sentence}\nOriginal:", "max_tokens": 40, "temperature": 0}
        answer = server.handle_completions(request)
        assert answer["choices"][0]["text"].removeprefix(" ") == text


def test_each_format_is_a_folder_and_the_command_offers_all(tiny_adapter: Path, tmp_path: Path) -> None:
    assert [kind.value for kind in Format] == list(FORMATS)
    save_file({"ids": torch.arange(8)}, tiny_adapter / "vocabulary.safetensors")
    (tiny_adapter / "README.md").write_text("---\nlicense: gemma\nlibrary_name: peft\n---\nAn adapter.\n")
    merged, int8, trimmed = export(str(tiny_adapter), tmp_path / "out", ["merged", "int8", "int8-trimmed", "merged"])
    assert AutoModelForCausalLM.from_pretrained(merged).config.model_type == "gemma3_text"
    assert Checkpoint.open(str(merged)).vocabulary() == list(range(8))
    assert set(json.loads((merged / "checksums.json").read_text())) == {"model.safetensors", "vocabulary.safetensors"}
    assert (int8 / "model.bin").is_file() and (trimmed / "ids.json").is_file()
    for folder, library in ((merged, "transformers"), (int8, "ctranslate2"), (trimmed, "ctranslate2")):
        metadata = ModelCard.load(folder / "README.md").data
        assert (metadata.license, metadata.library_name) == ("gemma", library)
        assert "An adapter." in (folder / "CHECKPOINT.md").read_text()
    with pytest.raises(module.UnspinError, match=r"int8 has no unspin\.json, so it is not a checkpoint"):
        Checkpoint.open(str(int8))


def test_an_existing_output_is_refused_before_anything_is_opened(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="exists: remove it"):
        export("no such checkpoint", tmp_path)


def test_an_upload_without_a_login_is_refused_before_anything_is_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.utils._headers.get_token", lambda: None)
    with pytest.raises(HubError, match="hf://someone/something: writing needs a token"):
        export("no such checkpoint", tmp_path / "out", push="someone/something")


@pytest.mark.parametrize("failure", [OSError(ENOSPC, "No space left on device"), KeyboardInterrupt()])
def test_a_failed_or_interrupted_export_leaves_nothing(
    tiny_adapter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: BaseException
) -> None:
    def fail(checkpoint: Checkpoint, folder: Path) -> None:
        folder.mkdir()
        (folder / "half").touch()
        raise failure

    monkeypatch.setitem(module.FORMATS, "gguf-q8", fail)
    monkeypatch.setattr(module, "GGUF", set())
    with pytest.raises((ExportError, KeyboardInterrupt)) as caught:
        export(str(tiny_adapter), tmp_path / "target" / "out", ["merged", "gguf-q8"])
    if isinstance(failure, OSError):
        assert "No space left on device" in str(caught.value) and "check free space" in str(caught.value)
    assert not list((tmp_path / "target").iterdir())


def test_formats_that_do_not_suit_the_model_are_refused(tiny_adapter: Path, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"is for checkpoints of the default model: .*convert_hf_to_gguf\.py"):
        export(str(tiny_adapter), tmp_path / "out", ["gguf"])
    with pytest.raises(ExportError, match="add --format merged"):
        export(str(tiny_adapter), tmp_path / "out", ["int8"], push="someone/something")
    with pytest.raises(ExportError, match=r"has no vocabulary\.safetensors.*: use --format int8"):
        export(str(tiny_adapter), tmp_path / "out", ["int8-trimmed"])
    with pytest.raises(ExportError, match="is inside the checkpoint: give another --output"):
        export(str(tiny_adapter), tiny_adapter / "out")
    with pytest.raises(HubError, match="give a repository"):
        export(str(tiny_adapter), tmp_path / "out", push="")
    record = json.loads((tiny_adapter / "unspin.json").read_text())
    (tiny_adapter / "unspin.json").write_text(json.dumps(record | {"prompt": "encoder-decoder/1"}))
    with pytest.raises(ExportError, match="encoder-decoder model, and int8 is for decoder-only ones"):
        export(str(tiny_adapter), tmp_path / "out", ["int8", "merged"])
    assert not (tmp_path / "out").exists()


def test_an_adapter_on_another_base_is_refused(tiny_base: Path, tiny_adapter: Path, tmp_path: Path) -> None:
    base = Path(shutil.copytree(tiny_base, tmp_path / "base"))
    record = {"backbone": str(base), "prompt": Prompt.name, "backbone_weights": identify_weights(str(base), base)}
    (tiny_adapter / "unspin.json").write_text(json.dumps(record))
    assert Checkpoint.open(str(tiny_adapter)).backbone_folder() == base
    model = _load(base)
    torch.nn.init.ones_(model.model.layers[0].mlp.up_proj.weight)
    model.save_pretrained(base)
    with pytest.raises(module.UnspinError, match=f"is an adapter of {base} with the weights .*, but {base} has"):
        export(str(tiny_adapter), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_merged_model_in_the_cache_is_not_that_of_another_record(tiny_adapter: Path, tmp_path: Path) -> None:
    export(str(tiny_adapter), tmp_path / "out", ["int8"])
    record = json.loads((tiny_adapter / "unspin.json").read_text())
    (tiny_adapter / "unspin.json").write_text(json.dumps(record | {"backbone_weights": "others"}))
    for kind in ("merged", "int8"):
        with pytest.raises(module.UnspinError, match="with the weights others, but"):
            export(str(tiny_adapter), tmp_path / kind, [kind])


@pytest.mark.parametrize("name", ["", "hf://ann/model", "s3://bucket/model"])
def test_an_output_that_is_no_folder_of_this_machine_is_refused(name: str) -> None:
    with pytest.raises(OptionError, match=r"empty|not an address"):
        parse_new_folder(name)
