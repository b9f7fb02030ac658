"""Zip archives that hold documents: reads members within limits, and replaces members without touching the others.

`zipfile` finds the members. Everything else works on the bytes, because `zipfile` cannot copy a member as it stands:
names, order, times, comments, extra fields and compressed data of the members that stay are copied bit for bit. Nothing
is ever extracted to disk, so absolute names and ".." do no harm. Encrypted, overlapping, damaged and suspiciously
large members are refused.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO

from unspin.infer.documents.base import FormatError

MAX_MEMBERS = 20_000
MAX_TOTAL_BYTES = 64 << 20  # uncompressed, of all members that are read; a long novel takes about 15 MB of a Word file
MAX_MARKUP = 3_000_000  # tags, attributes and references in them, each up to 500 bytes of memory; novels have a million
MAX_RATIO = 400  # uncompressed to compressed; XML stays below 100, and deflate cannot exceed 1,032
_SMALL = 1 << 20  # members up to this size may have any ratio

_LOCAL = struct.Struct("<4s5H3I2H")  # local header: magic, version, flags, method, time, date, crc, sizes, lengths
_CENTRAL = struct.Struct("<4s6H3I5H2I")  # entry of the central directory; ends with the offset of the local header
_END = struct.Struct("<4s4H2IH")  # end of the central directory: ..., its size, its offset, length of the comment
_ENCRYPTED, _SIZES_FOLLOW = 1 << 0, 1 << 3  # flags of a member; the second: the sizes stand behind the data
_ZIP64 = 0xFFFFFFFF  # stands for a number that does not fit in 32 bits


@dataclass(frozen=True)
class _Entry:
    """A member: its entry in the central directory, and the bytes ``start:end`` of the archive that hold its record."""

    name: str
    directory: bytes  # the whole entry, with name, extra field and comment
    start: int
    end: int  # where the next record starts, so that sizes behind the data are part of the record


class Archive:
    """The bytes of a zip archive and its members, in the order in which they lie there.

    Raises `FormatError` if the bytes are no zip archive, or one that cannot be changed safely.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._bytes_read = self._markup_read = 0
        if not data:
            raise FormatError("the file is empty: it holds no text")
        if data.startswith(b"\xd0\xcf\x11\xe0"):
            raise FormatError("protected by a password, or an old Office file: save it without a password, as .docx")
        try:
            with zipfile.ZipFile(BytesIO(data)) as file:
                members, self._directory = file.infolist(), file.start_dir
        except (zipfile.BadZipFile, ValueError, NotImplementedError, struct.error, OSError) as error:
            raise FormatError(f"not a complete zip archive ({error})") from None
        if len(members) > MAX_MEMBERS:
            raise FormatError(f"holds {len(members):,} members; at most {MAX_MEMBERS:,} are read")
        self._entries = self._find_entries(members)
        self._tail = self._directory + sum(len(entry.directory) for entry in self._entries)
        if not data.startswith(b"PK\5\6", self._tail):
            raise FormatError("a zip archive with extensions (zip64 or signed): save it again as an ordinary one")
        self._members = {entry.name: entry for entry in self._in_place()}
        names = Counter(entry.name for entry in self._entries)
        self._repeated = {name for name, times in names.items() if times > 1}

    @property
    def names(self) -> list[str]:
        """The names of the members, in order."""
        return list(self._members)

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def read(self, name: str) -> bytes:
        """The uncompressed bytes of a member.

        Raises `FormatError` if it is missing or damaged, or if the members that were read are too large together.
        """
        if name not in self._members:
            raise FormatError(f"the part {name} is missing")
        if name in self._repeated:
            raise FormatError(f"the archive holds {name} twice: save the document again")
        entry = self._members[name]
        _, _, _, flags, method, _, _, crc, packed_size, size, *_ = _CENTRAL.unpack_from(entry.directory)
        if flags & _ENCRYPTED:
            raise FormatError("protected by a password: save the document without one")
        if method not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise FormatError(f"{name} is compressed by an unusual method ({method}): save the document again")
        self._check_size(name, packed_size, size)
        start = self._data_start(name, entry.start)
        packed = self._data[start : start + packed_size]
        content = packed if method == zipfile.ZIP_STORED else _inflate(name, packed, size)
        if len(content) != size or zlib.crc32(content) != crc:
            raise FormatError(f"{name} is damaged: its checksum is wrong")
        self._markup_read += sum(map(content.count, (b"<", b"=", b"&")))
        if self._markup_read > MAX_MARKUP:
            raise FormatError(f"more than {MAX_MARKUP:,} tags, attributes and references of XML: split the document")
        return content

    def replace(self, contents: Mapping[str, bytes]) -> bytes:
        """The bytes of the archive with new contents of some members, compressed as they were."""
        pieces: list[bytes] = []
        directory: dict[int, bytes] = {}
        position = shift = 0
        for entry in self._in_place():
            directory[entry.start] = _moved(entry.directory, shift)
            if entry.name in contents:
                record, changed = self._replaced(entry, contents[entry.name])
                directory[entry.start] = _moved(changed, shift)
                pieces += self._data[position : entry.start], record
                position = entry.end
                shift += len(record) - (entry.end - entry.start)
        pieces.append(self._data[position : self._directory])
        pieces += (directory[entry.start] for entry in self._entries)
        tail = bytearray(self._data[self._tail :])
        *fields, offset, comment = _END.unpack_from(tail)
        _END.pack_into(tail, 0, *fields, offset + shift, comment)
        return b"".join([*pieces, tail])

    def _in_place(self) -> list[_Entry]:
        """The members in the order of their records, which may differ from that of the central directory."""
        return sorted(self._entries, key=lambda entry: entry.start)

    def _find_entries(self, members: Sequence[zipfile.ZipInfo]) -> list[_Entry]:
        """The members in the order of the central directory. Raises `FormatError` if their records overlap."""
        starts = sorted(member.header_offset for member in members)
        ends = dict(zip(starts, [*starts[1:], self._directory], strict=True))
        entries, position = [], self._directory
        for member in members:
            fields = _CENTRAL.unpack_from(self._data, position)
            packed_size, size, offset = fields[8], fields[9], fields[-1]
            if _ZIP64 in (packed_size, size, offset):
                raise FormatError("a zip archive with extensions (zip64): save it again as an ordinary one")
            length = _CENTRAL.size + sum(fields[10:13])
            start, end = member.header_offset, ends[member.header_offset]
            if self._data_start(member.filename, start) + packed_size > end or len(ends) < len(starts):
                raise FormatError(f"damaged: {member.filename} overlaps what follows it in the archive")
            entries.append(_Entry(member.filename, self._data[position : position + length], start, end))
            position += length
        return entries

    def _data_start(self, name: str, start: int) -> int:
        """Where the data of a record begin. Raises `FormatError` if there is no record at `start`."""
        if start < 0 or not self._data.startswith(b"PK\3\4", start) or start + _LOCAL.size > len(self._data):
            raise FormatError(f"damaged: {name} is not where the archive says")
        *_, name_length, extra_length = _LOCAL.unpack_from(self._data, start)
        return start + _LOCAL.size + name_length + extra_length

    def _check_size(self, name: str, packed_size: int, size: int) -> None:
        self._bytes_read += size
        if self._bytes_read > MAX_TOTAL_BYTES:
            raise FormatError(f"more than {MAX_TOTAL_BYTES >> 20} MB when unpacked: split the document")
        if size > _SMALL and size > MAX_RATIO * packed_size:
            raise FormatError(f"{name} unpacks to {size // max(packed_size, 1):,} times its size, as zip bombs do")

    def _replaced(self, entry: _Entry, content: bytes) -> tuple[bytes, bytes]:
        """The record and the directory entry of a member with a new content."""
        _, made_by, needed, flags, method, time, date, _, _, _, *rest = _CENTRAL.unpack_from(entry.directory)
        flags &= ~_SIZES_FOLLOW
        packed = content
        if method == zipfile.ZIP_DEFLATED:
            compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
            packed = compressor.compress(content) + compressor.flush()
        numbers = (zlib.crc32(content), len(packed), len(content))
        *_, old_size, name, extra = _LOCAL.unpack_from(self._data, entry.start)
        start = entry.start + _LOCAL.size
        names = self._data[start : start + name + (0 if old_size == _ZIP64 else extra)]
        header = _LOCAL.pack(b"PK\3\4", needed, flags, method, time, date, *numbers, name, len(names) - name)
        directory = _CENTRAL.pack(b"PK\1\2", made_by, needed, flags, method, time, date, *numbers, *rest)
        return header + names + packed, directory + entry.directory[_CENTRAL.size :]


def _moved(directory: bytes, shift: int) -> bytes:
    """A directory entry whose member has moved by `shift` bytes."""
    *fields, offset = _CENTRAL.unpack_from(directory)
    return _CENTRAL.pack(*fields, offset + shift) + directory[_CENTRAL.size :]


def _inflate(name: str, packed: bytes, size: int) -> bytes:
    """Decompress at most `size` bytes and one more, which tells that there are too many."""
    try:
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, size + 1)
    except zlib.error as error:
        raise FormatError(f"{name} is damaged ({error})") from None
