"""Rows from real spun/original pairs, in the same format as the builder's own; or their substitutions.

A pair may be a sentence, a paragraph or an article; it is split wherever both texts have the same boundaries.
Applying a row's edits to `spun` gives `original` exactly. A row's article id is the hash of its original, so all spun
versions of a text fall in one split; its variant is the line number. Memory holds one line at a time. Near-duplicate
originals are kept.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from itertools import chain, islice, pairwise
from pathlib import Path
from typing import Any

from unspin.data.corpora import CorpusError
from unspin.data.pair_files import Pair, PairError, PairsSource, check_pair, read_pairs
from unspin.data.rows import Piece, Recipe, passages, split_of
from unspin.data.substitutions import TermPair, count_substitutions
from unspin.edits import Edit, align, count_touched_words
from unspin.hashing import hash_uniform
from unspin.logs import counted, track
from unspin.segment import sentences, split_paragraphs, split_sentences, words

OWN_SPINNER = "own"  # the `spinner` of the edits in these rows

logger = logging.getLogger(__name__)


# Splitting


def split_pair(pair: Pair) -> list[Pair]:
    """Split a pair into pairs of sentences, with runs of whitespace made single spaces.

    Where both versions of a paragraph have as many sentences, these are the pairs. Otherwise a paragraph is split where
    a sentence ends at the same place in both. Raises `PairError` if `check_pair` does, or if the texts
    have different numbers of paragraphs.
    """
    check_pair(pair)
    spun, original = split_paragraphs(pair.spun), split_paragraphs(pair.original)
    if len(spun) != len(original):
        what = f"{pair.source}: the spun text has {counted(len(spun), 'paragraph')}, the original {len(original)}"
        raise PairError("paragraphs", f"{what}: bring them to the same number")
    pieces = []
    for p, both in enumerate(zip(spun, original, strict=True)):
        for s, (x, y) in enumerate(_sentence_pairs(*both)):
            pieces.append(replace(pair, spun=_normalised(x), original=_normalised(y), paragraph=p, sentence=s))
    return pieces


def _sentence_pairs(spun: str, original: str) -> list[tuple[str, str]]:
    a, b = split_sentences(spun), split_sentences(original)
    if len(a) == len(b):
        return list(zip(a, b, strict=True))
    cuts = [(0, 0), *_shared_ends(spun, original), (len(spun), len(original))]
    return [(spun[i:j].strip(), original[k:m].strip()) for (i, k), (j, m) in pairwise(cuts)]


def _shared_ends(spun: str, original: str) -> Iterator[tuple[int, int]]:
    """(place in the spun text, place in the original) of each sentence end, but the last, that no edit touches."""
    ends = {span.end for span in sentences(original)[:-1]}
    edits, shift, i = align(spun, original), 0, 0
    for span in sentences(spun)[:-1]:
        while i < len(edits) and edits[i].end <= span.end:
            shift += len(edits[i].replacement) - (edits[i].end - edits[i].start)
            i += 1
        is_inside = i < len(edits) and edits[i].start < span.end
        place = span.end + shift
        if not is_inside and place in ends and spun[span.end].isspace() and original[place].isspace():
            yield span.end, place


def _normalised(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def usable_pairs(source: PairsSource, recipe: Recipe) -> Iterator[Pair | PairError]:
    """The pairs of a source that give rows, or what is wrong with them.

    Raises `CorpusError` if the source cannot be read.
    """
    for pair in source.scan():
        if isinstance(pair, PairError):
            yield pair
        elif hash_uniform("share", source.name, pair.line) < source.share:
            try:
                pieces = split_pair(pair)
                if not any(_has_usual_length(piece, recipe) for piece in pieces):
                    sizes = [len(words(piece.original)) for piece in pieces]
                    limits = f"{recipe.min_words} to {recipe.max_words} words (min_words, max_words)"
                    what = f"{pair.source}: no sentence of {limits}"
                    raise PairError("length", f"{what}; it has {min(sizes)} to {max(sizes)}")
            except PairError as error:
                yield error
            else:
                yield pair


def _has_usual_length(piece: Pair, recipe: Recipe) -> bool:
    return recipe.min_words <= len(words(piece.original)) <= recipe.max_words


# Rows


def pair_rows(pieces: Sequence[Pair], name: str, holdout_share: float, recipe: Recipe) -> Iterator[dict[str, Any]]:
    """The rows of one line, given its pieces from `split_pair`; `name` is the first part of the article id.

    Originals outside the recipe's word limits are dropped, and neighbours are joined to passages as for articles. The
    tool's strength is unknown, so `strength` is the share of the spun words that edits touch, and 0 in a clean row.
    """
    article_id = article_id_of(pieces, name)
    split = split_of(article_id, holdout_share)
    usable = [piece for piece in pieces if _has_usual_length(piece, recipe)]
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
    """How often each word and phrase became another in a file of pairs, which are read one at a time.

    Pairs that `split_pair` refuses are skipped with a warning, and sentences in them that `check_pair` refuses without
    one. Raises `CorpusError` as `read_pairs` does and if nothing is learned, and `StorageError` if the file is in a
    store that cannot be reached.
    """
    counts: Counter[TermPair] = Counter()
    skipped: list[str] = []  # not the errors, which hold the texts in their tracebacks
    count = 0
    pairs = read_pairs(path)
    opening = list(islice(pairs, 1))  # a file that cannot be read is refused before a bar is shown
    for pair in track(chain(opening, pairs), "aligning"):
        count += 1
        try:
            pieces = split_pair(pair)
        except PairError as error:
            skipped.append(str(error))
            continue
        for piece in pieces:
            with suppress(PairError):
                check_pair(piece)
                counts.update(count_substitutions(piece.spun, piece.original))
    if skipped:
        logger.warning("%s: skipped %d of %d pairs; the first: %s", path, len(skipped), count, skipped[0])
    if not counts:
        what = f"{path}: no substitution found in {counted(count, 'pair')}"
        raise CorpusError(f"{what}: give spun texts with their originals, in the columns spun and original")
    return counts
