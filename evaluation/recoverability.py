"""How much of a data set's spinning can be undone at all, judged by a base model that was never fine-tuned.

The model reads a few examples, the spun text, and the original up to a garbled word. The word counts as recoverable
if its first token is among the 20 most likely ones. A spinner that leaves little recoverable teaches a model to
guess: it belongs in an evaluation, not in training. ``python -m unspin.evaluation.recoverability DATA [ROWS]`` prints
the share overall and per spinner; it takes about a second per row on two cores.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Protocol

import torch
from unspin.data.load import load_split
from unspin.edits import Edit, target_spans
from unspin.evaluation.likelihood import hidden_states
from unspin.evaluation.systems.few_shot import FewShotPrompt
from unspin.infer.models.backbone import default_backbone
from unspin.infer.models.base import fast_dtype
from unspin.infer.models.gemma3 import Gemma3
from unspin.infer.models.prompt import Prompt
from unspin.logs import track

TOP_K = 20
DEFAULT_ROWS = 60


class Recoverer(Protocol):
    """Tells which words of an original can be recovered from its spun text."""

    def recoverable(self, spun: str, original: str, offsets: list[int]) -> list[bool]:
        """For each character offset of the original, whether the garbled word that starts there is recoverable."""
        ...


class BaseModelRecoverer(Recoverer):
    """A Gemma 3 base model in `folder`. A word is recoverable if its first token is among the `TOP_K` most likely."""

    def __init__(self, folder: Path) -> None:
        self._model = Gemma3(folder, fast_dtype())
        plain = Prompt.from_folder(folder)
        self._prompt = FewShotPrompt(plain.tokenizer, plain.bos, plain.eos)
        self._vocabulary = torch.arange(len(self._model.embeddings))

    @torch.inference_mode()
    def recoverable(self, spun: str, original: str, offsets: list[int]) -> list[bool]:
        encoding = self._prompt.tokenizer.encode(f" {original}", add_special_tokens=False)
        prompt_ids = self._prompt.source_ids(spun)
        ids, hidden = hidden_states(self._model, [[*prompt_ids, *encoding.ids]])
        ends = [end for _, end in encoding.offsets]  # these count the space before the original
        first_tokens = [next(i for i, end in enumerate(ends) if end > offset + 1) for offset in offsets]
        tokens = torch.tensor(first_tokens) + len(prompt_ids)
        logits = torch.nn.functional.linear(hidden[0, tokens - 1], self._model.head(self._vocabulary)).float()
        own_logits = logits.gather(1, ids[0, tokens, None])
        return ((logits > own_logits).sum(1) < TOP_K).tolist()


def sample_spun_rows(data: Path, count: int) -> list[dict[str, Any]]:
    """Up to `count` spun training rows, evenly spaced, since each article of a data set is spun by a different tool."""
    rows = load_split(data, "train")
    spun = [i for i, edits in enumerate(rows["edits"]) if edits]
    return rows.select(spun[:: max(len(spun) // count, 1)][:count]).to_list()


def count_recoverable(rows: Iterable[dict[str, Any]], recoverer: Recoverer) -> dict[str, list[int]]:
    """[recoverable, all] garbled words, under "all" and per spinner. Words that the spinner inserted are left out."""
    table: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for row in rows:
        edits = [Edit(e["start"], e["end"], e["replacement"], e["spinner"]) for e in row["edits"]]
        spans = zip(edits, target_spans(edits), strict=True)
        garbled = [(edit.spinner, start) for edit, (start, end) in spans if end > start]
        if not garbled:
            continue
        verdicts = recoverer.recoverable(row["spun"], row["original"], [start for _, start in garbled])
        for (spinner, _), verdict in zip(garbled, verdicts, strict=True):
            for name in ("all", spinner):
                table[name][0] += verdict
                table[name][1] += 1
    return dict(table)


def format_table(table: dict[str, list[int]]) -> Iterator[str]:
    """The table of `count_recoverable` as lines of text, the most frequent spinner first."""
    for name, (recoverable, total) in sorted(table.items(), key=lambda it: -it[1][1]):
        yield f"{name:12} {recoverable / total:6.1%} of {total:,} garbled words"


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit("usage: python -m unspin.evaluation.recoverability DATA [ROWS]")
    rows = sample_spun_rows(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) == 3 else DEFAULT_ROWS)
    table = count_recoverable(track(rows, "reading"), BaseModelRecoverer(default_backbone()))
    print("\n".join(format_table(table)))
