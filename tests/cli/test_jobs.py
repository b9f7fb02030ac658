"""Which files are restored, where each is written, and which options contradict each other."""

from pathlib import Path

import pytest
from unspin.cli.jobs import STDIN, Job, RestoreOptions, backup_of, find_jobs, page_of
from unspin.cli.options import OptionError
from unspin.infer.documents.base import DocumentError
from unspin.storage import to_path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in" / "deep").mkdir(parents=True)
    for name in ("a.txt", "deep/B.HTML", "deep/c.parquet", "deep/picture.png"):
        (tmp_path / "in" / name).write_bytes(b"x")
    return tmp_path / "in"


def test_a_folder_is_searched_and_its_layout_is_kept(folder: Path) -> None:
    out = Path("out")
    jobs = find_jobs([folder], RestoreOptions(output=out))
    relative = [Path("a.txt"), Path("deep/B.HTML"), Path("deep/c.parquet")]
    assert jobs == [Job(folder / path, path, out / path) for path in relative]
    assert [job.is_table for job in jobs] == [False, False, True]


def test_a_glob_is_expanded(folder: Path) -> None:
    jobs = find_jobs([folder / "**" / "*.txt"], RestoreOptions(in_place=True))
    assert jobs == [Job(folder / "a.txt", Path("a.txt"), folder / "a.txt")]


def test_one_file_goes_to_stdout(folder: Path) -> None:
    assert find_jobs([folder / "a.txt"], RestoreOptions()) == [Job(folder / "a.txt", Path("a.txt"), None)]
    assert find_jobs([STDIN], RestoreOptions()) == [Job(STDIN, Path("stdin.txt"), None)]


def test_resuming_leaves_out_what_is_finished(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a.txt").write_text("restored")
    jobs = find_jobs([folder], RestoreOptions(output=tmp_path / "out", resume=True))
    assert [job.relative.name for job in jobs] == ["B.HTML", "c.parquet"]


def test_resuming_in_place_repeats_a_file_that_equals_its_backup(folder: Path) -> None:
    backup_of(folder / "a.txt").write_bytes(b"x")
    backup_of(folder / "deep" / "B.HTML").write_bytes(b"the original")
    jobs = find_jobs([folder / "a.txt", folder / "deep" / "B.HTML"], RestoreOptions(in_place=True, resume=True))
    assert [job.path.name for job in jobs] == ["a.txt"]


@pytest.mark.parametrize(
    ("names", "options", "message"),
    [
        (["a.txt"], {"engine": "steam"}, "--engine steam: choose one of draft, ctranslate2, transformers"),
        (["a.txt"], {"in_place": True, "output": Path("out")}, "--in-place and --output exclude each other"),
        (["a.txt", "deep/B.HTML"], {}, "2 files need an output folder"),
        (["deep/c.parquet"], {}, "c.parquet needs an output folder"),
        (["a.txt"], {"resume": True}, "--resume skips files .*: add --output FOLDER"),
        (["a.txt", "a.txt"], {"output": Path("out")}, "would be written to one file"),
        (["a.txt", "deep/../a.txt"], {"in_place": True}, "would be written to one file"),
        (
            ["a.txt"],
            {"output": Path("o"), "edits": Path("o/a.txt")},
            "--edits and .*a.txt would be written to one file",
        ),
        (["a.txt"], {"html": Path("h"), "edits": Path("h/a.txt.html")}, "--edits and the page of .*a.txt would be"),
        (["a.txt"], {"executor": Path("ray.yaml")}, "add --output FOLDER"),
        (["a.txt"], {"executor": Path("r"), "output": Path("o"), "diff": True}, "leave out --diff"),
        (["a.txt"], {"executor": Path("r"), "output": Path("o"), "html": Path("h")}, "leave out --html"),
        (["a.txt"], {"executor": Path("r"), "output": Path("o"), "edits": Path("e")}, "leave out --edits"),
        (["a.txt"], {"output": Path("o"), "edits": to_path("memory://edits.jsonl")}, "give a local file"),
    ],
)
def test_options_that_do_not_fit_are_refused(
    folder: Path, names: list[str], options: dict[str, object], message: str
) -> None:
    with pytest.raises(OptionError, match=message):
        find_jobs([folder / name for name in names], RestoreOptions(**options))  # type: ignore[arg-type]


def test_files_that_differ_in_their_suffix_have_pages_of_their_own(folder: Path) -> None:
    (folder / "a.md").write_text("x")
    both = find_jobs([folder / "a.txt", folder / "a.md"], RestoreOptions(output=Path("out"), html=Path("out")))
    assert [page_of(job, Path("out")) for job in both] == [Path("out/a.txt.html"), Path("out/a.md.html")]


def test_stdin_cannot_be_changed_in_place() -> None:
    with pytest.raises(OptionError, match="stdin is not a file"):
        find_jobs([STDIN], RestoreOptions(in_place=True))


def test_a_folder_without_documents_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match=r"no document in .*: looked for \.txt"):
        find_jobs([tmp_path], RestoreOptions())
