"""A task of a distributed restore: its share of the files, what it skips, and when it fails."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from unspin.cli.cluster import EachFile
from unspin.cli.job import Job
from unspin.cli.jobs import RestoreOptions
from unspin.cli.restore_file import RestoreFile
from unspin.infer.documents.base import DocumentError
from unspin.infer.engines.base import Rewriting
from unspin.infer.restorer import Restorer

SPUN = "The minister said on Monday that the warfare had ended.\n"


class WordEngine:
    """Restores one garbled word, with full confidence, a character per token."""

    def rewrite(self, sentences: Sequence[str]) -> list[Rewriting]:
        texts = [sentence.replace("warfare", "war") for sentence in sentences]
        return [Rewriting(text, tuple(range(1, len(text) + 1)), (0.0,) * (len(text) + 1)) for text in texts]


@pytest.fixture
def jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Job]:
    monkeypatch.setattr(Restorer, "from_pretrained", lambda name, **options: Restorer(WordEngine()))  # type: ignore[arg-type]
    texts = {"a.txt": "", "b.txt": SPUN, "c.txt": SPUN, "d.txt": SPUN, "e.txt": SPUN}
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    return [Job(tmp_path / name, Path(name), tmp_path / "out" / name, tmp_path / "records" / name) for name in texts]


def test_a_task_restores_its_share_and_then_reports_unreadable_files(jobs: list[Job], tmp_path: Path) -> None:
    options = RestoreOptions(output=tmp_path / "out")
    with pytest.raises(DocumentError, match=r"a\.txt is empty"):
        EachFile(jobs, RestoreFile(options, "settings")).run(rank=0, world_size=2)
    restored = {file.name: file.read_text() for file in (tmp_path / "out").iterdir()}
    assert restored == dict.fromkeys(("c.txt", "e.txt"), SPUN.replace("warfare", "war"))


def test_a_task_skips_files_that_are_finished(jobs: list[Job], tmp_path: Path) -> None:
    options = RestoreOptions(output=tmp_path / "out")
    out = tmp_path / "out"
    EachFile(jobs[:2], RestoreFile(options, "settings")).run(rank=1, world_size=2)
    assert [file.name for file in out.iterdir()] == ["b.txt"]
    (out / "b.txt").write_text("edited since")
    EachFile(jobs, RestoreFile(options, "settings")).run(rank=1, world_size=2)
    texts = {file.name: file.read_text() for file in out.iterdir()}
    assert texts == {"b.txt": "edited since", "d.txt": SPUN.replace("warfare", "war")}


def test_a_task_keeps_what_somebody_else_wrote(jobs: list[Job], tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "b.txt").write_text("not ours")
    with pytest.raises(DocumentError, match=r"b\.txt was written by somebody else during the run"):
        EachFile(jobs, RestoreFile(RestoreOptions(output=tmp_path / "out"), "settings")).run(rank=1, world_size=2)
    texts = {file.name: file.read_text() for file in (tmp_path / "out").iterdir()}
    assert texts == {"b.txt": "not ours", "d.txt": SPUN.replace("warfare", "war")}
