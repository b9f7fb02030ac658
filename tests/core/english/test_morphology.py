"""Inflection: readings of a word, the form that its context asks for, and the same form of another lemma."""

import pytest
from unspin.english.morphology import Form, forms, inflect, select_form, starts_with_vowel_sound


def test_a_word_has_every_reading_of_the_dictionary() -> None:
    assert {Form("leave", "verb", "VBD"), Form("leave", "verb", "VBN")} <= set(forms("left"))
    assert forms("zzyzx") == ()


@pytest.mark.parametrize(("previous", "tag"), [("has", "VBN"), ("weren't", "VBN"), ("she", "VBD"), ("", "VBD")])
def test_the_word_before_decides_between_past_and_participle(previous: str, tag: str) -> None:
    readings = [Form("use", "verb", "VBD"), Form("use", "verb", "VBN")]
    assert select_form(readings, previous).tag == tag


@pytest.mark.parametrize(
    ("term", "pos", "tag", "inflected"),
    [
        ("take part", "verb", "VBD", "took part"),
        ("prime minister", "noun", "NNS", "prime ministers"),
        ("big", "adj", "JJR", "bigger"),
        ("out of date", "adj", "JJS", "most out of date"),
        ("within", "function", "IN", "within"),
    ],
)
def test_phrases_inflect_at_their_head(term: str, pos: str, tag: str, inflected: str) -> None:
    assert inflect(term, pos, tag) == inflected


@pytest.mark.parametrize(
    ("word", "vowel"),
    [
        ("apple", True),
        ("hour", True),
        ("uninspired", True),
        ("8th", True),
        ("unit", False),
        ("one", False),
        ("cat", False),
    ],
)
def test_an_precedes_a_vowel_sound(word: str, vowel: bool) -> None:
    assert starts_with_vowel_sound(word) is vowel
