"""Screening: how garbled a text looks, by paragraph, and the places that tell."""

import re
from collections.abc import Sequence

import pytest
from unspin.edits import Edit
from unspin.infer.confidence import Calibration
from unspin.infer.documents.formats import decode_document
from unspin.infer.engines.base import Rewriting
from unspin.infer.phrase_table import PhraseTable
from unspin.infer.restorer import Restorer
from unspin.infer.screening import MAX_PLACES, NO_PROSE, weight_of, with_words
from unspin.phrase_lists import PhrasePair

CALIBRATION = Calibration(screen_floor=0.0, screen_rate=1.0, screen_spread=0.01, screen_word_spread=0.2)
GARBLED = {"overseas": "foreign", "warfare": "war", "firms": "companies"}
CLEAN = "The talks were held on Monday in the capital of the country."


class Reader:
    """Doubts the words of a dictionary by 0.9, restores them, and remembers what it was asked to restore."""

    def __init__(self) -> None:
        self.rewritten: list[str] = []

    def copies(self, sentences: Sequence[str]) -> list[Rewriting]:
        return [_rewriting(text, [m.start() for m in re.finditer("|".join(GARBLED), text)]) for text in sentences]

    def rewrite(self, sentences: Sequence[str]) -> list[Rewriting]:
        self.rewritten += sentences
        return [_rewriting(re.sub("|".join(GARBLED), lambda m: GARBLED[m[0]], text)) for text in sentences]

    def log_ratios(self, sentences: Sequence[str], texts: Sequence[str]) -> list[float]:
        return [-20.0 if "miners" in text else 20.0 for text in texts]


def _rewriting(text: str, doubted: Sequence[int] = ()) -> Rewriting:
    """A text, a character per token, with 0.9 of doubt about the words that start at `doubted`."""
    starts = {max(start - 1, 0) for start in doubted}
    probabilities = [-2.3026 if i in starts else 0.0 for i in range(len(text) + 1)]
    return Rewriting(text, tuple(range(1, len(text) + 1)), tuple(probabilities))


TEXT = f"""The overseas minister said that the warfare in the north had ended.

{CLEAN} {CLEAN.replace("capital", "old town")}"""


def test_the_share_of_a_paragraph_is_what_the_model_doubts_in_it() -> None:
    engine = Reader()
    screening = Restorer(engine, CALIBRATION).screen(TEXT)
    garbled, clean = screening.paragraphs
    assert (garbled.words, clean.words, screening.words) == (12, 25, 37)
    assert garbled.share == pytest.approx(1 - 2.718281828 ** -(2 * 0.9 / 12), abs=1e-3)
    assert clean.share == clean.low == 0 < clean.high < garbled.high
    assert clean.share < screening.share < garbled.share
    assert all(row.low <= row.share <= row.high for row in (garbled, clean, screening))
    assert TEXT[clean.start : clean.end] == clean.text
    assert engine.rewritten == [TEXT.split("\n")[0]]  # sentences that nothing is doubted in are not restored


def test_the_places_say_what_probably_stood_there() -> None:
    screening = Restorer(Reader(), CALIBRATION).screen(TEXT)
    assert [(place.found, place.expected, place.is_listed) for place in screening.places] == [
        ("overseas", "foreign", False),
        ("warfare", "war", False),
    ]
    for place in screening.places:
        assert TEXT[place.start : place.end] == place.found
        assert place.sentence[place.offset :].startswith(place.found)
    assert screening.hits == ()


def test_a_pair_of_words_is_shown_once_and_no_more_than_ten_places() -> None:
    text = " ".join(f"In the year {year} the warfare went on in the north of it." for year in range(1901, 1930))
    engine = Reader()
    screening = Restorer(engine, CALIBRATION).screen(text)
    assert [place.found for place in screening.places] == ["warfare"]
    assert len(engine.rewritten) == MAX_PLACES


def test_no_more_sentences_are_restored_than_hold_ten_garbled_words() -> None:
    lines = [f"In {year} the overseas firms and warfare of all overseas firms ended." for year in range(1901, 1930)]
    engine = Reader()
    Restorer(engine, CALIBRATION).screen(" ".join(lines))
    assert len(engine.rewritten) == 3  # of 4.5 each


def test_listed_phrases_are_hits_where_the_model_finds_them_out_of_place() -> None:
    table = PhraseTable([PhrasePair("information mining", ("data mining",)), PhrasePair("the warfare", ("the fight",))])
    text = "They used information mining to find it. The miners asked for information mining could give."
    screening = Restorer(Reader(), CALIBRATION, phrases=table).screen(text)
    assert [(hit.found, hit.expected, hit.start) for hit in screening.hits] == [("information", "data", 10)]
    assert screening.places == screening.hits
    assert screening.share > Restorer(Reader(), CALIBRATION).screen(text).share == 0


