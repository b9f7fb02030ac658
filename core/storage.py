"""Local paths and addresses of object stores ("s3://bucket/folder"), which behave like paths through fsspec.

Single files are read and written in place. A folder that must be complete (a data set, a checkpoint) is used from a
verified local copy. A written file is there completely or not at all. The store's own client retries transient errors.
Repositories of the Hugging Face hub ("hf://datasets/owner/name") are such folders too.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from errno import EEXIST
from pathlib import Path
from secrets import token_hex
from time import time
from typing import Annotated, Any, cast

from platformdirs import user_cache_path
from pydantic import AfterValidator, PlainSerializer, PlainValidator
from unspin.checksums import CHECKSUMS, verify_checksums
from unspin.errors import UnspinError
from unspin.hub import SCHEME, Repository

SCRATCH = ".unspin-scratch-"  # begins the names of files and folders that are not complete yet
_SCRATCH_AGE = 24 * 3600  # seconds after which nobody writes a scratch file any more


class StorageError(UnspinError):
    """An object store cannot be reached, or something is missing from it."""


def cache_folder() -> Path:
    """Return the folder for what unspin keeps between runs: converted models, tokenized rows, downloads."""
    return user_cache_path("unspin")


def is_url(path: str | Path) -> bool:
    """Return whether a path is an address of an object store."""
    return "://" in str(path)


def real_path(path: Path) -> Path:
    """Return where a path leads once all links are followed. Unlike `Path.resolve`, it accepts links in a circle."""
    return path.resolve() if is_url(path) else Path(os.path.realpath(path))


def to_path(name: str | Path) -> Path:
    """Return a `Path` for a local path or a file:// address, else a path-like object for an object store's address.

    Raises `StorageError` if no installed package can reach that kind of store.
    """
    name = re.sub("^(file|local):///", "/", str(name))  # so that it is compared with other paths of this machine
    if not is_url(name):
        return Path(name)
    from upath import UPath

    try:
        path: Any = UPath(name)
        path.fs  # noqa: B018 - imports the store's client
        path.joinpath("file")  # a store of no folders, such as data://, refuses
    except ImportError as error:
        raise StorageError(f"{name}: {error}; for S3: pip install 'unspin[s3]'") from None
    except Exception as error:  # of addresses that name no folder, each store's client raises errors of its own
        raise StorageError(f"{name} names no store of files ({error}): give a path, or one such as s3://…") from None
    return cast(Path, path)


def _validate_path(value: object) -> Path:
    if not isinstance(value, (str, Path)) and not hasattr(value, "fs"):
        raise ValueError("give a path, or an address such as s3://bucket/folder")
    return to_path(cast(str | Path, value))


def _refuse_model_repository(path: Path) -> Path:
    if str(path).startswith(SCHEME) and not str(path).startswith(f"{SCHEME}datasets/"):
        raise ValueError("the address of a data set begins with hf://datasets/")
    return path


PathOrUrl = Annotated[
    Path, PlainValidator(_validate_path, json_schema_input_type=str), PlainSerializer(str, return_type=str)
]
DataSetPath = Annotated[PathOrUrl, AfterValidator(_refuse_model_repository)]


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn the errors of a store's client, which differ from store to store, into `StorageError`.

    Errors of local files, FileNotFoundError and errors of this project pass unchanged.
    """
    try:
        yield
    except (UnspinError, FileNotFoundError):
        raise
    except Exception as error:
        if not is_url(path):
            raise
        if isinstance(error, OSError):
            raise StorageError(f"{path}: {error}") from None
        cause = f"{type(error).__name__}: {error}"
        raise StorageError(f"{path} cannot be reached ({cause}): check address, credentials and network") from None


