"""Real pairs: their edits restore the original exactly, and unusable lines are named."""

import json
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from unspin.data.corpora import CorpusError
from unspin.data.pairs import Pair, PairError, align_pair, pair_rows, read_pairs, split_pair
from unspin.data.rows import SCHEMA, Recipe
from unspin.data.spinners.persona import Tools
from unspin.edits import Edit, apply

SPUN = "The urban gathering casted a ballot on Monday. It kept the library open.\n\nIts rooftop leaks in winter."
ORIGINAL = "The town council voted on Monday. It kept the library open.\n\nIts roof leaks in winter."
RECIPE = Recipe(
    "abc",
    7,
    {"phrases": 1.0},
    Tools(),
    variants=2,
    clean_share=0.25,
    hard_negatives=False,
    min_words=1,
    max_words=60,
    max_passage_words=0,
)
some_texts = st.text(st.sampled_from("ab cd.’'-\n\t9é“"), max_size=40) | st.text(max_size=40)


def _jsonl(folder: Path, *rows: object) -> Path:
    file = folder / "pairs.jsonl"
    file.write_text("".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return file


@given(some_texts, some_texts)
def test_edits_applied_to_the_spun_text_give_the_original(spun: str, original: str) -> None:
    edits = align_pair(Pair(spun, original))
    assert apply(spun, edits) == original
    assert all((edit.spinner, edit.rule) == ("own", "") for edit in edits)


def test_edits_replace_whole_words() -> None:
    assert align_pair(Pair("Its rooftop leaks.", "Its roof leaks.")) == [Edit(4, 11, "roof", "own")]


def test_an_article_is_split_into_sentences_whose_edits_restore_it_exactly() -> None:
    pieces = split_pair(Pair(SPUN, ORIGINAL, "own.jsonl:3", 3))
    assert [(piece.paragraph, piece.sentence, piece.original) for piece in pieces] == [
        (0, 0, "The town council voted on Monday."),
        (0, 1, "It kept the library open."),
        (1, 0, "Its roof leaks in winter."),
    ]
    rows = list(pair_rows(pieces, "own", 0.1, RECIPE))
    pa.Table.from_pylist(rows, schema=SCHEMA).validate(full=True)
    for row in rows:
        assert row.keys() == set(SCHEMA.names)
        assert apply(row["spun"], [Edit(**edit) for edit in row["edits"]]) == row["original"]
    assert [row["strength"] for row in rows] == [5 / 8, 0, 1 / 5]
    assert {(row["variant"], row["split"], row["recipe"], row["seed"]) for row in rows} == {
        (3, rows[0]["split"], "abc", 7)
    }


def test_a_paragraph_whose_sentences_differ_in_number_is_one_row() -> None:
    (piece,) = split_pair(Pair("The roof leaks\tbadly. Yes. In  winter.", "The roof leaks badly in winter."))
    assert piece.spun == "The roof leaks badly. Yes. In winter." and piece.sentence == 0


def test_all_spun_versions_of_a_text_share_article_and_split() -> None:
    rows = [
        next(pair_rows(split_pair(Pair(spun, ORIGINAL, line=n)), "own", 0.3, RECIPE))
        for n, spun in enumerate((SPUN, ORIGINAL), 1)
    ]
    assert rows[0]["article_id"] == rows[1]["article_id"] and rows[0]["article_id"].startswith("own/")
    assert [row["variant"] for row in rows] == [1, 2] and rows[0]["split"] == rows[1]["split"]


@given(st.integers(0, 40))
def test_passages_join_spun_and_original_at_the_same_places(max_words: int) -> None:
    rows = list(pair_rows(split_pair(Pair(SPUN, ORIGINAL)), "own", 0.1, replace(RECIPE, max_passage_words=max_words)))
    assert " ".join(row["original"] for row in rows) == ORIGINAL.replace("\n\n", " ")
    assert " ".join(row["spun"] for row in rows) == SPUN.replace("\n\n", " ")


def test_originals_outside_the_word_limits_are_dropped() -> None:
    rows = pair_rows(split_pair(Pair(SPUN, ORIGINAL)), "own", 0.1, replace(RECIPE, min_words=6))
    assert [row["original"] for row in rows] == ["The town council voted on Monday."]


def test_json_lines_may_have_other_field_names_and_blank_lines(tmp_path: Path) -> None:
    file = _jsonl(
        tmp_path, {"bad": "Its rooftop leaks.", "good": "Its roof leaks.", "more": 1}, "", {"bad": "a", "good": "b"}
    )
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    found = list(read_pairs(file, "bad", "good"))
    assert found == [Pair("Its rooftop leaks.", "Its roof leaks.", f"{file}:1", 1), Pair("a", "b", f"{file}:3", 3)]


@pytest.mark.parametrize("text", ['“A”\t"B\r\n', 'spun\toriginal\n“A”\t"B\n', 'Original\tid\tSpun\n"B\t7\t“A”\n'])
def test_tab_separated_values_with_and_without_a_header(tmp_path: Path, text: str) -> None:
    file = tmp_path / "pairs.tsv"
    file.write_text(text, encoding="utf-8", newline="")
    assert [(pair.spun, pair.original) for pair in read_pairs(file)] == [("“A”", '"B')]


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ('"A ""big"" firm"', 'A "big" firm'),
        ('"""Yes,"" he said."', '"Yes," he said.'),
        ('"Yes," he said, "no"', '"Yes," he said, "no"'),
        ('"All of it."', '"All of it."'),
        ('""Yes""', '""Yes""'),
    ],
)
def test_only_cells_that_a_spreadsheet_quoted_are_unquoted(tmp_path: Path, cell: str, text: str) -> None:
    file = tmp_path / "pairs.tsv"
    file.write_text(f"spun\toriginal\n{cell}\tB\n", encoding="utf-8")
    assert [pair.spun for pair in read_pairs(file)] == [text]


