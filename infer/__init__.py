"""Restoration: `Restorer.from_pretrained("default").restore(text)`."""

from unspin.infer.restoration import Restoration, RestoredEdit
from unspin.infer.restorer import Restorer

__all__ = ["Restoration", "RestoredEdit", "Restorer"]
