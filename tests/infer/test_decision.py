"""Which edits are made: those above the threshold that keep the facts, each with the confidence of its proposal."""

import pytest
from unspin.edits import Edit
from unspin.infer.article import ArticleDraft, Reading, SentenceDraft
from unspin.infer.confidence import Calibration
from unspin.infer.decision import NO_RESTORATION, decide
from unspin.infer.phrase_matching import PhraseMatcher
from unspin.infer.proposals import REJECTED, PhraseProposal, Proposal, SentenceProposals


def _article(source: str, *proposals: tuple[str, str, float]) -> ArticleDraft:
    edits = [
        Proposal(Edit(source.index(spun), source.index(spun) + len(spun), restored), probability)
        for spun, restored, probability in proposals
    ]
    return ArticleDraft([SentenceDraft(source, reading=Reading(SentenceProposals(tuple(edits))))])


def test_edits_below_the_threshold_are_not_made() -> None:
    article = _article("The overseas minister stated so.", ("overseas", "foreign", 0.9), ("stated", "said", 0.4))
    (sentence,) = decide(article, Calibration(), 0.5).sentences
    assert [scored.edit.replacement for scored in sentence.edits] == ["foreign"]
    assert sentence.text == "The foreign minister stated so."


def test_a_piece_of_an_edit_that_the_judge_cut_has_the_confidence_of_the_edit() -> None:
    source = "Some 2,000 persons stated so on Monday."
    article = _article(source, ("2,000 persons", "3,000 people", 0.9), ("stated", "said", 0.7))
    (sentence,) = decide(article, Calibration(), 0.5).sentences
    assert sentence.text == "Some 2,000 people said so on Monday."
    assert [scored.confidence for scored in sentence.edits] == [pytest.approx(0.9), pytest.approx(0.7)]
    assert len(sentence.refusals) == 1 and "a number would change" in sentence.refusals[0]


def test_edits_that_start_at_one_place_keep_their_own_confidences() -> None:
    insertion, replacement = Proposal(Edit(4, 4, "new "), 0.9), Proposal(Edit(4, 12, "foreign"), 0.6)
    proposals = SentenceProposals((insertion, replacement))
    article = ArticleDraft([SentenceDraft("The overseas minister left.", reading=Reading(proposals))])
    (sentence,) = decide(article, Calibration(), 0.5).sentences
    assert sentence.text == "The new foreign minister left."
    assert [scored.confidence for scored in sentence.edits] == [pytest.approx(0.9), pytest.approx(0.6)]


def test_a_rejected_output_leaves_the_sentence_and_says_why() -> None:
    article = ArticleDraft([SentenceDraft("He left.", reading=Reading(REJECTED))])
    (sentence,) = decide(article, Calibration(), 0.5).sentences
    assert (sentence.text, sentence.edits, sentence.refusals) == ("He left.", (), (NO_RESTORATION,))


def test_sentences_that_the_model_has_not_read_are_left_out() -> None:
    article = _article("He left.")
    article.sentences.append(SentenceDraft("She came."))
    assert [sentence.source for sentence in decide(article, Calibration(), 0.5).sentences] == ["He left."]


def test_an_unrelated_word_is_put_in_only_if_the_model_is_sure() -> None:
    """Confidence counts for what is unlikely, never for what is wrong."""
    source = "The payroll was lost on Monday."
    for probability, text in ((0.6, source), (0.8, "The database was lost on Monday.")):
        article = _article(source, ("payroll", "database", probability), ("Monday", "Sunday", 0.99))
        (sentence,) = decide(article, Calibration(), 0.5).sentences
        assert sentence.text == text and sentence.refusals


def test_edits_are_fitted_to_the_article_before_they_are_judged() -> None:
    source = "It isn't so, and he gave a dialogue."
    article = _article(source, ("isn't", "is not", 0.9), ("dialogue", "interview", 0.9))
    (sentence,) = decide(article, Calibration(), 0.5).sentences
    assert sentence.text == "It isn't so, and he gave an interview." and sentence.refusals == ()
    assert [scored.confidence for scored in sentence.edits] == [pytest.approx(0.9)]


def test_the_rest_of_the_article_is_evidence_for_names() -> None:
    source = "The Unified Countries sent troops."
    other = SentenceDraft("The UN said so.", reading=Reading(SentenceProposals(())))
    for sentences, restored in (([], source), ([other], "The United Nations sent troops.")):
        article = _article(source, ("Unified Countries", "United Nations", 0.9))
        article = ArticleDraft([*article.sentences, *sentences])
        assert decide(article, Calibration(), 0.5).sentences[0].text == restored


