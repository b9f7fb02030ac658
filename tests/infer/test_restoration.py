"""A restoration as text, dict, JSON, diff and in rich."""

import io
import json

from rich.console import Console
from unspin.infer.restoration import Restoration, RestoredEdit

SOURCE = "The overseas minister left “very” early."
EDITS = (
    RestoredEdit(4, 12, "overseas", "foreign", "foreign", "word", 0.9, ("alien",), offset=4),
    RestoredEdit(27, 33, "“very” ", "", "", "deletion", 0.6, group=1, offset=27),
)
RESTORATION = Restoration(SOURCE, "The foreign minister left early.", EDITS, (SOURCE,), 0.25, ("line 1: odd",))
AS_DICT = {
    "source": SOURCE,
    "text": "The foreign minister left early.",
    "spun_share": 0.25,
    "warnings": ["line 1: odd"],
    "edits": [
        {
            "start": 4,
            "end": 12,
            "spun": "overseas",
            "restored": "foreign",
            "replacement": "foreign",
            "kind": "word",
            "confidence": 0.9,
            "alternatives": ["alien"],
            "group": 0,
            "article": 0,
            "offset": 4,
            "restored_start": 4,
            "restored_end": 11,
        },
        {
            "start": 27,
            "end": 33,
            "spun": "“very” ",
            "restored": "",
            "replacement": "",
            "kind": "deletion",
            "confidence": 0.6,
            "alternatives": [],
            "group": 1,
            "article": 0,
            "offset": 27,
            "restored_start": 26,
            "restored_end": 26,
        },
    ],
}


def test_dict_and_json_hold_everything_with_both_places_of_an_edit() -> None:
    assert RESTORATION.to_dict() == AS_DICT
    assert json.loads(RESTORATION.to_json()) == AS_DICT
    assert "“very”" in RESTORATION.to_json() and "\n" not in RESTORATION.to_json()
    assert RESTORATION.to_json(indent=2).startswith('{\n  "source"')


def test_the_diff_marks_edits_as_git_does() -> None:
    assert RESTORATION.diff() == "The [-overseas-]{+foreign+} minister left [-“very” -]early."


def test_a_restoration_is_printed_as_its_text_and_its_repr_holds_one_copy() -> None:
    assert str(RESTORATION) == "The foreign minister left early."
    assert repr(RESTORATION).startswith("Restoration(text='The foreign minister left early.', edits=(RestoredEdit(")
    assert SOURCE not in repr(RESTORATION)


def test_rich_prints_the_coloured_diff() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, color_system="standard", width=200)
    console.print(RESTORATION)
    assert "\x1b[9;31moverseas\x1b[0m \x1b[1;32mforeign\x1b[0m minister" in console.file.getvalue()  # type: ignore[attr-defined]
