"""Data sets of earlier versions: read as if written today."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from unspin.data.load import load_split, split_files
from unspin.data.rows import SCHEMA, upgrade_batch
from unspin.data.stats import read_stats
from unspin.edits import Edit, apply
from unspin.infer.models.prompt import Prompt
from unspin.train.tokens import tokenize

TEXTS = [("Its rooftop leaks.", "Its roof leaks."), ("It leaks.", "It leaks.")]
EDIT = SCHEMA.field("edits").type.value_type
OLD_EDIT = pa.struct([field.with_name("engine" if field.name == "spinner" else field.name) for field in EDIT])
OLD_SCHEMA = SCHEMA.set(SCHEMA.get_field_index("edits"), pa.field("edits", pa.list_(OLD_EDIT))).append(
    pa.field("context", pa.string())
)


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A data set from before the renames: edits have a field `engine`, rows a column `context`."""
    edit = {"start": 4, "end": 11, "replacement": "roof", "engine": "thesaurus", "rule": "roof > rooftop"}
    rows: list[dict[str, Any]] = [
        {
            "article_id": "towns/1",
            "paragraph": 0,
            "sentence": number,
            "variant": 0,
            "spun": spun,
            "original": original,
            "edits": [edit] if spun != original else [],
            "strength": 0.3 if spun != original else 0.0,
            "recipe": "abc",
            "seed": 20,
            "split": "train",
            "context": "The house is old.",
        }
        for number, (spun, original) in enumerate(TEXTS)
    ]
    (tmp_path / "train").mkdir()
    pq.write_table(pa.Table.from_pylist(rows, OLD_SCHEMA), tmp_path / "train" / "00000.parquet")
    return tmp_path


def test_an_old_split_loads_with_the_field_names_of_today(old: Path) -> None:
    rows = load_split(old, "train").to_list()
    assert [(row["spun"], row["original"]) for row in rows] == TEXTS
    (edit,) = rows[0]["edits"]
    assert edit["spinner"] == "thesaurus" and "engine" not in edit
    assert apply(rows[0]["spun"], [Edit(**edit)]) == rows[0]["original"] and rows[1]["edits"] == []


def test_an_old_data_set_counts_like_a_new_one(old: Path) -> None:
    train = read_stats(old).splits["train"]
    assert (train.rows, train.clean, train.edits) == (2, 1, 1)
    assert train.spinners == {"thesaurus": 1}


def test_an_old_split_can_be_tokenized(old: Path, tiny_base: Path) -> None:
    prompt = Prompt.from_folder(tiny_base)
    rows = tokenize(split_files(old, "train"), prompt, 10_000).rows
    assert [row["spinners"] for row in rows] == [["thesaurus"], []]
    assert [row["source"] for row in rows] == [prompt.source_ids(spun) for spun, _ in TEXTS]


def test_a_batch_of_today_is_returned_unchanged() -> None:
    batch = pa.RecordBatch.from_pylist([], SCHEMA)
    assert upgrade_batch(batch) is batch
