"""The data card: a README.md in the output that says where a data set comes from, what it holds, and shows some of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from heapq import nsmallest
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.dataset as ds
import yaml
from unspin.data.spinners.persona import draw
from unspin.data.stats import figures, stream

if TYPE_CHECKING:
    from unspin.data.build import BuildConfig

SAMPLES = 20
_CARD = """---
language: en
configs:
- config_name: default
  data_files:
{files}
---

# Spun/original pairs

Made by `{command}` (recipe {recipe}, seed {seed}). Load it with `datasets.load_dataset("parquet", data_dir=…)`.
Each row holds a spun text, its original, and the edits that lead from the one to the other. Near-duplicate articles are removed,
articles are split before spinning, and no twelve words in a row of a held-back article are in the training split.

| split | rows | left clean | words touched | median strength |
| --- | --- | --- | --- | --- |
{splits}

| engine | edits | share |
| --- | --- | --- |
{engines}

| source | kind | terms |
| --- | --- | --- |
{sources}

{skipped}## Samples

{samples}

## Config

```yaml
{config}```
"""


def write_card(folder: Path, config: BuildConfig, command: str, skipped: Sequence[str]) -> None:
    """Write ``README.md`` beside the rows. `skipped` are the complaints about what could not be read."""
    splits = figures(folder).splits
    edits = sum((split.engines for split in splits.values()), Counter[str]())
    text = _CARD.format(
        files="\n".join(f"  - split: {name}\n    path: {name}/*.parquet" for name in splits),
        command=command,
        recipe=config.recipe.name,
        seed=config.seed,
        splits="\n".join(
            f"| {name} | {split.rows:,} | {split.clean_share:.1%} | {split.touched_share:.1%} | {split.strength_quartiles[1]:.2f} |"
            for name, split in splits.items()
        ),
        engines="\n".join(f"| {engine} | {n:,} | {n / edits.total():.1%} |" for engine, n in edits.most_common()),
        sources="\n".join(f"| {s.name} | {s.kind} | {s.licence} |" for s in (*config.sources, *config.pairs))
        + "".join(f"\n| {name} | dictionary | {it.licence} |" for name, it in config.dictionaries.items()),
        skipped="".join(f"- skipped: {line}\n" for line in skipped) + ("\n" if skipped else ""),
        samples="\n".join(f"- spun: {row['spun']}\n  original: {row['original']}" for row in _samples(folder / next(iter(splits)))),
        config=yaml.safe_dump(config.model_dump(mode="json", exclude={"workers", "executor"}), sort_keys=False, allow_unicode=True),
    )
    (folder / "README.md").write_text(text, encoding="utf-8")


def _samples(split: Path) -> list[dict[str, Any]]:
    """Rows with edits, drawn by the hash of their place."""
    rows = ((draw("sample", row["spun"]), row) for row in stream(ds.dataset(split, format="parquet"), ["spun", "original"]))
    drawn = nsmallest(SAMPLES, (it for it in rows if it[1]["spun"] != it[1]["original"]), key=lambda it: (it[0], it[1]["spun"]))
    return [row for _, row in drawn]
