"""What a data set is made from: settings, the content of its sources, and the code and lexicons that made it.

The record lies in the data set as ``origin.json``. Comparing it with the inputs of a build shows whether an interrupted
build may be continued, and whether a finished data set is the requested one. Costs reading every local source once;
for files in an object store, the store's own tag is taken.
"""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Iterable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unspin.checksums import sha256_of
from unspin.data.corpora import HubDataset, Package, Source, data_set_files
from unspin.data.pair_files import PairsSource
from unspin.data.spinners.registry import load_spinner_class
from unspin.hashing import code_digest
from unspin.storage import is_url, storage_errors

if TYPE_CHECKING:
    from unspin.data.config import BuildConfig

ORIGIN = "origin.json"
PLACES = {"path", "dataset", "corpora"}  # what lies there counts, not where it lies
NEUTRAL = {"output", "workers", "executor", "on_error"}  # keys that do not change a row
# The code and the lexicons that decide what a row says.
ROW_CODE = {
    "unspin": ("edits.py", "hashing.py", "segment.py"),
    "unspin.data": ("blocks.py", "corpora.py", "layouts.py", "pair_files.py", "pairs.py", "rows.py"),
    "unspin.data.spinners": ("counted.py", "mixture.py", "persona.py", "protocol.py", "registry.py", "tables.py"),
    "unspin.english": (".",),
}
LEXICONS = ("*.tsv", "*.tsv.gz", "names.txt")

Origin = dict[str, Any]


def origin_of(config: BuildConfig, dictionaries: Mapping[str, Path]) -> Origin:
    """What a build is made from. `dictionaries` are the files that its spinners read.

    Raises `CorpusError` or `StorageError` if a source cannot be read.
    """
    settings = config.model_dump(mode="json", exclude=PLACES | NEUTRAL | {"sources", "pairs", "dictionaries"})
    sources = (*config.sources, *config.pairs)
    return {
        **settings,
        "order": [source.name for source in sources],
        "sources": {source.name: source.model_dump(mode="json", exclude=PLACES) for source in sources},
        "texts": {source.name: _content_of(source) for source in sources},
        "dictionaries": {name: sha256_of(file) for name, file in dictionaries.items()},
        "code": _builder_code(),
        "spinner_code": {
            name: code_digest(Path(inspect.getfile(load_spinner_class(name)))) for name in config.spinners
        },
    }


def read_origin(folder: Path) -> Origin | None:
    """The record of a data set or of an unfinished one; None if there is none that can be read."""
    try:
        with storage_errors(folder):
            record = json.loads((folder / ORIGIN).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return record if isinstance(record, dict) else None


def write_origin(folder: Path, origin: Origin) -> None:
    """Write the record into a folder."""
    (folder / ORIGIN).write_text(json.dumps(origin, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def differences(found: Origin, wanted: Origin) -> list[str]:
    """The keys in which two records differ, such as ``seed`` or ``texts.news``."""
    return list(_differing("", found, wanted))


def _differing(prefix: str, found: Any, wanted: Any) -> Iterable[str]:
    if isinstance(found, dict) and isinstance(wanted, dict):
        for key in sorted(found.keys() | wanted.keys()):
            yield from _differing(f"{prefix}.{key}" if prefix else key, found.get(key), wanted.get(key))
    elif found != wanted:
        yield prefix


def _content_of(source: Source | PairsSource) -> str:
    """A digest of a source's texts; of a data set on the hub, its commit. A package is pinned in its settings."""
    if isinstance(source, Package):
        return source.sha256
    if isinstance(source, HubDataset):
        return _digest(data_set_files(source.path, source.config, source.split))
    if isinstance(source, PairsSource) and source.path is None:
        return _digest(data_set_files(source.dataset, source.config, source.split))
    path = source.path
    assert path is not None, "pairs have a path or a data set"
    with storage_errors(path):
        if isinstance(source, PairsSource):
            return file_tag(path) if path.is_file() else "missing"  # the stage that reads the pairs reports it
        found = source.files()
        return _digest((str(file)[len(str(path)) :], file_tag(file)) for file in found if file.is_file())


def file_tag(file: Path) -> str:
    """A text that changes with the content of a file: its SHA-256, or the tag of an object store."""
    if is_url(file):
        return str(file.fs.checksum(file.path))  # type: ignore[attr-defined]
    return sha256_of(file)


def _builder_code() -> str:
    """A digest of `ROW_CODE` and `LEXICONS`."""
    places = (Path(str(files(package)), name) for package, names in ROW_CODE.items() for name in names)
    return code_digest(*places, data=LEXICONS)


def _digest(parts: Iterable[object]) -> str:
    return hashlib.sha256(json.dumps(list(parts), default=str).encode()).hexdigest()[:16]
