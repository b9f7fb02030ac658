"""The builder: no leak between splits, the same bytes each time, nothing half-written."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from unspin.data.build import BuildConfig, build, shingles, show, split_of, typeset
from unspin.data.corpora import CorpusError, Folder
from unspin.data.edits import Edit, apply
from unspin.data.spinners.persona import held_out


def _config(corpus: Path, output: Path, **keys: object) -> BuildConfig:
    source = {"kind": "folder", "name": "towns", "path": str(corpus), "licence": "ours"}
    fields = {"output": output, "held_back": 0.25, "variants": 2, "engines": {"phrases": 1, "thesaurus": 1}, "sources": [source], **keys}
    return BuildConfig.model_validate(fields)


def _rows(folder: Path, split: str) -> list[dict[str, object]]:
    return pq.read_table(folder / f"{split}.parquet").to_pylist()


def test_pairs_undo_exactly_and_articles_keep_to_one_split(corpus: Path, tmp_path: Path) -> None:
    counts = build(_config(corpus, tmp_path / "out"), "test")
    splits = {split: _rows(tmp_path / "out", split) for split in ("train", "validation", "test")}
    assert {split: len(rows) for split, rows in splits.items()} == {split: counts[split] for split in splits}
    owners: dict[str, set[str]] = {}
    for split, rows in splits.items():
        for row in rows:
            edits = [Edit(**edit) for edit in row["edits"]]
            assert apply(row["spun"], edits) == row["original"]
            assert not any(held_out(term) for e in edits for term in e.rule.split(" > ") if " > " in e.rule)
            owners.setdefault(row["article_id"], set()).add(split)
    assert all(len(found) == 1 for found in owners.values())
    assert all(split_of(article, 0.25) in found for article, found in owners.items())


def test_no_twelve_words_of_a_held_back_article_are_trained_on(corpus: Path, tmp_path: Path) -> None:
    build(_config(corpus, tmp_path / "out"), "test")
    held_back = {s for split in ("validation", "test") for row in _rows(tmp_path / "out", split) for s in shingles(row["original"])}
    assert held_back
    assert all(held_back.isdisjoint(shingles(row["original"])) for row in _rows(tmp_path / "out", "train"))


def test_same_config_gives_the_same_bytes(corpus: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        build(_config(corpus, tmp_path / name), "test")
    for split in ("train", "validation", "test"):
        assert (tmp_path / "one" / f"{split}.parquet").read_bytes() == (tmp_path / "two" / f"{split}.parquet").read_bytes()


def test_clean_share_is_kept(corpus: Path, tmp_path: Path) -> None:
    build(_config(corpus, tmp_path / "out", clean_share=0.9), "test")
    rows = [row for split in ("train", "validation", "test") for row in _rows(tmp_path / "out", split)]
    assert sum(row["spun"] == row["original"] for row in rows) > 0.75 * len(rows)


def test_existing_output_is_refused_and_a_failure_leaves_nothing(corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    with pytest.raises(FileExistsError, match="remove it"):
        build(_config(corpus, tmp_path / "there"), "test")
    (tmp_path / "empty").mkdir()
    with pytest.raises(CorpusError, match="no article in any of the sources: towns"):
        build(_config(tmp_path / "empty", tmp_path / "out"), "test")
    assert not (tmp_path / "out").exists() and not list(tmp_path.glob("*.partial"))


def test_folder_reads_in_a_fixed_order(corpus: Path, tmp_path: Path) -> None:
    source = Folder(kind="folder", name="towns", path=corpus, licence="ours")
    ids = [article.id for article in source.articles(tmp_path)]
    assert ids == sorted(ids) and len(ids) == 12


def test_typeset_curls_marks_the_right_way() -> None:
    assert typeset("\"We can't,\" he said ('never').") == "“We can’t,” he said (‘never’)."


def test_a_preview_shows_so_many_pairs_and_writes_nothing(corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    show(_config(corpus, tmp_path / "out"), 3)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3 and all((line.startswith("towns/") and "[phrases]" in line) or "[thesaurus]" in line for line in lines)
    assert not (tmp_path / "out").exists()
