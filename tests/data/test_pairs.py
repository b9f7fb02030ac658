"""Real pairs: their edits restore the original exactly, and texts that do not belong together are refused."""

from contextlib import suppress
from dataclasses import replace

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from unspin.data.pair_files import Pair, PairError
from unspin.data.pairs import align_pair, pair_rows, split_pair
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


def test_a_paragraph_is_split_where_sentences_end_at_the_same_place_in_both_texts() -> None:
    spun = "The old roof leaks, and it rains. It kept the library open. Its rooftop leaks in winter."
    original = "The old roof leaks. It rains. It kept the library open. Its roof leaks in winter."
    assert [(piece.spun, piece.original) for piece in split_pair(Pair(spun, original))] == [
        ("The old roof leaks, and it rains.", "The old roof leaks. It rains."),
        ("It kept the library open.", "It kept the library open."),
        ("Its rooftop leaks in winter.", "Its roof leaks in winter."),
    ]


@given(some_texts, some_texts)
def test_splitting_loses_no_character(spun: str, original: str) -> None:
    shared = "It kept the library open. The town council voted on Monday."
    pair = Pair(f"{shared} {' '.join(spun.split())}", f"{' '.join(original.split())} {shared}")
    with suppress(PairError):
        pieces = split_pair(pair)
        for whole, parts in ((pair.spun, [p.spun for p in pieces]), (pair.original, [p.original for p in pieces])):
            assert "".join("".join(parts).split()) == "".join(whole.split())


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
