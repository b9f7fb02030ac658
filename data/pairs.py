"""Rows from real spun/original pairs in a file, in the same format as the builder's own; or their substitutions.

A pair may be a sentence, a paragraph or an article; it is split wherever both texts have the same boundaries.
Applying a row's edits to `spun` gives `original` exactly. A row's article id is the hash of its original, so all spun
versions of a text fall in one split; its variant is the line number. Memory holds one line at a time. Near-duplicate
originals are kept.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from unspin.data.corpora import CorpusError
from unspin.data.rows import Piece, Recipe, passages, split_of
from unspin.data.substitutions import TermPair, count_substitutions
from unspin.edits import Edit, align, count_touched_words
from unspin.logs import track
from unspin.segment import split_paragraphs, split_sentences, words
from unspin.storage import storage_errors

OWN_SPINNER = "own"  # the `spinner` of the edits in these rows
MIN_SHARED_WORDS = 1 / 3  # share of the words of both texts; below it, one is hardly a spun version of the other
_QUOTED = re.compile(r'"(?:[^"]|"")*"')
Refusal = Literal["unreadable", "empty", "unlike", "paragraphs"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pair:
    """A spun text, its original, and the tool that spun it if that is known.

    `source` is ``file:line``. `paragraph` and `sentence` count from 0 within the line's pair.
    """

    spun: str
    original: str
    source: str = ""
    line: int = 0
    paragraph: int = 0
    sentence: int = 0
    tool: str = ""


class PairError(CorpusError):
    """A line cannot be used as a pair. `kind` is the reason, for counting."""

    def __init__(self, kind: Refusal, message: str) -> None:
        super().__init__(message)
        self.kind = kind


# Reading


def read_pairs(path: Path, spun_field: str = "spun", original_field: str = "original") -> Iterator[Pair]:
    """The pairs of a file in file order, in the formats of `scan_pairs`. Raises `CorpusError` at an unreadable line."""
    for pair in scan_pairs(path, spun_field, original_field):
        if isinstance(pair, PairError):
            raise pair
        yield pair


def scan_pairs(
    path: Path, spun_field: str = "spun", original_field: str = "original", tool_field: str = ""
) -> Iterator[Pair | PairError]:
    """A pair for each line that is not blank, or the error that makes the line unusable.

    A ``.jsonl`` file has one object per line. A ``.tsv`` file has two columns, spun first, or any number of columns and
    a header that names both. Its cells contain no line breaks, so articles of several paragraphs need JSON Lines. A
    cell in quotation marks counts as quoted by a spreadsheet only if it contains doubled quotation marks. Both kinds
    are UTF-8.

    With `tool_field`, every line must have that field too, possibly empty, and a ``.tsv`` file needs the header.

    Raises `CorpusError` if the file is missing or of another kind, or if a required header lacks a column.
    """
    if not path.is_file():
        raise CorpusError(f"{path}: no such file: give a .jsonl or .tsv file of pairs")
    fields = (spun_field, original_field, *filter(None, [tool_field]))
    match path.suffix.lower():
        case ".jsonl":
            yield from _scan_jsonl(path, fields)
        case ".tsv":
            yield from _scan_tsv(path, fields, needs_header=bool(tool_field))
        case _:
            actual = repr(path.suffix) if path.suffix else "a file without extension"
            raise CorpusError(f"{path}: pairs are read from .jsonl or .tsv files, not {actual}")


def _scan_jsonl(path: Path, fields: Sequence[str]) -> Iterator[Pair | PairError]:
    for number, source, raw in _raw_lines(path):
        try:
            line = _decode(raw, number, source)
            if line.strip():
                yield _pair(_fields(line, fields, source), source, number)
        except PairError as error:
            yield error


def _scan_tsv(path: Path, fields: Sequence[str], needs_header: bool) -> Iterator[Pair | PairError]:
    columns: tuple[int, ...] | None = None
    required = f"the first line must name the columns {', '.join(fields)}"
    for number, source, raw in _raw_lines(path):
        try:
            line = _decode(raw, number, source)
            if number == 1 and (columns := _header(line, fields)):
                continue
            if needs_header and not columns:
                cells = ", ".join(repr(cell[:40]) for cell in line.split("\t"))
                raise CorpusError(f"{source}: {required}; it reads {cells}")
            if line.strip():
                yield _pair(_cells(line, columns, source), source, number)
        except PairError as error:
            if needs_header and not columns:
                raise CorpusError(f"{error}: {required}") from None
            yield error


def _raw_lines(path: Path) -> Iterator[tuple[int, str, bytes]]:
    """(line number from 1, ``file:line``, bytes) of each line."""
    with path.open("rb") as lines:
        for number, raw in enumerate(lines, 1):
            yield number, f"{path}:{number}", raw


def _decode(raw: bytes, number: int, source: str) -> str:
    try:
        return raw.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
    except UnicodeDecodeError as error:
        what = f"{source}: not UTF-8 at byte {error.start} of the line"
        raise PairError("unreadable", f"{what}: convert it") from None


def _pair(values: Sequence[str], source: str, number: int) -> Pair:
    spun, original, *tool = values
    return Pair(spun, original, source, number, tool="".join(tool))


def _header(line: str, fields: Sequence[str]) -> tuple[int, ...] | None:
    """The column index of each field, if the line names all of them."""
    names = [cell.strip().lower() for cell in line.split("\t")]
    wanted = [field.lower() for field in fields]
    return tuple(map(names.index, wanted)) if set(wanted) <= set(names) else None


def _cells(line: str, columns: tuple[int, ...] | None, source: str) -> list[str]:
    """The cells of the wanted columns, or of the two columns of a file without a header."""
    cells = line.split("\t")
    if columns is None and len(cells) != 2:
        what = f"{source}: expected two columns (spun, original), found {len(cells)}"
        raise PairError("unreadable", f"{what}: correct it, or name both columns in a first line")
    wanted = columns or (0, 1)
    if max(wanted) >= len(cells):
        what = f"{source}: {len(cells)} columns, fewer than the header has"
        raise PairError("unreadable", f"{what}: correct it")
    return [_unquoted(cells[column]) for column in wanted]


def _unquoted(cell: str) -> str:
    """The content of a cell that a spreadsheet quoted; any other cell unchanged."""
    return cell[1:-1].replace('""', '"') if _QUOTED.fullmatch(cell) and '""' in cell[1:-1] else cell


def _fields(line: str, fields: Sequence[str], source: str) -> list[str]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise PairError("unreadable", f"{source}: not JSON ({error}): correct it") from None
    if not isinstance(row, dict):
        what = f"{source}: expected a JSON object, found {type(row).__name__}"
        raise PairError("unreadable", f"{what}: correct it")
    return [_text(row, field, source) for field in fields]


def _text(row: dict[str, Any], field: str, source: str) -> str:
    if field not in row:
        what = f"{source}: no field {field!r}; it has {', '.join(map(repr, row)) or 'none'}"
        raise PairError("unreadable", f"{what}: name the field")
    value = row[field]
    if not isinstance(value, str):
        what = f"{source}: field {field!r} is {type(value).__name__}, not text"
        raise PairError("unreadable", f"{what}: correct it")
    if any("\ud800" <= character <= "\udfff" for character in value):
        what = f"{source}: field {field!r} holds half a character (a lone surrogate)"
        raise PairError("unreadable", f"{what}: correct it")
    return value


# Splitting


def check_pair(pair: Pair) -> None:
    """Raise `PairError` if a text has no words, or if the texts share less than a third of their words."""
    spun, original = (Counter(word.lower() for word in words(text)) for text in (pair.spun, pair.original))
    if not spun or not original:
        what = f"{pair.source}: no words in the {'original' if spun else 'spun'} text"
        raise PairError("empty", f"{what}: fill it in")
    share = 2 * (spun & original).total() / (spun.total() + original.total())
    if share < MIN_SHARED_WORDS:
        what = f"{pair.source}: both texts share {share:.0%} of their words, too few for a spun text and its original"
        raise PairError("unlike", f"{what}: check that they belong together")


def split_pair(pair: Pair) -> list[Pair]:
    """Split a pair into pairs of sentences, with runs of whitespace made single spaces.

    A paragraph whose two versions have different numbers of sentences stays whole. Raises `PairError` if `check_pair`
    does, or if the texts have different numbers of paragraphs.
    """
    check_pair(pair)
    spun, original = split_paragraphs(pair.spun), split_paragraphs(pair.original)
    if len(spun) != len(original):
        what = f"{pair.source}: the spun text has {len(spun)} paragraphs, the original {len(original)}"
        raise PairError("paragraphs", f"{what}: bring them to the same number")
    pieces = []
    for p, both in enumerate(zip(spun, original, strict=True)):
        for s, (x, y) in enumerate(_sentence_pairs(*both)):
            pieces.append(replace(pair, spun=_normalised(x), original=_normalised(y), paragraph=p, sentence=s))
    return pieces


def _sentence_pairs(spun: str, original: str) -> list[tuple[str, str]]:
    a, b = split_sentences(spun), split_sentences(original)
    return list(zip(a, b, strict=True)) if len(a) == len(b) else [(spun, original)]


def _normalised(text: str) -> str:
    return re.sub(r"\s+", " ", text)


# Rows


def pair_rows(pieces: Sequence[Pair], name: str, holdout_share: float, recipe: Recipe) -> Iterator[dict[str, Any]]:
    """The rows of one line, given its pieces from `split_pair`; `name` is the first part of the article id.

    Originals outside the recipe's word limits are dropped, and neighbours are joined to passages as for articles. The
    tool's strength is unknown, so `strength` is the share of the spun words that edits touch, and 0 in a clean row.
    """
    article_id = article_id_of(pieces, name)
    split = split_of(article_id, holdout_share)
    usable = [piece for piece in pieces if recipe.min_words <= len(words(piece.original)) <= recipe.max_words]
    for pair in _joined(usable, recipe, article_id):
        edits = align_pair(pair)
        yield {
            "article_id": article_id,
            "paragraph": pair.paragraph,
            "sentence": pair.sentence,
            "variant": pair.line,
            "spun": pair.spun,
            "original": pair.original,
            "edits": [asdict(edit) for edit in edits],
            "strength": _strength(pair.spun, edits),
            "recipe": recipe.name,
            "seed": recipe.seed,
            "split": split,
        }


def article_id_of(pieces: Sequence[Pair], name: str) -> str:
    """The article id of a split pair, the same for every spun version of one original."""
    text = " ".join(piece.original for piece in pieces)
    return f"{name}/{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def align_pair(pair: Pair) -> list[Edit]:
    """The edits that turn the spun text into exactly the original."""
    return [replace(edit, spinner=OWN_SPINNER, rule="") for edit in align(pair.spun, pair.original)]


def _joined(pieces: Sequence[Pair], recipe: Recipe, article_id: str) -> list[Pair]:
    """Neighbouring pieces joined wherever `passages` joins their originals."""
    originals = [Piece(pair.paragraph, pair.sentence, pair.original) for pair in pieces]
    joined_originals = passages(originals, recipe.max_passage_words, recipe.seed, article_id)
    starts = {(piece.paragraph, piece.sentence) for piece in joined_originals}
    joined: list[Pair] = []
    for pair in pieces:
        if (pair.paragraph, pair.sentence) in starts:
            joined.append(pair)
        else:
            last = joined[-1]
            joined[-1] = replace(last, spun=f"{last.spun} {pair.spun}", original=f"{last.original} {pair.original}")
    return joined


def _strength(spun: str, edits: Sequence[Edit]) -> float:
    if not edits:
        return 0.0
    hit, count = count_touched_words(spun, [(edit.start, edit.end) for edit in edits])
    return max(hit, 1) / max(count, 1)  # an edit that only inserts touches no word, yet the row is not clean


# Substitutions


def learn_substitutions(path: Path) -> Counter[TermPair]:
    """How often each word and phrase became another in a file of pairs. The file is held in memory.

    Pairs that `split_pair` refuses are skipped with a warning, and sentences in them that `check_pair` refuses without
    one. Raises `CorpusError` as `read_pairs` does and if nothing is learned, and `StorageError` if the file is in a
    store that cannot be reached.
    """
    with storage_errors(path):
        pairs = list(read_pairs(path))
    counts: Counter[TermPair] = Counter()
    skipped: list[PairError] = []
    for pair in track(pairs, "aligning"):
        try:
            pieces = split_pair(pair)
        except PairError as error:
            skipped.append(error)
            continue
        for piece in pieces:
            with suppress(PairError):
                check_pair(piece)
                counts.update(count_substitutions(piece.spun, piece.original))
    if skipped:
        logger.warning("%s: skipped %d of %d pairs; the first: %s", path, len(skipped), len(pairs), skipped[0])
    if not counts:
        what = f"{path}: no substitution found in {len(pairs)} pairs"
        raise CorpusError(f"{what}: give spun texts with their originals, in the columns spun and original")
    return counts
