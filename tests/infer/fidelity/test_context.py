"""What the rest of an article says about names and style."""

from unspin.infer.fidelity.context import NO_CONTEXT, Context


def test_names_are_found_whole_and_in_part_and_by_their_acronym() -> None:
    context = Context("The Bank of England fell. The WHO and the E.U. met the foreign minister.")
    assert {"Bank of England", "England", "The Bank"} <= context.names
    assert context.mentions("Bank of England") and context.mentions("World Health Organization")
    assert context.mentions("European Union") and context.mentions("Foreign Minister")
    assert not context.mentions("Bank of Ireland") and not context.mentions("Minister")
    assert not NO_CONTEXT.mentions("European Union") and not NO_CONTEXT.names


def test_words_are_found_whole() -> None:
    context = Context("It’s a well-kept secret.")
    assert context.has_word("kept") and context.has_word("secret") and not context.has_word("ept")


def test_the_style_is_what_the_rest_of_the_article_uses_more() -> None:
    context = Context("It isn't. We don't. They are not here. Seven and eight of 9.")
    assert not context.prefers("full", "short") and context.prefers("short", "full")
    assert context.prefers("words", "digits") and not context.prefers("digits", "words")


def test_a_variety_of_english_takes_more_than_one_sign() -> None:
    assert Context("The colour of the theatre").is_british and not Context("The colour").is_british
    assert Context("The color of the theater and the labor").is_american
    assert not Context("colour theatre color theater").is_british
