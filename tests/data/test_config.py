"""Configs: what is wrong is named with file, key, value and the nearest valid key; every shipped file is valid."""

from pathlib import Path

import pytest
from unspin.data.build import BuildConfig
from unspin.data.config import ConfigError, load_config
from unspin.train.config import CalibrateConfig, EvalConfig, TrainConfig

ROOT = Path(__file__).parents[2]
MODELS = {"data": BuildConfig, "train": TrainConfig, "eval": EvalConfig, "calibrate": CalibrateConfig}
SHIPPED = sorted(path for kind in MODELS for path in (ROOT / "configs" / kind).glob("*.yaml"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_shipped_config_is_valid_and_opens_with_its_command(path: Path) -> None:
    hash_mark, program, _, shown, *overrides = path.read_text().splitlines()[0].split()
    assert (hash_mark, program, shown) == ("#", "unspin", f"configs/{path.parent.name}/{path.name}")
    load_config(path, MODELS[path.parent.name], overrides)


def _write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "run.yaml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("data: d\noutput: o\nsteps: 5\nlearning_rat: 1", "unknown key 'learning_rat' with value 1; did you mean 'learning_rate'?"),
        ("data: d\noutput: o\nsteps: 5\nlora: {rnak: 1}", "unknown key 'lora.rnak' with value 1; did you mean 'rank'?"),
        ("data: d\noutput: o\nsteps: many", "steps: Input should be a valid integer.*found 'many'"),
        ("output: o\nsteps: 5", "key 'data' is missing"),
        ("data: d\noutput: o", "give steps, or a time_limit such as 20m"),
        ("- 1", "expected keys and values, found list"),
        ("a: [", "not YAML"),
        ("inherits: run.yaml", "'inherits' leads back to itself"),
    ],
)
def test_mistakes_are_explained(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(ConfigError, match=f"run.yaml: {complaint}"):
        load_config(_write(tmp_path, text), TrainConfig)


def test_overrides_and_inheritance(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text("data: d\noutput: o\nsteps: 5\nlora: {rank: 4, alpha: 8}")
    path = _write(tmp_path, "inherits: base.yaml\nlora: {rank: 2}")
    config = load_config(path, TrainConfig, ["learning_rate=1e-5", "lora.alpha=3"])
    assert (config.lora.rank, config.lora.alpha, config.learning_rate, config.steps) == (2, 3, 1e-5, 5)
    with pytest.raises(ConfigError, match="key=value"):
        load_config(path, TrainConfig, ["steps"])
