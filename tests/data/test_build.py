"""The builder: no leak between splits, the same bytes every time, no partial output."""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from datasets import load_dataset
from datatrove.data import Document
from pydantic import ValidationError
from unspin.data import blocks
from unspin.data.blocks import IndexHeldOut, MergeHeldOut, PairRows, shingles
from unspin.data.build import CACHE, OtherDataError, build
from unspin.data.card import write_card
from unspin.data.config import BuildConfig
from unspin.data.corpora import CorpusError
from unspin.data.origin import differences, origin_of
from unspin.data.plan import PlanError, describe, plan_build
from unspin.data.preview import show_pairs
from unspin.data.rows import SCHEMA, SPLITS, spinner_word_ratio, split_of
from unspin.data.spinners.persona import is_held_out_term
from unspin.data.spinners.registry import SpinnerError
from unspin.edits import Edit, apply

Row = dict[str, Any]
SHARED = "The rain would last until the end of the week in most parts of the country, it said."


def _config(corpus: Path, output: Path, **keys: object) -> BuildConfig:
    source = {"kind": "folder", "name": "towns", "path": str(corpus), "licence": "ours"}
    fields = {
        "output": output,
        "holdout_share": 0.25,
        "variants": 2,
        "tasks": 3,
        "spinners": {"phrases": 1, "thesaurus": 1},
        "sources": [source],
        **keys,
    }
    return BuildConfig.model_validate(fields)


def _rows(folder: Path, split: str) -> list[Row]:
    return [
        row for file in sorted(folder.glob(f"{split}/*.parquet")) for row in pq.ParquetFile(file).read().to_pylist()
    ]


def _digests(folder: Path) -> dict[str, str]:
    return {
        str(f.relative_to(folder)): hashlib.sha256(f.read_bytes()).hexdigest()
        for f in sorted(folder.rglob("*.parquet"))
    }


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set of this project's articles, each with a near-duplicate."""
    folder = tmp_path_factory.mktemp("built")
    (folder / "texts").mkdir()
    for file in (
        sorted(Path("data/articles/local").glob("*.txt")) + sorted(Path("data/articles/sport").glob("*.txt"))[:4]
    ):
        text = "\n\n".join(
            [
                *file.read_text(encoding="utf-8").split("\n\n")[:5],
                "The rain would last until the end of the week in most parts of the country, it said.",
            ]
        )
        (folder / "texts" / f"{file.parent.name}{file.name}").write_text(text, encoding="utf-8")
        (folder / "texts" / f"copy-{file.parent.name}{file.name}").write_text(
            text.replace("said", "announced", 1), encoding="utf-8"
        )
    build(_config(folder / "texts", folder / "out"), "test")
    return folder


def test_edits_restore_the_originals_and_each_article_is_in_one_split(built: Path) -> None:
    splits = {split: _rows(built / "out", split) for split in SPLITS}
    owners: dict[str, set[str]] = {}
    assert all(splits.values())
    for split, rows in splits.items():
        for row in rows:
            edits = [Edit(**edit) for edit in row["edits"]]
            assert apply(row["spun"], edits) == row["original"]
            assert not any(is_held_out_term(term) for e in edits for term in e.rule.split(" > ") if " > " in e.rule)
            owners.setdefault(row["article_id"], set()).add(split)
    assert all(found == {split_of(article, 0.25)} for article, found in owners.items())


