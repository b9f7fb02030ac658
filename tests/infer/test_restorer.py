"""The restorer: only checked edits change anything, and no sentence is lost, doubled or merged."""

import json
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unspin.data.edits import Edit, apply
from unspin.infer.checkpoint import Calibration
from unspin.infer.diff import page, terminal
from unspin.infer.engines import Rewriting
from unspin.infer.formats import json_lines
from unspin.infer.proposals import neighbours
from unspin.infer.prose import prose
from unspin.infer.restorer import Restorer

TEXT = """Overseas minister quits

The overseas minister said he wouldn't stay.  “However I am calm”, he added.
\tSome 2,000 persons\u00a0gathered in Astana.

Post a Comment

Previous Post Next Post"""


class Rewrite:
    """An engine that applies a function to each sentence, a character a token, equally sure of each."""

    def __init__(self, function: Callable[[str], str], log_probability: float = 0.0) -> None:
        self._function, self._log_probability = function, log_probability

    def rewrite(self, sentences: Sequence[str]) -> list[Rewriting]:
        texts = [self._function(sentence) for sentence in sentences]
        return [Rewriting(text, tuple(range(1, len(text) + 1)), (self._log_probability,) * (len(text) + 1)) for text in texts]


def _restore(function: Callable[[str], str], text: str = TEXT) -> str:
    return Restorer(Rewrite(function)).restore(text).text


@given(st.text())
def test_an_engine_that_changes_nothing_gives_the_text_back(text: str) -> None:
    assert _restore(str, text) == text


def test_words_are_restored_and_layout_stays() -> None:
    restored = _restore(lambda s: s.replace("overseas", "foreign").replace("However", "But").replace("persons", "people"))
    expected = TEXT.replace("The overseas", "The foreign").replace("However", "But").replace("persons", "people")
    assert restored == expected


@pytest.mark.parametrize("bad", ["", "x", "word " * 300], ids=["empty", "stub", "runaway"])
def test_empty_and_runaway_outputs_fall_back_with_a_warning(bad: str) -> None:
    restoration = Restorer(Rewrite(lambda _: bad)).restore(TEXT)
    assert restoration.text == TEXT and restoration.warnings


def test_a_changed_fact_is_refused_and_reported_while_other_edits_pass() -> None:
    restoration = Restorer(Rewrite(lambda s: s.replace("2,000", "3,000").replace("persons", "people"))).restore(TEXT)
    assert "2,000 people" in restoration.text
    assert any("line 4" in w and "a number would change" in w for w in restoration.warnings)


def test_page_furniture_is_not_even_decoded() -> None:
    assert not any("Post" in TEXT[s.start : s.end] for s in prose(TEXT))


def test_edits_lead_from_source_to_text_and_mark_quotations() -> None:
    restoration = Restorer(Rewrite(lambda s: s.replace("overseas", "foreign").replace("However", "But"))).restore(TEXT)
    assert apply(TEXT, [Edit(e.start, e.end, e.restored) for e in restoration.edits]) == restoration.text
    assert [(e.spun, e.restored, e.kind) for e in restoration.edits] == [("overseas", "foreign", "word"), ("However", "But", "quotation")]


def test_page_and_diff_show_both_versions_escaped() -> None:
    text = "He said the <b>overseas</b> minister & his wife wouldn't come."
    restoration = Restorer(Rewrite(lambda s: s.replace("overseas", "foreign"))).restore(text)
    html = page(restoration, "<script>")
    assert "<b>" not in html and "<script>" not in html
    assert "<del>overseas</del>" in html and ">foreign</ins>" in html
    assert terminal(restoration).plain.replace("overseas foreign", "foreign") == restoration.text


def test_an_edit_below_the_threshold_is_not_made_and_confidence_is_calibrated() -> None:
    def foreign(sentence: str) -> str:
        return sentence.replace("overseas", "foreign")

    unsure = Rewrite(foreign, log_probability=-0.1)  # "foreign" and what follows: 8 tokens, probability exp(-0.8) = 0.45
    assert Restorer(unsure).restore(TEXT).edits == ()
    assert Restorer(unsure, min_confidence=0.4).restore(TEXT).edits[0].confidence == pytest.approx(0.4493, abs=1e-3)
    sure = Restorer(unsure, Calibration(intercept=3)).restore(TEXT)
    assert sure.edits[0].confidence == pytest.approx(1 / (1 + (1 / 0.4493 - 1) * 2.718281828**-3), abs=1e-3)


def test_quotation_marks_and_apostrophes_keep_their_typography() -> None:
    assert _restore(lambda s: s.replace("wouldn't", "wouldn’t").replace("“", '"').replace("”", '"')) == TEXT


def test_another_language_is_left_alone_with_a_warning() -> None:
    text = "Der Minister sagte, dass die Verhandlungen über den Haushalt des kommenden Jahres noch nicht abgeschlossen seien. " * 3
    restoration = Restorer(Rewrite(lambda s: s.replace("Minister", "Pfarrer"))).restore(text)
    assert restoration.text == text and restoration.warnings == ("does not read as English: left as it was",)


