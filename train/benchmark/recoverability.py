"""How much of a data set's spinning can be undone at all, by the base model as a reader who was never taught to.

The model reads a few examples, the spun text, and the original up to a garbled place. The place counts as recoverable if the original's next
token is among the 20 likeliest. Tools of which few places are recoverable teach guessing: they belong in an evaluation, not in training.
``python -m unspin.train.benchmark.recoverability DATA [ROWS]`` prints the share over all and per engine; a second a row on two cores.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import torch
from unspin.data.edits import Edit, original_spans
from unspin.infer.default_model import base_folder
from unspin.infer.gemma import Gemma, fast_dtype
from unspin.infer.prompt import Prompt
from unspin.train.batches import load_split
from unspin.train.benchmark.systems import FewShotPrompt

LIKELIEST = 20
ROWS = 60


class Reader:
    """The base model. `folder` holds a Gemma 3 that was never tuned."""

    def __init__(self, folder: Path) -> None:
        self._model = Gemma(folder, fast_dtype())
        plain = Prompt.from_folder(folder)
        self._prompt = FewShotPrompt(plain.tokenizer, plain.bos, plain.eos)
        self._vocabulary = torch.arange(len(self._model.embeddings))

    @torch.inference_mode()
    def recoverable(self, spun: str, original: str, places: list[int]) -> list[bool]:
        """For each place, a character of the original where a garbled word began, whether its token is among the `LIKELIEST`."""
        encoding = self._prompt.tokenizer.encode(f" {original}", add_special_tokens=False)
        before = self._prompt.source_ids(spun)
        ids = torch.tensor([[*before, *encoding.ids]])
        width = ids.shape[1]
        hidden = self._model.forward(ids, torch.arange(width)[None], self._model.cache([ids[0].tolist()], width))[0]
        ends = [end for _, end in encoding.offsets]
        tokens = torch.tensor([next(i for i, end in enumerate(ends) if end > place + 1) for place in places]) + len(before)
        logits = torch.nn.functional.linear(hidden[tokens - 1], self._model.head(self._vocabulary)).float()
        own = logits.gather(1, ids[0, tokens, None])
        return ((logits > own).sum(1) < LIKELIEST).tolist()


def sample(data: Path, count: int) -> list[dict[str, Any]]:
    """So many spun training rows, from all over the data set, since each article meets another tool."""
    rows = load_split(data, "train")
    spun = [i for i, edits in enumerate(rows["edits"]) if edits]
    return rows.select(spun[:: max(len(spun) // count, 1)][:count]).to_list()


def measure(rows: Iterable[dict[str, Any]], reader: Reader) -> dict[str, list[int]]:
    """[recoverable, all] garbled places over all and per engine; places where the original has nothing are left out."""
    table: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for row in rows:
        edits = [Edit(e["start"], e["end"], e["replacement"], e["engine"]) for e in row["edits"]]
        found = [(edit.engine, start) for edit, (start, end) in zip(edits, original_spans(edits), strict=True) if end > start]
        if not found:
            continue
        verdicts = reader.recoverable(row["spun"], row["original"], [start for _, start in found])
        for (engine, _), verdict in zip(found, verdicts, strict=True):
            for name in ("all", engine):
                table[name][0] += verdict
                table[name][1] += 1
    return dict(table)


def lines(table: dict[str, list[int]]) -> Iterator[str]:
    for name, (hit, total) in sorted(table.items(), key=lambda it: -it[1][1]):
        yield f"{name:12} {hit / total:6.1%} of {total:,} garbled places"


if __name__ == "__main__":
    from rich.progress import track

    if len(sys.argv) not in (2, 3):
        sys.exit("usage: python -m unspin.train.benchmark.recoverability DATA [ROWS]")
    rows = sample(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) == 3 else ROWS)
    print("\n".join(lines(measure(track(rows, description="reading"), Reader(base_folder(print))))))
