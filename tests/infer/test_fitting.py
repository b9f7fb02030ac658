"""Edits are fitted to the article's style and to the grammar around them."""

import pytest
from unspin.edits import Edit, apply
from unspin.infer.fidelity.context import Context
from unspin.infer.fitting import fit, fit_articles


def _fitted(source: str, old: str, new: str, article: str = "") -> str:
    start = source.index(old)
    edit = fit(source, Edit(start, start + len(old), new), Context(article or source))
    return apply(source, fit_articles(source, [edit])) if edit else source


@pytest.mark.parametrize(
    ("source", "old", "new", "result"),
    [
        ("It isn't so.", "isn't", "is not", "It isn't so."),
        ("They've purchased it.", "They've purchased", "They have bought", "They've bought it."),
        ("It is not so.", "is not", "isn’t", "It is not so."),
        ("He came in eleven years.", "eleven", "11", "He came in eleven years."),
        ("He left 7 extended years ago.", "7 extended", "seven long", "He left 7 long years ago."),
        ("A licence is due.", "licence", "license", "A licence is due."),
        ("Bread & butter sell.", "Bread & butter", "Bread and butter", "Bread & butter sell."),
        ("It rose 5 % & fell.", "5 %", "5 percent", "It rose 5 % & fell."),
        ("It is ± 5.", "± 5", "about 5", "It is ± 5."),
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


@pytest.mark.parametrize(
    ("source", "edits", "restored"),
    [
        ("He had a dialogue.", [Edit(3, 8, "gave a"), Edit(9, 17, "interview")], "He gave an interview."),
        ("He is a kind man.", [Edit(3, 8, "was a "), Edit(8, 12, "evil")], "He was an evil man."),
        ("An uncommon man left.", [Edit(0, 2, "A"), Edit(3, 11, "usual")], "A usual man left."),
        ("He bit a red apple.", [Edit(9, 13, ""), Edit(13, 18, "pear")], "He bit a pear."),
        ("He saw a red apple.", [Edit(9, 13, "")], "He saw an apple."),
        ("He got an A overall.", [Edit(12, 19, "in total")], "He got an A in total."),
        ("He lives in Flat A upstairs.", [Edit(19, 27, "above")], "He lives in Flat A above."),
        ("They said that a cop left.", [Edit(15, 20, "an officer")], "They said that an officer left."),
        ("He bought her a puppy.", [Edit(14, 21, "a dog")], "He bought her a dog."),
        ("It is a 1,800-seat hall.", [Edit(8, 18, "8,000-seat")], "It is an 8,000-seat hall."),
        ("It is 5.", [], "It is 5."),
    ],
)
def test_articles_fit_what_is_finally_there(source: str, edits: list[Edit], restored: str) -> None:
    fitted = fit_articles(source, edits)
    assert apply(source, fitted) == restored and len(fitted) == len(edits)
    assert fit_articles(source, fitted) == fitted


def test_money_and_percentages_keep_their_digits() -> None:
    assert _fitted("It is less than ten dollars.", "less than ten dollars", "below $10") == "It is below $10."
