"""Fidelity: edits that change a fact are refused, and other forms of the same fact pass."""

import pytest
from unspin.edits import Edit, align, apply
from unspin.infer.fidelity.judge import changed_fact, judge, violation
from unspin.infer.fidelity.names import name_spans
from unspin.infer.fidelity.numbers import numbers_in
from unspin.infer.fidelity.opposites import opposed
from unspin.infer.fidelity.quotations import quotation_layout


def _violations(source: str, target: str) -> list[str]:
    return [reason for edit in align(source, target) if (reason := violation(source, edit))]


@pytest.mark.parametrize(
    ("source", "target", "reason"),
    [
        ("Dozens of persons were hurt.", "Hundreds of people were hurt.", "a number"),
        ("They paid 2,000 dollars.", "They paid 3,000 dollars.", "a number"),
        ("It lasted ten days.", "It lasted twelve days.", "a number"),
        ("It lasted twenty-one days.", "It lasted twenty days.", "a number"),
        ("Three fifths of them left.", "Three sixths of them left.", "the fraction"),
        ("The eleventh try failed.", "The twelfth try failed.", "a number"),
        ("He mustn't go.", "He must go.", "polarity"),
        ("It has averted criticising them.", "It has condemned them.", "polarity"),
        ("It was by no means simple.", "It was simple.", "polarity"),
        ("They were unable to come.", "They were able to come.", "polarity"),
        ("It is safe to drink.", "It is unsafe to drink.", "polarity"),
        ("The deal was illegal.", "The deal was legal.", "polarity"),
        ("Entry is at no cost.", "Entry is at cost.", "polarity"),
        ("They came 1st.", "They came last.", "the order (first or last)"),
        ("He left on Monday.", "He left on Tuesday.", "a date or time"),
        ("Sales grew by 5 percent.", "Sales grew by 5 points.", "a percentage"),
        ("It ended before dusk.", "It ended after dusk.", "the order in time (before or after)"),
        ("It lasted two weeks.", "It lasted two months.", "the unit of time"),
        ("Prices rose again.", "Prices fell again.", "the direction (up or down)"),
        ("She wore a carmine coat.", "She wore a green coat.", "the colour"),
        ("Roman Vassilenko talked.", "Novel Vassilenko talked.", "name 'Roman'"),
        ("They met Kamilov there.", "They met him there.", "name 'Kamilov'"),
        ("The chief spoke.", "The chief Kowalski spoke.", "name 'Kowalski'"),
        ("She said so.", "He said so.", "a person"),
        ("“However we agree”, she said.", "But we agree, she said.", "a quotation mark"),
        ("See www.example.org now.", "See the site now.", "an address"),
        ("He came as a minimum once a week.", "He came once a week.", "a bound (at least)"),
        ("At least 40 died.", "About 40 died.", "a bound (at least)"),
        ("Nearly half of them left.", "Half of them left.", "a bound (nearly)"),
        ("It costs over $40 a day.", "It costs about $40 a day.", "a bound (over)"),
        ("Up to three people can ride.", "Three people can ride.", "a bound (at most)"),
    ],
)
def test_changed_facts_are_refused(source: str, target: str, reason: str) -> None:
    assert any(reason in found for found in _violations(source, target)), _violations(source, target)


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("It lasted 10 days.", "It lasted ten days."),
        ("She wore a carmine coat.", "She wore a red coat."),
        ("Some 1000's were held.", "Some thousands were held."),
        ("Sales grew by 5 pct.", "Sales grew by 5 percent."),
        ("They had 2,000 members.", "They had two thousand members."),
        ("He mustn't go.", "He should not go."),
        ("He failed to attend.", "He did not attend."),
        ("He did not attend.", "He failed to attend."),
        ("He was incapable of attending.", "He could not attend."),
        ("Entry is at no cost.", "Entry is free."),
        ("No doubt it helped.", "It certainly helped."),
        ("It certainly helped.", "No doubt it helped."),
        ("He went into the house.", "He went to the house."),
        ("On the 1st try he won.", "On the first attempt he won."),
        ("He averted criticising them.", "He avoided criticising them."),
        ("It's going to not happen.", "It will not happen."),
        ("The Frosty Warfare ended.", "The Cold War ended."),
        ("On the 2nd try he won.", "On the second attempt he won."),
        ("“However we concur”, she said.", "“But we agree”, she said."),
        ("In mid-march he left.", "In mid-March he left."),
        ("He came as a minimum once a week.", "He came at least once a week."),
        ("Concerning 40 persons were there.", "About 40 people were there."),
        ("Practically 40 firms left.", "Almost 40 companies left."),
        ("In excess of a thousand homes burnt.", "More than 1,000 homes burnt."),
        ("They looked over the wall.", "They looked across the wall."),
        ("He talked about the war.", "He spoke of the war."),
    ],
)
def test_other_forms_of_the_same_fact_pass(source: str, target: str) -> None:
    assert _violations(source, target) == []


