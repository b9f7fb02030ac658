"""Batches: they respect the token budget, hold each sentence once per epoch, rotate variants, and are reproducible."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import Dataset
from torch.utils.data import DataLoader
from unspin.checksums import ChecksumError
from unspin.data.load import DataError, load_split
from unspin.train.batches import IGNORE_INDEX, CausalCollator, Rows, Seq2SeqCollator, TokenBudgetSampler, row_weights

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
            "spinners": ["phrases", "surface"] if s % 2 else [],
        }
        for s in range(40)
        for v in range(3)
    ]
    return Dataset.from_list(rows)


def test_batches_respect_the_budget_and_hold_each_sentence_once(data: Dataset) -> None:
    sampler = TokenBudgetSampler(data, BUDGET, seed=1)
    batches = list(sampler)
    assert len(batches) == len(sampler)
    for batch in batches:
        rows = [data[i] for i in batch]
        assert max(len(r["source"]) + len(r["target"]) for r in rows) * len(rows) <= BUDGET
    assert sorted(data[i]["sentence"] for batch in batches for i in batch) == list(range(40))


def test_each_epoch_reads_another_variant_in_another_order(data: Dataset) -> None:
    sampler = TokenBudgetSampler(data, BUDGET, seed=1)
    epochs = []
    for epoch in range(3):
        sampler.set_epoch(epoch)
        epochs.append([[data[i] for i in batch] for batch in sampler])
        assert {row["variant"] for batch in epochs[-1] for row in batch} == {epoch}
    orders = [[row["sentence"] for batch in epoch for row in batch] for epoch in epochs]
    assert orders[0] != orders[1]
    assert len({len(epoch) for epoch in epochs}) == 1
    assert not hasattr(sampler, "batch_size"), "accelerate would drop batches of other sizes"


def test_the_order_depends_only_on_seed_and_epoch(data: Dataset) -> None:
    assert list(TokenBudgetSampler(data, BUDGET, seed=1)) == list(TokenBudgetSampler(data, BUDGET, seed=1))
    assert list(TokenBudgetSampler(data, BUDGET, seed=1)) != list(TokenBudgetSampler(data, BUDGET, seed=2))


def test_rows_are_drawn_in_proportion_to_their_weights(data: Dataset) -> None:
    weights = row_weights(data, {"b": 0.0}, {"phrases": 3.0})
    assert weights is not None
    by_kind = {(row["article_id"], len(row["spinners"])): w for row, w in zip(data, weights, strict=True)}
    assert by_kind == {("a", 0): 1.0, ("a", 2): 2.0, ("b/x", 0): 0.0, ("b/x", 2): 0.0}
    drawn = [data[i]["sentence"] for batch in TokenBudgetSampler(data, BUDGET, 1, weights) for i in batch]
    assert all(drawn.count(s) == (0 if s >= 20 else 2 if s % 2 else 1) for s in range(40))
    assert row_weights(data, {}, {}) is None
    halved = TokenBudgetSampler(data, BUDGET, 1, np.full(len(data), 0.5))
    halves = [data[i]["sentence"] for batch in halved for i in batch]
    assert 8 < len(halves) < 32 and len(set(halves)) == len(halves)
    with pytest.raises(DataError, match="leave no row"):
        TokenBudgetSampler(data, BUDGET, 1, np.zeros(len(data)))


def test_a_curriculum_orders_only_the_first_epoch(data: Dataset) -> None:
    sampler = TokenBudgetSampler(data, BUDGET, 1, strengths=np.array(data["strength"][:]))
    first = [float(np.mean([data[i]["strength"] for i in batch])) for batch in sampler]
    assert np.mean(first[: len(first) // 3]) < np.mean(first[-len(first) // 3 :]) - 0.15
    sampler.set_epoch(1)
    plain = TokenBudgetSampler(data, BUDGET, 1)
    plain.set_epoch(1)
    assert list(sampler) == list(plain)


def test_collators_pad_and_label_only_the_target() -> None:
    data = Dataset.from_list([{"source": [5, 6, 7], "target": [8, 9]}, {"source": [5], "target": [9]}])
    rows = Rows(data).__getitems__([0, 1])
    batch = CausalCollator()(rows)
    assert batch["input_ids"].tolist() == [[5, 6, 7, 8, 9], [5, 9, 0, 0, 0]]
    assert batch["labels"].tolist() == [[IGNORE_INDEX] * 3 + [8, 9], [IGNORE_INDEX, 9] + [IGNORE_INDEX] * 3]
    assert batch["positions"].tolist() == [2, 3, 5], "each position precedes a target token in the flattened batch"
    batch = Seq2SeqCollator()(rows)
    assert batch["input_ids"].tolist() == [[5, 6, 7], [5, 0, 0]]
    assert batch["labels"].tolist() == [[8, 9], [9, IGNORE_INDEX]]
    assert batch["attention_mask"].sum(1).tolist() == [3, 1]


def test_widths_are_padded_to_the_requested_multiple() -> None:
    rows = Rows(Dataset.from_list([{"source": [5] * n, "target": [8] * n} for n in range(1, 20)]))
    for collate in (CausalCollator(8), Seq2SeqCollator(8)):
        batches = [collate(rows.__getitems__([i])) for i in range(len(rows))]
        widths = {tensor.shape[1] for batch in batches for name, tensor in batch.items() if name != "positions"}
        assert all(width % 8 == 0 for width in widths)
    plain, padded = (collate(rows.__getitems__([0, 4])) for collate in (CausalCollator(), CausalCollator(8)))
    after_plain, after_padded = (
        [batch["labels"].flatten()[i + 1] for i in batch["positions"]] for batch in (plain, padded)
    )
    assert after_plain == after_padded


def test_loader_processes_do_not_change_the_batches(data: Dataset) -> None:
    sampler = TokenBudgetSampler(data, BUDGET, seed=1)
    without, with_two = (
        list(DataLoader(Rows(data), batch_sampler=sampler, collate_fn=CausalCollator(), num_workers=n)) for n in (0, 2)
    )
    assert all((a[name] == b[name]).all() for a, b in zip(without, with_two, strict=True) for name in a)


def test_a_damaged_data_file_is_named(pairs: Path) -> None:
    assert len(load_split(pairs, "train"))
    file = next((pairs / "train").glob("*.parquet"))
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    with pytest.raises(ChecksumError, match=rf"{file.name} is damaged"):
        load_split(pairs, "train")
    assert len(load_split(pairs, "validation"))


def test_a_missing_file_or_column_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"train holds no rows: give a folder that `unspin build` wrote"):
        load_split(tmp_path, "train")
    Dataset.from_list([{"spun": "a", "article_id": "b"}]).to_parquet(tmp_path / "train" / "0.parquet")
    with pytest.raises(
        DataError, match=r"0\.parquet: no column paragraph, sentence, variant, original, edits, strength"
    ):
        load_split(tmp_path, "train")


def test_unusable_values_are_named_with_column_and_row(pairs: Path, tmp_path: Path) -> None:
    def with_change(change: Callable[[pa.Table], pa.Table]) -> Path:
        table = change(pq.read_table(next((pairs / "train").glob("*.parquet"))))
        (tmp_path / "train").mkdir(exist_ok=True)
        pq.write_table(table, tmp_path / "train" / "0.parquet", row_group_size=2)
        return tmp_path

    def put(name: str, make: Callable[[pa.ChunkedArray], object]) -> Callable[[pa.Table], pa.Table]:
        return lambda table: table.set_column(table.schema.get_field_index(name), name, make(table[name]))

    def empty_third(column: pa.ChunkedArray) -> pa.Array:
        return pa.array([None if i == 3 else value for i, value in enumerate(column.to_pylist())], column.type)

    assert len(load_split(with_change(put("spun", lambda c: c.cast(pa.large_string()))), "train"))
    assert len(load_split(with_change(put("paragraph", lambda c: c.cast(pa.int64()))), "train"))
    for name in ("spun", "original", "article_id", "paragraph", "strength"):
        with pytest.raises(DataError, match=rf"0\.parquet: column {name} has no value in row 3, counted from 0"):
            load_split(with_change(put(name, empty_third)), "train")
    with pytest.raises(DataError, match="column original holds int64, where string is needed"):
        load_split(with_change(put("original", lambda c: pa.array(range(len(c))))), "train")
    with pytest.raises(DataError, match="column edits holds null, where list<"):
        load_split(with_change(put("edits", lambda c: pa.nulls(len(c)))), "train")


def test_edits_without_a_spinner_weigh_1() -> None:
    rows = {"article_id": ["a/1"] * 3, "spinners": [["phrases", None], [None], []]}
    data = Dataset(pa.table(rows, schema=pa.schema([("article_id", pa.string()), ("spinners", pa.list_(pa.string()))])))
    weights = row_weights(data, {}, {"phrases": 3.0})
    assert weights is not None and weights.tolist() == [2, 1, 1]
    with pytest.raises(DataError, match="the data have no spinner surface; they have phrases"):
        row_weights(data, {}, {"surface": 3.0})
