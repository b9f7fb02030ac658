"""The judge accepts edits, parts of edits, or none, and says why it refused the others."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unspin.edits import Edit, align, apply
from unspin.infer.fidelity.context import Context
from unspin.infer.fidelity.judge import changed_fact, judge, violation
from unspin.infer.fidelity.kinds import EDIT_KINDS, Evidence
from unspin.infer.fitting import fit_articles


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


@pytest.mark.parametrize("edit", [Edit(0, 4, ""), Edit(11, 16, ""), Edit(17, 21, "quit")])
def test_an_edit_beside_a_name_leaves_the_name(edit: Edit) -> None:
    assert violation("Old Kamilov duly left his post.", edit) == ""


@pytest.mark.parametrize(
    ("source", "restored", "fact"),
    [
        ("Okonjo beat Szymanski.", "Szymanski beat Okonjo.", "the name"),
        ("Entry is at no cost.", "Entry is at cost.", "polarity"),
        ("Tea is free and entry is at no cost.", "Tea is free and entry is at cost.", "polarity"),
        ("Tea is free and entry is at cost.", "Tea is free and entry is at no cost.", "polarity"),
        ("He saw 5 of 10.", "He saw 10 of 5.", "a number"),
    ],
)
def test_the_edits_of_a_sentence_are_judged_together(source: str, restored: str, fact: str) -> None:
    assert fact in changed_fact(source, align(source, restored))


@pytest.mark.parametrize(
    "idiom",
    ["not to mention two golds and", "no doubt, and certainly", "no matter what, whatever", "at no cost and free"],
)
def test_an_unchanged_idiom_changes_no_fact(idiom: str) -> None:
    sentence = f"She won a medal, {idiom} a cup."
    assert changed_fact(sentence, []) == ""
    assert changed_fact(sentence, align(sentence, sentence.replace("won", "did not win"))) == "polarity"


def test_idioms_are_exchanged_for_plain_words_beside_others() -> None:
    idiom, plain = "She sings, not to mention dances & acts.", "She sings and dances and acts."
    assert changed_fact(idiom, align(idiom, plain)) == changed_fact(plain, align(plain, idiom)) == ""


def test_an_edit_that_only_changes_capitals_changes_no_fact() -> None:
    assert violation("the white house said so.", Edit(4, 15, "White House")) == ""


def test_only_the_kind_of_things_gives_way_to_a_sure_model() -> None:
    assert [kind.name for kind in EDIT_KINDS if kind.unless is Evidence.SURE] == ["things"]
    edit = Edit(4, 11, "database")
    assert violation("The payroll was lost.", edit) and not violation(
        "The payroll was lost.", edit, evidence=Evidence.SURE
    )


def test_words_of_a_listed_phrase_have_no_opposites_of_their_own() -> None:
    source = "The bill is about credit darkness and a long reception."
    phrase, word = Edit(18, 33, "debt transparency"), Edit(40, 44, "short")
    assert violation(source, phrase) and violation(source, word)
    assert violation(source, phrase, evidence=Evidence.SURE)
    assert not violation(source, phrase, evidence=Evidence.LISTED)
    assert violation(source, word, evidence=Evidence.LISTED)


@pytest.mark.parametrize(
    ("source", "edit"),
    [
        ("…", Edit(0, 1, "...")),
        ("", Edit(0, 0, "The")),
        ("He saw a 0th of it.", Edit(3, 6, "viewed")),
        ("He saw a 1.5th of it.", Edit(3, 6, "viewed")),
        (f"He saw 1.{'9' * 5000} there.", Edit(3, 6, "viewed")),
        ("At half past ſix he saw.", Edit(20, 23, "viewed")),
        ("He saw in the ſixties there.", Edit(3, 6, "viewed")),
        (f"He saw {'five ' * 1000}", Edit(3, 6, "viewed")),
        (f"He saw {'a-' * 500} there.", Edit(3, 6, "viewed")),
    ],
    ids=range(9),
)
def test_strange_sentences_are_judged(source: str, edit: Edit) -> None:
    assert list(judge(source, [edit]).kept) in ([], [edit])


_TEXT = st.text(st.sampled_from("aAeE10.,-'\"“’ \u0301²½٣ſ\ud800$%") | st.characters(), max_size=30)


@given(_TEXT, _TEXT, _TEXT, _TEXT, st.sampled_from(Evidence))
def test_any_edits_of_any_text_are_judged_and_can_be_made(a: str, b: str, c: str, d: str, evidence: Evidence) -> None:
    source = f"{a}one {b}{c}"
    edits = [Edit(len(a), len(a) + 3, d), Edit(len(a) + 4, len(a) + 4 + len(b), "an hour")]
    verdict = judge(source, edits, Context(source), dict.fromkeys(edits, evidence))
    fitted = fit_articles(source, list(verdict.kept))
    assert len(fitted) == len(verdict.kept) and apply(source, fitted) is not None
    assert verdict == judge(source, edits, Context(source), dict.fromkeys(edits, evidence))