@pytest.mark.parametrize(
    ("sentence", "names"),
    [
        ("President Tokayev of Kazakhstan recalled the Frosty Warfare.", ["Tokayev", "Kazakhstan"]),
        ("In January Dr Kamilov left the UK.", ["Kamilov"]),
        ("Roman Vassilenko met Roman leaders.", ["Roman", "Vassilenko"]),
        ("In May, Kamilov left.", ["Kamilov"]),
    ],
    ids=["titles and terms", "abbreviations", "a given name and a word", "a month before a name"],
)
def test_words_with_capital_letters_are_told_from_names(sentence: str, names: list[str]) -> None:
    assert [sentence[a:b] for a, b in name_spans(sentence)] == names


@pytest.mark.parametrize("edit", [Edit(0, 4, ""), Edit(11, 16, ""), Edit(17, 21, "quit")])
def test_an_edit_beside_a_name_leaves_the_name(edit: Edit) -> None:
    assert violation("Old Kamilov duly left his post.", edit) == ""


@pytest.mark.parametrize(
    ("source", "restored", "fact"),
    [
        ("Okonjo beat Szymanski.", "Szymanski beat Okonjo.", "the names (Okonjo, Szymanski)"),
        ("Szymanski beat Okonjo.", "Okonjo beat Szymanski.", "the names (Szymanski, Okonjo)"),
        ("Entry is at no cost.", "Entry is at cost.", "polarity"),
        ("Entry is at cost.", "Entry is at no cost.", "polarity"),
        ("Tea is free and entry is at no cost.", "Tea is free and entry is at cost.", "polarity"),
        ("Tea is free and entry is at cost.", "Tea is free and entry is at no cost.", "polarity"),
        ("It was free, at no cost.", "It was at cost.", "polarity"),
    ],
)
def test_a_changed_sentence_is_refused_as_a_whole(source: str, restored: str, fact: str) -> None:
    assert changed_fact(source, restored) == fact


@pytest.mark.parametrize(
    ("before", "after", "kept"),
    [
        ("due to the fact that", "because", True),
        ("made the decision to go", "decided to go", True),
        ("planks of both firms have accepted the proffer, and the creating kinfolk", "shareholders", False),
        ("spokesman", "spokesman for the local farmers union", False),
        ("nice warm cosy room", "room", False),
        ("big old hot room", "room", True),
    ],
)
def test_three_content_words_are_neither_removed_nor_added(before: str, after: str, kept: bool) -> None:
    assert (opposed(before, after) == "") == kept


@pytest.mark.parametrize(
    "idiom",
    ["not to mention two golds and", "no doubt, and certainly", "no matter what, whatever", "at no cost and free"],
)
def test_an_unchanged_idiom_changes_no_fact(idiom: str) -> None:
    sentence = f"She won a medal, {idiom} a cup."
    assert changed_fact(sentence, sentence) == ""
    assert changed_fact(sentence, sentence.replace("won", "did not win")) == "polarity"


