"""Notebooks run from top to bottom on a tiny model, and what is shipped shows its outputs."""

import os
import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path: Path, tiny_base: Path, tiny_adapter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"XDG_CACHE_HOME": tmp_path / "cache", "TMPDIR": tmp_path, "IPYTHONDIR": tmp_path / "ipython"}.items():
        monkeypatch.setenv(name, str(value))
    notebook = nbformat.read(path, as_version=4)
    small = {"CHECKPOINT": str(tiny_adapter), "BACKBONE": str(tiny_base), "STEPS": 4, "LIMIT": 8}
    for cell in notebook.cells:
        for name, value in small.items():
            cell.source = re.sub(
                rf"^{name}(, ADAPTER)? = .*$", lambda m, n=name, v=value: _assigned(n, v, m[1], tiny_adapter), cell.source, flags=re.M
            )
    NotebookClient(notebook, timeout=240, resources={"metadata": {"path": os.fspath(path.parent)}}).execute()


def _assigned(name: str, value: object, with_adapter: str | None, adapter: Path) -> str:
    return f"{name}, ADAPTER = {value!r}, {str(adapter)!r}" if with_adapter else f"{name} = {value!r}"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_shipped_notebook_shows_what_it_printed_and_nothing_of_the_machine_it_ran_on(path: Path) -> None:
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    silent = [cell.source for cell in cells if not cell.outputs and not re.match(r"\w+ = |os\.", cell.source.splitlines()[-1])]
    assert not silent
    shown = [str(output) for cell in cells for output in cell.outputs]
    assert not [text for text in shown if re.search(r"/(?:home|root|tmp|work)/|'stderr'", text)]
