"""Substitutions are learned from pairs: which are counted, how they are spelt, and which pairs are skipped."""

import json
import logging
import tracemalloc
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unspin.data.corpora import CorpusError
from unspin.data.pairs import learn_substitutions
from unspin.data.substitutions import count_substitutions, phrase_lines
from unspin.phrase_lists import PhrasePair, read_phrases

# (spun, original), written for this test
PAIRS = [
    ("The sun powered board broke on the rooftop.", "The solar panel broke on the roof."),
    ("Rooftop gardens need a waterway triangle.", "Roof gardens need a river delta."),
    ("The roof leaks into a waterway.", "The roof leaks into a river."),
]
LEARNED = Counter(
    {
        ("roof", "rooftop"): 2, ("river", "waterway"): 2, ("delta", "triangle"): 1,
        ("river delta", "waterway triangle"): 1, ("solar panel", "sun powered board"): 1,
    }
)  # fmt: skip
LIST = """\
garbled\texpected\tcount
rooftop\troof\t2
waterway\triver\t2
sun powered board\tsolar panel\t1
triangle\tdelta\t1
waterway triangle\triver delta\t1
"""
some_texts = st.lists(
    st.sampled_from("The the rooftop roof Smith Jones of . , “ ’s 12 two-part go I vapor".split()), max_size=12
).map(" ".join) | st.text(max_size=30)


def _file(folder: Path, pairs: list[tuple[str, str]]) -> Path:
    file = folder / "pairs.jsonl"
    file.write_text("".join(json.dumps({"spun": a, "original": b}) + "\n" for a, b in pairs), encoding="utf-8")
    return file


def test_words_and_phrases_are_counted_over_all_pairs(tmp_path: Path) -> None:
    assert learn_substitutions(_file(tmp_path, PAIRS)) == LEARNED


def test_the_list_is_sorted_and_read_back(tmp_path: Path) -> None:
    text = "".join(f"{line}\n" for line in phrase_lines(LEARNED))
    assert text == LIST
    (tmp_path / "phrases.tsv").write_text(text)
    assert read_phrases(tmp_path / "phrases.tsv") == [
        PhrasePair("rooftop", ("roof",)),
        PhrasePair("waterway", ("river",)),
        PhrasePair("sun powered board", ("solar panel",)),
        PhrasePair("triangle", ("delta",)),
        PhrasePair("waterway triangle", ("river delta",)),
    ]


def test_the_more_frequent_expected_phrase_comes_first(tmp_path: Path) -> None:
    counts = {("ancient", "old"): 1, ("aged", "old"): 3, ("former", "old"): 3}
    (tmp_path / "phrases.tsv").write_text("\n".join(phrase_lines(counts)))
    assert read_phrases(tmp_path / "phrases.tsv") == [PhrasePair("old", ("aged", "former", "ancient"))]


def test_the_order_of_pairs_does_not_change_the_list(tmp_path: Path) -> None:
    lines = list(phrase_lines(learn_substitutions(_file(tmp_path, PAIRS))))
    assert lines == list(phrase_lines(learn_substitutions(_file(tmp_path, PAIRS[::-1]))))


@pytest.mark.parametrize(
    ("spun", "original", "learned"),
    [
        ("Its Rooftop leaks.", "Its roof leaks.", {("roof", "rooftop")}),
        ("ROOFTOP tiles fell.", "Roof tiles fell.", {("roof", "rooftop")}),
        ("A man in the United Kingdom left.", "A man in Britain left.", set()),
        ("A man on this planet left.", "A man on Earth left.", {("Earth", "this planet")}),
        ("That nation voted again.", "Korea voted again.", {("Korea", "that nation")}),
        ("Deposits lend money.", "Banks lend money.", {("banks", "deposits")}),  # also a name
        ("An armistice holds.", "A truce holds.", {("a truce", "an armistice"), ("truce", "armistice")}),
        ("It said “Rooftop tiles fell.”", "It said “Roof tiles fell.”", {("roof", "rooftop")}),
    ],
)
def test_only_names_keep_their_capitals_and_names_that_replace_names_are_left_out(
    spun: str, original: str, learned: set[tuple[str, str]]
) -> None:
    assert set(count_substitutions(spun, original)) == learned


