"""Finds the documents that a command names: files, folders, patterns, and addresses in a store."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from errno import ELOOP, ENOENT
from glob import has_magic
from pathlib import Path
from stat import S_ISREG

from unspin.infer.documents.base import DocumentError
from unspin.infer.documents.formats import FORMATS
from unspin.storage import StorageError, glob_url, is_url, real_path, storage_errors

STDIN = Path("-")
PARQUET = ".parquet"  # not imported from documents.parquet, which needs pyarrow


@dataclass(frozen=True)
class File:
    """A file that was found, and the folder below which its path is kept: first that of its argument, then of all.

    `error` says what is wrong with an argument, or a folder, of which no file can be listed; empty for a file.
    """

    path: Path
    root: Path
    error: str = ""

    @property
    def relative(self) -> Path:
        """The path below the root."""
        if self.path == STDIN:
            return self.path
        return Path(os.path.relpath(_absolute(self.path), _absolute(self.root)))


def find_files(paths: Sequence[Path], left_out: Collection[Path] = (), same_file: bool = False) -> list[File]:
    """The files of all arguments. Their paths are kept below the folder that all arguments of one store share.

    Folders and patterns skip what is `left_out`, files and folders. With `same_file`, links to a file are that file.
    An argument that names no file, or a folder that cannot be read, is listed with its error: the others go on. Raises
    `DocumentError` if all arguments are left out.
    """
    files = [file for path in paths for file in _files_or_error(path, left_out)]
    if not files:  # all that was named is left out
        raise DocumentError(_no_document(paths[0]))
    roots: dict[str, list[str]] = {}
    for file in files:
        roots.setdefault(_store(file.root), []).append(_absolute(file.root))
    shared = {store: os.path.commonpath(folders) for store, folders in roots.items()}
    distinct = {file.path if file.path == STDIN else _place(file.path, same_file): file for file in files}
    return [File(file.path, Path(shared[_store(file.root)]), file.error) for file in distinct.values()]


def _place(path: Path, same_file: bool) -> str:
    """What two arguments have in common that name one file; with `same_file`, links to a file are that file."""
    if is_url(path):
        return _store(path) + _absolute(path)
    return str(real_path(path) if same_file else real_path(path.parent) / path.name)


def _store(path: Path) -> str:
    """The store that holds a path, such as "s3://bucket"; empty for this machine."""
    return "/".join(str(path).split("/")[:3]) if is_url(path) else ""


def _absolute(path: Path) -> str:
    """The absolute path; for an address the path in its store."""
    return str(path).removeprefix(_store(path)) or "/" if is_url(path) else os.path.abspath(path)  # noqa: PTH100


def _places(paths: Collection[Path]) -> set[str]:
    return {_place(path, same_file=True) for path in paths}


def _is_left_out(path: Path, root: Path, left_out: Collection[str]) -> bool:
    """Whether a path below a root is one of the places left out, or lies in one that is below the root too."""
    place, above = _place(path, same_file=True), _place(root, same_file=True).rstrip("/")
    while place.startswith(f"{above}/"):
        if place in left_out:
            return True
        place = os.path.dirname(place)  # noqa: PTH120 - of an address too
    return False


def _files_or_error(path: Path, left_out: Collection[Path]) -> list[File]:
    """The files of one argument, or what is wrong with it."""
    try:
        files = list(_files_of(path, left_out))
        if not files and _place(path, same_file=True) not in _places(left_out):
            raise DocumentError(_no_document(path))
    except OSError as error:
        return [File(path, path.parent, f"{path}: {error.strerror or error}")]
    except (DocumentError, StorageError) as error:
        return [File(path, path.parent, str(error))]
    return files


def _no_document(path: Path) -> str:
    return f"no document in {path}: looked for {', '.join((*FORMATS, PARQUET))}"


def _files_of(path: Path, left_out: Collection[Path]) -> Iterator[File]:
    """The files of one argument: a file, the documents in a folder, or what a pattern matches."""
    if path == STDIN:
        yield File(path, path.parent)
        return
    with storage_errors(path):
        is_folder = path.is_dir()
        is_pattern = has_magic(str(path)) and not path.exists()
    if is_folder:
        yield from _search(path, path, left_out)
    elif is_pattern:
        fixed = next(parent for parent in path.parents if not has_magic(str(parent)))
        places = _places(left_out)
        for match in _expand(path, fixed):
            if not _is_left_out(match, fixed, places):
                if _is_folder(match):
                    yield from _search(match, fixed, left_out)
                elif _may_be_file(match):
                    yield File(match, fixed)
    else:
        if not is_url(path) and not S_ISREG(path.stat().st_mode) and not is_open_here(path):
            raise DocumentError(f"{path} is a device or a pipe: name a file, or - for stdin")
        yield File(path, path.parent)


def is_open_here(path: Path) -> bool:
    """Whether a path is that of a file which this process has open, as the shell's <(command) is."""
    return path.parent in (Path("/dev/fd"), Path("/proc/self/fd")) or path == Path("/dev/stdin")


def _search(folder: Path, root: Path, left_out: Collection[Path]) -> list[File]:
    """The documents in a folder, sorted, without hidden ones, and without what is left out.

    Symbolic links to files are followed, links to folders are not: they may lead in a circle.
    """
    places = _places(left_out)
    if is_url(folder):
        with storage_errors(folder):
            files = [file for file in sorted(folder.rglob("*")) if is_document(file) and file.is_file()]
        files = [file for file in files if not _is_left_out(file, folder, places)]
        return [File(file, root) for file in files if "/." not in str(file)[len(str(folder)) :]]
    found: list[File] = []

    def note(error: OSError) -> None:
        found.append(File(Path(error.filename), root, f"{error.filename}: {error.strerror}"))

    for name, inner, names in os.walk(folder, onerror=note):
        real = os.path.realpath(name)
        for shown in (inner, names):
            shown[:] = [one for one in shown if one[0] != "." and str(Path(real, one)) not in places]
        files = [Path(name, file) for file in names if is_document(Path(file))]
        found += [File(file, root) for file in files if _may_be_file(file)]
    return sorted(found, key=lambda file: file.path)


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        return False


def _may_be_file(path: Path) -> bool:
    """Whether a path is that of a file, or of something whose kind cannot be told: reading it reports why.

    Links that lead nowhere are neither.
    """
    try:
        return S_ISREG(path.stat().st_mode) if not is_url(path) else path.is_file()
    except OSError as error:
        return error.errno not in (ENOENT, ELOOP)


def is_document(file: Path) -> bool:
    """Whether a file's suffix is that of a format that can be read."""
    return file.suffix.lower() in (*FORMATS, PARQUET)


def _expand(pattern: Path, fixed: Path) -> list[Path]:
    """What a pattern matches, sorted. As in the shell, hidden files only if the pattern names them.

    `fixed` is the part of the pattern without special characters. "**" does not follow links: they may lead in a
    circle.
    """
    if is_url(pattern):
        return glob_url(str(pattern))
    parts = [part if part == "**" else re.sub(r"\*+", "*", part) for part in pattern.relative_to(fixed).parts]
    with_hidden = any(part[0] == "." for part in parts)
    matches = sorted(fixed.glob("/".join(parts)))
    return [match for match in matches if with_hidden or not _is_hidden(match.relative_to(fixed))]


def _is_hidden(path: Path) -> bool:
    return any(part[0] == "." for part in path.parts)
