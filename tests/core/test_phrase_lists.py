"""Lists of garbled phrases: which files and lines are read, and what is said of those that are not."""

import json
import os
from pathlib import Path

import pytest
from unspin.phrase_lists import PhraseListError, PhrasePair, read_phrases, read_terms

PAIRS = [
    PhrasePair("vapor motor", ("steam engine",)),
    PhrasePair("Joule's steady", ("Joule's constant",)),
    PhrasePair("sun powered board", ("solar panel", "solar cell")),
]


def _write(folder: Path, text: str) -> Path:
    file = folder / "phrases"
    file.write_bytes(text.encode())
    return file


def test_json_and_tab_separated_lists_give_the_same_pairs(tmp_path: Path) -> None:
    rows = [(pair.garbled, " | ".join(pair.expected)) for pair in PAIRS]
    listed = {"version": "1", "phrases": [{"tortured": garbled, "correct": term} for garbled, term in rows]}
    assert read_phrases(_write(tmp_path, json.dumps(listed))) == PAIRS
    assert read_phrases(_write(tmp_path, "".join(f"{garbled}\t{term}\n" for garbled, term in rows))) == PAIRS


def test_headings_comments_further_columns_and_blanks_are_skipped(tmp_path: Path) -> None:
    text = (
        "\ufeffTortured phrase\tCorrect phrase\tseen\r\n# a comment\twith a tab\r\n\r\n"
        "profound \u00a0 ocean\tdeep sea |\t3\r\nprofound ocean\tdeep waters\t1\r\n\tx\r\none column\r\n"
    )
    assert read_phrases(_write(tmp_path, text)) == [PhrasePair("profound ocean", ("deep sea", "deep waters"))]


def test_a_line_ends_with_a_line_break_only(tmp_path: Path) -> None:
    assert read_phrases(_write(tmp_path, "vapor\u2028motor\tengine\n")) == [PhrasePair("vapor motor", ("engine",))]


def test_what_is_no_phrase_is_left_out(tmp_path: Path) -> None:
    odd = [
        "\x00\tx",
        "a\x07b\tx",
        "same\tSame",
        "robot\texample.org | www.pages",
        "deep\t",
        "3.5\t7",
        f"{'long ' * 50}\tx",
        "vapor motor\tmotor",
    ]
    assert read_phrases(_write(tmp_path, "\n".join(odd))) == [PhrasePair("vapor motor", ("motor",))]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "no pair of phrases found"),
        (b"one column\n", "no pair of phrases found"),
        (b'[1, {}, {"tortured": "x"}]', "no pair of phrases found"),
        (b'{"phrases": 3}', "no pair of phrases found"),
        (b"{", "not valid JSON"),
        (b"[" * 100_000, "not valid JSON"),
        (b"deep sea\tprofound \xff", "not UTF-8 at byte 18"),
    ],
)
def test_a_file_that_is_no_list_is_refused(data: bytes, reason: str, tmp_path: Path) -> None:
    file = tmp_path / "phrases"
    file.write_bytes(data)
    with pytest.raises(PhraseListError, match=rf"phrases: .*{reason}.*garbled<TAB>expected"):
        read_phrases(file)


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(PhraseListError, match=r"none\.tsv: cannot be read \(No such file"):
        read_phrases(tmp_path / "none.tsv")


def test_only_the_phrases_that_are_none_are_left_out_of_a_line(tmp_path: Path) -> None:
    text = "asp web\tASP.NET | see https://example.org/x\nbosom\u00ad per\u200bil\tbreast cancer\n"
    assert read_phrases(_write(tmp_path, text)) == [
        PhrasePair("asp web", ("ASP.NET",)),
        PhrasePair("bosom peril", ("breast cancer",)),
    ]


@pytest.mark.parametrize(
    "heading", ["Garbled phrase\tExpected phrase", "tortured phrases\tcorrect phrases", "Tortured\tCorrect Phrase(s)"]
)
def test_headings_are_known_in_any_form(heading: str, tmp_path: Path) -> None:
    assert len(read_phrases(_write(tmp_path, f"{heading}\nvapor motor\tengine\n"))) == 1


def test_json_may_hold_tabs_and_lines_may_begin_with_a_bracket(tmp_path: Path) -> None:
    listed = '[{"tortured": "vapor motor",\t"correct": "engine"}]'
    for text in (listed, "[note] a list\nvapor motor\tengine\n", "{x} a list\nvapor motor\tengine\n"):
        assert read_phrases(_write(tmp_path, text)) == [PhrasePair("vapor motor", ("engine",))]


def test_a_list_may_begin_with_a_bracket_and_hold_headings_as_terms(tmp_path: Path) -> None:
    file = _write(tmp_path, "[sic] motor\t[sic] engine\ncorrect\toriginal\nnode script\tNode.js\n")
    assert [pair.expected for pair in read_phrases(file)] == [("[sic] engine",), ("original",), ("Node.js",)]


@pytest.mark.parametrize("text", ["half a pair \ud800", "a\x07bell"])
def test_what_no_text_can_hold_is_left_out(text: str, tmp_path: Path) -> None:
    listed = [{"tortured": "x motor", "correct": text}, {"tortured": "y motor", "correct": "engine"}]
    assert read_phrases(_write(tmp_path, json.dumps(listed))) == [PhrasePair("y motor", ("engine",))]


def test_a_pipe_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(PhraseListError, match="pipe is a folder, a device or a pipe"):
        read_phrases(tmp_path / "pipe")


def test_terms_stand_on_lines(tmp_path: Path) -> None:
    text = "\ufeff# brands\nSpin  Doctors\r\n\nBreaking News\n...\nSpin Doctors\n"
    assert read_terms(_write(tmp_path, text)) == ["Spin Doctors", "Breaking News"]
    with pytest.raises(PhraseListError, match=r"phrases: no name or term found: give one on each line"):
        read_terms(_write(tmp_path, "# nothing\n\n"))
