"""Notebooks run from top to bottom with a tiny model, and the shipped ones contain their outputs."""

import os
import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(
    path: Path, tiny_base: Path, tiny_adapter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable, folder in (("XDG_CACHE_HOME", "cache"), ("TMPDIR", ""), ("IPYTHONDIR", "ipython")):
        monkeypatch.setenv(variable, str(tmp_path / folder))
    notebook = nbformat.read(path, as_version=4)
    small = {
        "CHECKPOINT": repr(str(tiny_adapter)),
        "BACKBONE": repr(str(tiny_base)),
        "BACKBONE, ADAPTER": f"{str(tiny_base)!r}, {str(tiny_adapter)!r}",
        "STEPS": "4",
        "LIMIT": "8",
    }
    for cell in notebook.cells:
        cell.source = re.sub(
            r"^([A-Z]+(?:, [A-Z]+)?) = .*$",
            lambda line: f"{line[1]} = {small[line[1]]}" if line[1] in small else line[0],
            cell.source,
            flags=re.MULTILINE,
        )
    NotebookClient(notebook, timeout=240, resources={"metadata": {"path": os.fspath(path.parent)}}).execute()


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_shipped_notebook_has_its_outputs_and_reveals_nothing_of_the_machine_it_ran_on(path: Path) -> None:
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    assert any(cell.outputs for cell in cells)
    silent = [
        cell.source for cell in cells if not cell.outputs and not re.match(r"\w+ = |os\.", cell.source.splitlines()[-1])
    ]
    assert not silent, "run the notebook and save its outputs"
    outputs = [str(output) for cell in cells for output in cell.outputs]
    assert not [output for output in outputs if re.search(r"/(?:home|root|tmp|work)/|'stderr'", output)]