@given(st.lists(st.integers(1, 20), max_size=10), st.integers(0, 40))
def test_neighbours_hold_every_sentence_once_and_in_order(lengths: list[int], longest: int) -> None:
    sentences = [" ".join(["word"] * n) for n in lengths]
    passages = list(neighbours(sentences, longest))
    assert [i for passage in passages for i in passage] == list(range(len(sentences)))
    assert all(len(passage) == 1 or sum(lengths[i] for i in passage) <= longest for passage in passages)


def test_sentences_shown_together_are_restored_each_in_its_place() -> None:
    shown: list[str] = []

    def rewrite(passage: str) -> str:
        shown.append(passage)
        return passage.replace("overseas", "foreign").replace("However", "But")

    restorer = Restorer(Rewrite(rewrite), passage=60)
    assert restorer.restore(TEXT).text == TEXT.replace("overseas", "foreign").replace("However", "But")
    assert any(passage.count(". ") > 0 for passage in shown)


@pytest.mark.parametrize(
    "bad", ["One went. Two stayed there.", "One went home today. Two stayed there. Two stayed there.", "One went home today, two stayed there."]
)
def test_a_passage_neither_loses_nor_doubles_nor_merges_a_sentence(bad: str) -> None:
    sentences = ["One went home today.", "Two stayed there.", "Three came back."]
    restorer = Restorer(Rewrite(lambda passage: f"{bad} Three came back." if " Two " in passage else passage), passage=60)
    restored = [sentence.text for sentence in restorer.restore_sentences(sentences).sentences]
    assert len(restored) == 3 and all(text.endswith(".") for text in restored) and restored[2] == sentences[2]
    assert restored[1] == sentences[1]


def test_documents_share_batches_and_come_back_in_order() -> None:
    calls: list[int] = []

    class Counting(Rewrite):
        def rewrite(self, sentences: Sequence[str]) -> list[Rewriting]:
            calls.append(len(sentences))
            return super().rewrite(sentences)

    texts = [TEXT.replace("Astana", name) for name in ("Astana", "Oslo", "Rome")]
    restorer = Restorer(Counting(lambda s: s.replace("overseas", "foreign")))
    together = list(restorer.restore_all((text, None) for text in texts))
    assert len([n for n in calls if n]) == 1
    assert together == [restorer.restore(text) for text in texts]


def test_each_view_is_an_article_of_its_own() -> None:
    german = "Der Minister sagte, dass die Verhandlungen über den Haushalt des kommenden Jahres noch nicht abgeschlossen seien. " * 3
    raw = "\n".join(json.dumps({"text": text}) for text in ("The overseas minister spoke.", german, "The overseas minister left."))
    restoration = Restorer(Rewrite(lambda s: s.replace("overseas", "foreign").replace("Minister", "Pfarrer"))).restore(raw, json_lines(raw))
    assert restoration.text == raw.replace("overseas", "foreign")
    assert restoration.warnings == ("line 2: does not read as English: left as it was",)


class Offering(Rewrite):
    """An engine that would also write other words for "overseas"."""

    def variants(self, sentence: str, opening: str, count: int) -> list[Rewriting]:
        assert opening == "The "
        return self.rewrite([sentence]) + [r for word in ("alien", "foreign", "2nd", "alien", "home") for r in Rewrite(
            lambda s, word=word: s.replace("overseas", word)).rewrite([sentence])]  # type: ignore[misc]  # fmt: skip


def test_alternatives_are_ranked_and_keep_the_facts() -> None:
    restorer = Restorer(Offering(lambda s: s.replace("overseas", "foreign")), alternatives=2)
    (edit,) = restorer.restore("The overseas minister spoke.").edits
    assert (edit.restored, edit.alternatives) == ("foreign", ("alien", "home"))


def test_a_restoration_shows_itself_in_a_notebook_escaped() -> None:
    html = Restorer(Rewrite(lambda s: s.replace("overseas", "foreign"))).restore("The <b>overseas</b> minister spoke.")._repr_html_()
    assert html.startswith("<table>") and "<del>overseas</del>" in html and "<b>" not in html


def test_a_stream_ends_with_what_restore_gives() -> None:
    text = "\n\n".join(TEXT.replace("Astana", name) for name in ("Astana", "Oslo", "Rome", "Riga"))
    restorer = Restorer(Rewrite(lambda s: s.replace("overseas", "foreign").replace("However", "But")), Calibration(support=0.5), passage=12)
    steps = list(restorer.stream(text))
    assert steps[-1] == (len(text), restorer.restore(text)) and len(steps) > 3
    done = [end for end, _ in steps]
    assert done == sorted(done) and all(edit.end <= end for end, restoration in steps for edit in restoration.edits)
    assert list(Restorer(Rewrite(str)).stream("")) == [(0, Restorer(Rewrite(str)).restore(""))]


def test_edits_that_keep_the_facts_only_together_form_a_group() -> None:
    spun, restored = "will not always say that he will go", "will always say that he will not go"
    edits = (
        Restorer(Rewrite(lambda s: s.replace(spun, restored).replace("overseas", "foreign")))
        .restore(f"The overseas minister {spun}. He {spun}.")
        .edits
    )
    assert [(edit.spun.strip() or edit.restored.strip(), edit.group) for edit in edits] == [
        ("overseas", 0),
        ("not", 1),
        ("not", 1),
        ("not", 2),
        ("not", 2),
    ]
