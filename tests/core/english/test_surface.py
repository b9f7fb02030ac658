"""Tables of the surface spinner: every entry changes the text, and numbers can be read backwards."""

import pytest
from unspin.english.surface import ABBREVIATIONS, BRITISH, CONTRACTIONS, NUMBERS, SLIPS

TABLES = {
    "contractions": CONTRACTIONS,
    "numbers": NUMBERS,
    "spelling": BRITISH,
    "abbreviations": ABBREVIATIONS,
    "slips": SLIPS,
}


@pytest.mark.parametrize("name", TABLES)
def test_no_entry_maps_to_itself(name: str) -> None:
    assert all(key != value for key, value in TABLES[name].items())


def test_each_number_has_one_word() -> None:
    assert len(set(NUMBERS.values())) == len(NUMBERS)


@pytest.mark.parametrize(
    ("table", "key", "value"),
    [
        (NUMBERS, "twenty-one", "21"),
        (NUMBERS, "nineteen", "19"),
        (NUMBERS, "third", "3rd"),
        (CONTRACTIONS, "we are", "we're"),
        (CONTRACTIONS, "is not", "isn't"),
        (BRITISH, "organised", "organized"),
        (BRITISH, "centre", "center"),
    ],
)
def test_entries_are_derived_correctly(table: dict[str, str], key: str, value: str) -> None:
    assert table[key] == value


def test_ambiguous_number_words_are_left_out() -> None:
    assert not {"one", "second"} & NUMBERS.keys()
