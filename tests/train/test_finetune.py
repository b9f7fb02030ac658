"""Fine-tuning of a tiny random model: killed runs resume to the same weights, failures are explained, adapters load."""

import errno
import json
import shutil
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any

import pytest
import torch
from accelerate import Accelerator
from safetensors.torch import load_file
from torch.utils._python_dispatch import TorchDispatchMode
from transformers import AutoModelForCausalLM, TrainerCallback, TrainerState
from unspin.checksums import CHECKSUMS, ChecksumError
from unspin.errors import UnspinError
from unspin.evaluation.config import EvalConfig
from unspin.evaluation.run import curve_points
from unspin.evaluation.run import main as evaluate
from unspin.infer.engines.transformers import TransformersEngine
from unspin.infer.models.checkpoint import Checkpoint
from unspin.train import finetune
from unspin.train.backbones import Backbone, restrict_loss
from unspin.train.config import TrainConfig
from unspin.train.plot import plot
from unspin.train.resume import newest_complete_checkpoint
from unspin.train.validation import Validation


def _config(pairs: Path, base: Path, output: Path) -> TrainConfig:
    return TrainConfig(
        backbone=str(base), data=pairs, output=output, max_steps=6, warmup_steps=1, save_steps=2,
        tokens_per_batch=1024, max_tokens=512, learning_rate=1e-2, precision="fp32", lora={"rank": 4, "alpha": 8},
    )  # fmt: skip


class _Killed(Exception):
    pass


class _KillAt(TrainerCallback):
    def __init__(self, step: int) -> None:
        self._step = step

    def on_step_end(self, args, state, control, **kwargs):  # type: ignore[no-untyped-def]
        if state.global_step == self._step:
            raise _Killed


