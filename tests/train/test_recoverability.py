"""The bound of what can be undone: which place is asked about, what is counted, and that tokens are ranked rightly."""

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM
from unspin.train.benchmark import recoverability
from unspin.train.benchmark.recoverability import Reader, lines, measure


class Knows:
    """Says that a place is recoverable if its word is one of some."""

    def __init__(self, *known: str) -> None:
        self._known = known

    def recoverable(self, spun: str, original: str, places: list[int]) -> list[bool]:
        return [original[place:].startswith(self._known) for place in places]


def _row(*edits: tuple[int, int, str, str]) -> dict[str, object]:
    return {
        "spun": "The warfare had stopped.",
        "original": "The war had ended at last.",
        "edits": [dict(zip(("start", "end", "replacement", "engine"), edit, strict=True)) for edit in edits],
    }


def test_places_are_counted_by_engine_where_the_original_has_words() -> None:
    row = _row((4, 11, "war", "phrases"), (16, 23, "ended", "thesaurus"), (23, 23, " at last", "surface"))
    dropped = _row((4, 11, "", "surface"))
    table = measure([row, dropped], Knows("war", " at"))  # type: ignore[arg-type]
    assert table == {"all": [2, 3], "phrases": [1, 1], "thesaurus": [0, 1], "surface": [1, 1]}
    assert next(lines(table)).split() == ["all", "66.7%", "of", "3", "garbled", "places"]


def test_a_token_is_recoverable_if_few_are_likelier(tiny_base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Against transformers' own logits, at the token that opens the place."""
    spun, original = "The warfare had ended.", "The war had ended."
    reader = Reader(tiny_base)
    prompt = reader._prompt
    target = prompt.text_ids(original)
    place = original.index("war")
    before = len(prompt.text_ids(original[: place - 1]))
    ids = torch.tensor([[*prompt.source_ids(spun), *target]])
    logits = AutoModelForCausalLM.from_pretrained(tiny_base)(input_ids=ids).logits[0, len(ids[0]) - len(target) + before - 1]
    rank = int((logits > logits[target[before]]).sum())
    for likeliest, expected in ((rank + 1, True), (rank, False)):
        monkeypatch.setattr(recoverability, "LIKELIEST", likeliest)
        assert reader.recoverable(spun, original, [place]) == [expected]
