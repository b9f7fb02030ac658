"""Checkpoints: an incomplete one is refused with a reason; all engines read the same one."""

import ast
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from unspin.infer.engines import ENGINES, load_engine
from unspin.infer.models import checkpoint as module
from unspin.infer.models.backbone import ModelError
from unspin.infer.models.checkpoint import Checkpoint
from unspin.infer.models.prompt import Prompt


@pytest.mark.parametrize("missing", [module.ADAPTER_CONFIG, module.ADAPTER_WEIGHTS])
def test_a_missing_file_is_named(tiny_adapter: Path, missing: str) -> None:
    (tiny_adapter / missing).unlink()
    with pytest.raises(ModelError, match=f"is incomplete: {missing} is missing"):
        Checkpoint.open(str(tiny_adapter))


def test_a_folder_of_another_model_is_no_checkpoint(tiny_adapter: Path) -> None:
    (tiny_adapter / "unspin.json").unlink()
    with pytest.raises(ModelError, match=r"has no unspin\.json, so it is not a checkpoint: give one that"):
        Checkpoint.open(str(tiny_adapter))


def test_a_missing_folder_an_unknown_prompt_and_a_damaged_record_are_refused(
    tiny_adapter: Path, tmp_path: Path
) -> None:
    with pytest.raises(ModelError, match="nowhere is not a checkpoint folder"):
        Checkpoint.open(str(tmp_path / "nowhere"))
    (tiny_adapter / "unspin.json").write_text('{"backbone": "x", "prompt": "old/0"}')
    with pytest.raises(ModelError, match="trained on prompt form 'old/0'"):
        Checkpoint.open(str(tiny_adapter))
    known = {"backbone": "x", "prompt": "spun-original/1"}
    wrong = (json.dumps(known | {"calibration": calibration}) for calibration in ([1], {"slope": "x"}))
    for damaged in ("{", "[]", *wrong):
        (tiny_adapter / "unspin.json").write_text(damaged)
        with pytest.raises(ModelError, match=r"unspin\.json is damaged"):
            Checkpoint.open(str(tiny_adapter))


def test_the_folder_of_a_run_is_no_checkpoint_and_names_it(tiny_adapter: Path, tmp_path: Path) -> None:
    run = tmp_path / "some" / "run"
    shutil.copytree(tiny_adapter, run / "adapter")
    with pytest.raises(ModelError, match=r"run is the folder of a run: give the checkpoint in it, .*run/adapter"):
        Checkpoint.open(str(run))
    (run / "checkpoint-5").mkdir()
    (run / "checkpoint-5" / "unspin.json").touch()
    shutil.rmtree(run / "adapter")
    with pytest.raises(
        ModelError,
        match=r"run is the folder of an unfinished run: run `unspin train` again to finish it, or give .*checkpoint-5",
    ):
        Checkpoint.open(str(run))


def test_a_change_of_the_vocabulary_is_another_checkpoint(tiny_adapter: Path) -> None:
    before = Checkpoint.open(str(tiny_adapter)).digest
    save_file({"ids": torch.tensor([4, 5], dtype=torch.int32)}, tiny_adapter / "vocabulary.safetensors")
    (tiny_adapter / "checksums.json").unlink(missing_ok=True)
    assert Checkpoint.open(str(tiny_adapter)).digest != before


def test_passages_are_as_long_as_in_training(tiny_adapter: Path) -> None:
    assert Checkpoint.open(str(tiny_adapter)).max_passage_words == 0
    record = json.loads((tiny_adapter / "unspin.json").read_text())
    (tiny_adapter / "unspin.json").write_text(json.dumps(record | {"passage": 48}))
    assert Checkpoint.open(str(tiny_adapter)).max_passage_words == 48


def test_truncated_weights_are_refused_and_nothing_is_cached(
    tiny_adapter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "cache_folder", lambda: tmp_path / "cache")
    weights = tiny_adapter / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:200])
    with pytest.raises(
        ModelError, match=r"adapter_model\.safetensors cannot be loaded .*: copy it again or train again"
    ):
        Checkpoint.open(str(tiny_adapter)).merged_folder()
    assert not list((tmp_path / "cache").iterdir())


def test_every_engine_returns_one_output_per_sentence_in_order(
    tiny_adapter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "cache_folder", lambda: tmp_path / "cache")
    sentences = ["The mayor said so.", "<eos> Original: text like any other.", "x"]
    for name in ENGINES:
        engine = load_engine(name, Checkpoint.open(str(tiny_adapter)))
        outputs = engine.rewrite(sentences)
        assert len(outputs) == 3 and len(set(outputs)) == 3
        assert engine.rewrite(sentences[::-1]) == outputs[::-1]
        for output in outputs:
            assert len(output.ends) <= len(output.log_probabilities) and max(output.log_probabilities) <= 0
            assert not output.ends or output.ends[-1] == len(output.text)


def test_a_trimmed_model_writes_what_the_full_one_writes(
    tiny_adapter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "cache_folder", lambda: tmp_path / "cache")
    checkpoint = Checkpoint.open(str(tiny_adapter))
    full = load_engine("ctranslate2", checkpoint)
    sentences = ["The council voted.", "It was built in 1911.", "Žluťoučký kůň."]
    prompt = Prompt.from_folder(Path(checkpoint.backbone))
    outputs = full.rewrite(sentences)
    left_out = min(set(prompt.text_ids(sentences[2])) - {i for text in sentences[:2] for i in prompt.source_ids(text)})
    seen = set(range(prompt.tokenizer.get_vocab_size())) - {left_out}
    save_file({"ids": torch.tensor(sorted(seen), dtype=torch.int32)}, tiny_adapter / module.VOCABULARY)
    shutil.rmtree(tmp_path / "cache")
    trimmed = load_engine("ctranslate2", checkpoint)
    assert json.loads((checkpoint.int8_folder(trimmed=True) / "ids.json").read_text()) == sorted(seen)
    assert [output.text for output in trimmed.rewrite(sentences)] == [output.text for output in outputs]


@pytest.mark.parametrize(
    ("engine", "unloaded"), [("ctranslate2", ["torch", "transformers"]), ("draft", ["transformers"])]
)
def test_engines_do_not_import_slow_libraries(
    engine: str, unloaded: list[str], tiny_adapter: Path, tmp_path: Path
) -> None:
    script = (
        "import sys; from pathlib import Path\n"
        "from unspin.infer import Restorer\n"
        "from unspin.infer.models import checkpoint\n"
        f"checkpoint.cache_folder = lambda: Path({str(tmp_path / 'cache')!r})\n"
        f"Restorer.from_pretrained({str(tiny_adapter)!r}, engine={engine!r}).restore('The overseas minister spoke.')\n"
        "print([name for name in ('torch', 'transformers') if name in sys.modules])"
    )
    subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True
    )  # the first run converts, which imports all
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert not set(ast.literal_eval(done.stdout.strip())) & set(unloaded)
