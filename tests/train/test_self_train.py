"""Self-training: what is learned from restorations, what each round trains on, and what a second run repeats."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from unspin.config import ConfigError, load_config
from unspin.data.build import build
from unspin.data.config import BuildConfig
from unspin.data.corpora import CorpusError
from unspin.data.load import load_split
from unspin.infer import Restorer
from unspin.infer.engines.base import Rewriting
from unspin.infer.models.backbone import ModelError
from unspin.phrase_lists import read_counts
from unspin.train import self_train as module
from unspin.train.config import SelfTrainConfig
from unspin.train.self_train import SelfTrainError, count_restored, self_train

SPUN = ["The folk voted last term.", "A term without folk is long.", "The term is old."]


class Engine:
    """Restores "folk" and "term" with full confidence."""

    def rewrite(self, sentences: Sequence[str]) -> list[Rewriting]:
        texts = [sentence.replace("folk", "people").replace("term", "year") for sentence in sentences]
        return [Rewriting(text, tuple(range(1, len(text) + 1)), (0.0,) * (len(text) + 1)) for text in texts]


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The checkpoints that were loaded to restore; `Engine` stands in for each of them."""
    names: list[str] = []

    def load(name: str, **_: Any) -> Restorer:
        names.append(name)
        return Restorer(Engine())

    monkeypatch.setattr(module.Restorer, "from_pretrained", load)
    return names


@pytest.fixture
def config(tiny_base: Path, tiny_adapter: Path, corpus: Path, tmp_path: Path) -> SelfTrainConfig:
    """Two rounds of two steps each, of the tiny model."""
    spun = tmp_path / "spun"
    spun.mkdir()
    for number, text in enumerate(SPUN):
        (spun / f"{number}.txt").write_text(text, encoding="utf-8")
    clean = {"kind": "folder", "name": "made", "path": str(corpus), "licence": "ours"}
    build = {"output": "unused", "variants": 1, "holdout_share": 0.2, "spinners": {"learned": 1.0}, "sources": [clean]}
    train = {
        "backbone": str(tiny_base), "data": "unused", "output": "unused", "max_steps": 2, "warmup_steps": 1,
        "tokens_per_batch": 1024, "max_tokens": 512, "precision": "fp32", "report_to": [],
    }  # fmt: skip
    for name, settings in (("build", build), ("train", train)):
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    return SelfTrainConfig(
        spun=[{"kind": "folder", "name": "spun", "path": str(spun), "licence": "ours"}], checkpoint=str(tiny_adapter),
        rounds=2, build=tmp_path / "build.yaml", train=tmp_path / "train.yaml", output=tmp_path / "rounds",
    )  # fmt: skip


def test_restorations_are_counted_over_all_texts() -> None:
    assert count_restored(SPUN, Restorer(Engine())) == {("people", "folk"): 2, ("year", "term"): 3}


def test_each_round_learns_from_the_checkpoint_before_and_trains_the_first(
    config: SelfTrainConfig, loaded: list[str]
) -> None:
    checkpoint = self_train(config)
    first, second = (config.output / f"round-{number}" for number in (1, 2))
    assert checkpoint == second / "run" / "adapter"
    assert loaded == [config.checkpoint, str(first / "run" / "adapter")]
    assert read_counts(first / "phrases.tsv") == {("year", "term"): 3, ("people", "folk"): 2}
    for folder in (first, second):
        settings = (folder / "run" / "adapter" / "unspin.json").read_text(encoding="utf-8")
        assert f'"adapter": "{config.checkpoint}"' in settings
        rules = {edit["rule"] for row in load_split(folder / "data", "train") for edit in row["edits"]}
        assert rules and all(rule in ("year > term", "people > folk") for rule in rules)


def test_a_finished_run_is_not_repeated(config: SelfTrainConfig, loaded: list[str]) -> None:
    checkpoint = self_train(config)
    loaded.clear()
    assert self_train(config) == checkpoint and not loaded


