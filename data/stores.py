"""Places of files: paths of this machine, and addresses of object stores ("s3://bucket/folder"), which behave like paths through fsspec.

Single files are read and written where they are; a folder that must be whole (a data set, a checkpoint) is used from a copy on this machine.
An object is there whole or not at all, and what a store refuses for a moment is asked for again, both by the store's own client.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, cast

from platformdirs import user_cache_path
from pydantic import PlainSerializer, PlainValidator
from unspin.data.errors import UnspinError
from unspin.data.guard import SUMS, verify


class StoreError(UnspinError):
    """An object store that cannot be reached, or what is missing from it."""


def is_address(path: str | Path) -> bool:
    return "://" in str(path)


def place(name: str | Path) -> Path:
    """A path or address as a `Path`, or what behaves like one. Raises `StoreError` for a kind of store that nothing here can reach."""
    if not is_address(name):
        return Path(name)
    from upath import UPath

    try:
        path: Any = UPath(str(name))
        path.fs  # noqa: B018 - imports the store's client
    except ImportError as error:
        raise StoreError(f"{name}: {error}; for S3: pip install unspin[s3]") from None
    except ValueError as error:
        raise StoreError(f"{name}: {error}") from None
    return cast(Path, path)


def _placed(value: object) -> Path:
    if not isinstance(value, (str, Path)) and not hasattr(value, "fs"):
        raise ValueError("give a path, or an address such as s3://bucket/folder")
    return place(cast(str | Path, value))


Place = Annotated[Path, PlainValidator(_placed, json_schema_input_type=str), PlainSerializer(str, return_type=str)]


@contextmanager
def reaching(path: Path) -> Iterator[None]:
    """Turn what a store's client raises (each its own kind of error) into `StoreError`; of this machine's files it raises OSError as ever."""
    try:
        yield
    except (OSError, UnspinError) as error:
        if not is_address(path) or isinstance(error, (UnspinError, FileNotFoundError)):
            raise
        raise StoreError(f"{path}: {error}") from None
    except Exception as error:
        if not is_address(path):
            raise
        raise StoreError(f"{path} cannot be reached ({type(error).__name__}: {error}): check address, credentials and network") from None


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that it is there whole or not at all. Raises OSError, `StoreError`."""
    if is_address(path):
        with reaching(path):
            path.write_bytes(data)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, scratch = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(scratch).chmod(0o644)
        Path(scratch).replace(path)
    except BaseException:
        Path(scratch).unlink()
        raise


def matches(pattern: str) -> list[Path]:
    """The objects of a store that match a glob, sorted."""
    root: Any = place(pattern)
    with reaching(root):
        return [place(root.fs.unstrip_protocol(name)) for name in sorted(root.fs.glob(root.path))]


def send(folder: Path, address: Path, leaving_out: Path) -> None:
    """Copy a sealed folder to a store, but for one folder in it, the sums last: where they are, all is. Raises `StoreError`."""
    files = sorted(
        (file for file in folder.rglob("*") if file.is_file() and leaving_out not in file.parents), key=lambda file: (file.name == SUMS, file)
    )
    for file in files:
        send_file(file, address / file.relative_to(folder).as_posix())


def send_file(file: Path, target: Path) -> None:
    """Put a file where it belongs, whole or not at all: on this machine, where it must be on the same disk, it is moved."""
    if not is_address(target):
        file.replace(target)
        return
    there: Any = target
    with reaching(target):
        there.fs.put_file(str(file), there.path)


def here(folder: Path) -> Path:
    """A sealed folder of a store as a checked copy in the user's cache, made once; a folder of this machine as it is. Raises `StoreError`."""
    if not is_address(folder):
        return folder
    with reaching(folder):
        if not (folder / SUMS).is_file():
            raise StoreError(f"{folder} holds no {SUMS}: it is not there, not whole yet, or not written by unspin")
        key = hashlib.sha256(str(folder).encode() + (folder / SUMS).read_bytes()).hexdigest()[:16]
    copy = user_cache_path("unspin") / "stores" / key / folder.name
    if not copy.is_dir():
        copy.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=copy.parent, ignore_cleanup_errors=True) as scratch:
            fetched = Path(scratch) / folder.name
            for file in folder.rglob("*"):
                with reaching(file):
                    if file.is_file():
                        fetch(file, fetched / file.relative_to(folder).as_posix())
            verify(fetched)
            fetched.rename(copy)
    return copy


def fetch(file: Path, target: Path) -> None:
    """Copy a file from wherever it is to this machine."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with reaching(file), file.open("rb") as source, target.open("wb") as sink:
        shutil.copyfileobj(source, sink)
