"""The restorer: only checked edits change a text, and no sentence is lost, doubled or merged."""

import json
import pickle
import re
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from itertools import repeat
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from unspin.edits import Edit, apply
from unspin.infer.confidence import Calibration
from unspin.infer.documents.jsonl import JSON_LINES
from unspin.infer.engines.base import Rewriting
from unspin.infer.restorer import Restorer
from unspin.segment import Span, quotations

TEXT = """Overseas minister quits

The overseas minister said he wouldn't stay.  “However I am calm”, he added.
\tSome 2,000 persons\u00a0gathered in Astana.

Post a Comment

Previous Post Next Post"""

GERMAN = 3 * (
    "Der Minister sagte, dass die Verhandlungen über den Haushalt des kommenden Jahres noch nicht abgeschlossen seien. "
)


class Rewrite:
    """An engine that applies a function to each text; every character is a token of the same probability."""

    def __init__(self, function: Callable[[str], str], log_probability: float = 0.0) -> None:
        self._function, self._log_probability = function, log_probability

    def rewrite(self, sentences: Sequence[str]) -> list[Rewriting]:
        texts = [self._function(sentence) for sentence in sentences]
        return [
            Rewriting(text, tuple(range(1, len(text) + 1)), (self._log_probability,) * (len(text) + 1))
            for text in texts
        ]


def _foreign(sentence: str) -> str:
    return sentence.replace("overseas", "foreign")


def _restore(function: Callable[[str], str], text: str = TEXT) -> str:
    return Restorer(Rewrite(function)).restore(text).text


@given(st.text())
def test_a_text_is_unchanged_if_the_engine_changes_nothing(text: str) -> None:
    assert _restore(str, text) == text


def test_words_are_restored_and_the_layout_is_unchanged() -> None:
    restored = _restore(
        lambda s: s.replace("overseas", "foreign").replace("However", "But").replace("persons", "people")
    )
    expected = TEXT.replace("The overseas", "The foreign").replace("However", "But").replace("persons", "people")
    assert restored == expected


@pytest.mark.parametrize("bad", ["", "x", "word " * 300], ids=["empty", "stub", "runaway"])
def test_empty_and_runaway_outputs_are_rejected_with_a_warning(bad: str) -> None:
    restoration = Restorer(Rewrite(lambda _: bad)).restore(TEXT)
    assert restoration.text == TEXT and restoration.warnings


def test_an_edit_that_changes_a_fact_is_dropped_with_a_warning_and_others_are_made() -> None:
    restoration = Restorer(Rewrite(lambda s: s.replace("2,000", "3,000").replace("persons", "people"))).restore(TEXT)
    assert "2,000 people" in restoration.text
    assert any("line 4" in w and "a number would change" in w for w in restoration.warnings)


def test_page_furniture_is_not_decoded() -> None:
    decoded: list[str] = []

    def record(sentence: str) -> str:
        decoded.append(sentence)
        return sentence

    assert _restore(record) == TEXT
    assert decoded and not any("Post" in sentence for sentence in decoded)


def test_edits_turn_the_source_into_the_text_and_mark_quotations() -> None:
    restoration = Restorer(Rewrite(lambda s: s.replace("overseas", "foreign").replace("However", "But"))).restore(TEXT)
    assert apply(TEXT, [Edit(e.start, e.end, e.replacement) for e in restoration.edits]) == restoration.text
    assert [(e.spun, e.restored, e.kind) for e in restoration.edits] == [
        ("overseas", "foreign", "word"),
        ("However", "But", "quotation"),
    ]


