"""What `unspin restore` is asked to do: its options, the documents it finds, and where each of them goes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from glob import glob, has_magic
from pathlib import Path

from unspin.data.stores import is_address, matches, reaching
from unspin.infer.documents import DocumentError
from unspin.infer.engines import ENGINES
from unspin.infer.formats import FORMATS
from unspin.infer.tables import SUFFIX as PARQUET

STDIN = Path("-")
BACKUP = ".bak"


@dataclass(frozen=True)
class RestoreOptions:
    """What the command line asks for; see the options' help."""

    output: Path | None = None
    in_place: bool = False
    html: Path | None = None
    edits: Path | None = None
    diff: bool = False
    resume: bool = False
    field: str = "text"
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
    """A document to restore, its place below the output folders, and where it goes (None: stdout)."""

    path: Path
    place: Path
    target: Path | None


def find_jobs(paths: Sequence[Path], options: RestoreOptions) -> list[Job]:
    """The documents to restore, without those that a resumed run has done. Raises `DocumentError` where the options do not fit them."""
    if options.engine not in ENGINES:
        raise DocumentError(f"--engine {options.engine}: there are {', '.join(ENGINES)}")
    if options.in_place and options.output is not None:
        raise DocumentError("--in-place and --output exclude each other: give one")
    if options.executor is not None:
        barred = {"--output FOLDER is missing": options.output is None, "--in-place": options.in_place, "--html": options.html is not None,
                  "--edits": options.edits is not None, "--diff": options.diff}  # fmt: skip
        if any(barred.values()):
            wrong = next(name for name, given in barred.items() if given)
            raise DocumentError(f"--executor writes restored files to a folder that all machines see: {wrong}")
    if options.edits is not None and is_address(options.edits):
        raise DocumentError(f"--edits {options.edits}: rows are added one by one, which no object store does: give a file of this machine")
    found = list(_find(paths))
    if not found:
        raise DocumentError(f"no document in {', '.join(map(str, paths))}: looked for {', '.join((*FORMATS, PARQUET))}")
    jobs = [Job(path, place, path if options.in_place else options.output and options.output / place) for path, place in found]
    if options.in_place and STDIN in (job.path for job in jobs):
        raise DocumentError("--in-place changes files, stdin is none: leave one of the two out")
    if options.output is None and not options.in_place:
        if len(jobs) > 1:
            raise DocumentError(f"{len(jobs)} files need a folder to go to: add --output FOLDER or --in-place")
        if jobs[0].path.suffix.lower() == PARQUET:
            raise DocumentError(f"{jobs[0].path} needs a folder to go to: add --output FOLDER or --in-place")
        if options.resume:
            raise DocumentError("--resume goes on with what is missing in a folder: add --output FOLDER")
    seen: dict[Path, Path] = {}
    for job in jobs:
        place = job.path.resolve() if options.in_place else job.place
        if place in seen:
            raise DocumentError(f"{seen[place]} and {job.path} would become one file: restore them apart")
        seen[place] = job.path
    going_on = options.resume or options.executor is not None
    return [job for job in jobs if not (going_on and _is_done(job, options))]


def _find(paths: Iterable[Path]) -> Iterator[tuple[Path, Path]]:
    """(document, its place in an output folder)."""
    for path in paths:
        with reaching(path):
            is_folder, is_pattern = path.is_dir(), has_magic(str(path)) and not path.exists()
            files = [p for p in sorted(path.rglob("*")) if p.suffix.lower() in (*FORMATS, PARQUET) and p.is_file()] if is_folder else []
        if is_folder:
            yield from ((p, Path(str(p)[len(str(path)) :].lstrip("/\\"))) for p in files)
        elif is_pattern and is_address(path):
            yield from _find(matches(str(path)))
        elif is_pattern:
            yield from _find(Path(match) for match in sorted(glob(str(path), recursive=True)))  # noqa: PTH207 - the pattern may be absolute
        else:
            yield path, Path("stdin.txt") if path == STDIN else Path(path.name)


def _is_done(job: Job, options: RestoreOptions) -> bool:
    if options.in_place:  # a run killed between the copy and the change left two equal files
        return backup(job.path).exists() and backup(job.path).read_bytes() != job.path.read_bytes()
    return job.target is not None and job.target.exists()


def backup(path: Path) -> Path:
    return path.with_name(path.name + BACKUP)
