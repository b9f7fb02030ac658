"""Zip archives: members are replaced, everything else is copied bit for bit, and odd archives are refused."""

import io
import os
import struct
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unspin.infer.documents import archives
from unspin.infer.documents.archives import Archive
from unspin.infer.documents.base import FormatError


def _archive(**contents: bytes) -> bytes:
    """An archive with a stored first member, extra fields, comments and odd names, as other programs write them."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(zipfile.ZipInfo("mimetype", (2001, 2, 3, 4, 5, 6)), b"application/test")
        for name, content in contents.items():
            info = zipfile.ZipInfo(name, (1999, 12, 31, 23, 59, 58))
            info.compress_type, info.comment, info.external_attr = zipfile.ZIP_DEFLATED, b"a comment", 0o644 << 16
            info.extra = b"\xfe\xca\x04\x00abcd"
            file.writestr(info, content)
        for name in ("../up.txt", "/root.txt", "caf\u00e9.png"):
            file.writestr(name, b"left alone " * 9)
        file.comment = b"of the archive"
    return buffer.getvalue()


def _peak(act: Callable[[], object]) -> int:
    """The most memory in bytes that a call takes besides what is there."""
    tracemalloc.start()
    act()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def test_reading_a_small_member_copies_nothing_of_the_others() -> None:
    archive = Archive(_archive(a=b"small", b=os.urandom(5_000_000)))
    assert _peak(lambda: archive.read("a")) < 100_000
    assert _peak(lambda: archive._replaced(archive._members["a"], b"new")) < 1_000_000  # of which zlib takes a part


def _facts(data: bytes) -> list[tuple[object, ...]]:
    """What must stay of each member, in order."""
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        assert file.testzip() is None and file.comment == b"of the archive"
        return [
            (i.filename, i.date_time, i.compress_type, i.comment, i.extra, i.external_attr, i.create_system)
            for i in file.infolist()
        ]


def _changed_field(data: bytes, magic: bytes, offset: int, value: int, size: str = "<I") -> bytes:
    """The archive with one number changed in the first header that begins with a magic."""
    changed = bytearray(data)
    struct.pack_into(size, changed, data.index(magic) + offset, value)
    return bytes(changed)


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=200), st.binary(max_size=200), st.binary(max_size=200))
def test_only_the_replaced_member_changes(a: bytes, b: bytes, new: bytes) -> None:
    data = _archive(a=a, b=b)
    archive = Archive(data)
    assert (archive.read("a"), archive.read("b")) == (a, b)
    assert archive.replace({}) == data
    restored = archive.replace({"a": new})
    assert _facts(restored) == _facts(data)
    with zipfile.ZipFile(io.BytesIO(restored)) as file:
        assert (file.read("a"), file.read("b"), file.read("../up.txt")) == (new, b, b"left alone " * 9)
    start = data.index(b"PK\3\4", 4)
    end = data.index(b"PK\3\4", start + 4)
    assert restored.startswith(data[:start]) and data[end : data.index(b"PK\1\2")] in restored
    assert Archive(restored).replace({"a": a}) == Archive(data).replace({"a": a})


def test_sizes_behind_the_data_move_to_the_header() -> None:
    class Pipe(io.RawIOBase):  # cannot seek, so that zipfile writes the sizes behind the data
        written = b""

        def writable(self) -> bool:
            return True

        def write(self, data: bytes) -> int:  # type: ignore[override]
            self.written += bytes(data)
            return len(data)

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as file:  # type: ignore[arg-type]
        file.writestr("a", b"old " * 99)
        file.writestr("b", b"kept " * 99)
    restored = Archive(pipe.written).replace({"a": b"new " * 99})
    with zipfile.ZipFile(io.BytesIO(restored)) as opened:
        assert opened.testzip() is None and opened.read("a") == b"new " * 99 and opened.read("b") == b"kept " * 99
        assert [member.flag_bits & 8 for member in opened.infolist()] == [0, 8]
    assert b"PK\x07\x08" in restored[restored.index(b"PK\3\4", 4) :]
    assert Archive(b"junk" + pipe.written).replace({"a": b"new"}).startswith(b"junkPK")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "empty"),
        (b"word", "not a complete zip archive"),
        (b"\xd0\xcf\x11\xe0" + b"\0" * 600, "protected by a password, or an old Office file"),
        (_archive(a=b"text")[:-60], "not a complete zip archive"),
        (_archive(a=b"text")[9:], "is not where the archive says"),
        (_changed_field(_archive(), b"PK\1\2", 8, 1, "<H"), "protected by a password"),
        (_changed_field(_archive(), b"PK\1\2", 10, 12, "<H"), "compressed by an unusual method"),
        (_changed_field(_archive(), b"PK\1\2", 16, 7), "mimetype is damaged: its checksum is wrong"),
        (_changed_field(_archive(), b"PK\1\2", 20, 500), "mimetype overlaps what follows it"),
        (_changed_field(_archive(), b"PK\1\2", 20, 0xFFFFFFFF), "zip64"),
        (_changed_field(_archive(), b"PK\1\2", 24, 99 << 20), "more than 64 MB when unpacked"),
        (_changed_field(_archive(), b"PK\1\2", 24, 2 << 20), "as zip bombs do"),
        (_changed_field(_archive(), b"PK\1\2", 42, 90), "mimetype"),
    ],
    ids=range(13),
)
def test_odd_archives_are_refused(data: bytes, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        Archive(data).read("mimetype")


def test_what_is_declared_and_what_is_there_must_agree() -> None:
    data = _archive(a=b"0" * 5000)
    entry = data.index(b"PK\1\2", data.index(b"PK\1\2") + 1)
    for size in (4000, 6000):
        changed = bytearray(data)
        struct.pack_into("<I", changed, entry + 24, size)
        with pytest.raises(FormatError, match="a is damaged"):
            Archive(bytes(changed)).read("a")
    packed = data.index(zlib.compress(b"0" * 5000)[2:-4])
    with pytest.raises(FormatError, match="a is damaged"):
        Archive(data[:packed] + b"\xff\xff" + data[packed + 2 :]).read("a")


def test_a_name_that_comes_twice_is_refused_and_a_missing_one_is_named() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file, pytest.warns(UserWarning, match="Duplicate"):
        file.writestr("a", b"1")
        file.writestr("a", b"2")
    with pytest.raises(FormatError, match="holds a twice"):
        Archive(buffer.getvalue()).read("a")
    with pytest.raises(FormatError, match="the part b is missing"):
        Archive(buffer.getvalue()).read("b")


def test_the_number_of_members_their_sum_and_their_markup_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_TOTAL_BYTES", 1000)
    archive = Archive(_archive(a=b"x" * 900, b=b"x" * 900))
    archive.read("a")
    with pytest.raises(FormatError, match="more than 0 MB when unpacked: split the document"):
        archive.read("b")
    monkeypatch.setattr(archives, "MAX_MARKUP", 8)
    archive = Archive(_archive(a=b"<a b='&lt;'/>" * 2, b=b"<a b='&lt;'>"))
    archive.read("a")
    with pytest.raises(FormatError, match="more than 8 tags, attributes and references of XML: split the document"):
        archive.read("b")
    monkeypatch.setattr(archives, "MAX_MEMBERS", 3)
    with pytest.raises(FormatError, match="holds 4 members"):
        Archive(_archive())


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 800), st.integers(0, 255), st.integers(0, 800))
def test_any_damage_is_refused_or_harmless(place: int, byte: int, cut: int) -> None:
    data = bytearray(_archive(a=b"the text " * 5, b=b"other"))
    data[place % len(data)] = byte
    for damaged in (bytes(data), bytes(data[: cut % len(data)])):
        try:
            archive = Archive(damaged)
            for name in archive.names:
                archive.read(name)
            archive.replace({"a": b"new"})
        except FormatError:
            continue