def test_an_edit_is_compared_with_few_of_the_quotations(monkeypatch: pytest.MonkeyPatch) -> None:
    class Counted(Sequence[Span]):
        looks = 0

        def __init__(self, spans: Sequence[Span]) -> None:
            self._spans = spans

        def __len__(self) -> int:
            return len(self._spans)

        def __getitem__(self, index: Any) -> Any:
            Counted.looks += 1
            return self._spans[index]

    monkeypatch.setattr("unspin.infer.assembly.quotations", lambda text: Counted(quotations(text)))
    text = 'He said "no" to her, and "the overseas one" to me. The overseas minister left.\n' * 100
    kinds = [edit.kind for edit in Restorer(Rewrite(_foreign)).restore(text).edits]
    assert kinds == ["quotation", "word"] * 100
    assert Counted.looks < 20 * len(kinds)


def test_an_edit_below_the_threshold_is_not_made_and_confidence_is_calibrated() -> None:
    # "foreign" and the character after it are 8 tokens, so their probability is exp(-0.8) = 0.4493.
    unsure = Rewrite(_foreign, log_probability=-0.1)
    assert Restorer(unsure).restore(TEXT).edits == ()
    assert Restorer(unsure, min_confidence=0.4).restore(TEXT).edits[0].confidence == pytest.approx(0.4493, abs=1e-3)
    sure = Restorer(unsure, Calibration(intercept=3)).restore(TEXT)
    assert sure.edits[0].confidence == pytest.approx(1 / (1 + (1 / 0.4493 - 1) * 2.718281828**-3), abs=1e-3)


def test_quotation_marks_and_apostrophes_keep_their_typography() -> None:
    assert _restore(lambda s: s.replace("wouldn't", "wouldn’t").replace("“", '"').replace("”", '"')) == TEXT


def test_another_language_is_left_unchanged_with_a_warning() -> None:
    restoration = Restorer(Rewrite(lambda s: s.replace("Minister", "Pfarrer"))).restore(GERMAN)
    assert restoration.text == GERMAN and restoration.warnings == ("does not read as English: left unchanged",)


def test_sentences_read_together_are_each_restored_in_place() -> None:
    passages: list[str] = []

    def rewrite(passage: str) -> str:
        passages.append(passage)
        return passage.replace("overseas", "foreign").replace("However", "But")

    restorer = Restorer(Rewrite(rewrite), max_passage_words=60)
    assert restorer.restore(TEXT).text == TEXT.replace("overseas", "foreign").replace("However", "But")
    assert any(". " in passage for passage in passages)


@pytest.mark.parametrize(
    "bad",
    [
        "One went. Two stayed there.",
        "One went home today. Two stayed there. Two stayed there.",
        "One went home today, two stayed there.",
    ],
)
def test_a_passage_neither_loses_nor_doubles_nor_merges_a_sentence(bad: str) -> None:
    sentences = ["One went home today.", "Two stayed there.", "Three came back."]
    restorer = Restorer(
        Rewrite(lambda passage: f"{bad} Three came back." if " Two " in passage else passage), max_passage_words=60
    )
    restored = [sentence.text for sentence in restorer.restore_sentences(sentences).sentences]
    assert len(restored) == 3 and all(text.endswith(".") for text in restored) and restored[2] == sentences[2]
    assert restored[1] == sentences[1]


def test_documents_share_batches_and_are_returned_in_order() -> None:
    calls: list[int] = []

    class Counting(Rewrite):
        def rewrite(self, sentences: Sequence[str]) -> list[Rewriting]:
            calls.append(len(sentences))
            return super().rewrite(sentences)

    texts = [TEXT.replace("Astana", name) for name in ("Astana", "Oslo", "Rome")]
    restorer = Restorer(Counting(lambda s: s.replace("overseas", "foreign")))
    together = list(restorer.restore_all(texts))
    assert len([n for n in calls if n]) == 1
    assert together == [restorer.restore(text) for text in texts]


def test_each_view_is_a_separate_article() -> None:
    texts = ("The overseas minister spoke.", GERMAN, "The overseas minister left.")
    raw = "\n".join(json.dumps({"text": text}) for text in texts)
    engine = Rewrite(lambda s: s.replace("overseas", "foreign").replace("Minister", "Pfarrer"))
    restoration = Restorer(engine).restore(JSON_LINES.read("a.jsonl", raw.encode()))
    assert restoration.text == raw.replace("overseas", "foreign")
    assert restoration.warnings == ("line 2: does not read as English: left unchanged",)


