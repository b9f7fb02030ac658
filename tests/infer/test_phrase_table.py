"""Phrase tables: which replacements a place has, and how they are spelt."""

import pickle
from pathlib import Path

import pytest
from unspin.edits import Edit, apply
from unspin.infer.phrase_table import PhraseTable
from unspin.phrase_lists import PhrasePair

TABLE = PhraseTable(
    [
        PhrasePair("vapor motor", ("steam engine",)),
        PhrasePair("profound sea", ("deep sea", "North Sea")),
        PhrasePair("profound seas", ("deep seas",)),
        PhrasePair("make headway", ("make progress",)),
        PhrasePair("war-fare", ("all-out war",)),
        PhrasePair("board of the sun", ("panel of the sun",)),
        PhrasePair("by at", ("from to",)),
        PhrasePair("node's wheel", ("mRNA's motor",)),
    ]
)


@pytest.mark.parametrize(
    ("text", "replacements"),
    [
        ("a vapor motor", ["steam engine"]),
        ("two vapor motors", ["steam engines"]),
        ("Vapor motors", ["Steam engines"]),
        ("VAPOR MOTOR", ["STEAM ENGINE"]),
        ("The Vapor Motor Today", ["Steam Engine"]),
        ("a vapor-motor", ["steam-engine"]),
        ("war-fare", ["all-out war"]),
        ("The Board of the Sun", ["Panel of the Sun"]),
        ("profound sea", ["deep sea", "North Sea"]),
        ("profound seas", ["deep seas", "North Seas"]),
        ("making headway", ["making progress"]),
        ("she makes headway", ["makes progress"]),
        ("it is by at", ["from to"]),
        ("By at", ["From to"]),
        ("Node's wheel", ["mRNA's motor"]),
        ("Node’s wheel", ["mRNA’s motor"]),
    ],
)
def test_replacements_are_spelt_like_the_words_found(text: str, replacements: list[str]) -> None:
    (hit,) = TABLE.find(text)
    assert list(hit.replacements) == replacements


@pytest.mark.parametrize(
    ("garbled", "expected", "text", "replacement"),
    [
        ("DNA harm", "damage of DNA", "“DNA harm is there", "Damage of DNA"),
        ("DNA harm", "damage of DNA", "the DNA harm", "damage of DNA"),
        ("DNA harm", "damage of DNA", "THE DNA HARM", "DAMAGE OF DNA"),
        ("Bosom peril", "Breast cancer", "the bosom peril", "breast cancer"),
        ("Bosom peril", "Breast cancer", "Bosom peril is", "Breast cancer"),
        ("Bosom peril", "Breast cancer", "of Bosom Peril", "Breast Cancer"),
        ("Bosom peril", "Breast cancer", "BOSOM PERIL", "BREAST CANCER"),
        ("Bosom Peril", "Breast Cancer", "the bosom peril", "breast cancer"),
        ("Profound sea", "North Sea", "the profound sea", "North Sea"),
        ("Joule's steady", "Joule's constant", "of joule's steady", "Joule's constant"),
        ("profound learning", "deep learning", "of Profound-Learning", "Deep-Learning"),
        ("profound learning", "deep learning", "of profound\u2011learning", "deep\u2011learning"),
        ("courier acid", "mRNA", "two courier acids", "mRNAs"),
        ("illustrations card", "GPU", "two illustrations cards", "GPUs"),
        ("illustrations cards", "GPUs", "an illustrations card", "GPU"),
    ],
)
def test_capitals_and_plurals_follow_the_place_where_the_list_leaves_them_open(
    garbled: str, expected: str, text: str, replacement: str
) -> None:
    (hit,) = PhraseTable([PhrasePair(garbled, (expected,))]).find(text)
    assert hit.replacements == (replacement,)


def test_a_replacement_that_cannot_be_inflected_alike_is_left_out() -> None:
    table = PhraseTable(
        [PhrasePair("huge animal", ("very big", "Parkinson's")), PhrasePair("sea", ("ocean", "very big"))]
    )
    assert list(table.find("huge animals")) == []
    (hit,) = table.find("seas")
    assert hit.replacements == ("oceans",)


def test_an_edit_leaves_out_the_words_that_stay() -> None:
    text = "The Board of the Sun and a profound-sea dive."
    edits = [edit for hit in TABLE.find(text) for edit in hit.edits]
    assert edits[:2] == [Edit(4, 9, "Panel"), Edit(27, 39, "deep-sea")]
    assert apply(text, edits[:2]) == "The Panel of the Sun and a deep-sea dive."


def test_the_released_formats_are_read(tmp_path: Path) -> None:
    (tmp_path / "list.tsv").write_text("vapor motor\tsteam engine\n")
    table = PhraseTable.from_file(tmp_path / "list.tsv")
    assert len(table) == 1 and [hit.found for hit in table.find("Vapor motors")] == ["Vapor motors"]


def test_a_table_pickles_as_its_pairs() -> None:
    list(TABLE.find("motor"))  # the automaton is made
    pickled = pickle.dumps(TABLE)
    assert pickle.loads(pickled) == TABLE != PhraseTable([]) and pickle.dumps(pickle.loads(pickled)) == pickled
