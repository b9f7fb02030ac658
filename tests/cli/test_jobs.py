"""Which files are restored, where each is written, and which options contradict each other."""

import os
import re
import tracemalloc
from errno import EACCES
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from unspin.cli.files import STDIN
from unspin.cli.job import Job, read_job
from unspin.cli.jobs import RestoreOptions, find_jobs, page_of
from unspin.cli.local import show_plan
from unspin.cli.options import OptionError
from unspin.infer.documents.base import DocumentError, DocumentOptions
from unspin.storage import to_path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in" / "deep").mkdir(parents=True)
    for name in ("a.txt", "deep/B.HTML", "deep/c.parquet", "deep/picture.png"):
        (tmp_path / "in" / name).write_bytes(b"x")
    return tmp_path / "in"


def _placed(jobs: list[Job]) -> list[tuple[Path, Path | None]]:
    return [(job.path, job.target) for job in jobs]


def test_a_folder_is_searched_and_its_layout_is_kept(folder: Path) -> None:
    out = Path("out")
    jobs = find_jobs([folder], RestoreOptions(output=out))
    relative = [Path("a.txt"), Path("deep/B.HTML"), Path("deep/c.parquet")]
    assert _placed(jobs) == [(folder / path, out / path) for path in relative]
    assert [job.relative for job in jobs] == relative
    assert [job.is_table for job in jobs] == [False, False, True]