def _listed(source: str, spun: str, restored: str, log_ratio: float, *proposals: Proposal) -> ArticleDraft:
    start = source.index(spun)
    listed = PhraseProposal(Edit(start, start + len(spun), restored), log_ratio)
    return ArticleDraft([SentenceDraft(source, reading=Reading(SentenceProposals(proposals), (listed,)))])


def test_an_edit_of_a_phrase_table_is_made_if_the_sentence_reads_much_better() -> None:
    for log_ratio, text in ((-5.0, "He has bosom peril."), (15.0, "He has breast cancer.")):
        article = _listed("He has bosom peril.", "bosom peril", "breast cancer", log_ratio)
        (sentence,) = decide(article, Calibration(), 0.5).sentences
        assert sentence.text == text
        assert all(scored.is_listed for scored in sentence.edits)


@pytest.mark.parametrize(
    ("source", "spun", "restored"),
    [
        ("It took two vicennium.", "two vicennium", "40 years"),
        ("He was not kidding.", "not kidding", "serious"),
        ("He said “profound” things.", "“profound”", "deep"),
    ],
)
def test_a_phrase_table_changes_no_amount_polarity_or_quotation_mark(source: str, spun: str, restored: str) -> None:
    (sentence,) = decide(_listed(source, spun, restored, 50.0), Calibration(), 0.5).sentences
    assert (sentence.text, len(sentence.refusals) > 0) == (source, True)


def test_what_model_and_phrase_table_propose_alike_counts_as_listed_with_the_higher_confidence() -> None:
    article = _listed("The warfare ended.", "warfare", "war", 0.0, Proposal(Edit(4, 11, "war"), 0.9))
    ((scored,),) = (sentence.edits for sentence in decide(article, Calibration(), 0.5).sentences)
    assert (scored.edit.replacement, scored.confidence, scored.is_listed) == ("war", pytest.approx(0.9), True)


@pytest.mark.parametrize(
    ("protected", "text"),
    [
        (["overseas minister"], "The overseas minister said companies left."),
        (["FIRM"], "The foreign minister said firms left."),
        (["ministers exit"], "The foreign minister said companies left."),
    ],
)
def test_protected_terms_are_not_touched(protected: list[str], text: str) -> None:
    article = _article(
        "The overseas minister stated firms left.",
        ("overseas", "foreign", 0.9), ("stated firms", "said companies", 0.9),
    )  # fmt: skip
    (sentence,) = decide(article, Calibration(), 0.5, PhraseMatcher(protected)).sentences
    assert sentence.text == text


def _overlapping(source: str, *phrases: tuple[str, str, bool]) -> ArticleDraft:
    places = [(source.index(spun), spun, restored, keeps) for spun, restored, keeps in phrases]
    listed = tuple(PhraseProposal(Edit(at, at + len(spun), new), 20.0 - at, keeps) for at, spun, new, keeps in places)
    return ArticleDraft([SentenceDraft(source, reading=Reading(SentenceProposals(), listed))])


def test_what_may_not_be_made_displaces_nothing() -> None:
    phrases = ("deep bosom", "low chest"), ("bosom peril", "breast cancer")
    for protected, keeps in ((["deep"], True), ([], False)):
        article = _overlapping("The deep bosom peril.", (*phrases[0], keeps), (*phrases[1], True))
        (sentence,) = decide(article, Calibration(), 0.5, PhraseMatcher(protected)).sentences
        assert sentence.text == "The deep breast cancer."


def test_a_protected_letter_is_no_article() -> None:
    source = "They play in the Serie a warfare."
    article = _article(source, ("warfare", "armed war", 0.9))
    for protected, text in (([], "the Serie an armed war."), (["serie a"], "the Serie a armed war.")):
        (sentence,) = decide(article, Calibration(), 0.5, PhraseMatcher(protected)).sentences
        assert sentence.text.endswith(text)


def test_words_are_put_in_beside_a_protected_term_and_not_inside() -> None:
    source = "The Spin Doctors left."
    for place, text in ((4, "The very Spin Doctors left."), (9, source)):
        proposals = SentenceProposals((Proposal(Edit(place, place, "very "), 0.9),))
        article = ArticleDraft([SentenceDraft(source, reading=Reading(proposals))])
        (sentence,) = decide(article, Calibration(), 0.5, PhraseMatcher(["spin doctor"])).sentences
        assert sentence.text == text


def test_a_listed_phrase_is_restored_where_the_output_of_the_model_is_rejected() -> None:
    listed = PhraseProposal(Edit(7, 18, "breast cancer"), 15.0)
    article = ArticleDraft([SentenceDraft("He has bosom peril.", reading=Reading(REJECTED, (listed,)))])
    (sentence,) = decide(article, Calibration(), 0.5).sentences
    assert (sentence.text, sentence.refusals) == ("He has breast cancer.", ())
