"""SRT and WebVTT: sentences run over lines and cues, words stay in their cue, and all that is not spoken stays."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from unspin.edits import Edit, apply
from unspin.infer.documents.base import FormatError, View
from unspin.infer.documents.subtitles import SRT, WEBVTT

FIRST, SECOND = "1\n00:00:01,000 --> 00:00:04,000\n", "\n2\n00:00:04,500 --> 00:00:07,000\n"


def _srt(raw: str) -> View:
    (view,) = SRT.views(raw).views
    return view


def _vtt(raw: str) -> View:
    (view,) = WEBVTT.views(raw).views
    return view


def _replaced(raw: str, view: View, old: str, new: str) -> str | None:
    start = view.text.index(old)
    edit = view.raw_edit(raw, Edit(start, start + len(old), new))
    return apply(raw, [edit]) if edit else None


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_only_what_is_spoken_is_read(line_end: str) -> None:
    raw = (
        "1\n00:00:01,000 --> 00:00:04,000 X1:40\n{\\an8}The overseas minister said that the\n<i>council had</i> agreed,"
        "\n\n2\n00:00:04,500 --> 00:00:07,000\nwhich was odd.\nIt <font color=red>rained</font>.\n\n"
        "3\n00:00:08,000 --> 00:00:09,000\n- Hello, John.\n-[laughs] Hi there &amp;\n\n"
        "4\n00:00:10,000 --> 00:00:11,000\n♪ Somewhere over\nthe rainbow ♪\n\n"
        "5\n00:00:12,000 --> 00:00:13,000\nJOHN: I went to\nthe store.\nNO WAY OUT\n>> It closed\n6\n"
        "00:00:14,000 --> 00:00:15,000\nLONDON\n7\n00:00:16,000 --> 00:00:17,000\n(door slams)\n"
        "(A man:) Mr. Smith: [sighs]\nWe have\n\na (loud) guest.\n\n"
    )
    assert _srt(raw.replace("\n", line_end)).text.split("\n") == [
        "The overseas minister said that the council had agreed, which was odd. It rained.",
        "Hello, John.",
        "Hi there &amp;",
        "I went to the store.",
        "It closed",
        "We have a guest.",
    ]


def test_only_the_cues_of_webvtt_are_read() -> None:
    raw = (
        "WEBVTT - An old title\n\nSTYLE\n::cue { color: old }\n\nNOTE\nAn old comment\n\nREGION\nid:old\n\n"
        "old id\n00:01.000 --> 00:04.000 align:start position:0%\n<v Roger Old>We are in New&nbsp;York &amp; the\n\n"
        "00:04.000 --> 00:05.000\n<v Roger Old>old town which is<00:04.500><c.old> big\n\n"
        "1:00:05.000 --> 1:00:06.000\n<v Neil>Who said that we < you?\n"
    )
    view = _vtt(raw)
    assert view.text == "We are in New\xa0York & the old town which is big\nWho said that we < you?"
    assert _replaced(raw, view, "old", "R&D") == raw.replace(">old town", ">R&amp;D town")
    assert _replaced(raw, view, "is big", "was <large") == raw.replace(
        "is<00:04.500><c.old> big", "was<00:04.500><c.old> &lt;large"
    )


def test_an_edit_over_two_lines_keeps_the_line_end_and_the_tags() -> None:
    raw = FIRST + "He said that the\n  <i>council had</i> agreed.\n"
    view = _srt(raw)
    expected = FIRST + "He said which a\n  <i>board had</i> agreed.\n"
    assert _replaced(raw, view, "that the council had", "which a board had") == expected
    expected = FIRST + "He said how\n  <i>it</i> agreed.\n"
    assert _replaced(raw, view, "that the council had", "how it") == expected
    assert _replaced(raw, view, "the council", "it") is None
    assert _replaced(raw, view, "the council", "the\ncouncil") is None
    assert _replaced(raw, view, " council", "") is None


def test_no_word_moves_into_another_cue() -> None:
    raw = FIRST + "He liked the overseas\n" + SECOND + "minister, that is.\n"
    view = _srt(raw)
    assert view.text == "He liked the overseas minister, that is."
    assert _replaced(raw, view, "overseas minister", "foreign secretary") == raw.replace("overseas", "foreign").replace(
        "minister", "secretary"
    )
    assert _replaced(raw, view, "the overseas minister", "the secretary") is None
    assert _replaced(raw, view, "overseas minister", "most foreign minister") is None
    assert _replaced(raw, view, "is.", "it was.") == raw.replace("is.", "it was.")


def test_no_edit_leaves_a_blank_line_or_joins_paragraphs() -> None:
    raw = FIRST + "Um\nhe left.\n- Well, well.\n"
    view = _srt(raw)
    assert view.text == "Um he left.\nWell, well."
    assert _replaced(raw, view, "Um", "") is None
    assert _replaced(raw, view, "Um", " ") is None
    assert _replaced(raw, view, "he ", "") == raw.replace("he ", "")
    assert _replaced(raw, view, "left.\nWell", "left") is None


def test_a_finished_sentence_and_a_new_speaker_begin_a_paragraph() -> None:
    assert _srt(FIRST + 'He said "no."\n' + SECOND + "Then he left").text == 'He said "no."\nThen he left'
    assert _srt(FIRST + "He said\n" + SECOND + "- No.").text == "He said\nNo."
    assert _srt(FIRST + "<v A>He said\n" + SECOND + "<v B>that").text == "He said\nthat"
    assert _srt(FIRST + "He said\n" + SECOND + "[door]\n" + SECOND + "that").text == "He said\nthat"


def test_captions_without_punctuation_are_read_in_paragraphs() -> None:
    raw = "".join(f"{i}\n00:00:01,000 --> 00:00:04,000\nthe old law\n\n" for i in range(100))
    assert [len(line.split()) for line in _srt(raw).text.split("\n")] == [81, 81, 81, 57]


@pytest.mark.parametrize("raw", ["", "WEBVTT\n", "The old law.\n\n1 --> 2\n"])
def test_a_file_without_a_cue_is_refused(raw: str) -> None:
    with pytest.raises(FormatError, match="it has no cue"):
        WEBVTT.views(raw)


def test_long_lines_of_markup_are_read() -> None:
    odd = " " * 99_999 + "<" * 99_999 + "[" * 99_999 + "{\\" * 99_999 + "Aa" * 99_999 + " (" * 99_999 + "&" * 99_999
    assert _srt(FIRST + odd).text.startswith("<<<")


LINES = st.lists(
    st.sampled_from(
        ["a b", "<i>", "</i> c", "", "  ", "- d", "JO: e", "[f", "]", "♪", "9", "0:01 --> 0:02", "&amp; G H."]
    ),
    max_size=12,
)


@example(lines=["0:01 --> 0:02", "&amp; G H.", "0:01 --> 0:02"], line_end="\r", at=0, length=1, new="x")
@given(
    LINES,
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.integers(0, 30),
    st.integers(0, 12),
    st.sampled_from(["x", "x y z", "", "<"]),
)
def test_an_edit_keeps_the_lines_and_everything_around_it(
    lines: list[str], line_end: str, at: int, length: int, new: str
) -> None:
    raw = line_end.join(["0:00 --> 0:01", *lines])
    view = _vtt(raw)
    assert list(view.starts) == sorted(view.starts) and max(view.ends, default=0) <= len(raw)
    assert all(
        character in ("&" if raw[start] == "&" else raw[start:end]) or line_end in raw[start:end] or character == "\n"
        for start, end, character in zip(view.starts, view.ends, view.text, strict=True)
    )
    if at + length <= len(view.text) and view.text and (edit := view.raw_edit(raw, Edit(at, at + length, new))):
        restored = apply(raw, [edit])
        assert restored.startswith(raw[: edit.start]) and restored.endswith(raw[edit.end :])
        assert restored.count(line_end) == raw.count(line_end) and restored.count("-->") == raw.count("-->")
        blank = [not line.strip() for line in raw.split(line_end)]
        assert [not line.strip() for line in restored.split(line_end)] == blank
