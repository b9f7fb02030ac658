"""A restorer that is called as the pipelines of transformers are, for code that was written for those."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from unspin.infer.documents.base import Document
from unspin.infer.inputs import Text
from unspin.infer.restorer import Restorer

if TYPE_CHECKING:
    import torch


class Pipeline:
    """Restores texts and returns dicts: `generated_text`, `edits`, `spun_share` and `warnings`."""

    def __init__(self, restorer: Restorer) -> None:
        self.restorer = restorer

    def __call__(
        self,
        texts: Text | Iterable[Text],
        *,
        min_confidence: float | None = None,
        alternatives: int | None = None,
    ) -> list[dict[str, Any]] | Iterator[list[dict[str, Any]]]:
        """A list of one dict for one text, and a list of dicts for a list or tuple.

        Any other iterable gives an iterator that reads lazily and yields a list of one dict for each text. There is no
        `batch_size`: texts share batches automatically. Options and errors are those of `Restorer.restore`.
        """
        many = [texts] if isinstance(texts, (str, Document)) else texts
        is_list = isinstance(many, (list, tuple))
        restore = self.restorer.restore if is_list else self.restorer.restore_all
        restorations = restore(many, min_confidence=min_confidence, alternatives=alternatives)
        outputs = (
            {
                "generated_text": restoration.text,
                "edits": list(restoration.edit_rows()),
                "spun_share": restoration.spun_share,
                "warnings": list(restoration.warnings),
            }
            for restoration in restorations
        )
        return list(outputs) if is_list else ([output] for output in outputs)


def pipeline(
    *,
    model: str = "default",
    device: int | str | torch.device | None = None,
    engine: str = "draft",
    min_confidence: float | None = None,
    keep_quotations: bool = False,
    alternatives: int = 0,
) -> Pipeline:
    """Load a checkpoint as a pipeline: the arguments and errors are those of `Restorer.from_pretrained`.

    `device` may also be the number of a GPU, or -1 or None for the CPU, or a torch device.
    """
    if device is None:
        device = "cpu"
    elif isinstance(device, int):
        device = "cpu" if device < 0 else f"cuda:{device}"
    restorer = Restorer.from_pretrained(
        model,
        engine=engine,
        device=str(device),
        min_confidence=min_confidence,
        keep_quotations=keep_quotations,
        alternatives=alternatives,
    )
    return Pipeline(restorer)
