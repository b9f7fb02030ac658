"""Recoverability: which words are asked about, what is counted, and that tokens are ranked as by transformers."""

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM
from unspin.evaluation import recoverability
from unspin.evaluation.recoverability import BaseModelRecoverer, Recoverer, count_recoverable, format_table


class Vocabulary(Recoverer):
    """Recovers the words that start with one of the given texts."""

    def __init__(self, *known: str) -> None:
        self._known = known

    def recoverable(self, spun: str, original: str, offsets: list[int]) -> list[bool]:
        return [original[offset:].startswith(self._known) for offset in offsets]


def _row(*edits: tuple[int, int, str, str]) -> dict[str, object]:
    return {
        "spun": "The warfare had stopped.",
        "original": "The war had ended at last.",
        "edits": [dict(zip(("start", "end", "replacement", "spinner"), edit, strict=True)) for edit in edits],
    }


def test_garbled_words_are_counted_by_spinner_if_the_original_has_any() -> None:
    row = _row((4, 11, "war", "phrases"), (16, 23, "ended", "thesaurus"), (23, 23, " at last", "surface"))
    dropped = _row((4, 11, "", "surface"))
    table = count_recoverable([row, dropped], Vocabulary("war", " at"))
    assert table == {"all": [2, 3], "phrases": [1, 1], "thesaurus": [0, 1], "surface": [1, 1]}
    assert next(format_table(table)).split() == ["all", "66.7%", "of", "3", "garbled", "words"]


def test_a_word_is_recoverable_if_few_tokens_are_more_likely(tiny_base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Compares with transformers' own logits, at the token that starts the word."""
    spun, original = "The warfare had ended.", "The war had ended."
    recoverer = BaseModelRecoverer(tiny_base)
    prompt = recoverer._prompt
    target = prompt.text_ids(original)
    offset = original.index("war")
    before = len(prompt.text_ids(original[: offset - 1]))
    source = prompt.source_ids(spun)
    model = AutoModelForCausalLM.from_pretrained(tiny_base)
    logits = model(input_ids=torch.tensor([[*source, *target]])).logits[0, len(source) + before - 1]
    rank = int((logits > logits[target[before]]).sum())
    for top_k, expected in ((rank + 1, True), (rank, False)):
        monkeypatch.setattr(recoverability, "TOP_K", top_k)
        assert recoverer.recoverable(spun, original, [offset]) == [expected]