@pytest.mark.parametrize(
    ("spun", "original"),
    [
        ("He sat at the door.", "He sat by a door."),  # function words
        ("He has 12 dogs.", "He has twelve dogs."),  # numbers
        ("He left, then ate.", "He left; then ate."),  # punctuation
        ("The Old roof leaks.", "The old roof leaks."),  # capitals
        ("The  roof leaks.", "The roof leaks."),  # white space
        ("The very old roof leaks.", "The old roof leaks."),  # an insertion
        ("The roof leaks.", "The old roof leaks."),  # a deletion
        ("The one-off gs leak.", "The one-off kg leak."),  # short words
        ("It is one two three four five six sevens old.", "It is very old."),  # a rewritten passage
    ],
)
def test_what_no_dictionary_has_is_left_out(spun: str, original: str) -> None:
    assert not count_substitutions(spun, original)


def test_words_that_changed_places_are_counted_as_a_phrase_only() -> None:
    assert count_substitutions("A farm wind blew.", "A wind farm blew.") == {("wind farm", "farm wind"): 1}


@given(some_texts, some_texts)
def test_all_that_is_learned_from_any_texts_can_be_read_back(
    tmp_path_factory: pytest.TempPathFactory, spun: str, original: str
) -> None:
    counts = count_substitutions(spun, original)
    file = tmp_path_factory.getbasetemp() / "phrases.tsv"
    file.write_text("\n".join([*phrase_lines(counts), "vapor motor\tsteam engine"]), encoding="utf-8")
    listed = {(expected, pair.garbled) for pair in read_phrases(file) for expected in pair.expected}
    assert listed == counts.keys() | {("steam engine", "vapor motor")}


def test_pairs_that_are_unlike_are_skipped_and_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    unlike = [("One two three four.", "Five six seven four."), ("", "A text."), ("One two.\nThree.", "One two three.")]
    file = _file(tmp_path, [PAIRS[0], *unlike, *PAIRS[1:]])
    with caplog.at_level(logging.WARNING, "unspin"):
        assert learn_substitutions(file) == LEARNED
    (message,) = caplog.messages
    assert message.startswith(f"{file}: skipped 3 of 6 pairs; the first: {file}:2: both texts share 25% of their words")


def test_sentences_of_an_article_that_do_not_belong_together_are_skipped(tmp_path: Path) -> None:
    spun, original = (" ".join(texts) for texts in zip(*PAIRS, strict=True))
    file = _file(tmp_path, [(f"{spun} It rained on Monday.", f"{original} Nobody saw her.")])
    assert learn_substitutions(file) == LEARNED


@pytest.mark.parametrize("pairs", [[], [("The roof.", "The roof.")], [("One two.", "Three four.")]])
def test_a_file_without_substitutions_is_refused(tmp_path: Path, pairs: list[tuple[str, str]]) -> None:
    with pytest.raises(CorpusError, match=rf"no substitution found in {len(pairs)} pairs?: give spun texts with their"):
        learn_substitutions(_file(tmp_path, pairs))


def test_memory_holds_one_of_many_pairs(tmp_path: Path) -> None:
    file = tmp_path / "pairs.tsv"
    with file.open("w") as lines:
        lines.write("spun\toriginal\n")
        lines.writelines(f"{spun}\t{original}\n" for spun, original in PAIRS)
        lines.writelines(f"{'x' * 10_000}\t{'y' * 10_000}\n" for _ in range(500))
    learn_substitutions(file)  # loads the word lists
    tracemalloc.start()
    assert learn_substitutions(file) == LEARNED
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2_000_000 < file.stat().st_size
