"""The work of one `unspin restore`: its options, the files it finds, and where each of them is written.

Before any model is loaded, `find_jobs` refuses options that contradict each other or would overwrite a restored file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from glob import glob, has_magic
from pathlib import Path

from unspin.cli.options import OptionError
from unspin.infer.documents.base import DEFAULT_OPTIONS, DocumentError, DocumentOptions
from unspin.infer.documents.formats import FORMATS
from unspin.infer.engines import ENGINES
from unspin.storage import glob_url, is_url, storage_errors

STDIN = Path("-")
PARQUET = ".parquet"  # not imported from documents.parquet, which needs pyarrow
BACKUP = ".bak"


@dataclass(frozen=True)
class RestoreOptions:
    """The options of `unspin restore`; its help says what each does."""

    output: Path | None = None
    in_place: bool = False
    html: Path | None = None
    edits: Path | None = None
    diff: bool = False
    resume: bool = False
    documents: DocumentOptions = DEFAULT_OPTIONS
    checkpoint: str = "default"
    min_confidence: float | None = None
    keep_quotations: bool = False
    alternatives: int = 0
    engine: str = "draft"
    device: str = "cpu"
    jobs: int = 1
    executor: Path | None = None


@dataclass(frozen=True)
class Job:
    """A file to restore, its path relative to the output folders, and the file to write (None: stdout)."""

    path: Path
    relative: Path
    target: Path | None

    @property
    def is_table(self) -> bool:
        """Whether the file is a Parquet table, whose rows are articles."""
        return self.path.suffix.lower() == PARQUET


def find_jobs(paths: Sequence[Path], options: RestoreOptions) -> list[Job]:
    """List the files to restore; when resuming or on a cluster, without those that are finished.

    Raises `OptionError` if the options contradict each other or do not fit the files, `DocumentError` if there is no
    file, `StorageError` if an address cannot be reached.
    """
    _check_options(options)
    jobs = [Job(path, relative, _target(path, relative, options)) for path, relative in _find_files(paths)]
    if not jobs:
        suffixes = ", ".join((*FORMATS, PARQUET))
        raise DocumentError(f"no document in {', '.join(map(str, paths))}: looked for {suffixes}")
    _check_targets(jobs, options)
    _check_collisions(jobs, options)
    if options.resume or options.executor is not None:
        return [job for job in jobs if not _is_finished(job, options)]
    return jobs


def backup_of(path: Path) -> Path:
    """The copy that ``--in-place`` keeps of a file."""
    return path.with_name(path.name + BACKUP)


def page_of(job: Job, folder: Path) -> Path:
    """The HTML page of a file, both versions side by side: "pages/a.txt.html" of "a.txt"."""
    return folder / job.relative.with_name(job.relative.name + ".html")


def _check_options(options: RestoreOptions) -> None:
    if options.engine not in ENGINES:
        raise OptionError(f"--engine {options.engine}: choose one of {', '.join(ENGINES)}")
    if options.in_place and options.output is not None:
        raise OptionError("--in-place and --output exclude each other: give one")
    if options.executor is not None:
        _check_executor_options(options)
    if options.edits is not None and is_url(options.edits):
        raise OptionError(f"--edits {options.edits}: rows cannot be appended to an object: give a local file")


def _check_executor_options(options: RestoreOptions) -> None:
    """Raise `OptionError` for options that need more than restored files in a folder that all machines share."""
    if options.output is None:
        raise OptionError("--executor writes to a folder that all machines share: add --output FOLDER")
    conflicts = {
        "--html": options.html is not None,
        "--edits": options.edits is not None,
        "--diff": options.diff,
    }
    for name, is_given in conflicts.items():
        if is_given:
            raise OptionError(f"--executor writes restored files only: leave out {name}")


def _check_targets(jobs: Sequence[Job], options: RestoreOptions) -> None:
    if options.in_place:
        if any(job.path == STDIN for job in jobs):
            raise OptionError("--in-place overwrites files and stdin is not a file: leave out one of the two")
        return
    if options.output is not None:
        return
    if len(jobs) > 1:
        raise OptionError(f"{len(jobs)} files need an output folder: add --output FOLDER or --in-place")
    if jobs[0].is_table:
        raise OptionError(f"{jobs[0].path} needs an output folder: add --output FOLDER or --in-place")
    if options.resume:
        raise OptionError("--resume skips files that are already in the output folder: add --output FOLDER")


def _check_collisions(jobs: Sequence[Job], options: RestoreOptions) -> None:
    """Refuse to write two restored files, pages or the edits to one place."""
    writers: dict[Path, str] = {} if options.edits is None else {options.edits.resolve(): "--edits"}
    for job in jobs:
        files = [] if job.target is None else [(job.target, str(job.path))]
        if options.html is not None:
            files.append((page_of(job, options.html), f"the page of {job.path}"))
        for file, writer in files:
            place = file.resolve()
            if other := writers.get(place):
                raise OptionError(
                    f"{other} and {writer} would be written to one file, {file}: restore them separately, "
                    "or name another folder"
                )
            writers[place] = writer


def _target(path: Path, relative: Path, options: RestoreOptions) -> Path | None:
    if options.in_place:
        return path
    return None if options.output is None else options.output / relative


def _find_files(paths: Iterable[Path]) -> Iterator[tuple[Path, Path]]:
    """Yield each file with its path relative to an output folder; folders are searched, globs expanded."""
    for path in paths:
        if path == STDIN:
            yield path, Path("stdin.txt")
            continue
        with storage_errors(path):
            is_folder = path.is_dir()
            is_pattern = has_magic(str(path)) and not path.exists()
        if is_folder:
            yield from _search(path)
        elif is_pattern:
            yield from _find_files(_expand(path))
        else:
            yield path, Path(path.name)


def _search(folder: Path) -> Iterator[tuple[Path, Path]]:
    with storage_errors(folder):
        files = [file for file in sorted(folder.rglob("*")) if _is_document(file) and file.is_file()]
    for file in files:
        # `relative_to` of an address does not give a local path.
        yield file, Path(str(file)[len(str(folder)) :].lstrip("/\\"))


def _is_document(file: Path) -> bool:
    return file.suffix.lower() in (*FORMATS, PARQUET)


def _expand(pattern: Path) -> list[Path]:
    if is_url(pattern):
        return glob_url(str(pattern))
    # Path.glob refuses absolute patterns.
    return [Path(match) for match in sorted(glob(str(pattern), recursive=True))]  # noqa: PTH207


def _is_finished(job: Job, options: RestoreOptions) -> bool:
    if options.in_place:  # a run killed between the copy and the change leaves two equal files
        backup = backup_of(job.path)
        return backup.exists() and backup.read_bytes() != job.path.read_bytes()
    return job.target is not None and job.target.exists()
