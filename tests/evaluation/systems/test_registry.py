"""The table of systems: every entry can be imported and subclasses `System`."""

from pathlib import Path
from pkgutil import resolve_name

import pytest
from unspin.errors import UnspinError
from unspin.evaluation.systems import SYSTEMS, load_system
from unspin.evaluation.systems.base import System, SystemSettings
from unspin.evaluation.systems.copy import Copy


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
    settings = (
        SystemSettings(str(tiny_adapter)),
        SystemSettings(str(tiny_adapter), min_confidence=0.5),
        SystemSettings(str(tiny_adapter), lexicon_data=tmp_path),
    )
    base, confident, other = (load_system("unspin", one).revision for one in settings)
    assert base != confident and base == other
    assert load_system("unspin int8", settings[0]).revision != base
