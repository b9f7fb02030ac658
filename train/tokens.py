"""Rows of a data set as token ids, made once by all cores and kept in the user's cache.

What is kept is keyed by what it was made from: the SHA-256 of the data files, the tokenizer, the settings and the code that tokenizes. So it is
found again by every run on the same rows, and by no other. Training reads it from disk as it goes, without a Python object for each token.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from datasets import Dataset
from filelock import FileLock
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress
from unspin.data import segment
from unspin.data.guard import DamagedError, seal, sum_of, verify
from unspin.data.segment import sentences
from unspin.infer import prompt as prompts
from unspin.infer.default_model import build_once, cache_folder
from unspin.infer.prompt import Prompt
from unspin.train.batches import DataError

ROWS_AT_A_TIME = 4096
FORGOTTEN = 60 * 24 * 3600  # seconds after which rows that were not asked for leave the cache
READ = ("article_id", "paragraph", "sentence", "strength", "edits", "spun", "original")
IDS = pa.list_(pa.int32())
SCHEMA = pa.schema(
    [
        ("article_id", pa.string()),
        ("paragraph", pa.int32()),
        ("sentence", pa.int32()),
        ("strength", pa.float32()),
        ("engines", pa.list_(pa.string())),
        ("source", IDS),
        ("target", IDS),
        ("length", pa.int32()),
    ]
)


@dataclass(frozen=True)
class Encoded:
    """A tokenized split: columns as in `SCHEMA`, and how many of its rows were left out or cut for their length."""

    rows: Dataset
    dropped: int
    cut: int


def tokenize(files: Sequence[Path], prompt: Prompt, longest: int, over_long: str = "drop") -> Encoded:
    """Token ids of a split's files; rows of more than `longest` tokens (of source and target) are dropped, or cut to the sentences that fit.

    Raises `DataError` where nothing is left.
    """
    key = key_of(files, prompt, longest, over_long)
    kept = cache_folder() / "tokens" / key
    kept.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(kept.parent / ".lock"):  # of several processes of a run, one tokenizes, by all cores
        if not _whole(kept):
            _forget(kept.parent)
            build_once(kept, lambda target: _write(files, prompt, longest, over_long, target), "tokenizing (once for these rows)", print)
    os.utime(kept)
    counts = json.loads((kept / "counts.json").read_text(encoding="utf-8"))
    if not counts["rows"]:
        raise DataError(f"none of {counts['dropped']} rows has {longest} tokens or fewer: raise `longest`")
    return Encoded(Dataset.from_file(str(kept / "rows.arrow")), counts["dropped"], counts["cut"])


def key_of(files: Sequence[Path], prompt: Prompt, longest: int, over_long: str) -> str:
    """What decides the tokens of a split, as a name."""
    code = [Path(str(module.__file__)) for module in (prompts, segment)] + [Path(__file__)]
    seen = hashlib.sha256(json.dumps([prompt.name, prompt.bos, prompt.eos, longest, over_long]).encode())
    for part in (content_of(files), content_of(code), prompt.tokenizer.to_str()):
        seen.update(part.encode())
    return seen.hexdigest()[:24]


def content_of(files: Sequence[Path]) -> str:
    """What files hold, in their order and whatever they are called, as a name."""
    return hashlib.sha256("".join(map(sum_of, files)).encode()).hexdigest()


def _write(files: Sequence[Path], prompt: Prompt, longest: int, over_long: str, target: Path) -> None:
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")  # said outright, it makes no notes when the loader forks
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
            for batch in pq.ParquetFile(file).iter_batches(ROWS_AT_A_TIME, columns=list(READ)):
                try:
                    encoded, shortened = encode(batch, prompt, longest, over_long)
                except pa.ArrowInvalid as error:  # a number too large for its column
                    raise DataError(f"{file}: {error}") from None
                writer.write_batch(encoded)
                rows, cut = rows + len(encoded), cut + shortened
                bar.advance(task, len(batch))
    (target / "counts.json").write_text(json.dumps({"rows": rows, "dropped": total - rows, "cut": cut}), encoding="utf-8")
    seal(target, target.iterdir())


def _whole(kept: Path) -> bool:
    """Whether these rows are in the cache as they were written; damaged ones are removed."""
    try:
        verify(kept)
    except DamagedError:
        shutil.rmtree(kept)
    return kept.is_dir()


def _forget(cache: Path) -> None:
    """Remove rows that no run has asked for in a long time."""
    for kept in cache.iterdir():
        if kept.is_dir() and time.time() - kept.stat().st_mtime > FORGOTTEN:
            shutil.rmtree(kept, ignore_errors=True)


def encode(batch: pa.RecordBatch, prompt: Prompt, longest: int, over_long: str) -> tuple[pa.RecordBatch, int]:
    """(rows that fit, how many of them were cut)."""
    spun, original = batch["spun"].to_pylist(), batch["original"].to_pylist()
    sources = [prompt.wrap(ids) for ids in prompt.texts_ids(spun)]
    targets = [prompt.end(ids) for ids in prompt.texts_ids(original)]
    lengths = np.array([len(source) + len(target) for source, target in zip(sources, targets, strict=True)], dtype=np.int32)
    too_long = np.flatnonzero(lengths > longest)
    cut = 0
    for row in too_long.tolist() if over_long == "cut" else ():
        for source, target in _shortened(spun[row], original[row], prompt):
            if len(source) + len(target) <= longest:
                sources[row], targets[row], lengths[row] = source, target, len(source) + len(target)
                cut += 1
                break
    fits = pa.array(lengths <= longest)
    made = {"source": pa.array(sources, IDS), "target": pa.array(targets, IDS), "length": pa.array(lengths)}
    edits = batch["edits"]
    starts = np.concatenate([[0], np.cumsum(edits.value_lengths().fill_null(0).to_numpy(zero_copy_only=False))])
    made["engines"] = pa.ListArray.from_arrays(pa.array(starts, pa.int32()), pc.struct_field(edits.flatten(), "engine"))
    columns = [(made[name] if name in made else batch[name]).filter(fits).cast(SCHEMA.field(name).type) for name in SCHEMA.names]
    return pa.RecordBatch.from_arrays(columns, schema=SCHEMA), cut


def _shortened(spun: str, original: str, prompt: Prompt) -> Iterator[tuple[list[int], list[int]]]:
    """Ids of both texts without their last sentence, without their last two, and so on; none where they have not equally many."""
    ends = [[span.end for span in sentences(text)] for text in (spun, original)]
    if len(ends[0]) == len(ends[1]):
        for end_of_spun, end_of_original in zip(*(side[-2::-1] for side in ends), strict=True):
            yield prompt.source_ids(spun[:end_of_spun]), prompt.target_ids(original[:end_of_original])


def vocabulary_of(data: Dataset) -> list[int]:
    """The ids that occur in a tokenized data set, ascending."""
    table = data.select_columns(["source", "target"]).with_format("arrow")[:]
    chunks = [chunk.flatten().to_numpy() for column in table.columns for chunk in column.chunks]
    seen: NDArray[np.bool_] = np.zeros(1 + max((int(chunk.max()) for chunk in chunks if len(chunk)), default=0), dtype=bool)
    for chunk in chunks:
        seen[chunk] = True
    return [int(i) for i in np.flatnonzero(seen)]
