"""Restoration: `Restorer.from_pretrained("default").restore(text)`."""

from unspin.infer.restorer import Restoration, RestoredEdit, Restorer

__all__ = ["Restoration", "RestoredEdit", "Restorer"]
