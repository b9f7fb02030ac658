"""Which extra installs a missing package, read from the metadata of the distribution."""

import pytest
from packaging.requirements import Requirement
from unspin.extras import choose_extra, distribution_of, explain_missing_package, resolve_extra

REQUIREMENTS = [
    Requirement(line)
    for line in (
        "torch>=2",
        "tomli; python_version < '3'",
        "PyArrow>=24; extra == 'parquet'",
        "pyarrow>=24; extra == 'build'",
        "datatrove; extra == 'build'",
        "unspin[build]; extra == 'train'",
        "evaluate; extra == 'train'",
        "unspin[train,parquet]; extra == 'all'",
    )
]
EXTRAS = {name: frozenset(resolve_extra(name, REQUIREMENTS)) for name in ("", "parquet", "build", "train", "all")}


def test_an_extra_includes_the_packages_of_the_extras_it_names() -> None:
    assert {
        "": {"torch"},
        "parquet": {"pyarrow"},
        "build": {"pyarrow", "datatrove"},
        "train": {"pyarrow", "datatrove", "evaluate"},
        "all": {"pyarrow", "datatrove", "evaluate"},
    } == EXTRAS


@pytest.mark.parametrize(
    ("package", "command", "extra"),
    [
        ("torch", "train", ""),
        ("pyarrow", "train", "train"),
        ("pyarrow", "restore", "parquet"),
        ("datatrove", "restore", "build"),
    ],
)
def test_the_extra_of_the_command_is_preferred_and_then_the_smallest(package: str, command: str, extra: str) -> None:
    assert choose_extra(package, command, EXTRAS) == extra


def test_modules_are_traced_to_their_distributions() -> None:
    modules = ("upath", "yaml", "harper", "huggingface_hub", "pyarrow.parquet")
    distributions = ["universal-pathlib", "pyyaml", "harper-py", "huggingface-hub", "pyarrow"]
    assert [distribution_of(module) for module in modules] == distributions


def test_an_explanation_names_the_package_and_its_extra() -> None:
    error = ModuleNotFoundError("No module named 'datatrove'", name="datatrove")
    expected = "unspin build needs the package datatrove: pip install 'unspin[build]'"
    assert explain_missing_package(error, "build") == expected
    assert "'unspin[evaluate]'" in str(explain_missing_package(ImportError(name="sacrebleu"), "calibrate"))
    assert str(explain_missing_package(ImportError(name="torch"), "build")).endswith(": pip install unspin")


@pytest.mark.parametrize("name", ["nonesuch", "unspin.cli", None])
def test_other_import_errors_are_not_explained(name: str | None) -> None:
    assert explain_missing_package(ImportError("broken", name=name), "build") is None