@pytest.mark.parametrize(
    ("name", "line", "complaint"),
    [
        ("p.jsonl", b"{", "not JSON"),
        ("p.jsonl", b"[1]", "expected a JSON object, found list"),
        ("p.jsonl", b'{"spin": "a"}', "no field 'spun'; it has 'spin'"),
        ("p.jsonl", b'{"spun": 1, "original": "a"}', "field 'spun' is int, not text"),
        ("p.jsonl", b'{"spun": "a \\ud800", "original": "a"}', "lone surrogate"),
        ("p.jsonl", b"\xff", "not UTF-8 at byte 0"),
        ("p.tsv", b"a\tb\tc", "expected two columns (spun, original), found 3"),
        ("p.tsv", b"a", "expected two columns (spun, original), found 1"),
    ],
)
def test_an_unreadable_line_is_named(tmp_path: Path, name: str, line: bytes, complaint: str) -> None:
    file = tmp_path / name
    file.write_bytes((b"a b\ta b" if name == "p.tsv" else b'{"spun": "a b", "original": "a b"}') + b"\n" + line + b"\n")
    found = read_pairs(file)
    next(found)
    with pytest.raises(CorpusError) as error:
        next(found)
    assert str(error.value).startswith(f"{file}:2: ") and complaint in str(error.value)


def test_a_line_shorter_than_the_header_is_named(tmp_path: Path) -> None:
    file = tmp_path / "p.tsv"
    file.write_text("id\tspun\toriginal\n1\ta\n")
    with pytest.raises(CorpusError, match=r"p\.tsv:2: 2 columns, fewer than the header has"):
        list(read_pairs(file))


def test_a_file_that_is_missing_or_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"p\.jsonl: no such file"):
        list(read_pairs(tmp_path / "p.jsonl"))
    (tmp_path / "p.csv").touch()
    with pytest.raises(CorpusError, match=r"from \.jsonl or \.tsv files, not '\.csv'"):
        list(read_pairs(tmp_path / "p.csv"))


@pytest.mark.parametrize(
    ("spun", "original", "kind"),
    [
        ("", "A text.", "empty"),
        ("A text.", "— \n", "empty"),
        ("One two three four.", "Five six seven four.", "unlike"),
        ("One two.\nThree.", "One two three.", "paragraphs"),
    ],
)
def test_texts_that_do_not_belong_together_are_refused(spun: str, original: str, kind: str) -> None:
    with pytest.raises(PairError, match=r"^own\.jsonl:4: ") as error:
        split_pair(Pair(spun, original, "own.jsonl:4", 4))
    assert error.value.kind == kind


def test_texts_that_share_a_third_of_their_words_make_a_pair() -> None:
    assert split_pair(Pair("One two three.", "Four five three."))