@pytest.mark.parametrize(("before", "after"), [("we agree", "“we agree"), ("“we agree", "we agree")])
def test_quotation_marks_are_neither_added_nor_removed(before: str, after: str) -> None:
    assert opposed(before, after) == "the place of a quotation mark"


def test_idioms_are_exchanged_for_plain_words_beside_others() -> None:
    idiom, plain = "She sings, not to mention dances & acts.", "She sings and dances and acts."
    assert changed_fact(idiom, plain) == changed_fact(plain, idiom) == ""


def test_only_content_words_of_a_refused_phrase_are_saved() -> None:
    unsaved = "It had not as many members as thought."
    verdict = judge(unsaved, [Edit(7, 18, "more than 15")])
    assert not verdict.kept and len(verdict.refusals) == 2
    verdict = judge("He ate nine of them.", [Edit(7, 14, "ten from")])
    assert not verdict.kept and len(verdict.refusals) == 1
    saved = "Nine folks expired in 2019."
    verdict = judge(saved, [Edit(0, 18, "Ten people died")])
    assert apply(saved, verdict.kept) == "Nine people died in 2019." and len(verdict.refusals) == 1


def test_edits_that_keep_the_facts_only_together_are_tied() -> None:
    source = "He will not always say that he will go."
    edits = align(source, "He will always say that he will not go.")
    verdict = judge(source, edits)
    assert list(verdict.kept) == edits and verdict.tied == frozenset(edits) and verdict.refusals == ()


def test_a_refusal_says_what_was_not_changed_and_why() -> None:
    verdict = judge("He left on Monday.", [Edit(11, 17, "Tuesday")])
    assert verdict.refusals == ("'Monday' was not changed to 'Tuesday': a date or time would change",)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("two thousand and five of 2,005", [2005.0, 2005.0]),
        ("thousands, 1000's and 1000s", [("many", 1000.0)] * 3),
        ("the 2nd and the second", ["2nd", "2nd"]),
        ("at first, 1st", []),
        ("the third, the fifth, the 10th", ["3rd", "5th", "10th"]),
        ("twenty-two of two dozen", [22.0, 24.0]),
        ("3 hundred, 4 million, 5 billion, 6 trillion", [300.0, 4_000_000.0, 5_000_000_000.0, 6_000_000_000_000.0]),
        ("two hundred and 99", [299.0]),
        ("two thousand five hundred, two million five hundred thousand", [2500.0, 2_500_000.0]),
        ("1,500 thousand, 1,500 million, fifteen hundred", [1_500_000.0, 1_500_000_000.0, 1500.0]),
        ("1.1 million, two hundred thousand, twenty dozen", [1_100_000.0, 200_000.0, 240.0]),
        ("a hundred and one, twenty-one, one of five", [101.0, 21.0, 5.0]),
        ("in 2019 one of ten one-day events", [2019.0, 10.0]),
        ("the eleventh, the twentieth, the ninetieth, the hundredth", ["11th", "20th", "90th", "100th"]),
        ("the thousandth or the millionth", ["1000th", "1000000th"]),
        ("twenty, five and nineteen and three", [20.0, 5.0, 19.0, 3.0]),
        ("20 and 20, 20 and 30, 200 and 100", [20.0, 20.0, 20.0, 30.0, 200.0, 100.0]),
        ("0.5 or 1.25 on 10.4.2019", [0.5, 1.25, "10.4.2019"]),
    ],
)
def test_numbers_are_read_by_value(text: str, values: list[object]) -> None:
    assert numbers_in(text) == values


def test_a_quotation_layout_tells_the_sides_of_a_mark_apart() -> None:
    assert quotation_layout("so, “we") == [True, "“", True]
    assert quotation_layout("“so, we") == [False, "“", True]
    assert quotation_layout("A “so”") == [True, "“", True, "”", False]
    assert quotation_layout("don't") == []
