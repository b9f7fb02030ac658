"""Texts of real tools: both kinds of file, faulty rows, tools in turn, rows restored together."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from unspin.evaluation.scores import score
from unspin.evaluation.suites import make_suite
from unspin.evaluation.suites.base import SuiteError
from unspin.evaluation.suites.pairs import PairsSuite

Make = Callable[..., PairsSuite]
HEAD = "tool\tspun\toriginal\n"


def test_both_kinds_of_file_give_the_same_pairs(make_pairs: Make) -> None:
    tabular = make_pairs()
    head, *rows = (line.split("\t") for line in tabular.path.read_text().splitlines())
    lines = "\n".join(json.dumps(dict(zip(head, row, strict=True))) for row in rows)
    suite = make_suite(make_pairs(lines, "pairs.jsonl"), 9)
    assert suite == make_suite(tabular, 9)
    assert [(row.article, row.group, row.tool) for row in suite.rows] == [
        ("A/0", "A/0", "A"),
        ("A/1", "A/0", "A"),
        ("B/0", "B/0", "B"),
    ]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (
            "The overseas minister left.\tThe foreign minister left.\n",
            "pairs.tsv:1: needs the columns spun and original; it has 'The overseas",
        ),
        ("tool\tbad\tgood\nA\tx\ty\n", "it has 'tool', 'bad', 'good'"),
        (HEAD + "A\tOne two three.\tFour five six.\n" * 3, "pairs.tsv: 3 of 3 rows share too few words"),
        (HEAD, "pairs.tsv: no row holds a spun text and its original"),
        ("", "pairs.tsv:1: needs the columns spun and original; the first line is blank"),
        (HEAD.encode("utf-16").decode("latin-1"), "pairs.tsv: not UTF-8 but UTF-16"),
    ],
)
def test_a_file_without_pairs_is_refused(text: str, complaint: str, make_pairs: Make) -> None:
    with pytest.raises(SuiteError, match=re.escape(complaint)):
        make_suite(make_pairs(text), 9)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match=r"none.tsv: no such file"):
        make_suite(PairsSuite(kind="pairs", name="real", path=tmp_path / "none.tsv"), 9)


def test_faulty_rows_are_logged_and_counted(make_pairs: Make, log: pytest.LogCaptureFixture) -> None:
    text = make_pairs().path.read_text()
    faulty = "A\tz\t \tEmpty here.\nA\n\nC\tz\tWholly other words.\tNothing is alike.\n"
    suite = make_suite(make_pairs(text + faulty), 9)
    assert [row.tool for row in suite.rows] == ["A", "A", "B", "C"], (
        "dissimilar texts stay: a heavy tool may be at work"
    )
    *rows, summary = log.messages
    for row, (line, problem) in zip(
        rows, [(5, "no words in the spun text"), (6, "1 column, fewer"), (8, "both texts share 0%")], strict=True
    ):
        assert f"pairs.tsv:{line}: {problem}" in row and "on_error" not in row
    assert "left out 2 rows; kept 1 whose texts share few words" in summary


def test_outputs_stay_with_their_rows_however_tools_are_mixed_and_spelled(make_pairs: Make) -> None:
    tools = ("A", "B", "A ", "", "unnamed", " B", "A  x", "A x")
    lines = [f"{tool}\tThe {n} warfare.\tThe {n} war." for n, tool in enumerate(tools)]
    suite = make_suite(make_pairs(HEAD + "\n".join(lines)), 99)
    sizes = {part.name.removeprefix("real: "): len(part.rows) for part, _ in suite.by_tool()}
    assert sizes == {"A": 2, "B": 2, "unnamed": 2, "A x": 2}
    copied = [row.spun for group in suite.groups() for row in group]
    assert copied == [row.spun for row in suite.rows], "groups are restored in the order of rows"
    assert score(suite, copied, 100, 0)["damage"] == 0


def test_a_limit_takes_from_every_tool(make_pairs: Make) -> None:
    lines = [f"{tool}\tThe {n} warfare.\tThe {n} war." for tool in "ABC" for n in range(60)]
    suite = make_suite(make_pairs(HEAD + "\n".join(lines)), 90)
    assert [len(part.rows) for part, _ in suite.by_tool()] == [30, 30, 30]
    assert [len(group) for group in suite.groups()] == [25, 25, 25, 5, 5, 5]
