"""The comparison of ways to restore, on a tiny model: every way runs, and a difference is found."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from unspin.infer.engines.base import Rewriting
from unspin.infer.engines.copy_draft import CopyDraftEngine
from unspin.infer.models.checkpoint import Checkpoint
from unspin.segment import words

from benchmarks import invariance


@pytest.fixture
def checkpoint(tiny_adapter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkpoint:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(invariance, "WORDS", (20, 40))
    return Checkpoint.open(str(tiny_adapter))


def test_all_ways_give_the_same_restorations(checkpoint: Checkpoint, capsys: pytest.CaptureFixture[str]) -> None:
    texts = [*invariance.documents(4)]
    rows = [*invariance.InvarianceBenchmark(checkpoint, texts).comparisons()]
    assert len(rows) == 12
    assert all((row.documents, row.outputs) == (0, 0) and row.seconds > 0 for row in rows), rows
    assert invariance.show(rows, texts) == 0
    assert all(row.way in (shown := capsys.readouterr().out) or row.way in shown for row in rows[:1])


def test_a_difference_is_found(checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(invariance.InvarianceBenchmark, "_in_processes", invariance.InvarianceBenchmark._together)
    rewrite = CopyDraftEngine.rewrite

    def unequal(self: CopyDraftEngine, sentences: Sequence[str]) -> list[Rewriting]:
        return [output if len(sentences) > 1 else Rewriting("", (), ()) for output in rewrite(self, sentences)]

    monkeypatch.setattr(CopyDraftEngine, "rewrite", unequal)
    rows = {
        row.way: row for row in invariance.InvarianceBenchmark(checkpoint, [*invariance.documents(2)]).comparisons()
    }
    assert rows["in pieces (stream)"].outputs > 0 and rows["in pieces (stream)"].documents > 0
    assert rows["reversed"].outputs == 0


def test_documents_are_short_and_differ() -> None:
    texts = [*invariance.documents(20)]
    assert len(set(texts)) == 20
    assert all(len(words(text)) < 1.5 * invariance.WORDS[1] for text in texts)
