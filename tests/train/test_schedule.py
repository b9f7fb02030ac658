"""Time limits: the learning rate reaches zero when the time is up, at any speed, and earlier attempts count."""

import json
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file
from transformers import TrainerCallback
from unspin.train import finetune, schedule
from unspin.train.config import TrainConfig
from unspin.train.schedule import Clock, OutOfTimeError


def _config(**changes: object) -> TrainConfig:
    return TrainConfig.model_validate({"data": "d", "output": "o", "warmup_steps": 0, "time_limit": "100s"} | changes)


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A clock that the test sets."""
    clock = SimpleNamespace(seconds=1000.0)
    monkeypatch.setattr(schedule, "now", lambda: clock.seconds)
    return clock


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("90s", 90), ("20m", 1200), ("1h30m", 5400), ("2h", 7200), (45, 45), ("0.5", None), ("soon", None), (True, None)],
)
def test_durations_are_parsed(written: object, seconds: float | None) -> None:
    if seconds is None:
        with pytest.raises(ValueError, match="give a time such as"):
            _config(time_limit=written)
    else:
        assert _config(time_limit=written).time_limit == seconds


@pytest.mark.parametrize("written", [0, -5, "0s", float("inf"), float("nan")])
def test_a_time_limit_is_positive_and_finite(written: object) -> None:
    with pytest.raises(ValueError, match="time_limit"):
        _config(time_limit=written)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"time_limit": None}, "give max_steps, or a time_limit"),
        ({"lr_scheduler_type": "constant_with_warmup"}, "ends with a learning rate of 0"),
    ],
)
def test_a_run_needs_an_end_and_a_decaying_learning_rate(changes: dict[str, object], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        _config(**changes)


def _walk(clock: Clock, now: SimpleNamespace, speeds: list[float]) -> list[float]:
    """The learning rate of each step until the clock ends the run. `speeds`: seconds per step; the last one repeats."""
    clock.on_train_begin(None, SimpleNamespace(global_step=0, is_world_process_zero=True), None)
    rates, step = [clock.rate(0)], 0
    while clock.progress < 1:
        now.seconds += speeds[min(step, len(speeds) - 1)]
        clock.on_pre_optimizer_step(None, SimpleNamespace(global_step=step), None)
        step += 1
        rates.append(clock.rate(step))
    return rates


@pytest.mark.parametrize("kind", ["linear", "cosine"])
@pytest.mark.parametrize("speeds", [[1.0], [2.0] * 20 + [0.5], [0.5] * 60 + [3.0]], ids=["even", "faster", "slower"])
def test_the_learning_rate_reaches_zero_in_time_at_any_speed(
    kind: str, speeds: list[float], now: SimpleNamespace, tmp_path: Path
) -> None:
    clock = Clock(_config(lr_scheduler_type=kind, output=tmp_path), now.seconds)
    now.seconds += 8  # loading
    rates = _walk(clock, now, speeds)
    assert rates[0] == 1 and rates[-1] == 0 and all(a > b for a, b in pairwise(rates))
    assert rates[-2] < 0.1
    assert 94 - 2 * speeds[-1] <= clock.seconds <= 98, "the rest is the reserve for saving, and less than two steps"


def test_the_learning_rate_warms_up_and_follows_a_cosine(now: SimpleNamespace, tmp_path: Path) -> None:
    rates = _walk(Clock(_config(warmup_steps=4, output=tmp_path), now.seconds), now, [1.0])
    assert rates[0] == 0 and rates[1] == pytest.approx(0.25, abs=0.01) and max(rates) == rates[4]
    rates = _walk(Clock(_config(lr_scheduler_type="cosine", output=tmp_path / "b"), now.seconds), now, [1.0])
    assert rates[len(rates) // 2] == pytest.approx(0.5, abs=0.03) and rates[len(rates) // 4] > 0.84


def test_max_steps_end_a_run_before_its_time(now: SimpleNamespace, tmp_path: Path) -> None:
    rates = _walk(Clock(_config(max_steps=10, output=tmp_path), now.seconds), now, [1.0])
    assert len(rates) == 11 and rates[5] == pytest.approx(0.5) and rates[-1] == 0


def test_time_is_reserved_for_slow_checkpoints(now: SimpleNamespace, tmp_path: Path) -> None:
    clock = Clock(_config(output=tmp_path), now.seconds)
    with clock.interruption("saving"):
        now.seconds += 15
    _walk(clock, now, [1.0])
    assert clock.seconds <= 70


def test_time_is_reserved_for_the_last_evaluation_and_evaluations_do_not_slow_steps(
    now: SimpleNamespace, tmp_path: Path
) -> None:
    clock = Clock(_config(output=tmp_path), now.seconds)
    clock.on_pre_optimizer_step(None, SimpleNamespace(global_step=0), None)
    with clock.interruption("evaluating"):
        now.seconds += 20
    rates = _walk(clock, now, [1.0])
    assert 78 <= clock.seconds <= 80 and rates[-2] > 0, "a step takes a second, and the last evaluation 20"


def test_a_checkpoint_is_saved_in_each_tenth_of_the_time(now: SimpleNamespace, tmp_path: Path) -> None:
    clock, saved = Clock(_config(output=tmp_path), now.seconds), []
    control = SimpleNamespace(should_evaluate=False, should_training_stop=False)
    while not control.should_training_stop:
        now.seconds += 1
        clock.on_pre_optimizer_step(None, SimpleNamespace(global_step=0), None)
        control.should_save = False
        clock.on_step_end(None, SimpleNamespace(), control)
        if control.should_save:
            saved.append(now.seconds)
    assert len(saved) == 10 and all(b - a <= 11 for a, b in pairwise(saved))


def test_earlier_attempts_count(now: SimpleNamespace, tmp_path: Path) -> None:
    first = Clock(_config(output=tmp_path), now.seconds)
    first.on_train_begin(None, SimpleNamespace(global_step=0, is_world_process_zero=True), None)
    now.seconds += 60
    first.on_log(None, SimpleNamespace(is_world_process_zero=True), None)
    now.seconds += 1000  # until the run is started again
    second = Clock(_config(output=tmp_path), now.seconds)
    assert second.seconds == 60
    second.on_train_begin(None, SimpleNamespace(global_step=30, is_world_process_zero=True), None)
    second.on_pre_optimizer_step(None, SimpleNamespace(global_step=30), None)
    assert second.rate(31) == pytest.approx(38 / 98, abs=0.01)


def test_a_run_whose_time_is_over_before_the_first_step_is_an_error(now: SimpleNamespace, tmp_path: Path) -> None:
    clock = Clock(_config(output=tmp_path), now.seconds)
    now.seconds += 200
    with pytest.raises(OutOfTimeError, match="time_limit, 100 seconds, was over before the first step"):
        clock.on_train_begin(None, SimpleNamespace(global_step=0, is_world_process_zero=True), None)


class _Seconds(TrainerCallback):
    """Makes each step take half a second, and kills the run at one of them."""

    def __init__(self, now: SimpleNamespace, kill_at: int) -> None:
        self._now, self._kill_at = now, kill_at

    def on_step_begin(self, args, state, control, **kwargs):  # type: ignore[no-untyped-def]
        self._now.seconds += 0.5
        if state.global_step == self._kill_at:
            raise KeyboardInterrupt


def _killed_once(now: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, at: int) -> None:
    """Kill the first run at a step, and let the next one end."""
    plain, kills = finetune.PairTrainer.__init__, iter([at, -1])

    def timed(self, *args, **kwargs):  # type: ignore[no-untyped-def]
        plain(self, *args, callbacks=[_Seconds(now, next(kills))], **kwargs)

    monkeypatch.setattr(finetune.PairTrainer, "__init__", timed)


def test_a_killed_run_resumes_and_ends_in_time(
    pairs: Path, tiny_base: Path, tmp_path: Path, now: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = TrainConfig.model_validate(
        {
            "backbone": str(tiny_base), "data": pairs, "output": tmp_path / "run", "time_limit": "30s",
            "warmup_steps": 2, "save_steps": 10, "tokens_per_batch": 1024, "max_tokens": 512, "learning_rate": 1e-2,
            "precision": "fp32", "lora": {"rank": 4, "alpha": 8}, "report_to": [],
        }
    )  # fmt: skip
    _killed_once(now, monkeypatch, at=25)
    with pytest.raises(KeyboardInterrupt):
        finetune.main(config)
    assert json.loads((tmp_path / "run" / "clock.json").read_text())["seconds"] == 12, "as at the last checkpoint"
    target = finetune.main(config)
    steps = json.loads((target / "unspin.json").read_text())["figures"]["steps"]
    assert steps == 24 + 34, "29.4 seconds of half-second steps, each counted once"
    log = json.loads((tmp_path / "run" / "log.json").read_text())
    rates = [row["learning_rate"] for row in log if "learning_rate" in row]
    assert rates[-1] < 1e-3 and rates[-1] == min(rates) and max(rates) > 5e-3
    last = tmp_path / "run" / f"checkpoint-{steps}"
    assert set(torch.load(last / "scheduler.pt", weights_only=True)["_last_lr"]) == {0.0}
    kept = load_file(last / "adapter_model.safetensors")
    assert all(
        torch.equal(weight, kept[name].bfloat16())
        for name, weight in load_file(target / "adapter_model.safetensors").items()
    )


def test_a_run_without_time_left_is_finished_unchanged(
    config: TrainConfig, now: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, messages: list[str]
) -> None:
    config = config.model_copy(update={"max_steps": None, "time_limit": 30.0})
    _killed_once(now, monkeypatch, at=5)
    with pytest.raises(KeyboardInterrupt):
        finetune.main(config)
    clock = config.output / "clock.json"
    noted = json.loads(clock.read_text())
    assert noted["seconds"] == 2, "as at the last checkpoint"
    clock.write_text(json.dumps(noted | {"seconds": 1000}))
    target = finetune.main(config)
    assert "time_limit is over: finishing with the weights of step 4" in messages
    kept = load_file(config.output / "checkpoint-4" / "adapter_model.safetensors")
    assert all(
        torch.equal(weight, kept[name].bfloat16())
        for name, weight in load_file(target / "adapter_model.safetensors").items()
    )
