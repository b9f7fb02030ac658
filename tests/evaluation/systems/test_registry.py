"""The table of systems: every entry can be imported and subclasses `System`."""

from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import pytest
from unspin.errors import UnspinError
from unspin.evaluation.systems import SYSTEMS, load_system
from unspin.evaluation.systems.base import System, SystemSettings
from unspin.evaluation.systems.copy import Copy
from unspin.phrase_lists import PhraseListError


@pytest.mark.parametrize("target", SYSTEMS.values())
def test_every_entry_is_a_system(target: str) -> None:
    assert issubclass(resolve_name(target), System)


def test_copying_returns_the_input() -> None:
    system = load_system("copy the input", SystemSettings())
    assert isinstance(system, Copy) and system.restore(["One.", "Two."]) == ["One.", "Two."]


@pytest.mark.parametrize("name", ["reverse lexicon", "noisy channel"])
def test_lexicon_systems_name_the_missing_key(name: str) -> None:
    with pytest.raises(UnspinError, match="set lexicon_data"):
        load_system(name, SystemSettings())


def test_a_revision_changes_with_what_outputs_depend_on(tiny_adapter: Path, tmp_path: Path) -> None:
    (phrases := tmp_path / "list.tsv").write_text("bosom peril\tbreast cancer\n")

    def revision(name: str = "unspin", **settings: Any) -> str:
        return load_system(name, SystemSettings(str(tiny_adapter), **settings)).revision

    base = revision()
    assert revision(lexicon_data=tmp_path) == base
    with_list = revision(phrases=phrases)
    phrases.write_text("bosom peril\tbreast tumour\n")
    others = with_list, revision(phrases=phrases), revision(protect=("war",)), revision(min_confidence=0.5)
    assert len({base, *others, revision("unspin int8")}) == 6


def test_unspin_has_the_phrases_and_the_terms_of_the_config(tmp_path: Path) -> None:
    (phrases := tmp_path / "list.tsv").write_text("bosom peril\tbreast cancer\n")
    settings = SystemSettings(phrases=phrases, protect=("Ultimate Minute",))
    texts = ["The doctors treated her for bosom peril.", "The team misplaced the match in the ultimate minute."]
    assert load_system("unspin", settings).restore(texts) == [
        "The doctors treated her for breast cancer.",
        "The team lost the match in the ultimate minute.",
    ]


def test_a_list_that_cannot_be_read_is_refused_before_any_model_is_loaded(tmp_path: Path) -> None:
    with pytest.raises(PhraseListError, match=r"none\.tsv"):
        load_system("unspin", SystemSettings(phrases=tmp_path / "none.tsv"))
