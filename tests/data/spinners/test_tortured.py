"""Garbled terms: which are read from a file, what is learned from them, where they are used, what is held out."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unspin.data.spinners import Mixture, Persona, SpinnerError
from unspin.data.spinners.persona import is_held_out_term
from unspin.data.spinners.tortured import Tortured, index, read, word_pairs
from unspin.edits import apply
from unspin.phrase_lists import PhraseListError

# Written for this test in the manner of the list: (term, garbled term).
PAIRS = [
    ("river delta", "waterway triangle"),
    ("river deltas", "waterway triangles"),
    ("steam engine", "vapor motor"),
    ("steam engines", "vapour motors"),
    ("stone bridge", "rock scaffold"),
    ("solar panel", "sun powered board"),
    ("wind farm", "farm wind"),
    ("of the tide", "there the surge"),
]
TOOL = replace(
    Persona.sample("tortured", spinners={"tortured": 1}),
    strength=1.0, coverage=1.0, consistent=True, inflects=True, protects_names=False, protects_quotations=False,
)  # fmt: skip


def _file(folder: Path, rows: list[tuple[str, str]] = PAIRS) -> Path:
    file = folder / "terms.tsv"
    file.write_text(
        "# garbled\texpected\n" + "".join(f"{garbled}\t{term}\n" for term, garbled in rows), encoding="utf-8"
    )
    return file


def test_terms_are_read_in_lower_case_and_once(tmp_path: Path) -> None:
    rows = [("Deep Sea", "Profound ocean"), ("deep sea", "profound ocean"), ("n/a", "profound river")]
    assert read(_file(tmp_path, [*PAIRS, *rows])) == [*PAIRS, ("deep sea", "profound ocean")]
    with pytest.raises(PhraseListError, match=r"no pair of terms found: .*garbled<TAB>expected"):
        read(_file(tmp_path, rows[2:]))


def test_words_are_learned_where_both_terms_have_equally_many() -> None:
    assert word_pairs(PAIRS) == Counter(
        {
            ("river", "waterway"): 2, ("delta", "triangle"): 1, ("deltas", "triangles"): 1, ("steam", "vapor"): 1,
            ("steam", "vapour"): 1, ("engine", "motor"): 1, ("engines", "motors"): 1, ("stone", "rock"): 1,
            ("bridge", "scaffold"): 1, ("tide", "surge"): 1,
        }
    )  # fmt: skip


def test_a_word_that_became_several_is_learned_between_unchanged_words() -> None:
    assert word_pairs(
        [("neural chip", "brain like chip"), ("fine grained soil", "fine sand like dirt soil")]
    ) == Counter({("neural", "brain like"): 1, ("grained", "sand like dirt"): 1})


def test_inflected_forms_are_counted_under_one_headword(tmp_path: Path) -> None:
    headwords = {
        (headword.lemma, headword.pos): dict(zip(headword.substitutes, headword.counts, strict=True))
        for headword in index(tuple(read(_file(tmp_path)))).entries()
    }
    assert headwords["river", "noun"] == {"waterway": 2}
    assert headwords["engine", "noun"] == {"motor": 2}
    assert headwords["stone bridge", "noun"] == {"rock scaffold": 1}


def test_a_term_is_garbled_as_a_whole_and_inflected_like_the_original(tmp_path: Path) -> None:
    mixture = Mixture(["tortured"], "include", {"tortured": _file(tmp_path)})
    spun = mixture.spin("Solar panels and a Stone bridge stood by the river.", replace(TOOL, spinners=("tortured",)))
    assert spun.text == "Sun powered boards and a Rock scaffold stood by the waterway."
    assert apply(spun.text, spun.edits) == "Solar panels and a Stone bridge stood by the river."
    assert [edit.rule for edit in spun.edits] == [
        "solar panel > sun powered board",
        "stone bridge > rock scaffold",
        "river > waterway",
    ]


def test_held_out_terms_are_excluded_and_contribute_no_words(tmp_path: Path) -> None:
    letters = "abcdefghijklmnopqrst"
    rows = [(f"zorb{a} fnord{b}", f"grue{a} plugh{b}") for a in letters for b in letters]
    trained = {term for term, _ in rows if not is_held_out_term(term)}
    assert 0.8 < len(trained) / len(rows) < 0.97
    learned = Counter(
        {
            headword.lemma: sum(headword.counts)
            for headword in index(tuple(read(_file(tmp_path, rows)))).entries()
            if headword.lemma.startswith("zorb") and " " not in headword.lemma
        }
    )
    assert learned == Counter(term.split()[0] for term in trained)
    text = ". ".join(term for term, _ in rows)
    file = tmp_path / "terms.tsv"
    for which, expected in (("exclude", False), ("only", True)):
        edits = Mixture(["tortured"], which, {"tortured": file}).spin(text, replace(TOOL, spinners=("tortured",))).edits  # type: ignore[arg-type]
        pairs = [edit.rule.split(" > ") for edit in edits]
        assert pairs and all(any(map(is_held_out_term, pair)) == expected for pair in pairs)


def test_a_rare_pair_does_not_hide_the_usual_ones() -> None:
    """ "Irregularly" shares no inflected form with "random", but is counted among its substitutes."""
    terms = tuple((f"random {noun}", f"irregular {noun}") for noun in ("walk", "field", "test")) + (
        ("random seed", "irregularly seed"),
    )
    assert not any(is_held_out_term(term) for term, _ in terms)
    headwords = {
        (headword.lemma, headword.pos): dict(zip(headword.substitutes, headword.counts, strict=True))
        for headword in index(terms).entries()
    }
    assert headwords["random", "adj"] == {"irregular": 3, "irregularly": 1}


def test_tools_that_target_content_words_know_terms_as_well_as_others(tmp_path: Path) -> None:
    file = _file(tmp_path, [("zorb-based", "grue-driven"), ("steam engine", "vapor motor")])
    for share in (0.0, 1.0):
        tool = replace(TOOL, spinners=("tortured",), function_words=share)
        assert (
            Mixture(["tortured"], "include", {"tortured": file}).spin("A zorb-based engine.", tool).text
            == "A grue-driven motor."
        )


def test_without_its_file_the_spinner_says_what_to_set() -> None:
    for file in ("", "nowhere.tsv"):
        with pytest.raises(SpinnerError, match=r"set dictionaries.tortured.path"):
            Tortured(file)


@given(st.lists(st.tuples(st.text("ab -", max_size=9), st.text("ab -", max_size=9)), max_size=6))
def test_any_terms_can_be_aligned(pairs: list[tuple[str, str]]) -> None:
    assert all(n > 0 and word != other for (word, other), n in word_pairs(pairs).items())