def test_other_texts_are_refused_in_the_same_folder(config: SelfTrainConfig, loaded: list[str], tmp_path: Path) -> None:
    one = config.model_copy(update={"rounds": 1})
    self_train(one)
    (tmp_path / "spun" / "0.txt").write_text("Another text about a term.", encoding="utf-8")
    with pytest.raises(SelfTrainError, match=r"phrases\.tsv was learned from other texts.*output="):
        self_train(one)


def test_configs_that_do_not_suit_are_refused_before_anything_is_restored(
    config: SelfTrainConfig, loaded: list[str], tmp_path: Path
) -> None:
    def change(name: str, **values: object) -> None:
        file = tmp_path / f"{name}.yaml"
        file.write_text(yaml.safe_dump(yaml.safe_load(file.read_text()) | values))

    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        self_train(config.model_copy(update={"output": tmp_path / "file"}))
    change("train", lora={"rank": 3})
    with pytest.raises(ModelError, match="lora sets rank 3"):
        self_train(config)
    change("train", trainable="layers")
    with pytest.raises(ConfigError, match=r"train\.yaml: adapter continues the training of LoRA weights"):
        self_train(config)
    change("build", spinners={"phrases": 1.0})
    with pytest.raises(SelfTrainError, match=r"build\.yaml: add 'learned' to its spinners"):
        self_train(config)
    assert not loaded


def test_other_training_settings_are_refused_with_advice_for_this_command(
    config: SelfTrainConfig, loaded: list[str], tmp_path: Path
) -> None:
    one = config.model_copy(update={"rounds": 1})
    self_train(one)
    settings = yaml.safe_load((tmp_path / "train.yaml").read_text())
    (tmp_path / "train.yaml").write_text(yaml.safe_dump(settings | {"max_steps": 3}))
    with pytest.raises(SelfTrainError, match=r"max_steps: 2 there, 3 here.*: set output=… of self-train to another"):
        self_train(one)


def test_the_data_card_names_the_terms_of_the_texts_and_the_command_that_builds_it_again(
    config: SelfTrainConfig, loaded: list[str], tmp_path: Path
) -> None:
    self_train(config.model_copy(update={"rounds": 1}))
    made = tmp_path / "rounds" / "round-1" / "data"
    card = (made / "README.md").read_text(encoding="utf-8")
    assert "| learned | dictionary | learned from texts under these terms: ours |" in card
    command = shlex.split(re.search("Made by `unspin build (.*)` ", card)[1])  # type: ignore[index]
    again = load_config(Path(command[0]), BuildConfig, [*command[1:], f"output={tmp_path / 'again'}"])
    build(again, "")
    assert (tmp_path / "again" / "checksums.json").read_text() == (made / "checksums.json").read_text()


def test_a_share_of_the_texts_is_used(config: SelfTrainConfig) -> None:
    (source,) = config.spun
    shares = (source.model_copy(update={"share": share}) for share in (1.0, 0.001))
    assert len(list(module._read_texts([next(shares)]))) == len(SPUN)
    with pytest.raises(CorpusError, match="no text in any of the sources"):
        list(module._read_texts([next(shares)]))


def test_texts_that_teach_nothing_are_reported(config: SelfTrainConfig, loaded: list[str], tmp_path: Path) -> None:
    for file in (tmp_path / "spun").iterdir():
        file.write_text("Nothing here is garbled.", encoding="utf-8")
    with pytest.raises(SelfTrainError, match=r"sure of no restoration in 3 texts.*min_confidence"):
        self_train(config)


def test_missing_texts_are_reported(config: SelfTrainConfig, tmp_path: Path) -> None:
    for file in (tmp_path / "spun").iterdir():
        file.write_text(" \n", encoding="utf-8")
    with pytest.raises(CorpusError, match="no text in any of the sources: spun"):
        self_train(config)
