"""Tokenizes a data set once, on all cores, and keeps the rows in the user's cache.

The cache key covers everything that determines the rows: SHA-256 of the data files, the tokenizer, the settings and
the code that tokenizes. Every run on the same rows finds them, and no other run does. Training reads the rows from
disk as it goes, without a Python object per token. Rows that no run has used for sixty days are removed.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from datasets import Dataset
from filelock import FileLock
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress
from unspin import segment
from unspin.checksums import ChecksumError, sha256_of, verify_checksums, write_checksums
from unspin.data.load import DataError
from unspin.data.rows import upgrade_batch
from unspin.hashing import code_digest
from unspin.infer.models import prompt as prompts
from unspin.infer.models.backbone import build_once
from unspin.infer.models.prompt import Prompt
from unspin.parquet import ParquetFile
from unspin.segment import sentences
from unspin.storage import cache_folder

logger = logging.getLogger(__name__)

ROWS_PER_BATCH = 4096
EXPIRY = 60 * 24 * 3600  # seconds without use after which cached rows are removed
COLUMNS = ("article_id", "paragraph", "sentence", "strength", "edits", "spun", "original")  # read from the data set
IDS = pa.list_(pa.int32())
SCHEMA = pa.schema(
    [
        ("article_id", pa.string()),
        ("paragraph", pa.int32()),
        ("sentence", pa.int32()),
        ("strength", pa.float32()),
        ("spinners", pa.list_(pa.string())),
        ("source", IDS),
        ("target", IDS),
        ("length", pa.int32()),
    ]
)
Overlong = Literal["drop", "cut"]


@dataclass(frozen=True)
class Encoded:
    """A tokenized split: rows with the columns of `SCHEMA`, and how many overlong rows were dropped or cut."""

    rows: Dataset
    dropped: int
    cut: int


def tokenize(files: Sequence[Path], prompt: Prompt, max_tokens: int, overlong: Overlong = "drop") -> Encoded:
    """Tokenize a split's files, or load the rows from the cache.

    Rows of more than `max_tokens` tokens (source and target together) are dropped, or cut to the sentences that fit.
    Raises `DataError` if no row is left.
    """
    folder = cache_folder() / "tokens" / key_of(files, prompt, max_tokens, overlong)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.parent / ".lock"):  # one process of a run tokenizes, on all cores; the others wait
        if _is_complete(folder):
            logger.info("using the tokenized rows of an earlier run on these files (%s)", folder)
        else:
            _remove_expired(folder.parent)
            build_once(
                folder,
                lambda target: _write(files, prompt, max_tokens, overlong, target),
                "tokenizing (once for these rows)",
            )
    os.utime(folder)
    counts = json.loads((folder / "counts.json").read_text(encoding="utf-8"))
    if not counts["rows"]:
        raise DataError(f"none of {counts['dropped']} rows has {max_tokens} tokens or fewer: raise max_tokens")
    return Encoded(Dataset.from_file(str(folder / "rows.arrow")), counts["dropped"], counts["cut"])


def key_of(files: Sequence[Path], prompt: Prompt, max_tokens: int, overlong: Overlong) -> str:
    """The cache key of a tokenized split."""
    digest = hashlib.sha256(json.dumps([prompt.name, prompt.bos, prompt.eos, max_tokens, overlong]).encode())
    code = code_digest(*(Path(str(file)) for file in (prompts.__file__, segment.__file__, __file__)))
    for part in (content_of(files), code, prompt.tokenizer.to_str()):
        digest.update(part.encode())
    return digest.hexdigest()[:24]


def content_of(files: Sequence[Path]) -> str:
    """A hash of the contents of files in the given order; their names do not matter."""
    return hashlib.sha256("".join(map(sha256_of, files)).encode()).hexdigest()


def _write(files: Sequence[Path], prompt: Prompt, max_tokens: int, overlong: Overlong, target: Path) -> None:
    """Tokenize files into a new folder: the rows, their counts, and checksums of both."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")  # if set explicitly, no warning when the loader forks
    target.mkdir()
    total = sum(pq.read_metadata(file).num_rows for file in files)
    rows, cut = 0, 0
    with (
        pa.OSFile(str(target / "rows.arrow"), "wb") as sink,
        pa.ipc.new_stream(sink, SCHEMA) as writer,
        Progress(console=Console(stderr=True)) as bar,
    ):
        task = bar.add_task("tokenizing", total=total)
        for file in files:
            for batch in ParquetFile(file).iter_batches(ROWS_PER_BATCH, columns=list(COLUMNS)):
                try:
                    encoded, shortened = encode(batch, prompt, max_tokens, overlong)
                except pa.ArrowInvalid as error:  # a number too large for its column
                    raise DataError(f"{file}: {error}") from None
                writer.write_batch(encoded)
                rows, cut = rows + len(encoded), cut + shortened
                bar.advance(task, len(batch))
    counts = {"rows": rows, "dropped": total - rows, "cut": cut}
    (target / "counts.json").write_text(json.dumps(counts), encoding="utf-8")
    write_checksums(target, target.iterdir())


