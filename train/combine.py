"""The weighted sum of adapters, as one: ``python -m unspin.train.combine FOLDER=WEIGHT … --rank 100 --output FOLDER``.

Adapters that are right about different things are better together than either, and than training on from one (Wortsman et al. 2022,
arXiv 2203.05482). Their changes of each weight are summed, and the sum is cut to the rank by its singular values. Calibrate it anew.
"""

from __future__ import annotations

import argparse
import json
import math
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from unspin.data.errors import UnspinError
from unspin.data.guard import seal
from unspin.infer.checkpoint import ADAPTER_FILES, RECORD, VOCABULARY, Checkpoint
from unspin.infer.prompt import Prompt


class CombineError(UnspinError):
    """Adapters that cannot be summed; nothing was written."""


def combine(adapters: Sequence[tuple[str, float]], rank: int, output: Path) -> None:
    """Write the sum of adapters, each times its weight. Raises `CombineError`, `ModelError`, `DamagedError`, FileExistsError."""
    parts = [(Checkpoint.open(name), weight) for name, weight in adapters]
    _check(parts, rank)
    if output.exists():
        raise FileExistsError(f"{output} is there already: name a new folder")
    first, _ = parts[0]
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=output.parent) as scratch:
        made = _sum(parts, rank, Path(scratch))
        _check_rank(made, rank)
        _write_vocabulary([part.vocabulary() for part, _ in parts], made)
        summed = [{"adapter": part.digest, "weight": weight, "config": _record(part).get("config")} for part, weight in parts]
        record = {"backbone": first.backbone, "prompt": _record(first)["prompt"], "passage": first.passage, "sum_of": summed}
        (made / RECORD).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
        seal(made, made.glob("*.safetensors"))
        made.rename(output)


def _check(parts: Sequence[tuple[Checkpoint, float]], rank: int) -> None:
    if len(parts) < 2 or len({part.folder.resolve() for part, _ in parts}) < len(parts):
        raise CombineError("name two or more adapters, each once")
    if rank < 1 or not all(math.isfinite(weight) for _, weight in parts):
        raise CombineError("the rank is a whole number from 1 on, and each weight a number")
    first, _ = parts[0]
    for one, _ in parts:
        if one.whole:
            raise CombineError(f"{one.folder} is a whole model: only adapters have a sum")
        if (one.backbone, one.prompt, one.passage) != (first.backbone, first.prompt, first.passage):
            raise CombineError(
                f"{one.folder} has another base model, prompt form or passage than {first.folder}: only adapters of one kind have a sum"
            )


def _record(checkpoint: Checkpoint) -> dict[str, Any]:
    return dict(json.loads((checkpoint.folder / RECORD).read_text(encoding="utf-8")))


def _sum(parts: Sequence[tuple[Checkpoint, float]], rank: int, scratch: Path) -> Path:
    """The folder of the adapter that peft makes of all."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM

    first, _ = parts[0]
    kind = AutoModelForCausalLM if first.prompt is Prompt else AutoModelForSeq2SeqLM
    base = kind.from_pretrained(first.base(print), dtype=torch.float32, use_safetensors=True)
    names = [f"summand{i}" for i in range(len(parts))]  # "0" would be taken for the number of a layer
    try:
        model = PeftModel.from_pretrained(base, str(first.folder), adapter_name=names[0])
        for name, (part, _) in zip(names[1:], parts[1:], strict=True):
            model.load_adapter(str(part.folder), name)
        model.add_weighted_adapter(names, [weight for _, weight in parts], "made", combination_type="svd", svd_rank=rank, svd_full_matrices=False)
    except (RuntimeError, ValueError, TypeError) as error:
        raise CombineError(f"{', '.join(str(part.folder) for part, _ in parts)}: these adapters have no sum ({error})") from None
    model.set_adapter("made")
    model.to(torch.bfloat16).save_pretrained(scratch, selected_adapters=["made"])
    (scratch / "made" / "README.md").unlink(missing_ok=True)  # peft's form of a model card, not filled in
    return scratch / "made"


def _check_rank(folder: Path, rank: int) -> None:
    """A layer's rank is at most its smaller side, and an adapter has one rank for all."""
    from safetensors import safe_open

    with safe_open(folder / ADAPTER_FILES[1], "pt") as weights:
        least = min(weights.get_slice(name).get_shape()[0] for name in weights.keys() if "lora_A" in name)  # noqa: SIM118 - no mapping
    if least < rank:
        raise CombineError(f"rank {rank} is more than the smallest layer holds: give at most {least}")


def _write_vocabulary(vocabularies: list[list[int] | None], folder: Path) -> None:
    """The ids that any of the adapters was taught; no file, which stands for all, where one was taught all."""
    import numpy as np
    from safetensors.numpy import save_file

    taught = [ids for ids in vocabularies if ids is not None]
    if len(taught) == len(vocabularies):
        save_file({"ids": np.array(sorted(set().union(*taught)), dtype=np.int32)}, folder / VOCABULARY)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m unspin.train.combine", description="Write the weighted sum of adapters as one.")
    parser.add_argument("adapters", nargs="+", metavar="FOLDER=WEIGHT", type=_weighted)
    parser.add_argument("--rank", type=int, required=True, help="of the sum; nothing is lost where it is that of all adapters together")
    parser.add_argument("--output", type=Path, required=True)
    asked = parser.parse_args()
    try:
        combine(asked.adapters, asked.rank, asked.output)
    except (UnspinError, FileExistsError) as error:
        parser.error(str(error))


def _weighted(asked: str) -> tuple[str, float]:
    folder, _, weight = asked.rpartition("=")
    try:
        return folder, float(weight)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{asked!r}: give FOLDER=WEIGHT, such as build/runs/long/adapter=0.5") from None


if __name__ == "__main__":
    main()
