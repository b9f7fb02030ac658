"""unspin restores articles that an automatic article spinner garbled: ``Restorer.from_pretrained().restore(text)``.

The other packages share the modules of this one (edits, segmentation, configuration, storage, English word lists),
which import none of them. `Restorer`, `Restoration` and `pipeline` are imported on first access, so ``import unspin``
loads neither torch nor a model.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from unspin.infer.pipeline import pipeline as pipeline
    from unspin.infer.restoration import Restoration as Restoration
    from unspin.infer.restorer import Restorer as Restorer

__version__ = version("unspin")
__all__ = ["Restoration", "Restorer", "__version__", "pipeline"]

_LAZY = {
    "Restorer": "unspin.infer.restorer",
    "Restoration": "unspin.infer.restoration",
    "pipeline": "unspin.infer.pipeline",
}


def __getattr__(name: str) -> Any:
    """Import a public class on first access (PEP 562)."""
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_LAZY[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
