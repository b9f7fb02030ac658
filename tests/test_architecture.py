"""The packages: which may import which, no circles between modules, a docstring for whatever is public."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# Each package and those that it may import; imports inside functions and for type checkers count too.
ARROWS = {
    "core": set(),
    "data": {"core"},
    "infer": {"core"},
    "evaluation": {"core", "data", "infer"},
    "train": {"core", "data", "infer", "evaluation"},
    "cli": {"core", "data", "infer", "evaluation", "train"},
}
FACE = "unspin"  # core/__init__.py, which offers `Restorer` and loads it when it is asked for


def _modules() -> dict[str, Path]:
    found = {}
    for package in ARROWS:
        for file in sorted((ROOT / package).rglob("*.py")):
            parts = file.relative_to(ROOT).with_suffix("").parts
            inside = [part for part in (parts[1:] if package == "core" else parts) if part != "__init__"]
            found[".".join(["unspin", *inside])] = file
    return found


MODULES = _modules()


def _package(module: str) -> str:
    name = module.split(".")[1] if "." in module else "core"
    return name if name in ARROWS else "core"


def _imports(module: str) -> Iterator[str]:
    """The modules of this project that a module imports, wherever the statement stands."""
    for node in ast.walk(ast.parse(MODULES[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "unspin":
            for name in node.names:
                inner = f"{node.module}.{name.name}"
                yield inner if inner in MODULES else node.module
        elif isinstance(node, ast.Import):
            yield from (name.name for name in node.names if name.name in MODULES)


@pytest.mark.parametrize("package", ARROWS)
def test_imports_follow_the_arrows(package: str) -> None:
    wrong = [
        f"{module} imports {target}"
        for module in MODULES
        if _package(module) == package and module != FACE
        for target in _imports(module)
        if _package(target) not in {package, *ARROWS[package]}
    ]
    assert not wrong


def test_no_module_imports_itself_by_a_detour() -> None:
    edges = {module: set(_imports(module)) - {module} for module in MODULES if module != FACE}
    while leaves := [module for module, targets in edges.items() if not targets & edges.keys()]:
        for module in leaves:
            del edges[module]
    while roots := edges.keys() - {target for targets in edges.values() for target in targets}:
        for module in roots:
            del edges[module]
    assert not edges, f"circles among {sorted(edges)}"


def _undocumented(body: list[ast.stmt], prefix: str) -> Iterator[str]:
    """Public functions, classes and methods without a docstring, apart from overloads and methods of a base class."""
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
            if not ast.get_docstring(node) and "overload" not in map(ast.unparse, node.decorator_list):
                yield f"{prefix}.{node.name}"
            if isinstance(node, ast.ClassDef):
                bases = {ast.unparse(base) for base in node.bases} - {"Protocol", "NamedTuple", "Config"}
                yield from () if bases else _undocumented(node.body, f"{prefix}.{node.name}")


def test_whatever_is_public_has_a_docstring() -> None:
    missing = [
        name for module, file in MODULES.items() for name in _undocumented(ast.parse(file.read_text()).body, module)
    ]
    assert not missing, f"{len(missing)} without a docstring: {missing}"
