"""A reader's own spinner: real spun/original pairs from a file, as rows like those the builder makes.

A pair may be a sentence, a paragraph or an article; it is cut where both texts have the same seams. Applying a row's edits to `spun`
gives `original` exactly. A row's article id is the hash of its original, so that all spun versions of one text fall in one split;
its variant is the line it came from. Cost: one line in memory. Near-duplicates between originals are left to the builder.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from unspin.data.corpora import CorpusError
from unspin.data.edits import Edit, align, touched
from unspin.data.rows import Piece, Recipe, passages, split_of
from unspin.data.segment import paragraphs, sentences, words

ENGINE = "own"
ALIKE = 1 / 3  # of the words of both texts: below, one is hardly a spun version of the other
_QUOTED = re.compile(r'"(?:[^"]|"")*"')
Refusal = Literal["unreadable", "empty", "unlike", "paragraphs"]


@dataclass(frozen=True, slots=True)
class Pair:
    """A spun text, its original and the tool that spun it, where that is known.

    `source` is ``file:line``; `paragraph` and `sentence` count from 0 within the line's pair.
    """

    spun: str
    original: str
    source: str = ""
    line: int = 0
    paragraph: int = 0
    sentence: int = 0
    tool: str = ""


class PairError(CorpusError):
    """One line that makes no pair. `kind` is what a count of skipped lines is kept under."""

    def __init__(self, kind: Refusal, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def read_pairs(path: Path, spun_field: str = "spun", original_field: str = "original") -> Iterator[Pair]:
    """The pairs of a file, in its order; see `scan`. Raises `CorpusError` with file and line at the first that cannot be read."""
    for found in scan(path, spun_field, original_field):
        if isinstance(found, PairError):
            raise found
        yield found


def scan(path: Path, spun_field: str = "spun", original_field: str = "original", tool_field: str = "") -> Iterator[Pair | PairError]:
    """A pair, or what is wrong with it, for each line that is not empty.

    A ``.jsonl`` file has one object a line. A ``.tsv`` file has two columns, spun first, or a header that names both among any number;
    a cell may open with a quotation mark, and is taken for quoted, as spreadsheets write it, only if the marks inside are doubled. It holds
    no line breaks: articles of several paragraphs need JSON Lines. Both are UTF-8. With `tool_field` every line must have that field too,
    which may be empty, and a ``.tsv`` file needs the header. Raises `CorpusError` if there is no such file, if it is neither kind, or if
    a needed header lacks a column.
    """
    if not path.is_file():
        raise CorpusError(f"{path}: no such file: give a .jsonl or .tsv file of pairs")
    tabular = path.suffix.lower() == ".tsv"
    if not tabular and path.suffix.lower() != ".jsonl":
        raise CorpusError(f"{path}: pairs are read from .jsonl or .tsv files, not {path.suffix or 'a name without ending'!r}")
    fields = (spun_field, original_field, *filter(None, [tool_field]))
    columns: tuple[int, ...] | None = None
    with path.open("rb") as lines:
        for number, raw in enumerate(lines, 1):
            source = f"{path}:{number}"
            try:
                line = _decode(raw, number, source)
                if tabular and number == 1 and (columns := _header(line, fields)):
                    continue
                if tabular and tool_field and not columns:
                    names = ", ".join(repr(cell[:40]) for cell in line.split("\t"))
                    raise CorpusError(f"{source}: the first line must name the columns {', '.join(fields)}; it reads {names}")
                if line.strip():
                    spun, original, *tool = _cells(line, columns, source) if tabular else _fields(line, fields, source)
                    yield Pair(spun, original, source, number, tool="".join(tool))
            except PairError as error:
                if tabular and tool_field and not columns:
                    raise CorpusError(f"{error}: the first line must name the columns {', '.join(fields)}") from None
                yield error


def aligned(pair: Pair) -> tuple[str, list[Edit]]:
    """The spun text and the edits that turn it into the original exactly."""
    return pair.spun, [replace(edit, engine=ENGINE, rule="") for edit in align(pair.spun, pair.original)]


def cut(pair: Pair) -> list[Pair]:
    """A pair as pairs of sentences, white space made single spaces; a paragraph whose sentences do not match in number stays whole.

    Raises `PairError` if a text is empty, if both share under a third of their words, or if their paragraphs differ in number.
    """
    check(pair)
    spun, original = _paragraphs(pair.spun), _paragraphs(pair.original)
    if len(spun) != len(original):
        what = f"{pair.source}: the spun text has {len(spun)} paragraphs, the original {len(original)}"
        raise PairError("paragraphs", f"{what}: bring them to the same number, or set on_error=skip")
    pieces = []
    for p, (garbled, clean) in enumerate(zip(spun, original, strict=True)):
        a, b = _sentences(garbled), _sentences(clean)
        whole = len(a) != len(b)
        for s, (x, y) in enumerate([(garbled, clean)] if whole else zip(a, b, strict=True)):
            pieces.append(replace(pair, spun=_spaced(x), original=_spaced(y), paragraph=p, sentence=s))
    return pieces


def pair_rows(pieces: Sequence[Pair], name: str, held_back: float, recipe: Recipe) -> Iterator[dict[str, Any]]:
    """The rows of one line, from its pieces as `cut` gives them; `name` opens the article id.

    Originals shorter or longer than the recipe allows are left out, neighbours joined to passages as the builder does. There is no
    strength to know, so it is the share of the spun words that edits touch, and 0 in a clean row.
    """
    article_id = article_id_of(pieces, name)
    split = split_of(article_id, held_back)
    kept = [piece for piece in pieces if recipe.shortest <= len(words(piece.original)) <= recipe.longest]
    context = ""
    for pair in _joined(kept, recipe, article_id):
        spun, edits = aligned(pair)
        yield {
            "article_id": article_id,
            "paragraph": pair.paragraph,
            "sentence": pair.sentence,
            "variant": pair.line,
            "context": context,
            "spun": spun,
            "original": pair.original,
            "edits": [asdict(edit) for edit in edits],
            "strength": _strength(spun, edits),
            "recipe": recipe.name,
            "seed": recipe.seed,
            "split": split,
        }
        context = spun if recipe.context else ""


def article_id_of(pieces: Sequence[Pair], name: str) -> str:
    """The same for every spun version of one original."""
    text = " ".join(piece.original for piece in pieces)
    return f"{name}/{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def _joined(pieces: Sequence[Pair], recipe: Recipe, article_id: str) -> list[Pair]:
    """Neighbouring pieces joined where `passages` joins their originals."""
    originals = [Piece(pair.paragraph, pair.sentence, pair.original) for pair in pieces]
    opening = {(piece.paragraph, piece.sentence) for piece in passages(originals, recipe.passage, recipe.seed, article_id)}
    joined: list[Pair] = []
    for pair in pieces:
        if (pair.paragraph, pair.sentence) in opening:
            joined.append(pair)
        else:
            last = joined[-1]
            joined[-1] = replace(last, spun=f"{last.spun} {pair.spun}", original=f"{last.original} {pair.original}")
    return joined


def _strength(spun: str, edits: Sequence[Edit]) -> float:
    if not edits:
        return 0.0
    hit, count = touched(spun, [(edit.start, edit.end) for edit in edits])
    return max(hit, 1) / max(count, 1)  # an edit that only puts words in touches none, yet the row is not clean


def check(pair: Pair) -> None:
    """Raises `PairError` if a text has no words, or if both share under a third of their words."""
    a, b = (Counter(word.lower() for word in words(text)) for text in (pair.spun, pair.original))
    if not a or not b:
        raise PairError("empty", f"{pair.source}: no words in the {'original' if a else 'spun'} text: fill it in, or set on_error=skip")
    share = 2 * (a & b).total() / (a.total() + b.total())
    if share < ALIKE:
        what = f"{pair.source}: both texts share {share:.0%} of their words, too few for a spun text and its original"
        raise PairError("unlike", f"{what}: check that they belong together, or set on_error=skip")


def _decode(raw: bytes, number: int, source: str) -> str:
    try:
        return raw.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise PairError("unreadable", f"{source}: not UTF-8 at byte {error.start} of the line: convert it, or set on_error=skip") from None


def _header(line: str, fields: Sequence[str]) -> tuple[int, ...] | None:
    """Which columns hold the fields, if the line names them all."""
    names = [cell.strip().lower() for cell in line.split("\t")]
    wanted = [field.lower() for field in fields]
    return tuple(map(names.index, wanted)) if set(wanted) <= set(names) else None


def _cells(line: str, columns: tuple[int, ...] | None, source: str) -> list[str]:
    cells = line.split("\t")
    if columns is None and len(cells) != 2:
        what = f"{source}: expected two columns (spun, original), found {len(cells)}"
        raise PairError("unreadable", f"{what}: mend it, name both columns in a first line, or set on_error=skip")
    wanted = columns or (0, 1)
    if max(wanted) >= len(cells):
        raise PairError("unreadable", f"{source}: {len(cells)} columns, fewer than the header has: mend it, or set on_error=skip")
    return [_unquoted(cells[column]) for column in wanted]


def _unquoted(cell: str) -> str:
    """`cell`, or what it held before a spreadsheet put it in quotation marks and doubled those inside."""
    return cell[1:-1].replace('""', '"') if _QUOTED.fullmatch(cell) and '""' in cell[1:-1] else cell


def _fields(line: str, fields: Sequence[str], source: str) -> list[str]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise PairError("unreadable", f"{source}: not JSON ({error}): mend it, or set on_error=skip") from None
    if not isinstance(row, dict):
        raise PairError("unreadable", f"{source}: expected a JSON object, found {type(row).__name__}: mend it, or set on_error=skip")
    return [_text(row, field, source) for field in fields]


def _text(row: dict[str, Any], field: str, source: str) -> str:
    if field not in row:
        raise PairError(
            "unreadable", f"{source}: no field {field!r}; it has {', '.join(map(repr, row)) or 'none'}: name the field, or set on_error=skip"
        )
    value = row[field]
    if not isinstance(value, str):
        raise PairError("unreadable", f"{source}: field {field!r} is {type(value).__name__}, not text: mend it, or set on_error=skip")
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise PairError("unreadable", f"{source}: field {field!r} holds half a character (a lone surrogate): mend it, or set on_error=skip")
    return value


def _paragraphs(text: str) -> list[str]:
    return [text[span.start : span.end] for span in paragraphs(text)]


def _sentences(paragraph: str) -> list[str]:
    return [paragraph[span.start : span.end] for span in sentences(paragraph)]


def _spaced(text: str) -> str:
    return re.sub(r"\s+", " ", text)