@pytest.mark.parametrize("name", [".", "./", "../in", "deep/.."])
def test_a_folder_may_be_given_in_any_way(folder: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    jobs = find_jobs([Path(name)], RestoreOptions(output=Path("out")))
    assert [job.target for job in jobs] == [Path("out/a.txt"), Path("out/deep/B.HTML"), Path("out/deep/c.parquet")]


def test_a_glob_is_expanded(folder: Path) -> None:
    (job,) = find_jobs([folder / "**" / "*.txt"], RestoreOptions(in_place=True))
    assert (job.path, job.relative, job.target) == (folder / "a.txt", Path("a.txt"), folder / "a.txt")


@pytest.mark.parametrize("output", [".", "..", "/", "in", "out"])
def test_a_pattern_finds_files_below_the_output_folder(
    folder: Path, output: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder.parent)
    jobs = find_jobs([Path("in/**/*.txt")], RestoreOptions(output=Path(output) / "new", html=Path(output)))
    assert [job.path for job in jobs] == [Path("in/a.txt")]


def test_what_the_run_writes_is_left_out_through_links(folder: Path) -> None:
    (folder / "out").mkdir()
    (folder / "out" / "x.txt").write_text("x")
    (folder.parent / "link").symlink_to(folder)
    for path in ("link", "link/*.txt", "link/**/*.txt", "link/**"):
        jobs = find_jobs([folder.parent / path], RestoreOptions(output=folder / "out"))
        assert "x.txt" not in [job.path.name for job in jobs] and "a.txt" in [job.path.name for job in jobs]


def test_files_keep_their_paths_below_the_folder_that_they_share(folder: Path) -> None:
    for name in ("one", "two"):
        (folder / name).mkdir()
        (folder / name / "same.txt").write_text("x")
    both = [Path("out/one/same.txt"), Path("out/two/same.txt")]
    for paths in (["one", "two"], ["one/same.txt", "two/same.txt"], ["one/same.txt", "two"], ["*/same.txt"]):
        jobs = find_jobs([folder / path for path in paths], RestoreOptions(output=Path("out")))
        assert [job.target for job in jobs] == both


def test_one_file_goes_to_stdout(folder: Path) -> None:
    assert _placed(find_jobs([folder / "a.txt"], RestoreOptions())) == [(folder / "a.txt", None)]
    (job,) = find_jobs([STDIN], RestoreOptions())
    assert (job.path, job.relative, job.target) == (STDIN, Path("stdin.txt"), None)


def test_one_file_may_be_written_to_a_file(folder: Path) -> None:
    jobs = find_jobs([folder / "a.txt"], RestoreOptions(output=Path("new/restored.TXT")))
    assert _placed(jobs) == [(folder / "a.txt", Path("new/restored.TXT"))]
    (folder / "odd.txt").mkdir()
    (job,) = find_jobs([folder / "a.txt"], RestoreOptions(output=folder / "odd.txt"))
    assert job.target == folder / "odd.txt" / "a.txt"


def test_hidden_files_and_what_the_run_writes_are_not_articles(folder: Path) -> None:
    for name in (".git", ".unspin", "out", "pages"):
        (folder / name).mkdir()
        (folder / name / "x.txt").write_text("x")
    (folder / ".hidden.txt").write_text("x")
    (folder / "deep" / "c.parquet").unlink()
    jobs = find_jobs([folder], RestoreOptions(output=folder / "out", html=folder / "pages"))
    assert [job.relative.name for job in jobs] == ["a.txt", "B.HTML"]


def test_links_are_followed_to_files_and_never_in_circles(folder: Path) -> None:
    (folder / "deep" / "up").symlink_to(folder)
    (folder / "link.txt").symlink_to(folder / "a.txt")
    (folder / "gone.txt").symlink_to(folder / "nothing")
    (folder / "circle.txt").symlink_to(folder / "circle.txt")
    jobs = find_jobs([folder], RestoreOptions(output=Path("out")))
    assert [job.relative.name for job in jobs] == ["a.txt", "B.HTML", "c.parquet", "link.txt"]


def test_a_name_is_shown_in_one_line_of_valid_text() -> None:
    names = {"a\nb.txt": "a\\nb.txt", "caf\udce9.txt": "caf\\udce9.txt", "naïve 東京.txt": "naïve 東京.txt"}
    assert {name: Job(Path(name), Path(name), None).name for name in names} == names


@pytest.mark.parametrize(
    ("names", "options", "message"),
    [
        (["a.txt"], {"engine": "steam"}, "--engine steam: choose one of draft, ctranslate2, transformers"),
        (["a.txt"], {"in_place": True, "output": Path("out")}, "--in-place and --output exclude each other"),
        (["a.txt", "deep/B.HTML"], {}, "2 files need an output folder"),
        (["deep/c.parquet"], {}, "c.parquet needs an output folder"),
        (["a.txt"], {"documents": DocumentOptions(format="pdf")}, "--format pdf: choose one of txt, md, "),
        (["a.txt", "deep/B.HTML"], {"output": Path("new.txt")}, "new.txt is the name of a file, and several files"),
        (["a.txt"], {"output": Path("new.html")}, "a restored file keeps its format, here .txt"),
        (["a.txt"], {"output": Path("new.txt"), "resume": True}, "only a folder can be resumed"),
        (["deep/c.parquet"], {"output": Path("o"), "html": Path("h")}, "leave it out"),
        (["a.txt"], {"documents": DocumentOptions(track_changes=True)}, "name Word files only"),
        (["a.txt"], {"resume": True}, "--resume skips files .*: add --output FOLDER"),
        (["a.txt"], {"output": Path("o"), "edits": Path()}, r"--edits \. is a folder: name a file"),
        (["a.txt"], {"output": Path("-")}, "--output - is not a folder"),
        (["a.txt"], {"output": Path(__file__)}, r"test_jobs\.py is a file: name a folder"),
        (
            ["a.txt"],
            {"output": Path("o"), "edits": Path("o/a.txt")},
            "--edits and .*a.txt would be written to one file",
        ),
        (["a.txt"], {"html": Path("h"), "edits": Path("h/a.txt.html")}, "--edits and the page of .*a.txt would be"),
        (["a.txt"], {"executor": Path("r"), "output": Path("o"), "dry_run": True}, "leave out --dry-run"),
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


@pytest.mark.parametrize("options", [{"output": Path("out")}, {"in_place": True}])
def test_a_file_that_is_named_twice_is_restored_once(folder: Path, options: dict[str, object]) -> None:
    twice = [folder / "a.txt", folder / "deep" / ".." / "a.txt", folder, folder / "*.txt"]
    jobs = find_jobs(twice, RestoreOptions(**options))  # type: ignore[arg-type]
    assert [job.relative.name for job in jobs] == ["a.txt", "B.HTML", "c.parquet"]


def test_in_place_a_link_and_its_file_are_one(folder: Path) -> None:
    (folder / "link.txt").symlink_to(folder / "a.txt")
    assert len(find_jobs([folder], RestoreOptions(in_place=True))) == 3


def test_stdin_has_the_suffix_of_its_format() -> None:
    (job,) = find_jobs(
        [STDIN], RestoreOptions(output=Path("out"), documents=DocumentOptions("docx", track_changes=True))
    )
    assert job.target == Path("out/stdin.docx")


def test_an_edits_file_in_a_folder_is_no_article(folder: Path) -> None:
    (folder / "edits.jsonl").write_text('{"document": "a.txt", "start": 0, "end": 1, "spun": "a"}\n')
    options = RestoreOptions(output=Path("out"), edits=folder / "edits.jsonl")
    assert all(job.relative.name != "edits.jsonl" for job in find_jobs([folder], options))


@pytest.mark.parametrize(
    "content",
    ['{"document": {"title": "ours"}}', '{"document": "x", "spun": "y"}\nours\n', "ours", '{"document": "x"}\n'],
)
def test_a_file_that_holds_anything_but_edits_is_kept(content: str, folder: Path) -> None:
    (folder / "ours.json").write_text(content)
    with pytest.raises(OptionError, match="holds something else than edits"):
        find_jobs([folder / "a.txt"], RestoreOptions(output=Path("out"), edits=folder / "ours.json"))


@pytest.mark.parametrize("scheme", ["file", "local"])
def test_an_address_of_this_machine_is_a_path(scheme: str, folder: Path) -> None:
    assert to_path(f"{scheme}://{folder}") == folder
    with pytest.raises(OptionError, match="would be written over"):
        find_jobs([folder / "a.txt"], RestoreOptions(output=to_path(f"{scheme}://{folder}")))


def test_nothing_is_written_over_an_article(folder: Path) -> None:
    for options in ({"output": folder}, {"output": Path("o"), "edits": folder / "a.txt"}):
        with pytest.raises(OptionError, match=r"would be written over .*a"):
            find_jobs([folder / "a.txt"], RestoreOptions(**options))  # type: ignore[arg-type]


def test_files_that_differ_in_their_suffix_have_pages_of_their_own(folder: Path) -> None:
    (folder / "a.md").write_text("x")
    both = find_jobs([folder / "a.txt", folder / "a.md"], RestoreOptions(output=Path("out"), html=Path("out")))
    assert [page_of(job, Path("out")) for job in both] == [Path("out/a.txt.html"), Path("out/a.md.html")]


def test_a_cluster_reads_no_stdin() -> None:
    with pytest.raises(OptionError, match="leave out -, since all machines read the files"):
        find_jobs([Path("-")], RestoreOptions(output=Path("o"), executor=Path("ray.yaml")))


def test_stdin_cannot_be_changed_in_place() -> None:
    with pytest.raises(OptionError, match="stdin is not a file"):
        find_jobs([STDIN], RestoreOptions(in_place=True))


def test_a_folder_without_documents_is_an_error(tmp_path: Path) -> None:
    (job,) = find_jobs([tmp_path], RestoreOptions())
    assert re.fullmatch(r"no document in .*: looked for \.txt.*", job.error)
    with pytest.raises(DocumentError, match=re.escape(job.error)):
        read_job(job, DocumentOptions())


def test_an_output_that_looks_like_a_file_of_another_type_is_asked_about(folder: Path) -> None:
    for name in ("restored.out", "restored.doc"):
        with pytest.raises(OptionError, match="is it a file or a folder"):
            find_jobs([folder / "a.txt"], RestoreOptions(output=folder / name))
        (job,) = find_jobs([folder / "*.txt"], RestoreOptions(output=folder / name))
        assert job.target == folder / name / "a.txt"
        (folder / name).mkdir()
        assert find_jobs([folder / "a.txt"], RestoreOptions(output=folder / name))
    (job,) = find_jobs([folder / "a.txt"], RestoreOptions(output=to_path("s3://bucket/restored.out")))
    assert str(job.target) == "s3://bucket/restored.out/a.txt"
    (job,) = find_jobs([folder / "a.txt"], RestoreOptions(output=folder / "v1.2"))
    assert job.target == folder / "v1.2" / "a.txt"


def test_devices_and_pipes_are_not_written(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    for options in (RestoreOptions(edits=folder / "pipe"), RestoreOptions(output=folder / "pipe")):
        with pytest.raises(OptionError, match="pipe is a device or a pipe"):
            find_jobs([folder / "a.txt"], options)


def test_a_pattern_never_follows_links_in_circles_and_skips_hidden_files(folder: Path) -> None:
    for name in ("one", "two"):
        (folder / "deep" / name).symlink_to(folder)
    (folder / ".hidden").mkdir()
    (folder / ".hidden" / "a.txt").write_text("x")
    found = {
        pattern: [job.relative.as_posix() for job in find_jobs([folder / pattern], RestoreOptions(output=Path("o")))]
        for pattern in ("**/*.txt", "**.txt", "*/one/*.txt", ".h*/*.txt")
    }
    assert found == {
        "**/*.txt": ["a.txt"],
        "**.txt": ["a.txt"],
        "*/one/*.txt": ["deep/one/a.txt"],
        ".h*/*.txt": [".hidden/a.txt"],
    }


def test_a_folder_that_cannot_be_read_is_reported(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed, scandir = str(folder / "deep"), os.scandir

    def deny(path: str) -> object:
        if str(path) == closed:
            raise PermissionError(EACCES, "Permission denied", closed)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", deny)
    jobs = find_jobs([folder], RestoreOptions(output=Path("out")))
    assert [job.error for job in jobs if job.error] == [f"{closed}: Permission denied"]
    assert [job.path.name for job in jobs if not job.error] == ["a.txt"]


def test_a_plan_holds_a_piece_of_a_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("unspin.parquet.PIECE_BYTES", 1_000_000)
    monkeypatch.setattr("unspin.infer.documents.parquet.PIECE_BYTES", 1_000_000)
    file = tmp_path / "a.parquet"
    pq.write_table(pa.table({"text": ["a " + "x" * 100_000] * 200}), file)
    options = RestoreOptions(output=tmp_path / "out")
    tracemalloc.start()
    show_plan([Job(file, Path("a.parquet"), tmp_path / "out" / "a.parquet")], options)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "400 words" in capsys.readouterr().out
    assert peak < 10_000_000  # all texts have twice as many