@pytest.mark.parametrize(
    ("garbled", "expected", "found", "shown"),
    [
        ("old town", "old market town", "town", "market town"),
        ("old town", "old", "old town", "old"),
        ("the talks", "talks", "The talks", "Talks"),
    ],
)
def test_hits_that_insert_or_delete_words_are_shown_with_the_word_beside(
    garbled: str, expected: str, found: str, shown: str
) -> None:
    table = PhraseTable([PhrasePair(garbled, (expected,))])
    text = "The talks were held in the old town on Monday."
    screening = Restorer(Reader(), CALIBRATION, phrases=table).screen(text)
    (place,) = screening.hits
    assert (place.found, place.expected) == (found, shown)
    assert text[place.start : place.end] == found
    assert screening.places == (place,) and screening.share > 0


def test_protected_words_do_not_look_garbled() -> None:
    table = PhraseTable([PhrasePair("overseas minister", ("foreign minister",)), PhrasePair("north", ("far north",))])
    protect = ["warfare", "overseas minister", "north"]
    screening = Restorer(Reader(), CALIBRATION, phrases=table, protect=protect).screen(TEXT)
    assert screening.share == 0 and screening.places == screening.hits == ()


@pytest.mark.parametrize(
    "text",
    [
        "More about bosom-peril is at https://example.org/bosom-peril for the readers.",
        "It took them ten years and two vicennium to read about bosom-peril here.",
        "They wrote `two vicennium` and `bosom-peril` and `warfare` about bosom-peril here.",
    ],
)
def test_phrases_that_restoring_would_not_touch_are_no_hits(text: str) -> None:
    table = PhraseTable([PhrasePair("bosom peril", ("breast cancer",)), PhrasePair("two vicennium", ("40 years",))])
    document = decode_document("a.md", text.encode())
    screening = Restorer(Reader(), CALIBRATION, phrases=table).screen(document)
    (hit,) = screening.hits
    place = document.views[0].text.index("about bosom-peril") + len("about ")
    assert (hit.start, screening.places) == (place, (hit,))
    share = CALIBRATION.garbled_share(hit.confidence, screening.words)[0]  # a compound is one word
    assert screening.share == pytest.approx(share)


def test_a_phrase_with_a_protected_word_does_not_count() -> None:
    table = PhraseTable([PhrasePair("deep bosom peril", ("low breast cancer",))])
    text = "In the year of the flood she had a deep bosom peril at home."
    screening = Restorer(Reader(), CALIBRATION, phrases=table, protect=["bosom peril"]).screen(text)
    assert screening.share == 0 and screening.hits == screening.places == ()


def test_a_long_word_does_not_hold_up_a_hit() -> None:
    edit = Edit(200_002, 200_008, "data mining")
    assert with_words(f"{200_000 * 'A'} (mining of it", edit) == edit
    inserted = Edit(200_002, 200_002, "data ")
    found = with_words(f"{200_000 * 'A'} (mining of it", inserted)
    assert (found.start, found.end) == (200_002, 200_008)


def test_a_document_is_judged_as_a_whole_with_offsets_in_its_articles() -> None:
    rows = f'{{"text": "{CLEAN}"}}\n{{"text": "In the year of the flood the warfare ended."}}\n'
    document = decode_document("a.jsonl", rows.encode())
    screening = Restorer(Reader(), CALIBRATION).screen(document)
    assert [row.article for row in screening.paragraphs] == [0, 1]
    (place,) = screening.places
    assert document.views[place.article].text[place.start : place.end] == place.found == "warfare"


@pytest.mark.parametrize("text", ["", "Menu\n\nHome", "1 2 3", "\ud800", 30 * "Der Minister sprach mit uns. "])
def test_a_text_without_english_prose_is_not_judged(text: str) -> None:
    screening = Restorer(Reader(), CALIBRATION).screen(text)
    assert (screening.words, screening.share, screening.low, screening.high) == (0, 0.0, 0.0, 1.0)
    assert screening.warnings == (NO_PROSE,)


def test_anything_but_a_text_is_refused() -> None:
    with pytest.raises(TypeError, match="not a string"):
        Restorer(Reader()).screen(["a"])  # type: ignore[arg-type]


def test_the_interval_narrows_with_the_number_of_words() -> None:
    widths = [high - low for _, low, high in (CALIBRATION.garbled_share(0.2 * n, n) for n in (10, 100, 1000))]
    assert widths == sorted(widths, reverse=True)
    for doubted in (0.0, 3.0, 50.0, 100.0):
        share, low, high = CALIBRATION.garbled_share(doubted, 100)
        assert 0 <= low <= share <= high <= 1


@pytest.mark.parametrize(
    ("word", "runner_up", "weight"),
    [
        ("warfare", "conflict", 1.0),  # another word: as spinners write
        ("firms", "", 1.0),
        ("2,000", "thousands", 1.0),
        ("goverment", "government", -0.5),  # misspelt
        ("give", "gives", -0.5),  # another form of the word
        ("moving", "move", -0.5),
        ("on", "in", -0.5),  # another function word
        ("doesn’t", "does", -0.5),
        ("need", "must", 0.0),  # a function word for a content word
        ("the", "war", 0.0),
        ("wouderful", "nice", 0.0),  # no word at all
        ("man", ",", 0.0),
    ],
)
def test_writers_errors_speak_against_a_spinner(word: str, runner_up: str, weight: float) -> None:
    assert weight_of(word, runner_up) == weight
