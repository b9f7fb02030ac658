"""Terms, opposites and names from WordNet, and the relation of words in the thesauri."""

import gzip
from importlib.resources import files
from pathlib import Path

import pytest
from unspin.english import make_terms, make_wordnet
from unspin.english.terms import are_antonyms, common_names, concepts, known_names, name_one_thing, phrases
from unspin.english.thesaurus import are_distant, is_listed, related
from unspin.english.varieties import AMERICAN, AMERICAN_SIGNS, BRITISH_SIGNS, SPELLINGS
from unspin.english.wordnet import PARTS_OF_SPEECH, PartOfSpeech

WORDNET = Path("/usr/share/wordnet")


@pytest.mark.parametrize(("old", "new"), [("felines", "feline"), ("cerebrum", "brain"), ("cancer", "cancers")])
def test_a_term_may_become_the_same_or_a_wider_one(old: str, new: str) -> None:
    assert name_one_thing(old, new)


@pytest.mark.parametrize(("old", "new"), [("metallic", "copper"), ("dog", "cat"), ("brain", "cerebrum"), ("to", "of")])
def test_a_term_becomes_no_other_and_no_narrower_one(old: str, new: str) -> None:
    assert not name_one_thing(old, new)


def test_words_that_are_mostly_something_else_are_no_terms() -> None:
    assert concepts("rose").keys() == concepts("went").keys() == set()
    assert concepts("copper").keys() == {"substance"}


def test_antonyms_stand_on_opposite_sides_in_any_inflection() -> None:
    assert are_antonyms("frosty", "hot") and are_antonyms("hot", "frosty") and are_antonyms("agreed", "disagrees")
    assert not are_antonyms("hot", "hot") and not are_antonyms("frosty", "cold")


def test_names_are_of_one_of_four_kinds() -> None:
    kinds = known_names()
    assert (kinds["Korean"], kinds["Turkey"], kinds["White House"], kinds["prime minister"]) == (
        "word",
        "place",
        "phrase",
        "compound",
    )
    assert {"white house", "prime minister"} <= phrases() and "Korean" not in phrases()
    assert len(common_names()) > 2500 and all(name == name.strip() for name in common_names())


def test_words_are_related_if_a_thesaurus_says_so() -> None:
    assert related("rock", "stone") and related("countries", "nation") and related("said", "says")
    assert not related("noun", "take") and are_distant("inbound", "airborne") and not are_distant("rock", "stone")
    assert is_listed("firms") and not is_listed("frobnicates")


def test_each_spelling_belongs_to_one_variety() -> None:
    assert SPELLINGS["tumour"] == "tumor" and AMERICAN["organization"] == "organisation"
    assert not BRITISH_SIGNS & AMERICAN_SIGNS


@pytest.mark.skipif(not WORDNET.is_dir(), reason="WordNet's database files (wordnet-base) are not installed")
def test_the_tables_are_those_that_the_script_makes() -> None:
    parts = {name: PartOfSpeech.read(WORDNET, name) for name in PARTS_OF_SPEECH}
    usage = make_terms.Usage.read(WORDNET, parts)
    for table, rows in (
        ("wordnet", make_wordnet.rows(WORDNET)),
        ("terms", make_terms.term_rows(parts["noun"], parts["adj"], usage)),
        ("antonyms", make_terms.antonym_rows(parts)),
        ("names", make_terms.name_rows(parts)),
    ):
        shipped = gzip.decompress((files("unspin.english") / f"{table}.tsv.gz").read_bytes()).decode().splitlines()
        assert shipped[1:] == rows
