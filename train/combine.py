"""Adds several adapters into one: ``python -m unspin.train.combine FOLDER=WEIGHT … --rank 100 --output FOLDER``.

The sum of adapters with different strengths is often better than each of them, and than training one further
(Wortsman et al. 2022, arXiv 2203.05482). The weighted weight updates are added, and a singular value decomposition
reduces the sum to the requested rank. The result has no calibration: run `unspin calibrate` on it.
"""

from __future__ import annotations

import argparse
import json
import math
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from unspin.checksums import write_checksums
from unspin.errors import UnspinError
from unspin.infer.models.checkpoint import UNSPIN_JSON, VOCABULARY, Checkpoint
from unspin.infer.models.loading import ADAPTER_WEIGHTS, load_adapter, load_model
from unspin.storage import real_path

SUM = "combined"  # name of the combined adapter within peft


class CombineError(UnspinError):
    """The adapters cannot be added; nothing was written."""


def combine(adapters: Sequence[tuple[str, float]], rank: int, output: Path) -> None:
    """Write the sum of adapters, given as (folder, weight), as an adapter of the given rank.

    Raises `CombineError` if they cannot be added, `ModelError` or `ChecksumError` if one cannot be opened, and
    FileExistsError if `output` exists.
    """
    parts = [(Checkpoint.open(folder), weight) for folder, weight in adapters]
    _check(parts, rank)
    if output.exists():
        raise FileExistsError(f"{output} exists: name a new folder")
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=output.parent) as scratch:
        folder = _add(parts, rank, Path(scratch))
        _check_rank(folder, rank)
        _write_vocabulary([part.vocabulary() for part, _ in parts], folder)
        (folder / UNSPIN_JSON).write_text(json.dumps(_record(parts), indent=2) + "\n", encoding="utf-8")
        write_checksums(folder, folder.glob("*.safetensors"))
        folder.rename(output)


def _check(parts: Sequence[tuple[Checkpoint, float]], rank: int) -> None:
    """Raise `CombineError` unless these are two or more different adapters of one model, with a rank and weights."""
    if len(parts) < 2 or len({real_path(part.folder) for part, _ in parts}) < len(parts):
        raise CombineError("give two or more adapters, each once")
    if rank < 1 or not all(math.isfinite(weight) for _, weight in parts):
        raise CombineError("the rank must be 1 or more, and each weight a finite number")
    first, _ = parts[0]
    for part, _ in parts:
        if part.is_full_model:
            raise CombineError(f"{part.folder} is a whole model: only adapters can be added")
        if (part.backbone, part.prompt, part.max_passage_words) != (
            first.backbone,
            first.prompt,
            first.max_passage_words,
        ):
            raise CombineError(
                f"{part.folder} has another base model, prompt form or passage length than {first.folder}: "
                "only adapters that agree in these can be added"
            )


def _record(parts: Sequence[tuple[Checkpoint, float]]) -> dict[str, Any]:
    """The content of the sum's `unspin.json`."""
    first, _ = parts[0]
    weights = next((part.backbone_weights for part, _ in parts if part.backbone_weights), None)
    return {
        "backbone": first.backbone,
        **({"backbone_weights": weights} if weights else {}),
        "prompt": _record_of(first)["prompt"],
        "passage": first.max_passage_words,
        "sum_of": [
            {"adapter": part.digest, "weight": weight, "config": _record_of(part).get("config")}
            for part, weight in parts
        ],
    }


def _record_of(checkpoint: Checkpoint) -> dict[str, Any]:
    return dict(json.loads((checkpoint.folder / UNSPIN_JSON).read_text(encoding="utf-8")))


def _add(parts: Sequence[tuple[Checkpoint, float]], rank: int, scratch: Path) -> Path:
    """Add the adapters with peft; returns the folder of the sum, in `scratch`."""
    import torch

    first, _ = parts[0]
    folder, *_ = [part.backbone_folder() for part, _ in parts]  # one folder, checked against the record of each
    model = load_model(folder, first.prompt.is_encoder_decoder, dtype=torch.float32)
    names = [f"summand{i}" for i in range(len(parts))]  # peft would take "0" for the number of a layer
    for name, (part, _) in zip(names, parts, strict=True):
        model = load_adapter(model, part.folder, name)
    try:
        weights = [weight for _, weight in parts]
        model.add_weighted_adapter(names, weights, SUM, combination_type="svd", svd_rank=rank, svd_full_matrices=False)
    except (RuntimeError, ValueError, TypeError) as error:
        folders = ", ".join(str(part.folder) for part, _ in parts)
        raise CombineError(f"{folders}: peft cannot add these adapters ({error})") from None
    model.set_adapter(SUM)
    model.to(torch.bfloat16).save_pretrained(scratch, selected_adapters=[SUM])
    (scratch / SUM / "README.md").unlink(missing_ok=True)  # peft's empty model card
    return scratch / SUM


def _check_rank(folder: Path, rank: int) -> None:
    """Raise `CombineError` if a layer is smaller than the rank: peft then truncates that layer's matrices."""
    from safetensors import safe_open

    with safe_open(folder / ADAPTER_WEIGHTS, "pt") as weights:
        names = [name for name in weights.keys() if "lora_A" in name]  # noqa: SIM118 - not a mapping
        smallest = min(weights.get_slice(name).get_shape()[0] for name in names)
    if smallest < rank:
        raise CombineError(f"rank {rank} is more than the smallest layer allows: give at most {smallest}")


def _write_vocabulary(vocabularies: list[list[int] | None], folder: Path) -> None:
    """Write the ids that any of the adapters was trained on; no file, meaning all ids, if one was trained on all."""
    import numpy as np
    from safetensors.numpy import save_file

    restricted = [ids for ids in vocabularies if ids is not None]
    if len(restricted) == len(vocabularies):
        save_file({"ids": np.array(sorted(set().union(*restricted)), dtype=np.int32)}, folder / VOCABULARY)


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(
        prog="python -m unspin.train.combine", description="Add adapters of one base model, each times its weight."
    )
    parser.add_argument(
        "adapters", nargs="+", metavar="FOLDER=WEIGHT", type=_folder_and_weight, help="an adapter and its weight"
    )
    parser.add_argument(
        "--rank", type=int, required=True, help="rank of the sum; the sum of the adapters' ranks loses nothing"
    )
    parser.add_argument("--output", type=Path, required=True, help="folder to write; it must not exist")
    arguments = parser.parse_args()
    try:
        combine(arguments.adapters, arguments.rank, arguments.output)
    except (UnspinError, FileExistsError) as error:
        parser.error(str(error))


def _folder_and_weight(argument: str) -> tuple[str, float]:
    folder, _, weight = argument.rpartition("=")
    try:
        return folder, float(weight)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{argument!r}: give FOLDER=WEIGHT, such as runs/train/long/adapter=0.5"
        ) from None


if __name__ == "__main__":
    main()
