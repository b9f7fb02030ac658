"""The work of one `unspin restore`: its options, the files it finds, and where each of them is written.

Before any model is loaded, `find_jobs` refuses options that contradict each other or would overwrite a file.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from unspin.cli.files import PARQUET, STDIN, File, find_files, is_document
from unspin.cli.job import Job
from unspin.cli.options import OptionError
from unspin.infer.documents.base import DEFAULT_OPTIONS, DocumentOptions
from unspin.infer.documents.docx import DOCX
from unspin.infer.documents.formats import FORMATS, FORMATS_BY_NAME
from unspin.infer.engines import ENGINES
from unspin.phrase_lists import read_phrases, read_terms
from unspin.storage import is_url, real_path, storage_errors

BACKUP = ".bak"
PAGE_MARK = b'<meta name="generator" content="unspin">'
RECORDS = ".unspin"  # folder with a record of each restored file, in the output folder
IN_PLACE = f"{RECORDS}/in-place"  # those of files restored in place, which say nothing of other files of these names


@dataclass(frozen=True)
class RestoreOptions:
    """The options of `unspin restore`; its help says what each does."""

    output: Path | None = None
    in_place: bool = False
    html: Path | None = None
    edits: Path | None = None
    diff: bool = False
    dry_run: bool = False
    resume: bool = False
    documents: DocumentOptions = DEFAULT_OPTIONS
    checkpoint: str = "default"
    min_confidence: float | None = None
    keep_quotations: bool = False
    alternatives: int = 0
    phrases: Path | None = None
    protect: Path | None = None
    engine: str = "draft"
    device: str = "cpu"
    jobs: int = 1
    executor: Path | None = None


def find_jobs(paths: Sequence[Path], options: RestoreOptions) -> list[Job]:
    """List the files to restore; what cannot be read is listed with its error.

    Raises `OptionError` if the options contradict each other or do not fit the files.
    """
    _check_options(paths, options)
    others = (options.output, options.html, options.edits, options.phrases, options.protect)
    files = find_files(paths, [other for other in others if other is not None], same_file=options.in_place)
    if [file.path for file in files] == list(paths):
        _check_suffix(options.output)
    file_output = _file_output(files, options)
    if file_output is not None and not files[0].error:
        jobs = [Job(files[0].path, Path(file_output.name), file_output)]
    else:
        jobs = [_job(file, options) for file in files]
    _check_targets(jobs, options)
    _check_collisions([job for job in jobs if not job.error], options)
    return jobs


def check_lists(options: RestoreOptions) -> None:
    """Read the lists that the options name, to report a wrong one at once. Raises `PhraseListError`, `StorageError`."""
    if options.phrases is not None:
        read_phrases(options.phrases)
    if options.protect is not None:
        read_terms(options.protect)


def backup_of(path: Path, number: int = 1) -> Path:
    """The copy that ``--in-place`` keeps of a file: "a.txt.bak", and of a later original "a.txt.bak.2"."""
    return path.with_name(path.name + BACKUP + (f".{number}" if number > 1 else ""))


def page_of(job: Job, folder: Path) -> Path:
    """The HTML page of a file, both versions side by side: "pages/a.txt.html" of "a.txt"."""
    return folder / job.relative.with_name(job.relative.name + ".html")


def is_page(file: Path) -> bool:
    """Whether a file can be read and is such a page. Raises `StorageError`."""
    try:
        with storage_errors(file), file.open("rb") as page:
            return PAGE_MARK in page.read(1000)
    except OSError:
        return False


def _check_options(paths: Sequence[Path], options: RestoreOptions) -> None:
    if options.engine not in ENGINES:
        raise OptionError(f"--engine {options.engine}: choose one of {', '.join(ENGINES)}")
    if options.documents.format not in (None, *FORMATS_BY_NAME):
        raise OptionError(f"--format {options.documents.format}: choose one of {', '.join(FORMATS_BY_NAME)}")
    if options.in_place and options.output is not None:
        raise OptionError("--in-place and --output exclude each other: give one")
    if options.executor is not None:
        _check_executor_options(paths, options)
    if options.edits is not None and is_url(options.edits):
        raise OptionError(f"--edits {options.edits}: rows cannot be appended to an object: give a local file")
    if options.edits is not None and options.edits.exists() and not options.edits.is_file():
        what = "a folder" if options.edits.is_dir() else "a device or a pipe"
        raise OptionError(f"--edits {options.edits} is {what}: name a file")
    for name, folder in (("--output", options.output), ("--html", options.html)):
        if folder == STDIN:
            raise OptionError(f"{name} - is not a folder; without --output, the restored text goes to stdout")
        if folder is None or is_url(folder) or not folder.exists() or folder.is_dir():
            continue
        if not folder.is_file():
            raise OptionError(f"{name} {folder} is a device or a pipe: name a folder")
        if not is_document(folder):
            raise OptionError(f"{name} {folder} is a file: name a folder")


def _may_hold_edits(file: Path) -> bool:
    """Whether a file holds nothing but edits. A killed run may have written half of the last one."""
    *whole, last = file.read_bytes().split(b"\n")
    opening = b'{"document": '
    is_half = opening.startswith(last) or (last.startswith(opening) and not _is_json(last))
    return is_half and all(line.startswith(opening) and b', "spun": ' in line for line in whole)


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _check_executor_options(paths: Sequence[Path], options: RestoreOptions) -> None:
    """Raise `OptionError` for options that need more than restored files in a folder that all machines share."""
    if options.output is None:
        raise OptionError("--executor writes to a folder that all machines share: add --output FOLDER")
    conflicts = {
        "--html": options.html is not None,
        "--edits": options.edits is not None,
        "--diff": options.diff,
        "--dry-run": options.dry_run,
        "-, since all machines read the files": STDIN in paths,
    }
    for name, is_given in conflicts.items():
        if is_given:
            raise OptionError(f"--executor writes restored files only: leave out {name}")


def _check_suffix(output: Path | None) -> None:
    """Raise `OptionError` if the output for files, without folders, has the suffix of a file that no format has."""
    if output is None or is_url(output) or output.suffix.lower() in (*FORMATS, PARQUET) or output.is_dir():
        return
    if re.fullmatch(r"\.[a-z]{2,4}", output.suffix):
        raise OptionError(
            f"--output {output}: is it a file or a folder? A restored file keeps its suffix; a folder with a suffix "
            "has to be made first"
        )


def _file_output(files: Sequence[File], options: RestoreOptions) -> Path | None:
    """The value of ``--output`` if it names a file, as a known suffix says that no folder has; None for a folder."""
    output = options.output
    if output is None or output.suffix.lower() not in (*FORMATS, PARQUET) or output.is_dir():
        return None
    if len(files) > 1:
        raise OptionError(f"--output {output} is the name of a file, and several files need a folder: name a folder")
    if options.resume or options.executor is not None:
        raise OptionError(f"--output {output} is the name of a file, and only a folder can be resumed: name a folder")
    source = files[0].path
    if source != STDIN and not files[0].error and source.suffix.lower() != output.suffix.lower():
        raise OptionError(f"--output {output}: a restored file keeps its format, here {source.suffix or 'plain text'}")
    return output


def _job(file: File, options: RestoreOptions) -> Job:
    path, relative = file.path, file.relative
    if file.error:
        return Job(path, relative, None, error=file.error)
    if path == STDIN:
        relative = Path("stdin" + FORMATS_BY_NAME[options.documents.format or "txt"].suffixes[0])
    if options.in_place:
        return Job(path, relative, path, record_of(path.parent, path.name, IN_PLACE))
    if options.output is None:
        return Job(path, relative, None)
    return Job(path, relative, options.output / relative, record_of(options.output, relative.as_posix()))


def record_of(folder: Path, name: str, records: str = RECORDS) -> Path:
    """The record of a file, in a hidden folder. Its name is a digest: a file's own name may be too long."""
    return folder / records / f"{hashlib.sha256(os.fsencode(name)).hexdigest()[:32]}.json"