class WithVariants(Rewrite):
    """An engine with other words for "overseas", one of them a changed fact, one a repetition."""

    def variants(self, sentence: str, opening: str, count: int) -> list[Rewriting]:
        assert opening == "The "
        words = ("foreign", "alien", "foreign", "2nd", "alien", "external")
        return Rewrite(str).rewrite([sentence.replace("overseas", word) for word in words])


def test_alternatives_keep_their_order_and_the_facts() -> None:
    restorer = Restorer(WithVariants(lambda s: s.replace("overseas", "foreign")), alternatives=2)
    (edit,) = restorer.restore("The overseas minister spoke.").edits
    assert (edit.restored, edit.alternatives) == ("foreign", ("alien", "external"))


def test_the_last_restoration_of_a_stream_is_that_of_restore() -> None:
    text = "\n\n".join(TEXT.replace("Astana", name) for name in ("Astana", "Oslo", "Rome", "Riga"))
    restorer = Restorer(
        Rewrite(lambda s: s.replace("overseas", "foreign").replace("However", "But")),
        Calibration(support=0.5),
        max_passage_words=12,
    )
    steps = list(restorer.stream(text))
    assert steps[-1] == (len(text), restorer.restore(text)) and len(steps) > 2
    done = [end for end, _ in steps]
    assert done == sorted(done) and all(edit.end <= end for end, restoration in steps for edit in restoration.edits)
    assert list(Restorer(Rewrite(str)).stream("")) == [(0, Restorer(Rewrite(str)).restore(""))]


