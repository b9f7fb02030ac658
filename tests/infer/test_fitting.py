"""Edits are fitted to the article's style and to the grammar around them."""

import pytest
from unspin.edits import Edit, apply
from unspin.infer.fidelity.context import Context
from unspin.infer.fitting import fit, fit_all


def _fitted(source: str, old: str, new: str, article: str = "") -> str:
    start = source.index(old)
    edit = fit(source, Edit(start, start + len(old), new), Context(article or source))
    return apply(source, [edit]) if edit else source


@pytest.mark.parametrize(
    ("source", "old", "new", "result"),
    [
        ("It isn't so.", "isn't", "is not", "It isn't so."),
        ("They've purchased it.", "They've purchased", "They have bought", "They've bought it."),
        ("It is not so.", "is not", "isn’t", "It is not so."),
        ("He came in eleven years.", "eleven", "11", "He came in eleven years."),
        ("He left 7 extended years ago.", "7 extended", "seven long", "He left 7 long years ago."),
        ("A licence is due.", "licence", "license", "A licence is due."),
    ],
)
def test_a_change_of_style_alone_is_not_made(source: str, old: str, new: str, result: str) -> None:
    assert _fitted(source, old, new) == result


@pytest.mark.parametrize(
    ("source", "old", "new", "article", "result"),
    [
        ("It isn't so.", "isn't", "is not", "It is not. We are here. They have come. It isn't so.", "It is not so."),
        ("It took 7 years.", "7", "seven", "two of three, nine of 7", "It took seven years."),
        ("A licence is due.", "licence", "license", "The color and the center, a licence", "A license is due."),
        ("The firm left.", "firm", "organization", "The colour of the theatre", "The organisation left."),
        ("The lorry left.", "lorry", "truck", "The colour of the theatre lorry", "The lorry left."),
    ],
)
def test_the_style_of_the_rest_of_the_article_decides(
    source: str, old: str, new: str, article: str, result: str
) -> None:
    assert _fitted(source, old, new, article) == result


@pytest.mark.parametrize(
    ("source", "old", "new", "result"),
    [
        ("He gave a dialogue.", "dialogue", "interview", "He gave an interview."),
        ("It was an enormous house.", "enormous", "big", "It was a big house."),
        ("An apparatus broke.", "apparatus", "device", "A device broke."),
        ("He saw the hound.", "hound", "the dog", "He saw the dog."),
        ("He gave talk there.", "talk", "a interview", "He gave an interview there."),
        ("He got an MP to come.", "MP", "US envoy", "He got an US envoy to come."),
        ("It is an enormous apple.", "enormous ", "", "It is an apple."),
    ],
)
def test_articles_fit_the_words_after_them(source: str, old: str, new: str, result: str) -> None:
    assert _fitted(source, old, new) == result


def test_an_edit_that_breaks_agreement_is_dropped() -> None:
    assert _fitted("The grown-up does not get it.", "grown-up", "adults") == "The grown-up does not get it."
    assert _fitted("The persons does not get it.", "persons", "adults") == "The adults does not get it."
    assert _fitted("The head of the gangs is here.", "gangs", "groups") == "The head of the groups is here."


def test_a_fitted_edit_never_grows_over_its_neighbour() -> None:
    source = "He had a dialogue."
    edits = [Edit(3, 8, "gave a"), Edit(9, 17, "interview")]
    assert fit_all(source, edits, Context(source)) == [Edit(3, 8, "gave an"), edits[1]]
    assert fit_all(source, edits[1:], Context(source)) == [Edit(7, 17, "an interview")]
