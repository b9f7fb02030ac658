"""The data card: a README.md in the output that says where a data set comes from and what it holds, with samples.

Costs two passes over the rows; memory stays flat.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Sequence
from heapq import nsmallest
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from unspin.data.stats import read_stats, stream
from unspin.hashing import hash_uniform

if TYPE_CHECKING:
    from unspin.data.config import BuildConfig

SAMPLES = 20
LISTED_SKIPS = 1000
BAR = r"\|"  # a bar in a table, also within code
_CODE_SPAN = re.compile(r"(`[^`]+`)")
_SIZES = (
    "n<1K",
    "1K<n<10K",
    "10K<n<100K",
    "100K<n<1M",
    "1M<n<10M",
    "10M<n<100M",
    "100M<n<1B",
    "1B<n<10B",
    "10B<n<100B",
)
_CARD = """---
pretty_name: Spun/original pairs
language: en
license: other
size_categories: {size}
tags: [unspin, article-spinning, text-restoration]
configs:
- config_name: default
  data_files:
{files}
---

# Spun/original pairs

Made by {command} (recipe {recipe}, seed {seed}). Load it with {load}.
Each row holds a spun text, its original, and the edits that turn the spun text into the original. Near-duplicate
articles are removed, articles are split before spinning, and no twelve consecutive words of a held-out article occur
in the training split.

| split | rows | left clean | words touched | median strength |
| --- | --- | --- | --- | --- |
{splits}

| spinner | edits | share |
| --- | --- | --- |
{spinners}

| source | kind | terms |
| --- | --- | --- |
{sources}

{skipped}## Samples

{samples}

## Config

{config}
"""


def write_card(folder: Path, config: BuildConfig, command: str, skipped: Sequence[str]) -> None:
    """Write ``README.md`` beside the rows. `skipped` are the messages about lines and files that could not be read."""
    splits = read_stats(folder).splits
    edits_by_spinner = sum((split.spinners for split in splits.values()), Counter[str]())
    sources = [
        *((source.name, source.kind, source.licence) for source in (*config.sources, *config.pairs)),
        *((name, "dictionary", dictionary.licence) for name, dictionary in config.dictionaries.items()),
    ]
    settings = config.model_dump(mode="json", exclude={"workers", "executor"})
    text = _CARD.format(
        files="\n".join(f"  - split: {name}\n    path: {name}/*.parquet" for name in splits),
        size=_size_category(sum(split.rows for split in splits.values())),
        command=code(command),
        load=code(f"datasets.load_dataset({str(config.output).removeprefix('hf://datasets/')!r})"),
        recipe=config.recipe.name,
        seed=config.seed,
        splits="\n".join(
            table_row(
                name,
                f"{split.rows:,}",
                f"{split.clean_share:.1%}",
                f"{split.touched_share:.1%}",
                f"{split.strength_quartiles[1]:.2f}",
            )
            for name, split in splits.items()
        ),
        spinners="\n".join(
            table_row(spinner, f"{n:,}", f"{n / edits_by_spinner.total():.1%}")
            for spinner, n in edits_by_spinner.most_common()
        ),
        sources="\n".join(table_row(*source) for source in sources),
        skipped=_skipped_lines(skipped),
        samples="\n".join(
            f"- spun: {escaped(row['spun'])}\n  original: {escaped(row['original'])}"
            for row in _samples(folder / next(iter(splits)))
        ),
        config=fenced(yaml.safe_dump(settings, sort_keys=False, allow_unicode=True), "yaml"),
    )
    (folder / "README.md").write_text(text, encoding="utf-8")


def _size_category(rows: int) -> str:
    """The hub's name for a number of rows."""
    return _SIZES[min(max(len(str(rows)) - 3, 0), len(_SIZES) - 1)]


def _skipped_lines(skipped: Sequence[str]) -> str:
    lines = [f"- skipped: {escaped(line)}\n" for line in skipped[:LISTED_SKIPS]]
    if len(skipped) > LISTED_SKIPS:
        lines.append(f"- skipped: {len(skipped) - LISTED_SKIPS:,} more\n")
    return "".join([*lines, "\n"]) if lines else ""


def escaped(text: str) -> str:
    """Any text for use in Markdown: without HTML and line breaks. Its code spans stay as they are."""
    parts = _CODE_SPAN.split(" ".join(text.split()))
    return "".join(part if i % 2 else html.escape(part, quote=False) for i, part in enumerate(parts))


def table_row(*cells: str) -> str:
    """A row of a Markdown table; its cells may hold any text."""
    return f"| {' | '.join(escaped(cell).replace('|', BAR) for cell in cells)} |"


def fenced(text: str, language: str) -> str:
    """A code block, fenced by more backticks than its text has in a row."""
    fence = "`" * max([3, *(len(ticks) + 1 for ticks in re.findall("`+", text))])
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"


def code(value: object) -> str:
    """A short text as code."""
    return f"`{value}`"


def _samples(split: Path) -> list[dict[str, Any]]:
    """Spun rows of a split, drawn by the hash of their text."""
    rows = stream(sorted(split.glob("*.parquet")), ["spun", "original"])
    spun = (row for row in rows if row["spun"] != row["original"])
    return nsmallest(SAMPLES, spun, key=lambda row: (hash_uniform("sample", row["spun"]), row["spun"]))
