"""Configs of `unspin evaluate` and `unspin calibrate`: what is refused, and what follows from the keys."""

from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import ValidationError
from unspin.evaluation.config import CalibrateConfig, EvalConfig
from unspin.evaluation.suites.pairs import PairsSuite
from unspin.evaluation.systems.base import SystemSettings

Make = Callable[..., EvalConfig]


def test_suites_need_different_names(make_config: Make, items_file: Path, pairs: Path) -> None:
    items = {"kind": "items", "name": "items", "path": items_file}
    with pytest.raises(ValidationError, match="several suites are called items"):
        make_config(suites=[items, items])
    spun = {"kind": "data", "name": "spun", "data": pairs}
    with pytest.raises(ValidationError, match="several suites are called spun"):
        CalibrateConfig.model_validate({"checkpoint": "x", "suites": [spun, spun], "unseen": ["spun"]})


def test_real_texts_alone_are_enough_and_come_first(make_config: Make, make_pairs: Callable[..., PairsSuite]) -> None:
    path = make_pairs().path
    assert [suite.name for suite in make_config(suites=[], real=path).suites] == ["real"]
    assert [suite.name for suite in make_config(real=path).suites] == ["real", "items"]


def test_a_config_without_any_suite_is_refused(make_config: Make) -> None:
    with pytest.raises(ValidationError, match="real=FILE"):
        make_config(suites=[])
    with pytest.raises(ValidationError, match="at least one suite"):
        CalibrateConfig.model_validate({"checkpoint": "x", "suites": [], "unseen": ["spun"]})


@pytest.mark.parametrize("term", ["", " ", "."])
def test_terms_without_a_word_are_refused(make_config: Make, term: str) -> None:
    with pytest.raises(ValidationError, match="protect"):
        make_config(protect=["Bosom Records", term])


def test_unknown_systems_are_refused(make_config: Make) -> None:
    with pytest.raises(ValidationError, match="unknown system harpo: choose from unspin, "):
        make_config(systems=["harpo"])


def test_systems_see_their_settings_only(make_config: Make, tmp_path: Path) -> None:
    phrases = tmp_path / "phrases.tsv"
    config = make_config(
        checkpoint="runs/x", min_confidence=0.25, phrases=phrases, protect=["Bosom Records"], lexicon_data=tmp_path
    )
    assert config.system_settings == SystemSettings("runs/x", 0.25, phrases, ("Bosom Records",), tmp_path)


def test_unseen_suites_must_be_among_the_suites(pairs: Path) -> None:
    suite = {"kind": "data", "name": "spun", "data": pairs}
    with pytest.raises(ValidationError, match="unknown suite heads: choose from spun"):
        CalibrateConfig.model_validate({"checkpoint": "x", "suites": [suite], "unseen": ["heads"]})
