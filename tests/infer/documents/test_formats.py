"""Formats: a view reads like the rendered document, edits land in the raw text, and all else stays byte for byte."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unspin.edits import Edit, apply
from unspin.infer.documents.base import DocumentError
from unspin.infer.documents.formats import FORMATS, FORMATS_BY_NAME, TEXT_FORMATS, format_of

ALPHABET = st.sampled_from("ab <>&;/\"'=!-#*_`[]()|\\\n\r\t{}:,é😀" + "pbr")


def test_a_format_is_found_by_suffix_and_by_name() -> None:
    assert format_of("folder.md/A.HTML").name == "html" and format_of("README").name == "txt"
    with pytest.raises(DocumentError, match=r"a\.tex: files of type \.tex cannot be read"):
        format_of("a.tex")
    assert all(FORMATS_BY_NAME[format.name] is format for format in FORMATS.values())
    assert all(f".{name}" in format.suffixes for name, format in FORMATS_BY_NAME.items())


@given(st.text(alphabet=ALPHABET, max_size=80))
def test_every_character_of_a_view_stands_in_the_raw_text(raw: str) -> None:
    for suffix in ("txt",):
        (view,) = TEXT_FORMATS[suffix].views(raw).views
        assert list(view.starts) == sorted(view.starts)
        for start, end, character in zip(view.starts, view.ends, view.text, strict=True):
            assert 0 <= start <= end <= len(raw)
            assert character in raw[start:end] or (character == " " and raw[start:end].isspace())


@given(st.text(alphabet=ALPHABET, max_size=80), st.integers(0, 79), st.integers(0, 9), st.text("xyz<&", max_size=5))
def test_an_edit_leaves_the_text_around_it(raw: str, start: int, length: int, replacement: str) -> None:
    for suffix in ("txt", "html"):
        (view,) = TEXT_FORMATS[suffix].views(raw).views
        if start + length > len(view.text) or not view.text:
            continue
        edit = view.raw_edit(raw, Edit(start, start + length, replacement))
        if edit is None:  # markup would be left without text
            continue
        restored = apply(raw, [edit])
        assert restored.startswith(raw[: edit.start]) and restored.endswith(raw[edit.end :])