@pytest.mark.parametrize("step", [1, 4, 5])
def test_a_killed_run_resumes_to_the_same_weights(
    step: int, pairs: Path, tiny_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = finetune.main(_config(pairs, tiny_base, tmp_path / "whole"))
    cut = _config(pairs, tiny_base, tmp_path / "cut")
    plain = finetune.PairTrainer.__init__

    def with_kill(self, *args, **kwargs):  # type: ignore[no-untyped-def]
        plain(self, *args, callbacks=[_KillAt(step)], **kwargs)

    with monkeypatch.context() as patched:
        patched.setattr(finetune.PairTrainer, "__init__", with_kill)
        with pytest.raises(_Killed):
            finetune.main(cut)
    resumed = finetune.main(cut)
    expected, got = (load_file(folder / "adapter_model.safetensors") for folder in (whole, resumed))
    assert expected.keys() == got.keys()
    assert all(torch.equal(expected[name], got[name]) for name in expected)
    record = json.loads((whole / "unspin.json").read_text())
    assert record["backbone"] == str(tiny_base) and record["config"]["max_steps"] == 6


def test_the_adapter_can_be_evaluated(pairs: Path, tiny_base: Path, tmp_path: Path) -> None:
    adapter = finetune.main(_config(pairs, tiny_base, tmp_path / "run"))
    suites = [{"kind": kind, "name": kind, "data": pairs} for kind in ("data", "clean")]
    config = EvalConfig.model_validate(
        {"checkpoint": str(adapter), "suites": suites, "limit": 4, "output": tmp_path / "scores", "resamples": 100}
    )
    scores = evaluate(config)["scores"]
    assert [set(systems) for systems in scores.values()] == [{"copy the input", "unspin"}] * 2
    assert scores["data"]["copy the input"]["recall"] == 0 and scores["clean"]["copy the input"]["exact"] == 1
    assert scores["data"]["unspin"]["words_per_second"] > 0


def test_checkpoints_of_a_run_can_be_opened_and_are_the_points_of_a_learning_curve(
    pairs: Path, tiny_base: Path, tmp_path: Path
) -> None:
    changes = {"max_steps": 6, "save_steps": 2, "save_total_limit": 3}
    target = finetune.main(_config(pairs, tiny_base, tmp_path / "run").model_copy(update=changes))
    suites = [{"kind": "data", "name": "spun", "data": pairs, "split": "validation"}]
    config = EvalConfig.model_validate({"suites": suites, "output": tmp_path / "out", "curve_run": tmp_path / "run"})
    points = curve_points(config)
    assert [Path(point.checkpoint).name for point in points] == ["checkpoint-2", "checkpoint-4", "checkpoint-6"]
    seen = [point.pairs for point in points]
    assert 0 < seen[0] < seen[1] < seen[2] == json.loads((target / "unspin.json").read_text())["figures"]["pairs_seen"]
    last, finished = Checkpoint.open(points[-1].checkpoint), Checkpoint.open(str(target))
    assert last.vocabulary() == finished.vocabulary() and last.max_passage_words == finished.max_passage_words
    with pytest.raises(UnspinError, match=r"curve_run: .*adapter has no checkpoints"):
        curve_points(config.model_copy(update={"curve_run": target}))


@pytest.mark.parametrize("vocabulary", [None, [3, 5, 7, 11, 13]], ids=["full", "restricted"])
def test_the_restricted_loss_equals_the_full_loss(tiny_base: Path, vocabulary: list[int] | None) -> None:
    ids = torch.tensor([[2, 3, 5, 7, 11, 13], [2, 5, 3, 13, 7, 0]])
    labels = torch.tensor([[-100, -100, -100, 7, 11, 13], [-100, -100, 3, 13, 7, -100]])
    mask = torch.tensor([[1] * 6, [1] * 5 + [0]])
    model = AutoModelForCausalLM.from_pretrained(tiny_base).eval()
    logits = model(input_ids=ids, attention_mask=mask).logits[:, :-1]
    targets = labels[:, 1:]
    if vocabulary is not None:
        outside = torch.ones(logits.shape[-1], dtype=torch.bool)
        outside[vocabulary] = False
        logits = logits.masked_fill(outside, float("-inf"))
    expected = torch.nn.functional.cross_entropy(logits[targets != -100], targets[targets != -100])
    restrict_loss(model, vocabulary)
    torch.testing.assert_close(model(input_ids=ids, attention_mask=mask, labels=labels).loss, expected)


def test_the_checksums_cover_what_a_slower_process_saves(config: TrainConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its random state, a process would resume with other dropout masks."""

    def wait(self: Accelerator) -> None:
        for folder in config.output.glob("checkpoint-*"):
            if not (folder / CHECKSUMS).is_file():
                (folder / "rng_state_1.pth").write_bytes(b"saved by another process")

    monkeypatch.setattr(Accelerator, "wait_for_everyone", wait)
    finetune.main(config)
    checkpoint = newest_complete_checkpoint(config.output)
    assert checkpoint and "rng_state_1.pth" in json.loads((checkpoint / CHECKSUMS).read_text())


def test_incomplete_checkpoints_are_skipped(tmp_path: Path) -> None:
    assert newest_complete_checkpoint(tmp_path / "none") is None
    whole = {
        "trainer_state.json": TrainerState(global_step=90).__dict__,
        "optimizer.pt": {},
        "scheduler.pt": {},
        "checksums.json": {},
    }
    for step, missing in ((90, ""), (100, "trainer_state.json"), (110, "checksums.json")):
        (tmp_path / f"checkpoint-{step}").mkdir()
        for name in whole.keys() - {missing}:
            (tmp_path / f"checkpoint-{step}" / name).write_text(json.dumps(whole[name]))
    (tmp_path / "checkpoint-best").mkdir()
    assert newest_complete_checkpoint(tmp_path) == tmp_path / "checkpoint-90"


def test_damaged_checkpoints_are_skipped_and_a_damaged_adapter_is_named(
    pairs: Path, tiny_base: Path, tmp_path: Path
) -> None:
    target = finetune.main(_config(pairs, tiny_base, tmp_path / "run"))
    assert newest_complete_checkpoint(tmp_path / "run") == tmp_path / "run" / "checkpoint-6"
    for file in (tmp_path / "run" / "checkpoint-6" / "optimizer.pt", target / "adapter_model.safetensors"):
        data = bytearray(file.read_bytes())
        data[len(data) // 2] ^= 1
        file.write_bytes(data)
    assert newest_complete_checkpoint(tmp_path / "run") == tmp_path / "run" / "checkpoint-4"
    with pytest.raises(ChecksumError, match=r"adapter_model\.safetensors is damaged"):
        Checkpoint.open(str(target))


def test_a_run_resumes_after_a_full_disk(
    pairs: Path, tiny_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = _config(pairs, tiny_base, tmp_path / "run")
    save, saved = torch.save, iter(range(100))

    def full(*args: Any, **kwargs: Any) -> None:
        if next(saved) >= 5:
            raise OSError(errno.ENOSPC, "No space left on device")
        save(*args, **kwargs)

    with monkeypatch.context() as patched:
        patched.setattr(torch, "save", full)
        with pytest.raises(
            finetune.TrainError,
            match=r"checkpoint-4 could not be written \(.*No space left on device; .* free some space",
        ):
            finetune.main(config)
    assert newest_complete_checkpoint(tmp_path / "run") == tmp_path / "run" / "checkpoint-2"
    assert (finetune.main(config) / "adapter_model.safetensors").is_file()


def test_a_loss_that_is_not_finite_stops_the_run(
    pairs: Path, tiny_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = _config(pairs, tiny_base, tmp_path / "run")
    restrict = finetune.restrict_loss

    def poisoned(model: Any, *args: Any) -> None:
        restrict(model, *args)
        plain, steps = model.forward, iter(range(100))
        model.forward = lambda **inputs: _times(plain(**inputs), float("nan") if next(steps) >= 3 else 1.0)

    monkeypatch.setattr(finetune, "restrict_loss", poisoned)
    with pytest.raises(
        finetune.TrainError, match=r"the loss is not finite at step 4: .* earlier checkpoints remain in "
    ):
        finetune.main(config)
    kept = newest_complete_checkpoint(tmp_path / "run")
    assert kept and kept.name == "checkpoint-2"
    assert all(torch.isfinite(v).all() for v in load_file(kept / "adapter_model.safetensors").values())


def _times(output: Any, factor: float) -> Any:
    output.loss = output.loss * factor
    return output


def test_the_best_checkpoint_is_kept_training_stops_early_and_curves_are_plotted(
    pairs: Path, tiny_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    scores = iter([0.3, 0.5, 0.4, 0.2, 0.1])
    score = Validation.score
    monkeypatch.setattr(Validation, "score", lambda self, outputs: score(self, outputs) | {"f0.5": next(scores)})
    config = _config(pairs, tiny_base, tmp_path / "run").model_copy(
        update={
            "max_steps": 10,
            "eval_steps": 2,
            "early_stopping_patience": 2,
            "eval_rows": 12,
            "report_to": ("tensorboard",),
        }
    )
    target = finetune.main(config)
    record = json.loads((target / "unspin.json").read_text())
    assert [row["step"] for row in record["validation"]] == [2, 4, 6, 8], "two evaluations without a better score"
    best = load_file(tmp_path / "run" / "checkpoint-4" / "adapter_model.safetensors")
    finished = load_file(target / "adapter_model.safetensors")
    assert all(torch.equal(finished[name], best[name].bfloat16()) for name in finished)
    shown = capsys.readouterr().out
    assert shown.count("restored: ") == 4 * 8 and "copy the input" in shown
    assert plot(tmp_path / "run").read_bytes().startswith(b"\x89PNG")
    assert list((tmp_path / "run").rglob("events.out.tfevents*"))
    assert not list(target.glob("*.bin")) and not list(target.glob("*.pt")), "no pickled weights"


@pytest.mark.parametrize("after", ["a kill", "its end"])
def test_early_stopping_keeps_its_count_when_a_run_resumes(
    after: str, pairs: Path, tiny_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    score = Validation.score
    monkeypatch.setattr(Validation, "score", lambda self, outputs: score(self, outputs) | {"f0.5": 0.1})
    config = _config(pairs, tiny_base, tmp_path / "run").model_copy(
        update={"max_steps": 20, "eval_steps": 2, "early_stopping_patience": 3, "eval_rows": 4}
    )
    assert json.loads((finetune.main(config) / "unspin.json").read_text())["figures"]["steps"] == 8
    shutil.rmtree(tmp_path / "run" / "adapter")
    if after == "a kill":
        shutil.rmtree(tmp_path / "run" / "checkpoint-8")
    assert json.loads((finetune.main(config) / "unspin.json").read_text())["figures"]["steps"] == 8


def test_the_last_weights_are_scored(
    pairs: Path, tiny_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scores = iter([0.1, 0.2, 0.3])
    score = Validation.score
    monkeypatch.setattr(Validation, "score", lambda self, outputs: score(self, outputs) | {"f0.5": next(scores)})
    config = _config(pairs, tiny_base, tmp_path / "run").model_copy(
        update={"max_steps": 5, "eval_steps": 2, "save_steps": 2, "eval_rows": 4}
    )
    record = json.loads((finetune.main(config) / "unspin.json").read_text())
    assert [row["step"] for row in record["validation"]] == [2, 4, 5] and record["figures"]["best"] == 0.3
    kept = load_file(tmp_path / "run" / "checkpoint-5" / "adapter_model.safetensors")
    assert all(
        torch.equal(w, kept[name].bfloat16())
        for name, w in load_file(tmp_path / "run" / "adapter" / "adapter_model.safetensors").items()
    )


def test_a_full_disk_while_saving_the_finished_checkpoint_is_named(
    pairs: Path, tiny_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = _config(pairs, tiny_base, tmp_path / "run").model_copy(update={"max_steps": 2})

    def full(*_: Any, **__: Any) -> None:
        raise RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 64 vs 0\nmore")

    with monkeypatch.context() as patched:
        patched.setattr("unspin.train.save._save_adapter", full)
        with pytest.raises(
            finetune.TrainError, match=r"adapter could not be written \(.*inline_container.* GB free\): free some space"
        ):
            finetune.main(config)
    assert (finetune.main(config) / "unspin.json").is_file()


def test_a_gpu_out_of_memory_says_what_to_lower(
    pairs: Path, tiny_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def step(*_: Any, **__: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 518.00 MiB. GPU 0 has")

    monkeypatch.setattr(finetune.PairTrainer, "training_step", step)
    with pytest.raises(finetune.TrainError, match=r"ran out of memory at step 1 \(CUDA out of memory\): lower tokens"):
        finetune.main(_config(pairs, tiny_base, tmp_path / "run"))


class _Synchronisations(TorchDispatchMode):
    """Records operations that make the host wait for its device: reading a value, or a shape that depends on values."""

    waiting = ("_local_scalar_dense", "nonzero", "masked_select", "equal", "item", "is_nonzero")

    def __init__(self) -> None:
        super().__init__()
        self.stacks: list[str] = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        if func.__name__.split(".")[0] in self.waiting:
            self.stacks.append("".join(traceback.format_stack(limit=8)))
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("accumulate", [1, 2])
def test_no_step_waits_for_the_device(
    accumulate: int, pairs: Path, tiny_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synchronisations = _Synchronisations()

    class Watch(TrainerCallback):
        def on_step_begin(self, args, state, control, **kwargs):  # type: ignore[no-untyped-def]
            synchronisations.__enter__()

        def on_step_end(self, args, state, control, **kwargs):  # type: ignore[no-untyped-def]
            synchronisations.__exit__(None, None, None)

    plain = finetune.PairTrainer.__init__
    monkeypatch.setattr(
        finetune.PairTrainer,
        "__init__",
        lambda self, *args, **kwargs: plain(self, *args, callbacks=[Watch()], **kwargs),
    )
    base = shutil.copytree(tiny_base, tmp_path / "base")
    settings = json.loads((base / "config.json").read_text())
    (base / "config.json").write_text(
        json.dumps(settings | {"sliding_window": 1024})
    )  # longer than any row, as the default model's is
    finetune.main(
        _config(pairs, base, tmp_path / "run").model_copy(
            update={"max_steps": 4, "gradient_accumulation_steps": accumulate}
        )
    )
    assert not synchronisations.stacks, synchronisations.stacks[0]


@pytest.mark.parametrize("precision", ["bf16", "auto"])
def test_it_trains_in_16_bits_on_a_cpu(precision: str, pairs: Path, tiny_base: Path, tmp_path: Path) -> None:
    changes = {
        "max_steps": 1,
        "precision": precision,
        "gradient_checkpointing": True,
        "lr_scheduler_type": "cosine",
        "label_smoothing_factor": 0.1,
        "overlong": "cut",
    }
    target = finetune.main(_config(pairs, tiny_base, tmp_path / "run").model_copy(update=changes))
    assert json.loads((target / "unspin.json").read_text())["figures"]["steps"] == 1


def test_an_evaluation_does_not_see_the_originals(
    pairs: Path, tiny_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = _config(pairs, tiny_base, tmp_path / "run").model_copy(update={"eval_rows": 6})
    backbone = Backbone.open(str(tiny_base))
    seen: list[str] = []
    rewrite = TransformersEngine.rewrite
    monkeypatch.setattr(TransformersEngine, "rewrite", lambda self, texts: seen.extend(texts) or rewrite(self, texts))
    validation = Validation(config, backbone)
    validation.restore(backbone.load(config))
    originals = {row["original"] for row in validation.rows if row["edits"]}
    assert seen and not originals & set(seen)


def test_a_folder_without_a_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnspinError, match="holds no run"):
        plot(tmp_path)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"precision": "fp16"}, "fp16 overflows"),
        ({"backbone": "google/flan-t5-base", "precision": "fp16"}, "fp16 overflows"),
        ({"adapter": "x", "trainable": "layers"}, "adapter continues the training of LoRA weights"),
        ({"eval_steps": 3, "save_steps": 4}, "save_steps must be a multiple of eval_steps"),
        ({"early_stopping_patience": 2}, "early_stopping_patience counts evaluations"),
        ({"source_weights": {"a": -1}}, "source_weights.a\n.* greater than or equal to 0"),
        ({"spinner_weights": {"a": 1e6}}, "spinner_weights.a\n"),
        ({"source_weights": {"a": float("nan")}}, "source_weights.a\n"),
        ({"learning_rate": float("inf")}, "learning_rate\n.* finite number"),
        ({"seed": -1}, "seed\n"),
        ({"seed": 2**32}, "seed\n"),
        ({"lora": {"target_modules": "("}}, "not a regular expression"),
    ],
)
def test_invalid_and_contradictory_keys_are_refused(changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        TrainConfig.model_validate({"data": "d", "output": "o", "max_steps": 1} | changes)


def test_two_processes_learn_the_same_as_one_with_the_same_global_batch(
    pairs: Path, tiny_base: Path, tmp_path: Path
) -> None:
    one, two = (
        _config(pairs, tiny_base, tmp_path / name).model_copy(update={"seed": 3, "max_steps": 2, "warmup_steps": 0})
        for name in ("one", "two")
    )
    whole = finetune.main(one.model_copy(update={"gradient_accumulation_steps": 2}))
    (tmp_path / "run.yaml").write_text(json.dumps(two.model_dump(mode="json")))
    options = ["--config_file", "configs/accelerate/cpu.yaml", "--main_process_port", "0"]
    command = ["-m", "accelerate.commands.launch", *options]
    done = subprocess.run(
        [sys.executable, *command, "-m", "unspin.train", tmp_path / "run.yaml"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]
    launch = "\naccelerate launch --config_file configs/accelerate/cpu.yaml --main_process_port 0 -m unspin.train "
    card = (tmp_path / "two" / "adapter" / "README.md").read_text(encoding="utf-8")
    assert f"{launch}{tmp_path / 'run.yaml'}\n" in card and f"{launch}train.yaml output=" in card
    expected, got = (
        load_file(folder / "adapter_model.safetensors") for folder in (whole, tmp_path / "two" / "adapter")
    )
    for name in (name for name in expected if "lora_B" in name):
        a, b = expected[name].float(), got[name].float()
        assert (a - b).norm() < 0.05 * a.norm(), name
