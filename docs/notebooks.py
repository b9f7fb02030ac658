"""Run the notebooks and save their outputs: ``python docs/notebooks.py [NAME …]``, such as ``2-train``.

Needs the extra `dev` and the released model. Each takes some minutes on two cores. Progress bars, warnings and the
names of temporary folders are left out, since they differ from one run to the next.
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
TEMPORARY_FOLDER = re.compile(re.escape(f"{tempfile.gettempdir()}/{tempfile.gettempprefix()}") + r"\w+/")


def main() -> None:
    """Run the notebooks named on the command line, or all of them."""
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        if sys.argv[1:] and path.stem not in sys.argv[1:]:
            continue
        print(path.name, flush=True)
        notebook = nbformat.read(path, as_version=4)
        NotebookClient(notebook, timeout=None, resources={"metadata": {"path": str(NOTEBOOKS)}}).execute()
        notebook.metadata.pop("widgets", None)  # the state of the progress bars
        for cell in notebook.cells:
            cell.metadata.pop("execution", None)
            if cell.cell_type == "code":
                cell.outputs = [clean_output(output) for output in cell.outputs if is_result(output)]
        nbformat.write(notebook, path)


def is_result(output: NotebookNode) -> bool:
    """Whether an output is a result, and not a warning or a progress bar."""
    if output.output_type == "stream":
        return output.name == "stdout"
    if "application/vnd.jupyter.widget-view+json" in output.data:
        return False
    return output.output_type == "execute_result" or bool(output.data["text/plain"].strip())


def clean_output(output: NotebookNode) -> NotebookNode:
    """The output with "…/" for the name of each temporary folder."""
    return nbformat.from_dict(_replace(output))


def _replace(value: object) -> object:
    if isinstance(value, dict):
        return {key: _replace(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_replace(item) for item in value]
    return TEMPORARY_FOLDER.sub("…/", value) if isinstance(value, str) else value


if __name__ == "__main__":
    main()
