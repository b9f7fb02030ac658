"""Hand-written sentences as a suite: each line is an item with its references and the facts that must survive."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from unspin.evaluation.suites.base import Row, SuiteDefinition, SuiteError


class ItemsSuite(SuiteDefinition):
    """Hand-written sentences, a JSON Lines file with `spun`, `references` (or `original`) and optionally `facts`.

    With `clean`, each item's original is added as a row of its own, which should stay unchanged.
    """

    kind: Literal["items"]
    path: Path
    clean: bool = False

    def rows(self) -> Iterator[Row]:
        for number, line in enumerate(self.path.read_text(encoding="utf-8").splitlines(), 1):
            try:
                row = self._row(number, json.loads(line))
            except (ValueError, KeyError, TypeError) as error:
                raise SuiteError(
                    f"{self.path}:{number}: expected a JSON object with `spun` and `references` ({error!r})"
                ) from None
            yield row
            if self.clean:
                yield Row(f"{row.article} clean", row.references[0], row.references, facts=row.facts)

    def _row(self, number: int, item: dict[str, Any]) -> Row:
        references = tuple(item["references"]) if "references" in item else (item["original"],)
        facts = tuple(tuple(forms) for forms in item.get("facts", ()))
        return Row(f"{self.path.name}:{number}", item["spun"], references, facts=facts)
