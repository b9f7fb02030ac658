"""The benchmark: suites from files, systems that keep their promises, scores with intervals, a run that resumes, a page that escapes."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from unspin.data.edits import Edit, apply
from unspin.infer.prompt import Prompt
from unspin.train.benchmark import run as runner
from unspin.train.benchmark.calibration import Judged, Share, Sure, measure
from unspin.train.benchmark.report import page, pieces, readme_table, show, update
from unspin.train.benchmark.scores import breakdown, compare, part_of_speech, score
from unspin.train.benchmark.suites import ArticlesSuite, CleanSuite, ItemsSuite, PairsSuite, Row, Suite, SuiteError, _in_turn, make
from unspin.train.benchmark.systems import EXAMPLES, SYSTEMS, FewShotPrompt, Harper, ReverseLexicon, chosen
from unspin.train.config import EvalConfig

SPUN, ORIGINAL = "The overseas minister stated the warfare ended.", "The foreign minister said the war ended."
BENCHMARK = Path("data/benchmark")


def _items(folder: Path) -> Path:
    file = folder / "items.jsonl"
    rows = [{"spun": f"<b>{SPUN}", "original": f"<b>{ORIGINAL}"}, {"spun": "An firm shut.", "references": ["A firm shut.", "A company shut."]}]
    file.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return file


def _config(tmp_path: Path, **changes: Any) -> EvalConfig:
    raw = {
        "suites": [{"kind": "items", "name": "items", "path": _items(tmp_path), "clean": True}],
        "systems": ["copy the input", "harper"],
        "output": tmp_path / "out",
        "resamples": 100,
    }
    return EvalConfig.model_validate(raw | changes)


def test_a_run_scores_writes_and_resumes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = _config(tmp_path)
    results = runner.main(config)
    copied, checked = results["scores"]["items"].values()
    assert copied["f0.5"] == 0 and copied["over_correction"] == 0 and copied["restoration"] == 0
    assert 0 < checked["recall"] < 1, "harper mends the article and nothing else"
    assert all(low <= copied[name] <= high for name, (low, high) in copied["interval"].items())
    assert 0 < checked["p"] <= 1 and "p" not in copied
    assert json.loads((tmp_path / "out" / "results.json").read_text()) == json.loads(json.dumps(results))
    text = (tmp_path / "out" / "report.html").read_text()
    assert "&lt;b&gt;The" in text and "<b>The" not in text
    monkeypatch.setattr(runner, "_restore", None)  # nothing is left to run
    assert runner.main(config)["scores"]["items"]["harper"]["peak_mb"] == checked["peak_mb"]


def test_names_of_suites_must_differ(tmp_path: Path) -> None:
    items = {"kind": "items", "name": "items", "path": _items(tmp_path)}
    with pytest.raises(ValueError, match="a name of its own"):
        _config(tmp_path, suites=[items, items])


def test_hand_spun_articles_pair_up_paragraph_by_paragraph(tmp_path: Path) -> None:
    suite = make(
        ArticlesSuite(kind="articles", name="hand", articles=_folder(tmp_path / "a", "One.\n\nTwo."), spun=_folder(tmp_path / "s", "1.\n\n2.")), 9
    )
    assert [(row.spun, row.references) for row in suite.rows] == [("1.", ("One.",)), ("2.", ("Two.",))]
    (tmp_path / "s" / "x.txt").write_text("1.")
    with pytest.raises(SuiteError, match="1 paragraphs, its original has 2"):
        make(ArticlesSuite(kind="articles", name="hand", articles=tmp_path / "a", spun=tmp_path / "s"), 9)


def test_clean_rows_are_their_own_reference(tmp_path: Path) -> None:
    suite = make(CleanSuite(kind="clean", name="clean", articles=_folder(tmp_path / "a", "It rained. They left.")), 9)
    assert [(row.spun, row.references) for row in suite.rows] == [("It rained.", ("It rained.",)), ("They left.", ("They left.",))]


def test_an_item_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "items.jsonl").write_text('{"spun": "a", "original": "b"}\n{"spun": "a"}\n')
    with pytest.raises(SuiteError, match=r"items.jsonl:2"):
        make(ItemsSuite(kind="items", name="items", path=tmp_path / "items.jsonl"), 9)


REAL = f"tool\tsource\tspun\toriginal\nA\tx\t{SPUN}\t{ORIGINAL}\nB\ty\tAn firm shut.\tA firm shut.\nA\tx\tThe warfare goes on.\tThe war goes on.\n"


def _pairs(folder: Path, text: str = REAL, name: str = "pairs.tsv") -> PairsSuite:
    (folder / name).write_text(text, encoding="utf-8")
    return PairsSuite(kind="pairs", name="real", path=folder / name)


def test_pairs_of_real_tools_are_scored_first_over_all_and_per_tool(tmp_path: Path) -> None:
    config = _config(tmp_path, real=_pairs(tmp_path).path)
    results = runner.main(config)
    assert list(results["scores"]) == ["real", "real: A", "real: B", "items"]
    assert [results["suites"][name]["rows"] for name in ("real", "real: A", "real: B")] == [3, 2, 1]
    recalls = [results["scores"][name]["harper"]["recall"] for name in ("real", "real: A", "real: B")]
    assert recalls == [pytest.approx(1 / 5), 0, 1], "harper mends the article of B and nothing else"
    assert "real: A" in (tmp_path / "out" / "report.html").read_text()


def test_a_path_alone_is_enough_to_evaluate_and_none_is_too_little(tmp_path: Path) -> None:
    assert [suite.name for suite in _config(tmp_path, suites=[], real=_pairs(tmp_path).path).suites] == ["real"]
    with pytest.raises(ValueError, match="real=FILE"):
        _config(tmp_path, suites=[])


def test_the_same_pairs_come_from_both_kinds_of_file(tmp_path: Path) -> None:
    rows = [dict(zip(("tool", "source", "spun", "original"), line.split("\t"), strict=True)) for line in REAL.splitlines()[1:]]
    lines = _pairs(tmp_path, "\n".join(map(json.dumps, rows)), "pairs.jsonl")
    assert make(lines, 9) == make(_pairs(tmp_path), 9)
    assert [(row.article, row.group, row.tool) for row in make(lines, 9).rows] == [("A/0", "A/0", "A"), ("A/1", "A/0", "A"), ("B/0", "B/0", "B")]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (f"{SPUN}\t{ORIGINAL}\n", "pairs.tsv:1: the first line must name the columns spun, original, tool; it reads 'The overseas"),
        ("tool\tbad\tgood\nA\tx\ty\n", "it reads 'tool', 'bad', 'good'"),
        ("tool\tspun\toriginal\n" + "A\tOne two three.\tFour five six.\n" * 3, "pairs.tsv: 3 of 3 rows share too few words"),
        ("tool\tspun\toriginal\n", "pairs.tsv: no row holds a spun text and its original"),
        ("", "pairs.tsv: no row holds a spun text and its original"),
        ("tool\tspun\toriginal\n".encode("utf-16").decode("latin-1"), "pairs.tsv:1: the first line must name the columns"),
    ],
)
def test_a_file_of_something_else_is_refused(text: str, complaint: str, tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match=re.escape(complaint)):
        make(_pairs(tmp_path, text), 9)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match=r"none.tsv: no such file"):
        make(PairsSuite(kind="pairs", name="real", path=tmp_path / "none.tsv"), 9)


def test_rows_that_make_no_pair_are_named_and_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    suite = make(_pairs(tmp_path, f"{REAL}A\tz\t \tEmpty here.\nA\n\nC\tz\tWholly other words.\tNothing is alike.\n"), 9)
    assert [row.tool for row in suite.rows] == ["A", "A", "B", "C"], "what hardly looks like a pair stays: a heavy tool may have made it"
    said = capsys.readouterr().out
    assert "pairs.tsv:5: no words in the spun text" in said and "pairs.tsv:6: 1 columns" in said and "pairs.tsv:8: both texts share 0%" in said
    assert "2 rows left out, 1 kept whose texts share few words" in said and "on_error" not in said


def test_outputs_stay_with_their_rows_however_tools_are_mixed_and_spelled(tmp_path: Path) -> None:
    lines = [f"{tool}\tThe {n} warfare.\tThe {n} war." for n, tool in enumerate(("A", "B", "A ", "", "unnamed", " B", "A  x", "A x"))]
    suite = make(_pairs(tmp_path, "tool\tspun\toriginal\n" + "\n".join(lines)), 99)
    assert {part.name.removeprefix("real: "): len(part.rows) for part, _ in suite.by_tool()} == {"A": 2, "B": 2, "unnamed": 2, "A x": 2}
    restored = [row.spun for group in suite.articles() for row in group]
    assert restored == [row.spun for row in suite.rows], "what is restored group by group comes out in the order of rows"
    assert score(suite, restored, 100, 0)["damage"] == 0


def test_a_limit_takes_from_every_tool(tmp_path: Path) -> None:
    lines = [f"{tool}\tThe {n} warfare.\tThe {n} war." for tool in "ABC" for n in range(60)]
    suite = make(_pairs(tmp_path, "tool\tspun\toriginal\n" + "\n".join(lines)), 90)
    assert [len(part.rows) for part, _ in suite.by_tool()] == [30, 30, 30]
    assert [len(group) for group in suite.articles()] == [25, 25, 25, 5, 5, 5]


def test_intervals_of_a_tool_draw_its_rows(tmp_path: Path) -> None:
    lines = [f"A\tThe {n} warfare.\tThe {n} war." for n in range(20)]
    suite = make(_pairs(tmp_path, "tool\tspun\toriginal\n" + "\n".join(lines)), 90)
    assert not list(suite.by_tool()), "one tool is the whole"
    outputs = [row.references[0] if i % 2 else row.spun for i, row in enumerate(suite.rows)]
    low, high = score(suite, outputs, 200, 0)["interval"]["restoration"]
    assert low < 0.4 and high > 0.6


def test_a_tool_may_have_any_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    results = runner.main(_config(tmp_path, real=_pairs(tmp_path, REAL.replace("\nB", "\nB [/b] <i>")).path, suites=[]))
    show(results)
    assert "real: B [/b] <i>: 1 rows" in capsys.readouterr().out
    assert EvalConfig.model_validate(results["config"]).suites[0].name == "real", "the config in the results can be run again"
    assert results["suites"]["real: A"]["part_of"] == "real" and list(results["breakdown"]) == ["real"]


@pytest.mark.parametrize("name", ["provocations.jsonl", "references.jsonl"])
def test_the_hand_made_items_keep_their_facts(name: str) -> None:
    suite = make(ItemsSuite(kind="items", name="items", path=BENCHMARK / name, clean=True), 1000)
    outputs = [row.references[0] for row in suite.rows]
    figures = score(suite, outputs, 100, 0)
    assert figures["violations"] == 0 and figures["f0.5"] == figures["restoration"] == figures["exact"] == 1
    assert score(suite, [row.spun for row in suite.rows], 100, 0)["recall"] == 0


def test_scores_draw_articles_and_are_the_same_each_time() -> None:
    suite = Suite("s", tuple(Row(str(i // 2), SPUN, (ORIGINAL,)) for i in range(8)))
    outputs = [ORIGINAL, SPUN] * 4
    found = score(suite, outputs, 200, 3)
    assert found == score(suite, outputs, 200, 3)
    assert found["interval"]["recall"] == [0.5, 0.5], "every article is half restored"
    assert compare(suite, outputs, outputs, 100, 3) == 1
    apart = Suite("s", tuple(Row(str(i), SPUN, (ORIGINAL,)) for i in range(8)))
    assert compare(apart, [ORIGINAL] * 8, [SPUN] * 8, 200, 3) < 0.05


def test_breakdown_counts_every_edit_once_in_each_dimension() -> None:
    edits = (Edit(4, 12, "foreign", "phrases", "x"), Edit(22, 28, "said", "thesaurus", "y"), Edit(33, 40, "war", "phrases", "z"))
    assert apply(SPUN, edits) == ORIGINAL
    suite = Suite("s", (Row("a", SPUN, (ORIGINAL,), edits, strength=0.3),))
    table = breakdown(suite, ["The foreign minister stated the war ended."])
    assert table["engine"] == {"phrases": [2, 2], "thesaurus": [0, 1]}
    assert table["strength"] == {"medium": [2, 3]} and table["words"] == {"one": [2, 3]}
    assert sum(total for _, total in table["part of speech"].values()) == 3
    assert (part_of_speech("the"), part_of_speech("Minister"), part_of_speech("said")) == ("function", "noun", "verb")


def test_the_best_candidates_that_do_not_overlap_are_chosen() -> None:
    gains = [(3.0, Edit(0, 5, "a")), (4.0, Edit(3, 8, "b")), (1.0, Edit(9, 10, "c")), (2.0, Edit(8, 9, "d"))]
    assert chosen(gains, 1.5) == [Edit(3, 8, "b"), Edit(8, 9, "d")]
    assert chosen(gains, 9) == []


def test_the_reverse_lexicon_offers_entries_in_the_form_that_stands_there(tmp_path: Path) -> None:
    lexicon = ReverseLexicon(_config(tmp_path))
    lexicon.__dict__["_counts"] = lambda phrase: float(len(phrase))
    offered = {(SPUN[edit.start : edit.end], edit.replacement) for edit in lexicon.candidates(SPUN)}
    assert any(spun == "stated" and restored.endswith("ed") for spun, restored in offered)
    assert all(apply(SPUN, [edit]) != SPUN for edit in lexicon.candidates(SPUN))


def test_harper_keeps_what_it_has_no_suggestion_for() -> None:
    harper = SYSTEMS["harper"](None)  # type: ignore[arg-type]
    assert isinstance(harper, Harper)
    assert harper.restore(["It was an dog.", "They went home."]) == ["It was a dog.", "They went home."]


def test_the_few_shot_prompt_shows_its_examples_before_the_text(tiny_base: Path) -> None:
    plain = Prompt.from_folder(tiny_base)
    few = FewShotPrompt(plain.tokenizer, plain.bos, plain.eos)
    shown = few.decode(list(few.source("A text.").prompt))
    assert all(f"Spun: {spun}\nOriginal: {original}\n" in shown for spun, original in EXAMPLES)
    assert shown.endswith("Spun: A text.\nOriginal:")


def test_calibration_figures_by_hand() -> None:
    spun = Judged((Sure(0.9, 1, True, False), Sure(0.6, 1, True, False)), (Share(0.2, 0.4), Share(0.3, 0.2)), due=4, clean_words=0)
    clean = Judged((Sure(0.6, 2, False, True),), (Share(0.01, 0.0),), due=0, clean_words=1000)
    found = measure({"spun": spun, "clean": clean}, threshold=0.5)
    at = {round(row["threshold"], 2): row for row in found["sweep"]}
    assert (at[0.5]["precision"], at[0.5]["recall"], at[0.5]["over_correction"]) == (pytest.approx(2 / 3), 0.5, 2.0)
    assert (at[0.7]["precision"], at[0.7]["recall"], at[0.7]["over_correction"]) == (1.0, 0.25, 0.0)
    assert found["by_suite"]["spun"] == {
        "edits": 2,
        "expected_calibration_error": pytest.approx(0.25),
        "estimated_share": pytest.approx(0.25),
        "true_share": pytest.approx(0.3),
        "share_error": pytest.approx(0.5),
    }
    assert found["by_suite"]["clean"]["share_error"] is None


def test_pieces_give_both_texts_back() -> None:
    parts = list(pieces(SPUN, ORIGINAL))
    assert "".join(kept + gone for kept, gone, _ in parts) == SPUN and "".join(kept + put for kept, _, put in parts) == ORIGINAL


def test_a_page_is_the_same_bytes_each_time(tmp_path: Path) -> None:
    results = runner.main(_config(tmp_path))
    results["calibration"] = measure({"items": Judged((Sure(0.5, 1, True, False),), (Share(0.1, 0.2),), 1, 10)}, 0.5)
    results["curve"] = [{"pairs": n, **results["scores"]["items"]["harper"]} for n in (0, 10)]
    assert page(results) == page(results)
    assert page(results).count("<svg") == 4 and "Learning curve" in page(results)
    assert "| items |" in readme_table(results)
    assert np.isfinite([float(cell) for cell in readme_table(results).splitlines()[-1].split("|")[2:-1] if cell.strip()]).all()


def test_the_readme_has_a_line_for_each_tool_of_which_enough_is_known() -> None:
    figures = dict.fromkeys(("f0.5", "restoration", "precision", "recall", "over_correction", "violations"), 0.5)
    scores = {"real": {"a": figures}, "real: much": {"a": figures}, "real: little": {"a": figures}, "small": {"a": figures, "b": figures}}
    sizes = {"real": {"rows": 11}, "real: much": {"rows": 8, "part_of": "real"}, "real: little": {"rows": 3, "part_of": "real"}, "small": {"rows": 2}}
    lines = readme_table({"scores": scores, "suites": sizes}).splitlines()
    assert [line.split(" | ")[0].removeprefix("| ") for line in lines[2:]] == ["real", "real: much", "small"]
    assert lines[0].startswith("| suite | F0.5 a | F0.5 b | restoration") and lines[2].startswith("| real | 0.500 |  | 0.500 |")


def _folder(folder: Path, text: str) -> Path:
    folder.mkdir()
    (folder / "x.txt").write_text(text, encoding="utf-8")
    return folder


def test_the_readme_says_what_the_results_say(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(Path("README.md").read_text(encoding="utf-8"), encoding="utf-8")
    update(readme, json.loads(Path("infer/adapter/results.json").read_text(encoding="utf-8")))
    assert readme.read_text(encoding="utf-8") == Path("README.md").read_text(encoding="utf-8"), "run python -m unspin.train.benchmark.report"


def test_sources_take_turns_with_some_rows_of_an_article() -> None:
    rows = [Row(article, str(i), ("",)) for article, count in (("a/1", 12), ("a/2", 3), ("b/1", 2)) for i in range(count)]
    taken = [(row.article, row.spun) for row in _in_turn(rows)]
    whole = [("a/1", str(i)) for i in range(12)]
    assert taken == [*whole[:10], ("b/1", "0"), ("b/1", "1"), ("a/2", "0"), ("a/2", "1"), ("a/2", "2"), *whole[10:]]