def test_only_the_bars_of_stages_are_drawn(corpus: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    build(_config(corpus, tmp_path / "out"), "test")
    drawn = [line.split()[0] for line in capfd.readouterr().err.splitlines() if line]
    assert drawn == ["reading", "hashing", "comparing", "grouping", "indexing", "merging", "spinning"]


def test_one_of_two_near_duplicates_is_kept(built: Path) -> None:
    kept = {
        row["article_id"].removeprefix("towns/").removeprefix("copy-")
        for split in SPLITS
        for row in _rows(built / "out", split)
    }
    all_ids = {row["article_id"] for split in SPLITS for row in _rows(built / "out", split)}
    assert len(all_ids) == len(kept) == 12


def test_no_training_row_shares_twelve_words_in_a_row_with_a_held_out_article(built: Path) -> None:
    held_out = {
        s for split in ("validation", "test") for row in _rows(built / "out", split) for s in shingles(row["original"])
    }
    assert held_out
    assert all(held_out.isdisjoint(shingles(row["original"])) for row in _rows(built / "out", "train"))


@pytest.mark.parametrize("run_length", [5, 1000])
def test_hashes_of_held_out_texts_are_merged_in_order(
    run_length: int, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "RUN_LENGTH", run_length)
    recipe = _config(corpus, tmp_path / "out").recipe
    sentences = [
        f"The {n} firms left the country on Monday, and nobody there knew what they would do next." for n in "ab"
    ]
    held_out = str(tmp_path / "held-out")
    for rank, split in enumerate(["test", "train", "validation"]):
        documents = [Document(text, text, metadata={"split": split}) for text in sentences]
        IndexHeldOut(held_out, recipe, PairRows(str(tmp_path / "none"), recipe, 0.1)).run(iter(documents), rank, 3)
    MergeHeldOut(held_out).run()
    expected = sorted({shingle for text in sentences for shingle in shingles(text)})
    assert np.fromfile(tmp_path / "held-out" / "hashes", dtype=np.uint64).tolist() == expected


def test_the_card_lists_no_more_than_a_thousand_skipped_lines(built: Path, tmp_path: Path) -> None:
    shutil.copytree(built / "out", tmp_path / "out")
    write_card(tmp_path / "out", _config(built / "texts", tmp_path / "out"), "test", [f"line {n}" for n in range(1234)])
    card = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    assert card.count("- skipped: line ") == 1000 and "- skipped: 234 more" in card


def test_the_datasets_library_loads_the_output_and_the_card_describes_it(built: Path) -> None:
    data = load_dataset(str(built / "out"))
    assert data["train"].features.arrow_schema.remove_metadata() == SCHEMA
    assert {split: len(data[split]) for split in SPLITS} == {
        split: len(_rows(built / "out", split)) for split in SPLITS
    }
    card = (built / "out" / "README.md").read_text(encoding="utf-8")
    assert card.count("- spun: ") == 20 and "| towns | folder | ours |" in card and "| phrases | " in card
    assert not (built / "out" / "work").exists()


def test_another_run_with_more_workers_gives_the_same_bytes(built: Path, tmp_path: Path) -> None:
    build(_config(built / "texts", tmp_path / "two", workers=2), "test")
    assert _digests(tmp_path / "two") == _digests(built / "out")


@pytest.mark.parametrize("workers", [1, 2])
def test_a_killed_build_continues_and_ends_with_the_same_bytes(built: Path, tmp_path: Path, workers: int) -> None:
    config = _config(built / "texts", tmp_path / "out", workers=workers).model_dump_json()
    script = tmp_path / "run.py"
    script.write_text(f"""
from unspin.data.build import build
from unspin.data.config import BuildConfig
if __name__ == "__main__":
    build(BuildConfig.model_validate_json({config!r}), "test")
""")
    process = subprocess.Popen([sys.executable, str(script)], stderr=subprocess.DEVNULL, start_new_session=True)
    spun = tmp_path / "out.partial" / "work" / "log" / "spinning" / "completions" / "00000"
    while not spun.exists() and process.poll() is None:
        time.sleep(0.002)
    process.kill()
    process.wait()
    _wait_for_the_end_of_session(process.pid)
    assert not (tmp_path / "out").exists() and (tmp_path / "out.partial").exists()
    build(_config(built / "texts", tmp_path / "out"), "test")
    assert _digests(tmp_path / "out") == _digests(built / "out")


def _wait_for_the_end_of_session(leader: int) -> None:
    """Wait until all processes that a killed one had started have ended by themselves."""
    for _ in range(400):
        try:
            os.killpg(leader, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    os.killpg(leader, signal.SIGKILL)
    pytest.fail("the processes of a killed build keep running")


def test_a_full_disk_leaves_no_output_and_the_build_can_be_repeated(corpus: Path, tmp_path: Path) -> None:
    config = _config(corpus, tmp_path / "out")
    script = f"""
import resource, signal
from unspin.data.build import build
from unspin.data.config import BuildConfig
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # so that a write past the limit fails as on a full disk
resource.setrlimit(resource.RLIMIT_FSIZE, (6000, 6000))
build(BuildConfig.model_validate_json({config.model_dump_json()!r}), "test")
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode and "File too large" in done.stderr
    assert not (tmp_path / "out").exists()
    build(config, "test")
    assert _rows(tmp_path / "out", "train")


def test_the_clean_share_is_respected(corpus: Path, tmp_path: Path) -> None:
    build(_config(corpus, tmp_path / "out", clean_share=0.9), "test")
    rows = [row for split in SPLITS for row in _rows(tmp_path / "out", split)]
    assert sum(row["spun"] == row["original"] for row in rows) > 0.75 * len(rows)


def test_hard_negatives_are_rich_in_words_that_spinners_insert(corpus: Path, tmp_path: Path) -> None:
    assert (
        spinner_word_ratio("They commenced to exit the apparatus.")
        > 3
        > spinner_word_ratio("They began to leave the machine.")
        == 0
    )
    richness = {}
    for hard in (True, False):
        build(_config(corpus, tmp_path / str(hard), variants=8, hard_negatives=hard), "test")
        clean = [row["original"] for row in _rows(tmp_path / str(hard), "train") if row["spun"] == row["original"]]
        richness[hard] = sum(map(spinner_word_ratio, clean)) / len(clean)
    assert richness[True] > 1.2 * richness[False] > 0


def test_existing_output_is_refused_and_a_failure_leaves_nothing(corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    with pytest.raises(OtherDataError, match=r"there exists and has no origin\.json .*: remove it"):
        build(_config(corpus, tmp_path / "there"), "test")
    (tmp_path / "empty").mkdir()
    with pytest.raises(CorpusError, match="no article in any of the sources: towns"):
        build(_config(tmp_path / "empty", tmp_path / "out"), "test")
    assert not (tmp_path / "out").exists() and not list(tmp_path.glob("*.partial"))


def _replace_word(file: Path, old: str, new: str) -> None:
    """Change a text but neither its size nor its time."""
    before = file.stat()
    file.write_text(file.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert file.stat().st_size == before.st_size


def test_a_finished_data_set_is_left_as_it_is_and_one_of_other_inputs_is_refused(
    corpus: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    counts = build(_config(corpus, tmp_path / "out"), "test")
    before = {file: file.stat().st_mtime_ns for file in (tmp_path / "out").rglob("*")}
    assert build(_config(corpus, tmp_path / "out", workers=2), "test") == counts
    assert "out holds this data set already: nothing to do" in caplog.text
    with pytest.raises(
        OtherDataError, match=r"out exists and was built from other inputs \(seed, sources\.towns\.share\)"
    ):
        source = {"kind": "folder", "name": "towns", "path": str(corpus), "licence": "ours", "share": 0.5}
        build(_config(corpus, tmp_path / "out", seed=7, sources=[source]), "test")
    _replace_word(sorted(corpus.rglob("*.txt"))[0], " the ", " thy ")
    with pytest.raises(OtherDataError, match=r"other inputs \(texts\.towns\)"):
        build(_config(corpus, tmp_path / "out"), "test")
    assert {file: file.stat().st_mtime_ns for file in (tmp_path / "out").rglob("*")} == before


def test_a_resumed_build_starts_over_if_a_source_changed(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")

    def finish(*_: object) -> None:
        raise KeyboardInterrupt

    for message in ("", "continuing the build in ", "starting over: the build in "):
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr("unspin.data.build._finish", finish)
            build(_config(corpus, tmp_path / "out"), "test")
        assert message in caplog.text
        if message:
            for file in corpus.rglob("*.txt"):
                _replace_word(file, "Monday", "Sunday")
    build(_config(corpus, tmp_path / "out"), "test")
    originals = " ".join(row["original"] for split in SPLITS for row in _rows(tmp_path / "out", split))
    assert "Sunday" in originals and "Monday" not in originals


def test_the_code_of_a_spinner_is_an_input(corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = _config(corpus, tmp_path / "out")
    before = origin_of(config, {})
    (tmp_path / "spinner.py").write_text("x = 1\n")
    monkeypatch.setattr("unspin.data.origin.inspect.getfile", lambda _: str(tmp_path / "spinner.py"))
    first = origin_of(config, {})
    (tmp_path / "spinner.py").write_text("x = 2\n")
    second = origin_of(config, {})
    changed = ["spinner_code.phrases", "spinner_code.thesaurus"]
    assert differences(first, second) == differences(before, first) == changed


@pytest.mark.parametrize("workers", [1, 2])
def test_unreadable_lines_and_files_stop_the_build_or_are_counted(tmp_path: Path, corpus: Path, workers: int) -> None:
    describe = [
        f'{{"text": "{"The old bridge was closed for repairs on Monday morning. " * 2}"}}',
        "{broken",
        '{"title": "no text"}',
    ]
    (tmp_path / "some.jsonl").write_text("\n".join(describe), encoding="utf-8")
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 no parquet PAR1")
    sources = [
        {"kind": "jsonl", "name": "lines", "path": str(tmp_path / "some.jsonl"), "licence": "ours"},
        {"kind": "parquet", "name": "table", "path": str(tmp_path / "bad.parquet"), "licence": "ours"},
        {"kind": "folder", "name": "towns", "path": str(corpus), "licence": "ours"},
    ]
    with pytest.raises(CorpusError, match=r"some\.jsonl:2: no field 'text'.*, or set on_error=skip"):
        build(_config(corpus, tmp_path / "out", sources=sources, tasks=1, workers=workers), "test")
    counts = build(_config(corpus, tmp_path / "out", sources=sources, on_error="skip", workers=workers), "test")
    card = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    assert counts["skipped"] == 3
    assert "some.jsonl:2" in card and "some.jsonl:3" in card and "bad.parquet" in card


def test_held_out_spinners_and_headwords_give_no_training_rows(corpus: Path, tmp_path: Path) -> None:
    for keys in ({"spinners": {"roundtrip:apertium:spa": 1.0}}, {"held_out_headwords": "only"}):
        with pytest.raises(ValidationError, match=r"set holdout_share=0\.5"):
            _config(corpus, tmp_path / "out", **keys)
    build(_config(corpus, tmp_path / "out", held_out_headwords="only", holdout_share=0.5, clean_share=0), "test")
    rows = _rows(tmp_path / "out", "test") + _rows(tmp_path / "out", "validation")
    rules = [edit["rule"].split(" > ") for row in rows for edit in row["edits"] if " > " in edit["rule"]]
    assert not (tmp_path / "out" / "train").exists()
    assert rules and all(any(map(is_held_out_term, rule)) for rule in rules)


def test_real_pairs_become_rows_of_the_same_schema(corpus: Path, tmp_path: Path) -> None:
    spun = "The {} firms exited the country on Monday, he mentioned."
    original = "The {} companies left the country on Monday, he said."
    describe = [f"{spun.format(n)}\t{original.format(n)}" for n in range(40)]
    (tmp_path / "mine.tsv").write_text("\n".join(["spun\toriginal", *describe, "only one column"]), encoding="utf-8")
    pairs = [{"name": "mine", "path": str(tmp_path / "mine.tsv"), "licence": "mine"}]
    with pytest.raises(CorpusError, match=r"mine\.tsv:42: 1 column, fewer than the header has.*, or set on_error=skip"):
        build(_config(corpus, tmp_path / "out", pairs=pairs), "test")
    assert not (tmp_path / "out.partial" / "work" / "articles").exists(), "pairs are checked before anything is read"
    counts = build(_config(corpus, tmp_path / "out", pairs=pairs, on_error="skip"), "test")
    rows = [row for split in SPLITS for row in _rows(tmp_path / "out", split) if row["article_id"].startswith("mine/")]
    assert counts["skipped"] == 1 and len(rows) == 40
    assert all(apply(row["spun"], [Edit(**edit) for edit in row["edits"]]) == row["original"] for row in rows)
    assert {edit["spinner"] for row in rows for edit in row["edits"]} == {"own"}


def test_pairs_without_a_sentence_of_usual_length_are_listed(tmp_path: Path) -> None:
    long = " ".join(["The old firms exited the country on Monday"] * 10)
    lines = ["spun\toriginal", "The firms exited on Monday.\tThe companies left on Monday.", "Oh no.\tOh yes."]
    (tmp_path / "mine.tsv").write_text("\n".join([*lines, f"{long}\t{long}s"]))
    pairs = {"name": "mine", "path": str(tmp_path / "mine.tsv"), "licence": "mine"}
    config = BuildConfig.model_validate({"output": tmp_path / "out", "pairs": [pairs]})
    plan = plan_build(config, CACHE)
    assert plan.pairs == {"mine": 1} and dict(describe(config, plan))["skipped"].startswith("2 lines")
    counts = build(config, "test")
    assert counts["skipped"] == 2 and counts.total() == 1 + 2
    card = (tmp_path / "out" / "README.md").read_text()
    assert "mine.tsv:3: no sentence of 4 to 60 words (min_words, max_words); it has 2 to 2" in card
    none = config.model_copy(update={"output": tmp_path / "none", "min_words": 6})
    with pytest.raises(CorpusError, match=r"no pair in any of the sources: mine; skipped 3, the first: .*mine\.tsv:2"):
        build(none, "test")


def test_the_order_of_sources_is_an_input(corpus: Path, tmp_path: Path) -> None:
    sources = [{"kind": "folder", "name": name, "path": str(corpus), "licence": "ours"} for name in ("a", "b")]
    first, second = (origin_of(_config(corpus, tmp_path, sources=some), {}) for some in (sources, sources[::-1]))
    assert differences(first, second) == ["order"]


@pytest.mark.parametrize("change", ["another file", "another place", "on_error"])
def test_what_changes_no_row_is_no_input(change: str, corpus: Path, tmp_path: Path) -> None:
    before = origin_of(_config(corpus, tmp_path / "out"), {})
    keys: dict[str, Any] = {"on_error": "skip"} if change == "on_error" else {}
    if change == "another file":
        (corpus / ".DS_Store").write_bytes(b"x")
    if change == "another place":
        corpus = corpus.rename(corpus.with_name("moved"))
    assert differences(before, origin_of(_config(corpus, tmp_path / "out", **keys), {})) == []


def test_a_build_that_is_killed_while_it_removes_its_scratch_files_is_resumed(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build(_config(corpus, tmp_path / "whole"), "test")
    rename = Path.rename

    def killed(self: Path, target: Path) -> Path:
        if self.name == "out.partial":
            raise KeyboardInterrupt
        return rename(self, target)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Path, "rename", killed)
        build(_config(corpus, tmp_path / "out"), "test")
    build(_config(corpus, tmp_path / "out"), "test")
    assert _digests(tmp_path / "out") == _digests(tmp_path / "whole")
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith("out")) == ["out"]


def test_scratch_files_that_a_kill_left_beside_a_finished_data_set_are_removed(corpus: Path, tmp_path: Path) -> None:
    build(_config(corpus, tmp_path / "out"), "test")
    (tmp_path / "out.scratch").mkdir()
    build(_config(corpus, tmp_path / "out"), "test")
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith("out")) == ["out"]


@pytest.mark.parametrize("kind", ["a link that leads nowhere", "a file beside it"])
def test_an_output_that_cannot_be_written_is_refused_before_anything_is_read(
    kind: str, corpus: Path, tmp_path: Path
) -> None:
    if kind == "a file beside it":
        (tmp_path / "out.partial").touch()
    else:
        (tmp_path / "out").symlink_to(tmp_path / "nowhere")
    with pytest.raises(OtherDataError, match=r"is a file: remove it|out exists and has no origin\.json"):
        build(_config(corpus, tmp_path / "out"), "test")


def test_pairs_alone_are_a_data_set(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [f"The {n} firms exited on Monday.\tThe {n} companies left on Monday.\tx" for n in range(40)]
    (tmp_path / "mine.tsv").write_text("\n".join(["bad\tgood\ttool", *lines]), encoding="utf-8")
    pairs = {"name": "mine", "path": str(tmp_path / "mine.tsv"), "licence": "mine", "spun": "bad", "original": "good"}
    config = BuildConfig.model_validate({"output": tmp_path / "out", "holdout_share": 0.2, "pairs": [pairs]})
    plan = plan_build(config, CACHE)
    assert plan.pairs == {"mine": 40} and dict(describe(config, plan))["pairs"].startswith("40 (40 mine); ")
    show_pairs(config, 2, tmp_path)
    assert capsys.readouterr().out.count("[own]") == 2
    counts = build(config, "test")
    assert counts["train"] > 20 and counts.total() == 40
    for shared in (1, 0.5):
        some = BuildConfig.model_validate(
            {"output": tmp_path / f"out-{shared}", "pairs": [pairs | {"share": shared}], "tasks": 1}
        )
        assert (build(some, "test").total() == 40) == (shared == 1)


def test_pairs_that_leave_nothing_to_test_on_are_reported(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    pairs = {"name": "mine", "path": tmp_path / "mine.tsv", "licence": "mine"}
    pairs["path"].write_text("spun\toriginal\nThe firms exited on Friday.\tThe companies left on Friday.\n")
    config = BuildConfig.model_validate({"output": tmp_path / "out", "holdout_share": 0.01, "pairs": [pairs]})
    assert build(config, "test")["train"] == 1
    for split in ("validation", "test"):
        assert (
            f"no pair is in the {split} split, so no model can be scored on them: raise holdout_share=0.01"
            in caplog.text
        )


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (
            "bad\tgood\na b\ta c\n",
            "pairs, mine: .*needs the columns spun and original; it has 'bad', 'good'; name yours",
        ),
        (None, "pairs, mine: .*mine.tsv: no such file"),
        ("spun\toriginal\nonly\n", "1 column, fewer than the header has"),
    ],
)
def test_unusable_pairs_are_named_by_the_plan_too(
    text: str | None, complaint: str, corpus: Path, tmp_path: Path
) -> None:
    if text is not None:
        (tmp_path / "mine.tsv").write_text(text)
    config = _config(corpus, tmp_path / "out", pairs=[{"name": "mine", "path": tmp_path / "mine.tsv", "licence": "x"}])
    with pytest.raises(CorpusError, match=complaint):
        build(config, "test")
    with pytest.raises(PlanError, match=complaint):
        plan_build(config, CACHE)


def test_a_plan_predicts_the_build_and_writes_nothing(corpus: Path, tmp_path: Path) -> None:
    config = _config(corpus, tmp_path / "new")
    plan = plan_build(config, CACHE)
    assert not list(tmp_path.glob("new*"))
    counts = build(config, "test")
    assert sum(plan.articles.values()) == 12 and plan.unreadable == 0
    assert plan.rows == pytest.approx(counts.total(), rel=0.2), (
        "all twelve articles are in the sample; only their shared sentence is dropped from the build"
    )
    files = sum(file.stat().st_size for file in (tmp_path / "new").rglob("*.parquet"))
    assert plan.row_bytes == pytest.approx(files, rel=0.7) and plan.seconds > 0
    described = dict(describe(config, plan))
    assert described["articles"].startswith("12 with ") and "are free" in described["disk"]


def test_a_plan_names_everything_that_would_make_the_build_fail(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (corpus / "broken.txt").write_bytes(b"caf\xe9")
    (tmp_path / "new").mkdir()
    config = _config(corpus, tmp_path / "new")
    with pytest.raises(PlanError, match=r"new exists and has no .*broken\.txt: not UTF-8.*; or set on_error=skip"):
        plan_build(config, CACHE)
    config = config.model_copy(update={"output": tmp_path / "other", "on_error": "skip"})
    assert dict(describe(config, plan_build(config, CACHE)))["skipped"].startswith("1 lines or files")
    monkeypatch.setattr("unspin.data.plan.shutil.disk_usage", lambda _: SimpleNamespace(free=1000))
    with pytest.raises(PlanError, match=r"are free at .*other: give another output"):
        plan_build(config, CACHE)
    gone = config.model_copy(update={"sources": [config.sources[0].model_copy(update={"path": tmp_path / "gone"})]})
    with pytest.raises(PlanError, match=r"gone is missing.*no article in any of the sources: towns"):
        plan_build(gone, CACHE)


def test_a_preview_shows_pairs_and_writes_nothing(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    show_pairs(_config(corpus, tmp_path / "out"), 3, tmp_path)
    describe = capsys.readouterr().out.splitlines()
    assert len({line.split()[0] for line in describe}) == len(describe) == 3
    assert all(line.startswith("towns/") and ("[phrases]" in line or "[thesaurus]" in line) for line in describe)
    assert not (tmp_path / "out").exists()


def test_a_preview_shows_pairs_and_articles_in_turn(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.tsv").write_text("spun\toriginal\nThe firms exited on Friday.\tThe companies left on Friday.\n")
    pairs = [{"name": "mine", "path": str(tmp_path / "mine.tsv"), "licence": "mine"}]
    show_pairs(_config(corpus, tmp_path / "out", pairs=pairs), 3, tmp_path)
    shown = capsys.readouterr().out.splitlines()
    assert [line.partition("/")[0] for line in shown] == ["mine", "towns", "towns"]


def test_garbled_terms_come_from_the_configured_file_and_the_card_names_it(corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "terms.tsv").write_text("heap of volumes\tlibrary\ndownpour\train\n")
    dictionaries = {"tortured": {"path": str(tmp_path / "terms.tsv"), "licence": "CC BY, its readers"}}
    build(
        _config(corpus, tmp_path / "out", spinners={"tortured": 1.0}, clean_share=0, dictionaries=dictionaries), "test"
    )
    rules = {edit["rule"] for split in SPLITS for row in _rows(tmp_path / "out", split) for edit in row["edits"]}
    assert rules and rules <= {"library > heap of volumes", "rain > downpour"}
    assert "| tortured | dictionary | CC BY, its readers |" in (tmp_path / "out" / "README.md").read_text()


def test_the_path_of_a_dictionary_does_not_change_the_rows(corpus: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_text("heap of volumes\tlibrary\n")
        dictionaries = {"tortured": {"path": str(tmp_path / name), "licence": "free"}}
        build(
            _config(
                corpus, tmp_path / f"out-{name}", spinners={"tortured": 1.0, "phrases": 1.0}, dictionaries=dictionaries
            ),
            "test",
        )
    spun = [[row["spun"] for row in _rows(tmp_path / f"out-{name}", "train")] for name in ("a", "b")]
    assert spun[0] == spun[1] != []


def test_a_missing_dictionary_is_reported_before_any_article_is_read(corpus: Path, tmp_path: Path) -> None:
    dictionaries = {"tortured": {"path": str(tmp_path / "nowhere.tsv"), "licence": "free"}}
    with pytest.raises(CorpusError, match=r"nowhere.tsv: no such file"):
        build(_config(corpus, tmp_path / "out", spinners={"tortured": 1.0}, dictionaries=dictionaries), "test")


def test_corpora_in_a_path_stands_for_the_configured_folder(corpus: Path, tmp_path: Path) -> None:
    source = {"kind": "folder", "name": "towns", "path": "{corpora}/corpus", "licence": "ours"}
    placed = _config(corpus, tmp_path / "out", sources=[source], corpora=str(corpus.parent))
    assert placed.sources[0].path == corpus  # type: ignore[union-attr]
    with pytest.raises(ValidationError, match=r"source towns reads \{corpora\}/corpus: set corpora=FOLDER"):
        _config(corpus, tmp_path / "out", sources=[source])


def test_a_sample_is_a_subset_of_the_full_data_set(built: Path, tmp_path: Path) -> None:
    build(_config(built / "texts", tmp_path / "part", sample=0.5), "test")
    part, whole = (
        {row["article_id"] for split in SPLITS for row in _rows(folder, split)}
        for folder in (tmp_path / "part", built / "out")
    )
    assert 0 < len(part) < len(whole)
    assert {name.removeprefix("towns/").removeprefix("copy-") for name in part} <= {
        name.removeprefix("towns/").removeprefix("copy-") for name in whole
    }


def test_heavy_tools_make_more_edits(corpus: Path, tmp_path: Path) -> None:
    touched = []
    for name, heavy in (("light", 0.0), ("heavy", 1.0)):
        build(_config(corpus, tmp_path / name, tools={"heavy": heavy}, clean_share=0), "test")
        touched.append(sum(len(row["edits"]) for split in SPLITS for row in _rows(tmp_path / name, split)))
    assert touched[1] > 1.3 * touched[0] > 0


def test_only_the_held_out_round_trips_are_refused_for_training(corpus: Path, tmp_path: Path) -> None:
    names = (
        "roundtrip",
        "roundtrip:",
        "roundtrip:apertium:",
        "roundtrip:apertium:spa",
        "roundtrip:apertium:es",
        "roundtrip:apertium:cat_valencia",
    )
    for name in (*names, "roundtrip:nllb:model,spa_Latn"):
        with pytest.raises(ValidationError, match="no model is trained on it"):
            _config(corpus, tmp_path / "out", spinners={name: 1.0})
    assert _config(corpus, tmp_path / "out", spinners={"roundtrip:marian:there,back": 1.0}).spinners


def test_a_resumed_build_starts_over_if_the_dictionary_changed(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = _config(
        corpus,
        tmp_path / "out",
        spinners={"tortured": 1.0},
        dictionaries={"tortured": {"path": str(tmp_path / "t.tsv"), "licence": "free"}},
    )

    def finish(*_: object) -> None:
        raise KeyboardInterrupt

    for garbled in ("falling water", "downpour"):
        (tmp_path / "t.tsv").write_text(f"{garbled}\train\n")
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr("unspin.data.build._finish", finish)
            build(config, "test")
    build(config, "test")
    rules = {edit["rule"] for split in SPLITS for row in _rows(tmp_path / "out", split) for edit in row["edits"]}
    assert rules == {"rain > downpour"}


@pytest.mark.parametrize(
    ("keys", "complaint"),
    [
        ({"spinners": {"phrases": 0}}, "give at least one a weight above 0"),
        ({"min_words": 9, "max_words": 8}, "min_words is 9 and max_words 8: no sentence would be left"),
        ({"spinners": {"phrases": -1}}, "greater than or equal to 0"),
        ({"spinners": {"phrases": float("nan")}}, "finite"),
        ({"dictionaries": {"torturd": {"licence": "free"}}}, "'torturd' is not among the spinners: phrases, thesaurus"),
    ],
)
def test_an_impossible_mixture_is_refused(keys: dict[str, Any], complaint: str, corpus: Path, tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match=complaint):
        _config(corpus, tmp_path / "out", **keys)


def test_a_dictionary_for_a_spinner_that_reads_none_is_refused_before_any_article_is_read(
    corpus: Path, tmp_path: Path
) -> None:
    (tmp_path / "t.tsv").write_text("x\ty\n")
    config = _config(
        corpus, tmp_path / "out", dictionaries={"phrases": {"path": str(tmp_path / "t.tsv"), "licence": "free"}}
    )
    with pytest.raises(SpinnerError, match="phrases takes no argument and reads no file"):
        build(config, "test")
