"""Tokenized rows: overlong ones are dropped or cut and counted; the cache is hit for the same rows and no others."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tokenizers import Tokenizer
from unspin.data.load import DataError, load_split, split_files
from unspin.infer.models.prompt import Prompt
from unspin.train import tokens
from unspin.train.tokens import Encoded, Overlong, key_of, tokenize, vocabulary_of


@pytest.fixture
def prompt(tiny_base: Path) -> Prompt:
    return Prompt.from_folder(tiny_base)


def _rows(folder: Path, texts: list[str]) -> list[Path]:
    place = {"article_id": "a", "paragraph": 0, "variant": 0, "edits": [], "strength": 0.0}
    edits = pa.list_(pa.struct([("spinner", pa.string())]))
    rows = [{**place, "sentence": i, "spun": text, "original": text} for i, text in enumerate(texts)]
    table = pa.Table.from_pylist(rows)
    table = table.set_column(table.schema.get_field_index("edits"), "edits", pa.array([[]] * len(rows), edits))
    folder.mkdir(parents=True)
    pq.write_table(table, folder / "0.parquet")
    return [folder / "0.parquet"]


def test_overlong_rows_are_dropped_or_cut_and_counted(prompt: Prompt, tmp_path: Path) -> None:
    files = _rows(tmp_path / "data", ["A word.", "word " * 90, f"One came. {'word ' * 90}", "One. Two."])
    dropped = tokenize(files, prompt, max_tokens=100)
    assert (len(dropped.rows), dropped.dropped, dropped.cut) == (2, 2, 0)
    assert vocabulary_of(dropped.rows) == sorted({i for row in dropped.rows for i in (*row["source"], *row["target"])})
    cut = tokenize(files, prompt, max_tokens=100, overlong="cut")
    assert (len(cut.rows), cut.dropped, cut.cut) == (3, 1, 1)
    assert prompt.decode(cut.rows[1]["target"]) == "One came."
    with pytest.raises(DataError, match="none of 4 rows has 5 tokens or fewer"):
        tokenize(files, prompt, max_tokens=5)


def test_texts_are_tokenized_separately_and_other_columns_kept(pairs: Path, prompt: Prompt) -> None:
    rows = load_split(pairs, "train")
    encoded = tokenize(split_files(pairs, "train"), prompt, max_tokens=10_000).rows
    assert len(encoded) == len(rows) > 20
    for tokenized, row in zip(encoded, rows, strict=True):
        assert tokenized["source"] == prompt.source_ids(row["spun"])
        assert tokenized["target"] == prompt.target_ids(row["original"])
        assert tokenized["length"] == len(tokenized["source"]) + len(tokenized["target"])
        assert tokenized["spinners"] == [edit["spinner"] for edit in row["edits"]]
        assert all(tokenized[name] == row[name] for name in ("article_id", "paragraph", "sentence", "strength"))


def test_data_sets_of_earlier_versions_are_tokenized_alike(pairs: Path, prompt: Prompt, tmp_path: Path) -> None:
    files = split_files(pairs, "train")
    table = pq.read_table(files[0])
    old = table["edits"].type.value_type
    old = pa.list_(pa.struct([field.with_name({"spinner": "engine"}.get(field.name, field.name)) for field in old]))
    column = table.schema.get_field_index("edits")
    edits = table["edits"].combine_chunks()
    edits = edits.chunk(0) if isinstance(edits, pa.ChunkedArray) else edits
    pq.write_table(table.set_column(column, "edits", edits.view(old)), tmp_path / "old.parquet")
    rows = [tokenize([file], prompt, 512).rows.to_list() for file in (files[0], tmp_path / "old.parquet")]
    assert rows[0] == rows[1] and any(row["spinners"] for row in rows[0])


@pytest.fixture
def tokenizations(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Has one element per cache miss."""
    times: list[int] = []
    write = tokens._write
    monkeypatch.setattr(tokens, "_write", lambda *args: times.append(1) or write(*args))
    yield times


