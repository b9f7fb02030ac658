"""The mean of two adapters: ``python -m unspin.train.average FIRST SECOND --output FOLDER``.

Where the second was trained on from the first, their mean keeps what the first does on text unlike the second's data, and most of what the
second learned (Wortsman et al. 2022, arXiv 2109.01903). The folder is the second's in all else; calibrate it anew.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

from safetensors.torch import load_file, save_file
from unspin.data.errors import UnspinError
from unspin.data.guard import seal
from unspin.infer.checkpoint import RECORD, Checkpoint

WEIGHTS = "adapter_model.safetensors"


class AverageError(UnspinError):
    """Adapters that have no mean; nothing was written."""


def average(first: Path, second: Path, output: Path) -> None:
    """Write the mean of two adapters of one shape. Raises `AverageError`, `ModelError`, `DamagedError`, FileExistsError."""
    checkpoints = [Checkpoint.open(str(folder)) for folder in (first, second)]
    one, other = (load_file(folder / WEIGHTS) for folder in (first, second))
    if {name: weight.shape for name, weight in one.items()} != {name: weight.shape for name, weight in other.items()}:
        raise AverageError(f"{first} and {second} are adapters of other shapes: average those of one run and its continuation")
    shutil.copytree(second, output)
    mean = {name: ((one[name].float() + other[name].float()) / 2).to(other[name].dtype) for name in other}
    save_file(mean, output / WEIGHTS, metadata={"format": "pt"})
    record = json.loads((output / RECORD).read_text(encoding="utf-8"))
    record["mean_of"] = [checkpoint.digest for checkpoint in checkpoints]
    (output / RECORD).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    seal(output, output.glob("*.safetensors"))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m unspin.train.average", description="Write the mean of two adapters.")
    parser.add_argument("first", type=Path)
    parser.add_argument("second", type=Path)
    parser.add_argument("--output", type=Path, required=True)
    asked = parser.parse_args()
    average(asked.first, asked.second, asked.output)


if __name__ == "__main__":
    main()
