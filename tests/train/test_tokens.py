"""Tokenized rows: long ones are dropped or cut and counted, and what is kept for later is found again for the same rows and for no others."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tokenizers import Tokenizer
from unspin.infer.prompt import Prompt
from unspin.train import tokens
from unspin.train.batches import DataError, load_split, split_files
from unspin.train.tokens import Encoded, key_of, tokenize, vocabulary_of


@pytest.fixture
def prompt(tiny_base: Path) -> Prompt:
    return Prompt.from_folder(tiny_base)


def _rows(folder: Path, texts: list[str]) -> list[Path]:
    place = {"article_id": "a", "paragraph": 0, "variant": 0, "edits": [], "strength": 0.0}
    edits = pa.list_(pa.struct([("engine", pa.string())]))
    rows = [{**place, "sentence": i, "spun": text, "original": text} for i, text in enumerate(texts)]
    table = pa.Table.from_pylist(rows)
    table = table.set_column(table.schema.get_field_index("edits"), "edits", pa.array([[]] * len(rows), edits))
    folder.mkdir(parents=True)
    pq.write_table(table, folder / "0.parquet")
    return [folder / "0.parquet"]


def test_long_rows_are_dropped_or_cut_and_counted(prompt: Prompt, tmp_path: Path) -> None:
    files = _rows(tmp_path / "data", ["A word.", "word " * 90, f"One came. {'word ' * 90}", "One. Two."])
    dropped = tokenize(files, prompt, longest=100)
    assert (len(dropped.rows), dropped.dropped, dropped.cut) == (2, 2, 0)
    assert vocabulary_of(dropped.rows) == sorted({i for row in dropped.rows for i in (*row["source"], *row["target"])})
    cut = tokenize(files, prompt, longest=100, over_long="cut")
    assert (len(cut.rows), cut.dropped, cut.cut) == (3, 1, 1)
    assert prompt.decode(cut.rows[1]["target"]) == "One came."
    with pytest.raises(DataError, match="none of 4 rows has 5 tokens or fewer"):
        tokenize(files, prompt, longest=5)


def test_ids_are_those_of_each_text_alone_and_places_are_kept(pairs: Path, prompt: Prompt) -> None:
    rows = load_split(pairs, "train")
    encoded = tokenize(split_files(pairs, "train"), prompt, longest=10_000).rows
    assert len(encoded) == len(rows) > 20
    for made, row in zip(encoded, rows, strict=True):
        assert made["source"] == prompt.source_ids(row["spun"]) and made["target"] == prompt.target_ids(row["original"])
        assert made["length"] == len(made["source"]) + len(made["target"]) and made["engines"] == [edit["engine"] for edit in row["edits"]]
        assert all(made[name] == row[name] for name in ("article_id", "paragraph", "sentence", "strength"))


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Grows by one each time rows are tokenized and not found."""
    times: list[int] = []
    write = tokens._write
    monkeypatch.setattr(tokens, "_write", lambda *args: times.append(1) or write(*args))
    yield times


def test_rows_are_tokenized_once_wherever_they_lie(pairs: Path, prompt: Prompt, tmp_path: Path, made: list[int]) -> None:
    first = tokenize(split_files(pairs, "train"), prompt, longest=512)
    shutil.copytree(pairs, tmp_path / "copy")
    again = tokenize(split_files(tmp_path / "copy", "train"), prompt, longest=512)
    assert len(made) == 1 and again.rows.to_list() == first.rows.to_list()


def test_nothing_is_found_for_other_rows_tokenizers_or_settings(
    pairs: Path, prompt: Prompt, tiny_base: Path, tmp_path: Path, made: list[int]
) -> None:
    files = split_files(pairs, "train")

    def tokenized(files: list[Path] = files, prompt: Prompt = prompt, longest: int = 512, over_long: str = "drop") -> Encoded:
        return tokenize(files, prompt, longest, over_long)

    tokenized()
    other = shutil.copytree(tiny_base, tmp_path / "other")
    tokenizer = Tokenizer.from_file(str(other / "tokenizer.json"))
    tokenizer.add_tokens(["the"])
    tokenizer.save(str(other / "tokenizer.json"))
    changed = tmp_path / "changed.parquet"
    table = pq.read_table(files[0])
    pq.write_table(
        table.set_column(table.schema.get_field_index("spun"), "spun", pa.array([f"{text}!" for text in table["spun"].to_pylist()])), changed
    )
    ways = [{"longest": 511}, {"over_long": "cut"}, {"prompt": Prompt.from_folder(other)}, {"files": [changed, *files[1:]]}]
    for number, way in enumerate(ways, 2):
        tokenized(**way)  # type: ignore[arg-type]
        assert len(made) == number, way
    tokenized()
    assert len(made) == 1 + len(ways)


def test_rows_that_nobody_asks_for_are_forgotten(pairs: Path, prompt: Prompt, cache: Path) -> None:
    files = split_files(pairs, "train")
    old, used = (tokenize(files, prompt, longest).rows.num_rows and key_of(files, prompt, longest, "drop") for longest in (512, 511))
    for key in (old, used):
        os.utime(cache / "tokens" / key, (0, 0))
    tokenize(files, prompt, 511)
    tokenize(files, prompt, 510)
    assert {path.name for path in (cache / "tokens").iterdir() if path.is_dir()} == {used, key_of(files, prompt, 510, "drop")}


def test_what_a_killed_run_left_is_not_taken_for_whole(pairs: Path, prompt: Prompt, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = split_files(pairs, "train")
    with monkeypatch.context() as patched:
        patched.setattr(tokens, "encode", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            tokenize(files, prompt, 512)
    assert tokenize(files, prompt, 512).rows.num_rows > 20
    assert [path.name for path in (cache / "tokens").iterdir() if path.is_dir()] == [key_of(files, prompt, 512, "drop")]


@pytest.mark.parametrize("file", ["rows.arrow", "counts.json", "checksums.json"])
@pytest.mark.parametrize("left", [0, 100])
def test_damaged_rows_are_made_anew(file: str, left: int, pairs: Path, prompt: Prompt, cache: Path, made: list[int]) -> None:
    files = split_files(pairs, "train")
    rows = tokenize(files, prompt, 512).rows.to_list()
    damaged = cache / "tokens" / key_of(files, prompt, 512, "drop") / file
    damaged.write_bytes(damaged.read_bytes()[:left] + b"x")
    assert tokenize(files, prompt, 512).rows.to_list() == rows and len(made) == 2


def test_a_tokenizer_that_would_cut_or_pad_texts_does_neither(tiny_base: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_base, tmp_path / "base")
    plain = Prompt.from_folder(folder)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_truncation(8)
    tokenizer.enable_padding(length=12)
    tokenizer.save(str(folder / "tokenizer.json"))
    prompt, texts = Prompt.from_folder(folder), ["One.", "The council voted on Monday to keep the old library open."]
    assert [prompt.text_ids(text) for text in texts] == prompt.texts_ids(texts) == plain.texts_ids(texts)
