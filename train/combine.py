"""The weighted sum of adapters, as one: ``python -m unspin.train.combine FOLDER=WEIGHT … --rank 100 --output FOLDER``.

Adapters that are right about different things are better together than either, and than training on from one (Wortsman et al. 2022,
arXiv 2203.05482). Their changes of each weight are summed, and the sum is cut to the rank by its singular values. The folder is the first one's in
all else; calibrate it anew.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from unspin.data.errors import UnspinError
from unspin.data.guard import seal
from unspin.infer.checkpoint import ADAPTER_FILES, RECORD, VOCABULARY, Checkpoint, read_vocabulary
from unspin.infer.prompt import Prompt


class CombineError(UnspinError):
    """Adapters that cannot be summed; nothing was written."""


def combine(weights: Mapping[Path, float], rank: int, output: Path) -> None:
    """Write the sum of adapters, each times its weight. Raises `CombineError`, `ModelError`, `DamagedError`, FileExistsError."""
    checkpoints = {folder: Checkpoint.open(str(folder)) for folder in weights}
    first, *others = checkpoints.values()
    for one in others:
        if (one.backbone, one.prompt) != (first.backbone, first.prompt):
            raise CombineError(f"{one.folder} adapts {one.backbone} and {first.folder} {first.backbone}: only adapters of one model have a sum")
    if output.exists():
        raise FileExistsError(f"{output} is there already: name a new folder")
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=output.parent) as scratch:
        whole = Path(shutil.copytree(first.folder, Path(scratch) / "sum"))
        made = _sum(weights, first, rank, Path(scratch))
        for name in ADAPTER_FILES[:2]:
            shutil.move(made / name, whole / name)
        _write_vocabulary([read_vocabulary(folder) for folder in weights], whole)
        record = json.loads((whole / RECORD).read_text(encoding="utf-8"))
        record.pop("calibration", None)
        record.pop("calibrated_on", None)
        record.pop("mean_of", None)
        record["sum_of"] = [{"adapter": one.digest, "weight": weights[folder]} for folder, one in checkpoints.items()]
        (whole / RECORD).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
        seal(whole, whole.glob("*.safetensors"))
        whole.rename(output)


def _sum(weights: Mapping[Path, float], first: Checkpoint, rank: int, scratch: Path) -> Path:
    """The folder of the adapter that peft makes of all."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM

    kind = AutoModelForCausalLM if first.prompt is Prompt else AutoModelForSeq2SeqLM
    base = kind.from_pretrained(first.base(print), dtype=torch.float32, use_safetensors=True)
    names = {f"summand{i}": folder for i, folder in enumerate(weights)}  # "0" would be taken for the number of a layer
    model = PeftModel.from_pretrained(base, str(next(iter(weights))), adapter_name="summand0")
    for name, folder in list(names.items())[1:]:
        model.load_adapter(str(folder), name)
    model.add_weighted_adapter(list(names), list(weights.values()), "made", combination_type="svd", svd_rank=rank, svd_full_matrices=False)
    model.set_adapter("made")
    model.to(torch.bfloat16).save_pretrained(scratch, selected_adapters=["made"])
    return scratch / "made"


def _write_vocabulary(vocabularies: list[list[int] | None], folder: Path) -> None:
    """The ids that any of the adapters was taught; all, where one was taught all."""
    from safetensors.numpy import save_file

    taught = [ids for ids in vocabularies if ids is not None]
    if len(taught) < len(vocabularies):
        (folder / VOCABULARY).unlink(missing_ok=True)
        return
    import numpy as np

    save_file({"ids": np.array(sorted(set().union(*taught)), dtype=np.int32)}, folder / VOCABULARY)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m unspin.train.combine", description="Write the weighted sum of adapters as one.")
    parser.add_argument("adapters", nargs="+", metavar="FOLDER=WEIGHT", type=_weighted)
    parser.add_argument("--rank", type=int, required=True, help="of the sum: the adapters' own ranks together lose nothing")
    parser.add_argument("--output", type=Path, required=True)
    asked = parser.parse_args()
    combine(dict(asked.adapters), asked.rank, asked.output)


def _weighted(asked: str) -> tuple[Path, float]:
    folder, _, weight = asked.rpartition("=")
    try:
        return Path(folder), float(weight)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{asked!r}: give FOLDER=WEIGHT, such as build/runs/long/adapter=0.5") from None


if __name__ == "__main__":
    main()
