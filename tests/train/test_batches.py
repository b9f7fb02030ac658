"""Batches: the token budget holds, each sentence comes once an epoch, variants rotate, the order depends on seed and epoch alone."""

from pathlib import Path

import pytest
from datasets import Dataset
from unspin.infer.prompt import Prompt
from unspin.train.batches import IGNORED, Collator, DataError, TokenBudgetSampler, load_split, tokenize_pairs, vocabulary_of

BUDGET = 120


@pytest.fixture
def data() -> Dataset:
    rows = [
        {"article_id": "a", "paragraph": 0, "sentence": s, "variant": v, "source": [1] * (s % 7 + v + 3), "target": [2] * (s % 7 + 3)}
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


def test_the_order_is_a_function_of_seed_and_epoch(data: Dataset) -> None:
    assert list(TokenBudgetSampler(data, BUDGET, seed=1)) == list(TokenBudgetSampler(data, BUDGET, seed=1))
    assert list(TokenBudgetSampler(data, BUDGET, seed=1)) != list(TokenBudgetSampler(data, BUDGET, seed=2))


def test_the_collator_pads_and_labels_the_target_alone() -> None:
    batch = Collator(pad=0)([{"source": [5, 6, 7], "target": [8, 9]}, {"source": [5], "target": [9]}])
    assert batch["input_ids"].tolist() == [[5, 6, 7, 8, 9], [5, 9, 0, 0, 0]]
    assert batch["labels"].tolist() == [[IGNORED] * 3 + [8, 9], [IGNORED, 9] + [IGNORED] * 3]
    assert batch["attention_mask"].sum(1).tolist() == [5, 2]


def test_long_rows_are_dropped_and_counted(tiny_base: Path) -> None:
    rows = [
        {"article_id": "a", "paragraph": 0, "sentence": i, "variant": 0, "spun": "word " * n, "original": "word " * n} for i, n in enumerate((3, 90))
    ]
    kept, dropped = tokenize_pairs(Dataset.from_list(rows), Prompt.from_folder(tiny_base), longest=100)
    assert (len(kept), dropped) == (1, 1)
    assert vocabulary_of(kept) == sorted({*kept[0]["source"], *kept[0]["target"]})


def test_a_missing_file_or_column_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"train holds no rows: make the data set"):
        load_split(tmp_path, "train")
    Dataset.from_list([{"spun": "a", "article_id": "b"}]).to_parquet(tmp_path / "train" / "0.parquet")
    with pytest.raises(DataError, match="no column original, paragraph, sentence, variant"):
        load_split(tmp_path, "train")