def test_the_cache_is_hit_wherever_the_data_set_lies(
    pairs: Path, prompt: Prompt, tmp_path: Path, tokenizations: list[int]
) -> None:
    first = tokenize(split_files(pairs, "train"), prompt, max_tokens=512)
    shutil.copytree(pairs, tmp_path / "copy")
    again = tokenize(split_files(tmp_path / "copy", "train"), prompt, max_tokens=512)
    assert len(tokenizations) == 1 and again.rows.to_list() == first.rows.to_list()


def test_the_cache_is_missed_for_other_rows_tokenizers_or_settings(
    pairs: Path, prompt: Prompt, tiny_base: Path, tmp_path: Path, tokenizations: list[int]
) -> None:
    files = split_files(pairs, "train")

    def tokenized(
        files: list[Path] = files, prompt: Prompt = prompt, max_tokens: int = 512, overlong: Overlong = "drop"
    ) -> Encoded:
        return tokenize(files, prompt, max_tokens, overlong)

    tokenized()
    other = shutil.copytree(tiny_base, tmp_path / "other")
    tokenizer = Tokenizer.from_file(str(other / "tokenizer.json"))
    tokenizer.add_tokens(["the"])
    tokenizer.save(str(other / "tokenizer.json"))
    changed = tmp_path / "changed.parquet"
    table = pq.read_table(files[0])
    column = table.schema.get_field_index("spun")
    texts = pa.array([f"{text}!" for text in table["spun"].to_pylist()])
    pq.write_table(table.set_column(column, "spun", texts), changed)
    ways = [
        {"max_tokens": 511},
        {"overlong": "cut"},
        {"prompt": Prompt.from_folder(other)},
        {"files": [changed, *files[1:]]},
    ]
    for number, way in enumerate(ways, 2):
        tokenized(**way)  # type: ignore[arg-type]
        assert len(tokenizations) == number, way
    tokenized()
    assert len(tokenizations) == 1 + len(ways)


def test_rows_without_use_expire(pairs: Path, prompt: Prompt, cache: Path) -> None:
    files = split_files(pairs, "train")
    for max_tokens in (512, 511):
        tokenize(files, prompt, max_tokens)
    old, used = (key_of(files, prompt, max_tokens, "drop") for max_tokens in (512, 511))
    for key in (old, used):
        os.utime(cache / "tokens" / key, (0, 0))
    tokenize(files, prompt, 511)
    tokenize(files, prompt, 510)
    cached = {path.name for path in (cache / "tokens").iterdir() if path.is_dir()}
    assert cached == {used, key_of(files, prompt, 510, "drop")}


def test_rows_of_a_killed_run_are_not_used(
    pairs: Path, prompt: Prompt, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = split_files(pairs, "train")
    with monkeypatch.context() as patched:
        patched.setattr(tokens, "encode", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            tokenize(files, prompt, 512)
    assert tokenize(files, prompt, 512).rows.num_rows > 20
    assert [path.name for path in (cache / "tokens").iterdir() if path.is_dir()] == [key_of(files, prompt, 512, "drop")]


@pytest.mark.parametrize("file", ["rows.arrow", "counts.json", "checksums.json"])
@pytest.mark.parametrize("left", [0, 100])
def test_damaged_rows_are_tokenized_again(
    file: str, left: int, pairs: Path, prompt: Prompt, cache: Path, tokenizations: list[int]
) -> None:
    files = split_files(pairs, "train")
    rows = tokenize(files, prompt, 512).rows.to_list()
    damaged = cache / "tokens" / key_of(files, prompt, 512, "drop") / file
    damaged.write_bytes(damaged.read_bytes()[:left] + b"x")
    assert tokenize(files, prompt, 512).rows.to_list() == rows and len(tokenizations) == 2


def test_truncation_and_padding_of_a_tokenizer_are_ignored(tiny_base: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_base, tmp_path / "base")
    plain = Prompt.from_folder(folder)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_truncation(8)
    tokenizer.enable_padding(length=12)
    tokenizer.save(str(folder / "tokenizer.json"))
    prompt, texts = Prompt.from_folder(folder), ["One.", "The council voted on Monday to keep the old library open."]
    assert [prompt.text_ids(text) for text in texts] == prompt.batch_text_ids(texts) == plain.batch_text_ids(texts)
