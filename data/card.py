"""The data card: a README.md in the output that says where a data set comes from and what it holds."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from unspin.data.build import BuildConfig


def write_card(folder: Path, config: BuildConfig, command: str, counts: Counter[str], samples: list[dict[str, Any]]) -> None:
    sources = "\n".join(f"| {s.name} | {s.kind} | {s.licence} |" for s in config.sources)
    splits = "\n".join(f"| {split} | {rows:,} |" for split, rows in counts.items())
    pairs = "\n".join(f"- spun: {row['spun']}\n  original: {row['original']}" for row in samples)
    config_text = yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
    (folder / "README.md").write_text(
        f"""# Spun/original pairs

Made by `{command}` (recipe {config.recipe}, seed {config.seed}).
Articles are split before spinning; held-out lexicon heads and engines are left out of every split.

| split | rows |
| --- | --- |
{splits}

| source | kind | terms |
| --- | --- | --- |
{sources}

## Samples

{pairs}

## Config

```yaml
{config_text}```
""",
        encoding="utf-8",
    )