def test_a_stream_splits_its_text_before_the_first_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a server, the pieces of several texts take turns, and splitting a long text takes longer than any piece."""
    restorer = Restorer(Rewrite(lambda s: s.replace("overseas", "foreign")))
    expected, steps = restorer.restore(TEXT), restorer.stream(TEXT)
    monkeypatch.setattr("unspin.infer.article.prose_sentences", None)
    assert list(steps)[-1] == (len(TEXT), expected)


def test_edits_that_keep_the_facts_only_together_share_a_group() -> None:
    spun, restored = "will not always say that he will go", "will always say that he will not go"
    restorer = Restorer(Rewrite(lambda s: s.replace(spun, restored).replace("overseas", "foreign")))
    edits = restorer.restore(f"The overseas minister {spun}. He {spun}.").edits
    assert [(edit.spun.strip() or edit.restored.strip(), edit.group) for edit in edits] == [
        ("overseas", 0),
        ("not", 1),
        ("not", 1),
        ("not", 2),
        ("not", 2),
    ]


def test_quotations_are_left_unchanged_on_request() -> None:
    engine = Rewrite(lambda s: s.replace("overseas", "foreign").replace("However", "But"))
    restoration = Restorer(engine, keep_quotations=True).restore(TEXT)
    assert restoration.text == TEXT.replace("The overseas", "The foreign")


MANY = ["The overseas minister spoke.", "It rained all day.", "The overseas minister left."]
MANY_RESTORED = ["The foreign minister spoke.", "It rained all day.", "The foreign minister left."]


@pytest.mark.parametrize(
    "texts",
    [MANY, tuple(MANY), (text for text in MANY), pd.Series(MANY, index=[7, 8, 9]), np.array(MANY), iter(MANY)],
    ids=["list", "tuple", "generator", "Series", "array", "iterator"],
)
def test_many_texts_give_a_list_of_restorations(texts: Sequence[str]) -> None:
    restorations = Restorer(Rewrite(_foreign)).restore(texts)
    assert isinstance(restorations, list) and [restored.text for restored in restorations] == MANY_RESTORED


def test_a_column_of_a_data_set_and_one_with_indexes_only_are_many_texts() -> None:
    import datasets

    class Indexed:
        """As `KeyDataset` of transformers: no __iter__."""

        def __getitem__(self, index: int) -> str:
            return MANY[index]

    column = datasets.Dataset.from_dict({"text": MANY})["text"]
    for texts in (column, Indexed()):
        assert [restored.text for restored in Restorer(Rewrite(_foreign)).restore(texts)] == MANY_RESTORED
    assert Restorer(Rewrite(_foreign)).restore([]) == []


def test_documents_and_strings_can_be_mixed() -> None:
    document = JSON_LINES.read("a.jsonl", b'{"text": "The overseas minister spoke."}')
    restored = Restorer(Rewrite(_foreign)).restore([document, MANY[2]])
    assert [restoration.text for restoration in restored] == [
        document.text.replace("overseas", "foreign"),
        MANY_RESTORED[2],
    ]
    ((done, last),) = Restorer(Rewrite(_foreign)).stream(document)
    assert (done, last) == (len(document.text), restored[0])


def test_many_texts_are_read_and_restored_as_they_are_asked_for() -> None:
    asked: list[int] = []

    def texts() -> Iterator[str]:
        for number in range(1000):
            asked.append(number)
            yield TEXT * 100

    restorations = Restorer(Rewrite(str)).restore_all(texts())
    assert asked == []
    next(restorations)
    assert 1 <= len(asked) < 10


def test_very_short_texts_without_end_are_not_collected_for_ever() -> None:
    assert next(Restorer(Rewrite(str)).restore_all(repeat("Yes."))).text == "Yes."


def test_texts_before_an_error_are_restored() -> None:
    def texts() -> Iterator[str]:
        yield MANY[0]
        raise ValueError("the file ends here")

    restorations = Restorer(Rewrite(_foreign)).restore_all(texts())
    assert next(restorations).text == MANY_RESTORED[0]
    with pytest.raises(ValueError, match="the file ends here"):
        next(restorations)


DECODE = ": decode it, or read it with unspin.infer.documents.formats.decode_document"


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (None, "cannot restore None (a NoneType): give a string, a Document, or many of them"),
        (1.5, "cannot restore 1.5 (a float): give a string, a Document, or many of them"),
        (b"abc", f"cannot restore b'abc' (a bytes){DECODE}"),
        (Path("a.txt"), "read it with unspin.infer.documents.formats.read_document"),
        ({"text": "a"}, "cannot restore {'text': 'a'} (a dict): give the column of its texts"),
        (pd.DataFrame({"text": ["a"]}), "(a DataFrame): give the column of its texts"),
        ([b"abc"], f"text 0 is b'abc' (a bytes), not a string{DECODE}"),
        (["a", {"text": "b"}], "text 1 is {'text': 'b'} (a dict), not a string: give the column"),
        (
            pd.Series(["a", "b", "c", float("nan")], dtype=object),
            "text 3 is nan (a float), not a string: leave out",
        ),
        (pd.Series(["a", None], dtype=object), "text 1 is None (a NoneType), not a string: leave out"),
        (["a", pd.NA], "text 1 is <NA> (a NAType), not a string: leave out missing values"),
        ([["a"]], "text 0 is ['a'] (a list), not a string"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_no_text_is_refused_and_named(texts: object, message: str) -> None:
    with pytest.raises(TypeError, match=re.escape(message)):
        Restorer(Rewrite(str)).restore(texts)  # type: ignore[call-overload]


def test_one_text_and_many_are_not_confused() -> None:
    restorer = Restorer(Rewrite(str))
    with pytest.raises(TypeError, match=r"many texts: give \[text\], or call restore"):
        restorer.restore_all("abc")
    with pytest.raises(TypeError, match="one text, not a list: call restore_all"):
        restorer.stream(MANY)  # type: ignore[arg-type]


def test_a_call_may_have_options_of_its_own() -> None:
    restorer = Restorer(WithVariants(_foreign, log_probability=-0.1), min_confidence=0.4)  # confidence 0.4493
    text = MANY[0]
    assert restorer.restore(text).text == MANY_RESTORED[0]
    assert restorer.restore(text, min_confidence=0.5).text == text
    assert [restored.text for restored in restorer.restore_all([text], min_confidence=0.5)] == [text]
    assert [restored.text for _, restored in restorer.stream(text, min_confidence=0.5)] == [text]
    assert restorer.restore(text).edits[0].alternatives == ()
    assert restorer.restore(text, alternatives=2).edits[0].alternatives == ("alien", "external")
    (restored,) = restorer.restore([text], alternatives=np.int8(1), min_confidence=np.float32(0.25))
    assert restored.edits[0].alternatives == ("alien",)
    keeping = Restorer(Rewrite(_foreign), keep_quotations=True)
    assert keeping.restore("He said: “The overseas minister spoke.”", min_confidence=0).edits == ()


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"min_confidence": 7}, ValueError),
        ({"min_confidence": -0.1}, ValueError),
        ({"min_confidence": float("nan")}, ValueError),
        ({"min_confidence": True}, TypeError),
        ({"min_confidence": "0.5"}, TypeError),
        ({"alternatives": -1}, ValueError),
        ({"alternatives": 101}, ValueError),
        ({"alternatives": 1.0}, TypeError),
        ({"alternatives": True}, TypeError),
    ],
    ids=str,
)
def test_wrong_options_are_refused_at_the_call(options: dict[str, Any], error: type[Exception]) -> None:
    (name,) = options
    restorer = Restorer(Rewrite(str))
    calls: list[Callable[[], object]] = [
        lambda: restorer.restore("a", **options),
        lambda: restorer.restore_all([], **options),
        lambda: restorer.stream("a", **options),
        lambda: Restorer(Rewrite(str), **options),
        lambda: Restorer.from_pretrained("missing", **options),
    ]
    for call in calls:
        with pytest.raises(error, match=f"^{name} is "):
            call()


def test_every_real_number_from_0_to_1_is_a_confidence() -> None:
    for number in (0, 0.5, Fraction(1, 2), np.float32(0.5)):
        assert Restorer(Rewrite(_foreign)).restore(MANY[0], min_confidence=number).text == MANY_RESTORED[0]  # type: ignore[arg-type]


def test_threads_may_share_a_restorer_and_the_engine_runs_once_at_a_time() -> None:
    running = Lock()

    def slow(sentence: str) -> str:
        assert running.acquire(blocking=False), "two threads are in the engine"
        time.sleep(0.005)
        running.release()
        return _foreign(sentence)

    restorer = Restorer(Rewrite(slow))
    with ThreadPoolExecutor(4) as threads:
        assert [restored.text for restored in threads.map(restorer.restore, MANY * 4)] == MANY_RESTORED * 4


def test_a_restorer_of_an_engine_pickles_with_it() -> None:
    restorer = pickle.loads(pickle.dumps(Restorer(Rewrite(_foreign), keep_quotations=True)))
    assert restorer.restore(TEXT).text == TEXT.replace("The overseas", "The foreign")


class Weigh(Rewrite):
    """Copies all texts, and prefers those with "engine"."""

    def __init__(self) -> None:
        super().__init__(str)
        self.weighed: list[str] = []

    def log_ratios(self, sentences: Sequence[str], texts: Sequence[str]) -> list[float]:
        assert len(sentences) == len(texts)
        self.weighed += texts
        return [20.0 * ("engine" in text) - 10.0 for text in texts]


PHRASES = "vapor motor\tsteam plant | steam engine\nprofound sea\tdeep sea\n"


def test_the_model_weighs_every_listed_phrase_and_takes_the_best(tmp_path: Path) -> None:
    (tmp_path / "list.tsv").write_text(PHRASES)
    engine = Weigh()
    text = (
        "In the year of the great flood they had built a vapor\nmotor on the coast. It crossed a profound sea.\n\n"
        "In the year of the great flood they had built a vapor motor on the coast."
    )
    restoration = Restorer(engine, phrases=tmp_path / "list.tsv").restore(text)
    assert restoration.text == text.replace("vapor\nmotor", "steam\nengine").replace("vapor motor", "steam engine")
    assert [(edit.spun, edit.restored, edit.kind) for edit in restoration.edits] == [
        ("vapor motor", "steam engine", "dictionary"),
        ("vapor motor", "steam engine", "dictionary"),
    ]
    assert engine.weighed == [
        "In the year of the great flood they had built a steam plant on the coast.",
        "In the year of the great flood they had built a steam engine on the coast.",
        "It crossed a deep sea.",
    ]  # a repeated sentence is weighed once  # fmt: skip


def test_what_agrees_with_its_abbreviation_is_put_in(tmp_path: Path) -> None:
    (tmp_path / "list.tsv").write_text("haze machine\tcloud engine | fog computing\n")

    class Both(Weigh):
        def log_ratios(self, sentences: Sequence[str], texts: Sequence[str]) -> list[float]:
            return [20.0 if "engine" in text else 15.0 for text in texts]

    restorer = Restorer(Both(), phrases=tmp_path / "list.tsv")
    assert restorer.restore("We use the haze machine (FC) here.").text == "We use the fog computing (FC) here."
    assert restorer.restore("We use the haze machine (so it is) here.").text == (
        "We use the cloud engine (so it is) here."
    )


def test_a_replacement_that_changes_a_fact_gives_way_to_another(tmp_path: Path) -> None:
    (tmp_path / "list.tsv").write_text("vapor motor\ttwo engines | steam plant\n")
    restorer = Restorer(Weigh(), Calibration(phrase_intercept=20.0), phrases=tmp_path / "list.tsv")
    assert restorer.restore("They built a vapor motor there.").text == "They built a steam plant there."


def test_listed_alternatives_fit_the_place(tmp_path: Path) -> None:
    class Silent(Weigh):
        def variants(self, sentence: str, opening: str, count: int) -> list[Rewriting]:
            return []

    (tmp_path / "list.tsv").write_text("vapor motor\tengine | steam plant | two motors\n")
    restorer = Restorer(Silent(), phrases=tmp_path / "list.tsv", alternatives=5)
    (edit,) = restorer.restore("They built a vapor motor there.").edits
    assert (edit.spun, edit.restored, edit.alternatives) == ("a vapor motor", "an engine", ("a steam plant",))


def test_an_article_that_is_right_is_no_edit() -> None:
    engine = Rewrite(lambda text: text.replace("an overseas", "a foreign"))
    assert Restorer(engine, protect=["overseas"]).restore("They like an overseas firm now.").edits == ()


def test_a_streamed_restoration_has_the_listed_phrases(tmp_path: Path) -> None:
    (tmp_path / "list.tsv").write_text(PHRASES)
    restorer = Restorer(Weigh(), phrases=str(tmp_path / "list.tsv"))
    text = "\n".join(f"Plant {number} has a vapor motor." for number in range(40))
    *_, (_, last) = restorer.stream(text)
    assert last.text == restorer.restore(text).text == text.replace("vapor motor", "steam engine")


def test_protected_names_are_a_list() -> None:
    with pytest.raises(TypeError, match=r"not one string: give \['Acme'\]"):
        Restorer(Rewrite(str), protect="Acme")
    with pytest.raises(TypeError, match="which are strings"):
        Restorer(Rewrite(str), protect=[None])  # type: ignore[list-item]
    with pytest.raises(ValueError, match=r"'\.' has neither letter nor digit"):
        Restorer(Rewrite(str), protect=["Acme", "."])
    with pytest.raises(TypeError, match="a file or a PhraseTable, not a list"):
        Restorer(Rewrite(str), phrases=["vapor motor"])  # type: ignore[arg-type]
    restorer = Restorer(Rewrite(lambda text: text.replace("firms", "companies")), protect=["Spin Firms"])
    assert restorer.restore("All firms know the Spin Firms and spin firms.").text == (
        "All companies know the Spin Firms and spin firms."
    )