def _is_complete(folder: Path) -> bool:
    """Whether the cache holds these rows undamaged; damaged ones are removed."""
    try:
        verify_checksums(folder)
    except ChecksumError:
        shutil.rmtree(folder)
    return folder.is_dir()


def _remove_expired(cache: Path) -> None:
    """Remove the rows that no run has used for `EXPIRY` seconds."""
    for folder in cache.iterdir():
        if folder.is_dir() and time.time() - folder.stat().st_mtime > EXPIRY:
            shutil.rmtree(folder, ignore_errors=True)


def encode(batch: pa.RecordBatch, prompt: Prompt, max_tokens: int, overlong: Overlong) -> tuple[pa.RecordBatch, int]:
    """Tokenize rows of a data set. Returns those that fit, with the columns of `SCHEMA`, and how many were cut."""
    spun, original = batch["spun"].to_pylist(), batch["original"].to_pylist()
    sources = [prompt.wrap_source(ids) for ids in prompt.batch_text_ids(spun)]
    targets = [prompt.end_target(ids) for ids in prompt.batch_text_ids(original)]
    lengths = np.array([len(a) + len(b) for a, b in zip(sources, targets, strict=True)], dtype=np.int32)
    cut = 0
    for row in np.flatnonzero(lengths > max_tokens).tolist() if overlong == "cut" else ():
        for source, target in _without_last_sentences(spun[row], original[row], prompt):
            if len(source) + len(target) <= max_tokens:
                sources[row], targets[row], lengths[row] = source, target, len(source) + len(target)
                cut += 1
                break
    columns = {
        **{name: batch[name] for name in SCHEMA.names if name in batch.schema.names},
        "spinners": _spinners_of(batch),
        "source": pa.array(sources, IDS),
        "target": pa.array(targets, IDS),
        "length": pa.array(lengths),
    }
    fits = pa.array(lengths <= max_tokens)
    arrays = [columns[field.name].filter(fits).cast(field.type) for field in SCHEMA]
    return pa.RecordBatch.from_arrays(arrays, schema=SCHEMA), cut


def _spinners_of(batch: pa.RecordBatch) -> pa.ListArray:
    """The spinner of each edit of each row; data sets of earlier versions are read as well."""
    edits = upgrade_batch(batch)["edits"]
    ends = np.cumsum(edits.value_lengths().fill_null(0).to_numpy(zero_copy_only=False))
    starts = pa.array(np.concatenate([[0], ends]), pa.int32())
    return pa.ListArray.from_arrays(starts, pc.struct_field(edits.flatten(), "spinner"))


def _without_last_sentences(spun: str, original: str, prompt: Prompt) -> Iterator[tuple[list[int], list[int]]]:
    """Ids of both texts without their last sentence, then without their last two, and so on.

    Yields nothing if the texts have different numbers of sentences.
    """
    spun_ends, original_ends = ([span.end for span in sentences(text)] for text in (spun, original))
    if len(spun_ends) == len(original_ends):
        for spun_end, original_end in zip(spun_ends[-2::-1], original_ends[-2::-1], strict=True):
            yield prompt.source_ids(spun[:spun_end]), prompt.target_ids(original[:original_end])


def vocabulary_of(data: Dataset) -> list[int]:
    """The token ids that occur in a tokenized data set, ascending."""
    table = data.select_columns(["source", "target"]).with_format("arrow")[:]
    chunks = [chunk.flatten().to_numpy() for column in table.columns for chunk in column.chunks]
    largest = max((int(chunk.max()) for chunk in chunks if len(chunk)), default=0)
    seen: NDArray[np.bool_] = np.zeros(1 + largest, dtype=bool)
    for chunk in chunks:
        seen[chunk] = True
    return [int(i) for i in np.flatnonzero(seen)]
