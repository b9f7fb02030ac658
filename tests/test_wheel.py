"""The wheel: exactly the packages of unspin and their assets, and the dependencies of every import are declared."""

import ast
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterable, Iterator
from email import message_from_bytes
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from unspin.extras import distribution_of, resolve_extra

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PACKAGES = {"core": "unspin"} | {name: f"unspin/{name}" for name in ("data", "infer", "evaluation", "train", "cli")}
ASSETS = {
    "core": ["py.typed", "english/*.tsv", "english/*.tsv.gz", "english/names.txt", "english/WORDNET_LICENSE"],
    "data": ["samples/*.txt"],
    "infer": ["page.html", "side_by_side.html", "adapter/*", "web/*.html", "web/*.css", "web/*.js"],
    "cli": ["screening.html"],
    "evaluation": ["report.html", "external/requirements.txt"],
}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """A wheel built from a copy, since setuptools packs whatever an earlier build left in build/lib."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    tracked = [*PACKAGES, "pyproject.toml", "README.md", "LICENSE", "NOTICE"]
    for name in tracked:
        path = ROOT / name
        if path.is_dir():
            shutil.copytree(path, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(path, source)
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(target)]
    subprocess.run([sys.executable, "-m", "pip", "wheel", *options, str(source)], check=True)
    (file,) = target.glob("unspin-*.whl")
    return zipfile.ZipFile(file)


def _expected_files() -> set[str]:
    files = set()
    for folder, package in PACKAGES.items():
        patterns = ["**/*.py", *ASSETS.get(folder, [])]
        for file in (file for pattern in patterns for file in (ROOT / folder).glob(pattern) if file.is_file()):
            files.add(f"{package}/{file.relative_to(ROOT / folder).as_posix()}")
    return files


def test_the_wheel_holds_exactly_the_packages_and_their_assets(wheel: zipfile.ZipFile) -> None:
    names = {name for name in wheel.namelist() if ".dist-info/" not in name}
    expected = _expected_files()
    assert names == expected, f"missing: {sorted(expected - names)}, unexpected: {sorted(names - expected)}"


def test_the_wheel_holds_what_restoring_reads(wheel: zipfile.ZipFile) -> None:
    names = set(wheel.namelist())
    for asset in (
        "py.typed",
        "english/function.tsv",
        "english/wordnet.tsv.gz",
        "infer/adapter/adapter_model.safetensors",
        "infer/adapter/unspin.json",
        "infer/adapter/vocabulary.safetensors",
        "infer/page.html",
        "infer/side_by_side.html",
        "infer/web/index.html",
    ):
        assert f"unspin/{asset}" in names


def test_its_metadata_names_version_and_licences(wheel: zipfile.ZipFile) -> None:
    (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    fields = message_from_bytes(wheel.read(name))
    assert fields["Version"] == PROJECT["version"] and "Typing :: Typed" in fields.get_all("Classifier", [])
    assert set(fields.get_all("License-File", [])) == {"LICENSE", "NOTICE", "core/english/WORDNET_LICENSE"}


def test_the_installed_package_offers_its_public_names(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    wheel.extractall(tmp_path)
    script = (
        "import sys, unspin; assert 'torch' not in sys.modules; from unspin import Restoration, Restorer, pipeline; "
        "print(unspin.__file__, unspin.__version__, *sorted(unspin.__all__), callable(pipeline))"
    )
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    line = [sys.executable, "-c", script]
    done = subprocess.run(line, capture_output=True, text=True, check=True, cwd=tmp_path, env=environment)
    version = PROJECT["version"]
    names = ["Restoration", "Restorer", "__version__", "pipeline", "True"]
    assert done.stdout.split() == [str(tmp_path / "unspin" / "__init__.py"), version, *names]


def _imports(statements: Iterable[ast.AST]) -> Iterator[str]:
    """The third-party modules that some statements import."""
    for node in statements:
        if isinstance(node, ast.Import):
            modules = [name.name for name in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            modules = [node.module]
        else:
            continue
        for root in {module.partition(".")[0] for module in modules}:
            if root not in sys.stdlib_module_names and root not in ("unspin", "benchmarks"):
                yield root


def _trees(folder: str) -> Iterator[tuple[str, ast.Module]]:
    for file in (ROOT / folder).rglob("*.py"):
        yield file.name, ast.parse(file.read_text(encoding="utf-8"))


def _declared(*extras: str) -> set[str]:
    """The packages of the base installation and of some extras, as pyproject.toml declares them."""
    requirements = [Requirement(line) for line in PROJECT["dependencies"]]
    for extra, lines in PROJECT["optional-dependencies"].items():
        requirements += [Requirement(f'{line}; extra == "{extra}"') for line in lines]
    return set().union(*(resolve_extra(extra, requirements) for extra in ("", *extras)))


@pytest.mark.parametrize(
    ("folder", "extra"),
    [
        *((folder, "all") for folder in PACKAGES),
        ("benchmarks", "dev"),
        ("docs", "dev"),
        ("tests", "dev"),
    ],
)
def test_every_import_is_declared(folder: str, extra: str) -> None:
    imported = {(module, name) for name, tree in _trees(folder) for module in _imports(ast.walk(tree))}
    assert not {(module, name) for module, name in imported if distribution_of(module) not in _declared(extra)}


@pytest.mark.parametrize(("folder", "extra"), [("data", "build"), ("evaluation", "evaluate"), ("train", "train")])
def test_an_extra_declares_what_its_modules_import_at_their_top(folder: str, extra: str) -> None:
    imported = {(module, name) for name, tree in _trees(folder) for module in _imports(tree.body)}
    assert not {(module, name) for module, name in imported if distribution_of(module) not in _declared(extra)}


def test_no_folder_hides_a_library() -> None:
    """``python -m benchmarks.…`` looks for modules in the root of the repository first."""
    folders = {path.name for path in ROOT.iterdir() if path.is_dir()}
    sources = [*PACKAGES, "benchmarks", "docs", "tests"]
    imported = {module for folder in sources for _, tree in _trees(folder) for module in _imports(ast.walk(tree))}
    assert not folders & (imported | sys.stdlib_module_names)


def test_every_dependency_is_pinned() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = {canonicalize_name(line.partition("==")[0]) for line in lines}
    assert _declared("dev", "release") <= pins
