"""Batches: the token budget holds, each sentence comes once an epoch, variants rotate, the order depends on seed and epoch alone."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import Dataset
from torch.utils.data import DataLoader
from unspin.data.guard import DamagedError
from unspin.train.batches import IGNORED, DataError, OneSidedCollator, Rows, TokenBudgetSampler, TwoSidedCollator, load_split, row_weights

BUDGET = 120


@pytest.fixture
def data() -> Dataset:
    rows = [
        {
            "article_id": "a" if s < 20 else "b/x",
            "paragraph": 0,
            "sentence": s,
            "variant": v,
            "source": [1] * (s % 7 + v + 3),
            "target": [2] * (s % 7 + 3),
            "length": 2 * (s % 7 + 3) + v,
            "strength": s % 7 / 7,
            "engines": ["phrases", "surface"] if s % 2 else [],
        }
        for s in range(40)
        for v in range(3)
    ]
    return Dataset.from_list(rows)


def test_batches_stay_within_the_budget_and_hold_each_sentence_once(data: Dataset) -> None:
    sampler = TokenBudgetSampler(data, BUDGET, seed=1)
    batches = list(sampler)
    assert len(batches) == len(sampler)
    for batch in batches:
        rows = [data[i] for i in batch]
        assert max(len(r["source"]) + len(r["target"]) for r in rows) * len(rows) <= BUDGET
    assert sorted(data[i]["sentence"] for batch in batches for i in batch) == list(range(40))


def test_each_epoch_reads_another_variant_in_another_order_with_as_many_batches(data: Dataset) -> None:
    sampler = TokenBudgetSampler(data, BUDGET, seed=1)
    epochs = []
    for epoch in range(3):
        sampler.set_epoch(epoch)
        epochs.append([[data[i] for i in batch] for batch in sampler])
        assert {row["variant"] for batch in epochs[-1] for row in batch} == {epoch}
    orders = [[row["sentence"] for batch in epoch for row in batch] for epoch in epochs]
    assert orders[0] != orders[1]
    assert len({len(epoch) for epoch in epochs}) == 1
    assert not hasattr(sampler, "batch_size"), "accelerate would drop batches of another length"


def test_the_order_is_a_function_of_seed_and_epoch(data: Dataset) -> None:
    assert list(TokenBudgetSampler(data, BUDGET, seed=1)) == list(TokenBudgetSampler(data, BUDGET, seed=1))
    assert list(TokenBudgetSampler(data, BUDGET, seed=1)) != list(TokenBudgetSampler(data, BUDGET, seed=2))


def test_a_row_is_drawn_as_often_as_its_weight_says(data: Dataset) -> None:
    weights = row_weights(data, {"b": 0.0}, {"phrases": 3.0})
    assert weights is not None and {(row["article_id"], len(row["engines"])): w for row, w in zip(data, weights, strict=True)} == {
        ("a", 0): 1.0, ("a", 2): 2.0, ("b/x", 0): 0.0, ("b/x", 2): 0.0}  # fmt: skip
    drawn = [data[i]["sentence"] for batch in TokenBudgetSampler(data, BUDGET, 1, weights) for i in batch]
    assert all(drawn.count(s) == (0 if s >= 20 else 2 if s % 2 else 1) for s in range(40))
    assert row_weights(data, {}, {}) is None
    halves = [data[i]["sentence"] for batch in TokenBudgetSampler(data, BUDGET, 1, np.full(len(data), 0.5)) for i in batch]
    assert 8 < len(halves) < 32 and len(set(halves)) == len(halves)
    with pytest.raises(DataError, match="leave no row"):
        TokenBudgetSampler(data, BUDGET, 1, np.zeros(len(data)))


def test_a_curriculum_goes_from_light_to_heavy_in_the_first_epoch_alone(data: Dataset) -> None:
    sampler = TokenBudgetSampler(data, BUDGET, 1, strengths=np.array(data["strength"][:]))
    first = [float(np.mean([data[i]["strength"] for i in batch])) for batch in sampler]
    assert np.mean(first[: len(first) // 3]) < np.mean(first[-len(first) // 3 :]) - 0.15
    sampler.set_epoch(1)
    plain = TokenBudgetSampler(data, BUDGET, 1)
    plain.set_epoch(1)
    assert list(sampler) == list(plain)


def test_collators_pad_and_label_the_target_alone() -> None:
    rows = Rows(Dataset.from_list([{"source": [5, 6, 7], "target": [8, 9]}, {"source": [5], "target": [9]}])).__getitems__([0, 1])
    batch = OneSidedCollator()(rows)
    assert batch["input_ids"].tolist() == [[5, 6, 7, 8, 9], [5, 9, 0, 0, 0]]
    assert batch["labels"].tolist() == [[IGNORED] * 3 + [8, 9], [IGNORED, 9] + [IGNORED] * 3]
    assert batch["positions"].tolist() == [2, 3, 5], "each target follows its position in the flattened batch"
    batch = TwoSidedCollator()(rows)
    assert batch["input_ids"].tolist() == [[5, 6, 7], [5, 0, 0]] and batch["labels"].tolist() == [[8, 9], [9, IGNORED]]
    assert batch["attention_mask"].sum(1).tolist() == [3, 1]


def test_widths_come_in_few_sizes_where_that_is_asked_for() -> None:
    rows = Rows(Dataset.from_list([{"source": [5] * n, "target": [8] * n} for n in range(1, 20)]))
    for collate in (OneSidedCollator(8), TwoSidedCollator(8)):
        batches = [collate(rows.__getitems__([i])) for i in range(len(rows))]
        assert {tensor.shape[1] % 8 for batch in batches for name, tensor in batch.items() if name != "positions"} == {0}
    plain, padded = (collate(rows.__getitems__([0, 4])) for collate in (OneSidedCollator(), OneSidedCollator(8)))
    assert [plain["labels"].flatten()[i + 1] for i in plain["positions"]] == [padded["labels"].flatten()[i + 1] for i in padded["positions"]]


def test_loader_processes_give_the_batches_of_none(data: Dataset) -> None:
    sampler = TokenBudgetSampler(data, BUDGET, seed=1)
    one, two = (list(DataLoader(Rows(data), batch_sampler=sampler, collate_fn=OneSidedCollator(), num_workers=n)) for n in (0, 2))
    assert len(one) == len(two) and all((a[name] == b[name]).all() for a, b in zip(one, two, strict=True) for name in a)


def test_a_damaged_file_of_a_data_set_is_named(pairs: Path) -> None:
    assert len(load_split(pairs, "train"))
    file = next((pairs / "train").glob("*.parquet"))
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    with pytest.raises(DamagedError, match=rf"{file.name} is damaged"):
        load_split(pairs, "train")
    assert len(load_split(pairs, "validation"))


def test_a_missing_file_or_column_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"train holds no rows: make the data set"):
        load_split(tmp_path, "train")
    Dataset.from_list([{"spun": "a", "article_id": "b"}]).to_parquet(tmp_path / "train" / "0.parquet")
    with pytest.raises(DataError, match=r"0\.parquet: no column paragraph, sentence, variant, original, edits, strength"):
        load_split(tmp_path, "train")


def test_what_cannot_be_trained_on_is_named_with_its_column_and_row(pairs: Path, tmp_path: Path) -> None:
    def written(change: Callable[[pa.Table], pa.Table]) -> Path:
        table = change(pq.read_table(next((pairs / "train").glob("*.parquet"))))
        (tmp_path / "train").mkdir(exist_ok=True)
        pq.write_table(table, tmp_path / "train" / "0.parquet", row_group_size=2)
        return tmp_path

    def put(name: str, make: Callable[[pa.ChunkedArray], object]) -> Callable[[pa.Table], pa.Table]:
        return lambda table: table.set_column(table.schema.get_field_index(name), name, make(table[name]))

    def empty_third(column: pa.ChunkedArray) -> pa.Array:
        return pa.array([None if i == 3 else value for i, value in enumerate(column.to_pylist())], column.type)

    assert len(load_split(written(put("spun", lambda c: c.cast(pa.large_string()))), "train"))
    assert len(load_split(written(put("paragraph", lambda c: c.cast(pa.int64()))), "train"))
    for name in ("spun", "original", "article_id", "paragraph", "strength"):
        with pytest.raises(DataError, match=rf"0\.parquet: column {name} has no value in row 3, counted from 0"):
            load_split(written(put(name, empty_third)), "train")
    with pytest.raises(DataError, match="column original holds int64, where string is needed"):
        load_split(written(put("original", lambda c: pa.array(range(len(c))))), "train")
    with pytest.raises(DataError, match="column edits holds null, where list<"):
        load_split(written(put("edits", lambda c: pa.nulls(len(c)))), "train")


def test_edits_of_no_engine_weigh_as_usual() -> None:
    rows = {"article_id": ["a/1"] * 3, "engines": [["phrases", None], [None], []]}
    data = Dataset(pa.table(rows, schema=pa.schema([("article_id", pa.string()), ("engines", pa.list_(pa.string()))])))
    weights = row_weights(data, {}, {"phrases": 3.0})
    assert weights is not None and weights.tolist() == [2, 1, 1]
    with pytest.raises(DataError, match="the data have no engine surface, but phrases"):
        row_weights(data, {}, {"surface": 3.0})
