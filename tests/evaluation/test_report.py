"""Reports: tables, a page that escapes and is reproducible, and the README's table."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from unspin.evaluation import run
from unspin.evaluation.config import EvalConfig
from unspin.evaluation.outcomes import ArticleOutcome, EditOutcome
from unspin.evaluation.reliability import measure_calibration
from unspin.evaluation.report import diff_pieces, html_report, readme_table, show, update_readme
from unspin.evaluation.suites.pairs import PairsSuite
from unspin.infer.confidence import Calibration

SPUN, ORIGINAL = "The overseas minister stated the warfare ended.", "The foreign minister said the war ended."
RELEASED = Path("infer/adapter/results.json")


@pytest.fixture
def results(make_config: Callable[..., EvalConfig], in_process: None) -> dict[str, Any]:
    return run.main(make_config())


def test_pieces_give_both_texts_back() -> None:
    parts = list(diff_pieces(SPUN, ORIGINAL))
    assert "".join(same + removed for same, removed, _ in parts) == SPUN
    assert "".join(same + inserted for same, _, inserted in parts) == ORIGINAL


def test_a_page_has_all_plots_and_is_the_same_bytes_each_time(results: dict[str, Any]) -> None:
    article = ArticleOutcome((EditOutcome(0.5, 0.1, 1, True),), 0.1, 0.2, 10, 0, 1)
    results["calibration"] = measure_calibration({"items": [article]}, Calibration())
    results["curve"] = [{"pairs": n, **results["scores"]["items"]["harper"]} for n in (0, 10)]
    page = html_report(results)
    assert html_report(results) == page
    assert page.count("<svg") == 4 and "Learning curve" in page and "Calibration by suite" in page


def test_clean_text_alone_has_no_plots_of_restoration(results: dict[str, Any]) -> None:
    for figures in results["scores"]["items"].values():
        figures["recall"] = 1.0
    assert html_report(results).count("<svg") == 0


def test_the_readme_table_holds_numbers(results: dict[str, Any]) -> None:
    line = readme_table(results).splitlines()[-1]
    assert line.startswith("| items |")
    numbers = [float(cell) for cell in line.split("|")[2:-1] if cell.strip()]
    assert len(numbers) == 7 and np.isfinite(numbers).all()


def test_the_readme_table_leaves_out_tools_with_few_rows() -> None:
    figures = dict.fromkeys(("f0.5", "restoration", "precision", "recall", "over_correction", "violations"), 0.5)
    scores = {name: {"a": figures} for name in ("real", "real: much", "real: little")}
    scores["small"] = {"a": figures, "b": figures}
    sizes = {
        "real": {"rows": 11},
        "real: much": {"rows": 8, "part_of": "real"},
        "real: little": {"rows": 3, "part_of": "real"},
        "small": {"rows": 2},
    }
    head, _, *lines = readme_table({"scores": scores, "suites": sizes}).splitlines()
    assert [line.split(" | ")[0].removeprefix("| ") for line in lines] == ["real", "real: much", "small"]
    assert head.startswith("| suite | F0.5 a | F0.5 b | restoration")
    assert lines[0].startswith("| real | 0.500 |  | 0.500 |"), "system b was not run on this suite"


def test_the_readme_table_leaves_figures_of_restoration_blank_for_clean_text() -> None:
    figures = {
        "f0.5": 1.0,
        "restoration": 1.0,
        "precision": 0.0,
        "recall": 1.0,
        "over_correction": 2.5,
        "violations": 3.0,
    }
    table = readme_table({"scores": {"clean": {"a": figures}}, "suites": {"clean": {"rows": 9}}})
    assert table.splitlines()[-1] == "| clean |  |  |  |  | 2.50 | 3.0 |"


def test_the_readme_agrees_with_the_released_results(tmp_path: Path) -> None:
    before = Path("README.md").read_text(encoding="utf-8")
    readme = tmp_path / "README.md"
    readme.write_text(before, encoding="utf-8")
    update_readme(readme, json.loads(RELEASED.read_text(encoding="utf-8")))
    assert readme.read_text(encoding="utf-8") == before, "run python -m unspin.evaluation.report"


def test_a_readme_without_marks_is_refused(results: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("# unspin\n")
    with pytest.raises(ValueError, match="not enough values"):
        update_readme(tmp_path / "README.md", results)
    assert (tmp_path / "README.md").read_text() == "# unspin\n"


def test_released_results_of_an_earlier_version_are_rendered() -> None:
    page = html_report(json.loads(RELEASED.read_text(encoding="utf-8")))
    assert page.count("<svg") == 3 and "engine: phrases" in page, "this file calls the dimension engine, not spinner"


@pytest.mark.usefixtures("in_process")
def test_names_of_tools_are_printed_as_they_are(
    make_config: Callable[..., EvalConfig],
    make_pairs: Callable[..., PairsSuite],
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = f"tool\tspun\toriginal\nA\t{SPUN}\t{ORIGINAL}\nB [/b] <i>\tAn firm shut.\tA firm shut.\n"
    results = run.main(make_config(real=make_pairs(text).path, suites=[]))
    show(results)
    assert "real: B [/b] <i>: 1 row" in capsys.readouterr().out
    assert "real: B [/b] &lt;i&gt;" in html_report(results)
