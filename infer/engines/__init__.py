"""Engines run a model over spun sentences and return restored ones.

All engines decode greedily, stop at the end token or where an output outgrows its source, and report the log
probability of each token. To add an engine, write one module with a class that implements
`unspin.infer.engines.base.LoadableEngine` and add one line to `ENGINES`.
"""

from __future__ import annotations

import math
from pkgutil import resolve_name

from unspin.infer.engines.base import Engine, LoadableEngine, check_device
from unspin.infer.models.backbone import ModelError
from unspin.infer.models.checkpoint import Checkpoint
from unspin.infer.models.loading import ADVICE, loading

__all__ = ["ENGINES", "Engine", "check_device", "load_engine"]

# Name -> class, imported on demand: torch, transformers and CTranslate2 take seconds to import.
ENGINES = {
    "draft": "unspin.infer.engines.copy_draft:CopyDraftEngine",
    "ctranslate2": "unspin.infer.engines.ctranslate2:CTranslate2Engine",
    "transformers": "unspin.infer.engines.transformers:TransformersEngine",
}


def load_engine(name: str, checkpoint: Checkpoint, device: str = "cpu") -> LoadableEngine:
    """Load an engine by name, with a checkpoint, on a device such as "cpu" or "cuda".

    Raises ValueError for an unknown name, and `ModelError` if the device is not available, the engine cannot use it, or
    the engine cannot run the checkpoint's model. To find that out, two words are scored.
    """
    if name not in ENGINES:
        raise ValueError(f"engine {name!r} is unknown: choose one of {', '.join(ENGINES)}")
    engine: type[LoadableEngine] = resolve_name(ENGINES[name])
    with loading(checkpoint.folder):
        loaded = engine.load(checkpoint, device)
        (ratio,) = loaded.log_ratios(["Yes"], ["No"])
    if not math.isfinite(ratio):
        raise ModelError(f"{checkpoint.folder} computes no finite numbers, so its weights are damaged: {ADVICE}")
    return loaded
