"""The spinner that reads a counted list: inflections, counts, function words and faulty lists."""

from dataclasses import replace
from pathlib import Path

import pytest
from unspin.data.spinners import Mixture, Persona, SpinnerError
from unspin.data.spinners.learned import Learned, index
from unspin.edits import apply
from unspin.phrase_lists import PhraseListError, read_counts

LINES = """# learned from 3 texts
garbled\texpected\tcount
firms\tcompanies\t5
firm\tcompany\t2
ventures\tcompanies\t3
as well as\tand\t4
in the course of\tduring\t2
meeting room\tcommittee room\t1
"""
TOOL = replace(
    Persona.sample("learned", spinners={"learned": 1}),
    strength=1.0, coverage=1.0, consistent=True, inflects=True, function_words=1.0, protects_names=False,
    protects_quotations=False,
)  # fmt: skip


@pytest.fixture
def phrases(tmp_path: Path) -> Path:
    file = tmp_path / "phrases.tsv"
    file.write_text(LINES, encoding="utf-8")
    return file


def test_counts_are_read_from_the_third_column(phrases: Path) -> None:
    counts = read_counts(phrases)
    assert counts["companies", "firms"] == 5 and counts["committee room", "meeting room"] == 1
    phrases.write_text("b\ta | c\t2\nb\ta\nd\te\tmany\n", encoding="utf-8")
    assert read_counts(phrases) == {("a", "b"): 3, ("c", "b"): 2, ("e", "d"): 1}


def test_a_list_in_json_counts_each_pair_once(tmp_path: Path) -> None:
    (tmp_path / "list.json").write_text('{"phrases": [{"tortured": "firm", "correct": "company"}]}', encoding="utf-8")
    assert read_counts(tmp_path / "list.json") == {("company", "firm"): 1}


def test_spellings_in_other_case_are_counted_together() -> None:
    (entry,) = index(((("Year", "Annum"), 2), (("year", "annum"), 3))).entries()
    assert (entry.lemma, entry.counts) == ("year", (5,))


def test_inflections_are_counted_together(phrases: Path) -> None:
    entries = {(entry.lemma, entry.pos): entry for entry in index(tuple(read_counts(phrases).items())).entries()}
    company = entries["company", "noun"]
    assert dict(zip(company.substitutes, company.counts, strict=True)) == {"firm": 7, "venture": 3}
    assert entries["and", "function"].substitutes == ("as well as",)


def test_what_the_list_says_is_spun_and_undone_by_the_edits(phrases: Path) -> None:
    mixture = Mixture(["learned"], "include", {"learned": phrases})
    original = "The committee rooms were closed during the talks."
    spun = mixture.spin(original, replace(TOOL, spinners=("learned",)))
    assert spun.text == "The meeting rooms were closed in the course of the talks."
    assert apply(spun.text, spun.edits) == original


@pytest.mark.parametrize("file", ["", "missing.tsv"])
def test_a_missing_list_is_refused(file: str) -> None:
    with pytest.raises(SpinnerError, match=r"set dictionaries\.learned\.path"):
        Learned(file)


def test_a_list_without_pairs_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.tsv").write_text("garbled\texpected\n", encoding="utf-8")
    with pytest.raises(PhraseListError, match="no pair of phrases"):
        Learned(str(tmp_path / "empty.tsv"))