def write_atomic(path: Path, data: bytes, like: Path | None = None, private: bool = False, new: bool = False) -> None:
    """Write a file so that readers see the old content or all of the new. Raises OSError or `StorageError`.

    With `new`, raises FileExistsError if something is there already. A local file gets the permissions of the local
    file `like`; without one, those of every new file, or, if `private`, those of a file that only its owner may read.
    The file that a symbolic link leads to is written, and the link is kept.
    """
    if is_url(path):
        with storage_errors(path):
            is_taken = new and path.exists()
            if not is_taken:
                path.write_bytes(data)
        if is_taken:
            raise FileExistsError(EEXIST, "exists already", str(path))
        return
    path = real_path(path)
    if path.exists() and not path.is_file():
        raise FileExistsError(EEXIST, "not a file that can be replaced", str(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    like = None if like is None or is_url(like) else like
    scratch = path.with_name(SCRATCH + token_hex(4))
    try:
        scratch.touch(0o600 if private or like is not None else 0o666, exist_ok=False)
        with scratch.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())  # or a power cut might leave the name of the new file with nothing in it
        if like is not None:
            take_permissions(scratch, like)
        if new:
            _put_new(scratch, path)
        else:
            put_file(scratch, path)
    except OSError as error:
        error.filename = str(path)  # the scratch file means nothing to the user
        raise
    finally:
        scratch.unlink(missing_ok=True)


def _put_new(file: Path, target: Path) -> None:
    """Give a file a name that nothing has yet. Raises FileExistsError if something has it."""
    try:
        os.link(file, target)  # fails if the name is taken, even if another process takes it at this moment
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        if target.exists():
            raise FileExistsError(EEXIST, "exists already", str(target)) from None
        put_file(file, target)


def take_permissions(file: Path, like: Path) -> None:
    """Give a local file the permissions of another, with its access list, and its owner if the process may."""
    status = like.stat()
    with suppress(PermissionError):
        os.chown(file, status.st_uid, status.st_gid)
    shutil.copystat(like, file)  # access lists are extended attributes
    os.utime(file)
    file.chmod(status.st_mode & 0o777)


def is_private(path: Path) -> bool:
    """Whether a path is that of a local file that not everybody may read."""
    try:
        return not is_url(path) and path.stat().st_mode & 0o044 != 0o044
    except OSError:  # reading it reports what is wrong
        return False


def remove_scratch(found: Iterable[Path]) -> None:
    """Remove those of the files and folders found that killed processes left half-written.

    Nothing younger than a day is removed: another process may be writing it, and tasks of a cluster hold no lock.
    """
    for scratch in found:
        with suppress(OSError):
            if not re.fullmatch(f"{re.escape(SCRATCH)}.{{8}}", scratch.name):
                continue
            if time() - max(path.stat().st_mtime for path in (scratch, *scratch.rglob("*"))) < _SCRATCH_AGE:
                continue
            if scratch.is_dir():
                shutil.rmtree(scratch)
            else:
                scratch.unlink()


def glob_url(pattern: str) -> list[Path]:
    """Return the objects of a store that match a glob pattern, sorted. Raises `StorageError`."""
    root: Any = to_path(pattern)
    with storage_errors(root):
        return [to_path(root.fs.unstrip_protocol(name)) for name in sorted(root.fs.glob(root.path))]


def upload_folder(folder: Path, address: Path, exclude: Path) -> None:
    """Upload a folder to a store, without the subfolder `exclude`. Raises `StorageError` or `HubError`.

    ``checksums.json`` is uploaded last, so that a folder which has it is complete. The hub gets everything at once.
    """
    if repository := Repository.at(address):
        repository.upload(folder, "Data set made by unspin", f"{exclude.relative_to(folder).as_posix()}/*")
        return
    files = [file for file in folder.rglob("*") if file.is_file() and exclude not in file.parents]
    for file in sorted(files, key=lambda file: (file.name == CHECKSUMS, file)):
        put_file(file, address / file.relative_to(folder).as_posix())


def put_file(file: Path, target: Path) -> None:
    """Upload a local file to a store, or move it to a local target on the same file system; atomic in both cases.

    A target that is a symbolic link stays one: the file that it leads to is replaced.
    """
    if not is_url(target):
        file.replace(real_path(target))
        return
    remote: Any = target
    with storage_errors(target):
        remote.fs.put_file(str(file), remote.path)


def local_copy(folder: Path) -> Path:
    """Return a local folder as it is, and a store's folder as a verified copy in the user's cache.

    The copy is downloaded once for each content of ``checksums.json``. Raises `StorageError` if the folder is missing
    or incomplete, `HubError` if a repository cannot be downloaded, and `ChecksumError` if a downloaded file is damaged.
    """
    if not is_url(folder):
        return folder
    if repository := Repository.at(folder):
        return _repository_copy(repository)
    with storage_errors(folder):
        if not (folder / CHECKSUMS).is_file():
            raise StorageError(
                f"{folder} holds no {CHECKSUMS}: it is missing, its upload is not complete, or unspin did not write it"
            )
        key = hashlib.sha256(str(folder).encode() + (folder / CHECKSUMS).read_bytes()).hexdigest()[:16]
    copy = cache_folder() / "stores" / key / folder.name
    if not copy.is_dir():
        _download_folder(folder, copy)
    return copy


def _repository_copy(repository: Repository) -> Path:
    copy = repository.download()
    if not (copy / CHECKSUMS).is_file():
        raise StorageError(f"{repository} holds no {CHECKSUMS}: give a repository that unspin wrote")
    verify_checksums(copy)
    return copy


def _download_folder(folder: Path, copy: Path) -> None:
    """Download a folder of a store and verify it; `copy` appears complete or not at all."""
    copy.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=copy.parent, ignore_cleanup_errors=True) as scratch:
        partial = Path(scratch) / folder.name
        for file in folder.rglob("*"):
            with storage_errors(file):
                if file.is_file():
                    download(file, partial / file.relative_to(folder).as_posix())
        verify_checksums(partial)
        partial.rename(copy)


def download(file: Path, target: Path) -> None:
    """Copy a local file or an object of a store to a local target, creating its folder. Raises `StorageError`."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with storage_errors(file), file.open("rb") as source, target.open("wb") as sink:
        shutil.copyfileobj(source, sink)
