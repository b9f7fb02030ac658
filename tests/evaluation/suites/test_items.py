"""Hand-written items: references, facts and clean rows; faulty lines are named."""

from pathlib import Path

import pytest
from unspin.evaluation.suites import make_suite
from unspin.evaluation.suites.base import SuiteError
from unspin.evaluation.suites.items import ItemsSuite


def _suite(folder: Path, *lines: str, clean: bool = False) -> ItemsSuite:
    (folder / "items.jsonl").write_text("\n".join(lines))
    return ItemsSuite(kind="items", name="items", path=folder / "items.jsonl", clean=clean)


def test_items_have_references_facts_and_on_request_a_clean_row(tmp_path: Path) -> None:
    line = '{"spun": "a", "references": ["b", "c"], "facts": [["two", "2"]]}'
    (row,) = make_suite(_suite(tmp_path, line), 9).rows
    assert (row.spun, row.references, row.facts) == ("a", ("b", "c"), (("two", "2"),))
    _, clean = make_suite(_suite(tmp_path, line, clean=True), 9).rows
    assert (clean.spun, clean.references, clean.facts) == ("b", ("b", "c"), (("two", "2"),))


@pytest.mark.parametrize("line", ['{"spun": "a"}', "[]", "nothing", '{"original": "b"}'])
def test_a_faulty_line_is_named(line: str, tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match=r"items.jsonl:2: expected a JSON object with `spun` and `references`"):
        make_suite(_suite(tmp_path, '{"spun": "a", "original": "b"}', line), 9)


def test_a_file_without_lines_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match="suite 'items' has no rows"):
        make_suite(_suite(tmp_path), 9)