def _check_targets(jobs: Sequence[Job], options: RestoreOptions) -> None:
    if options.html is not None and all(job.is_table for job in jobs):
        raise OptionError("--html makes a page of an article, and each row of a Parquet file is one: leave it out")
    if options.documents.track_changes and (other := next((job for job in jobs if not _is_word(job, options)), None)):
        raise OptionError(f"--track-changes is for Word files, and {other.name} is none: name Word files only")
    if sys.stdin is None and any(job.path == STDIN for job in jobs):
        raise OptionError("stdin is closed: name files")
    if options.in_place:
        if any(job.path == STDIN for job in jobs):
            raise OptionError("--in-place overwrites files and stdin is not a file: leave out one of the two")
        return
    if options.output is not None:
        return
    if sys.stdout is None and not options.dry_run:
        raise OptionError("stdout is closed: add --output FOLDER")
    if len(jobs) > 1 and not options.dry_run:
        raise OptionError(f"{len(jobs)} files need an output folder: add --output FOLDER or --in-place")
    if jobs[0].is_table and not options.dry_run:
        raise OptionError(f"{jobs[0].name} needs an output folder: add --output FOLDER or --in-place")
    if options.resume:
        raise OptionError("--resume skips files that are already in the output folder: add --output FOLDER")


def _is_word(job: Job, options: RestoreOptions) -> bool:
    named = options.documents.format
    if job.error:
        return True
    return named == DOCX.name if named else job.path.suffix.lower() in DOCX.suffixes


def _check_collisions(jobs: Sequence[Job], options: RestoreOptions) -> None:
    """Refuse to write two restored files, pages or the edits to one place, or a restored file over an article."""
    sources = {real_path(job.path): job.name for job in jobs if job.path != STDIN}
    sources |= {real_path(file): f"the list {file}" for file in (options.phrases, options.protect) if file is not None}
    writers: dict[Path, str] = {} if options.edits is None else {real_path(options.edits): "--edits"}
    for job in jobs:
        files = [] if job.target is None else [(job.target, job.name)]
        if options.html is not None:
            files.append((page_of(job, options.html), f"the page of {job.name}"))
        for file, writer in files:
            place = real_path(file)
            if other := writers.get(place):
                raise OptionError(f"{other} and {writer} would be written to one file, {file}: restore them separately")
            if place in sources and not (options.in_place and file == job.target):
                raise OptionError(f"{writer} would be written over {sources[place]}: name another folder")
            writers[place] = writer
    if options.edits is not None and (what := sources.get(real_path(options.edits))):
        raise OptionError(f"--edits {options.edits} would be written over {what}: name another file")
    if options.edits is not None and options.edits.is_file() and not _may_hold_edits(options.edits):
        raise OptionError(f"--edits {options.edits} holds something else than edits: name another file")
