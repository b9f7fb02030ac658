"""Recipes: how to load an engine again, in another process, and the engines that this process has loaded.

A recipe is what a restorer pickles as, in place of its weights. Making one costs reading the checkpoint's files once.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from weakref import WeakValueDictionary

from unspin.infer.engines import load_engine
from unspin.infer.engines.base import LoadableEngine
from unspin.infer.models.backbone import ModelError
from unspin.infer.models.checkpoint import Checkpoint
from unspin.storage import is_url


@dataclass(frozen=True)
class Recipe:
    """The arguments that an engine was loaded with.

    `name` is absolute, or the address of a store, or "default". `fingerprint` is that of the checkpoint.
    """

    name: str
    engine: str
    device: str
    fingerprint: str

    @classmethod
    def of(cls, name: str, engine: str, device: str, checkpoint: Checkpoint) -> Recipe:
        """The recipe for an engine with a checkpoint that was opened by its name."""
        if name != "default" and not is_url(name):
            name = str(Path(name).absolute())
        return cls(name, engine, device, checkpoint.fingerprint)

    def load(self, checkpoint: Checkpoint) -> LoadableEngine:
        """Load the engine; `engine_of_process` finds it for as long as it is in use. Raises as `load_engine` does."""
        engine = _loaded[self] = load_engine(self.engine, checkpoint, self.device)
        return engine

    def engine_of_process(self) -> LoadableEngine:
        """The engine that this process, or the one it was forked from, has loaded; else loads it, and keeps it.

        Raises as `Checkpoint.open` and `load_engine` do, and `ModelError` if the checkpoint has changed.
        """
        return _engine(self, os.getpid())


_loaded: WeakValueDictionary[Recipe, LoadableEngine] = WeakValueDictionary()


@lru_cache(maxsize=1)  # keeps the engine of a worker process from one task to the next
def _engine(recipe: Recipe, process: int) -> LoadableEngine:
    engine = _loaded.get(recipe)
    if engine is not None and engine.process in (None, process):
        return engine
    checkpoint = Checkpoint.open(recipe.name)
    if checkpoint.fingerprint != recipe.fingerprint:
        raise ModelError(f"{recipe.name} has changed since this restorer was pickled: make and pickle a new one")
    return recipe.load(checkpoint)
