"""Restoring articles with a trained model: `Restorer.from_pretrained("default").restore(text)`.

`restorer` is the entry point. A document becomes drafts (`article`), an engine rewrites their sentences (`engines`,
`models`), its outputs become edits (`proposals`) with confidences (`voting`, `confidence`), edits that change a fact
are dropped (`decision`, `fidelity`), and the rest is put back into the document (`assembly`, `documents`).
"""

from unspin.infer.restoration import Restoration, RestoredEdit
from unspin.infer.restorer import Restorer

__all__ = ["Restoration", "RestoredEdit", "Restorer"]
