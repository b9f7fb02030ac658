"""The rows of a data set: their format, and how one clean article becomes rows.

Sentences that are fit to learn from are joined into passages, and each variant of the article is spun by a different
sampled tool. A row depends on recipe, article, sentence and variant only, never on the order of work. Applying a
row's edits to `spun` gives `original` exactly.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from unspin.data.spinners.mixture import Mixture, Spun
from unspin.data.spinners.persona import Persona, Tools
from unspin.english.lexicons import spinner_only_words
from unspin.english.morphology import forms
from unspin.hashing import hash_uniform
from unspin.segment import paragraphs, sentences, words

SPLITS = ("train", "validation", "test")
SPINNER_WORD_SHARE = 0.06  # share of `spinner_only_words` in usual clean English; measured on the articles in data/
ROWS_PER_TOOL = 25  # rows that one tool spins; every further 25 rows of an article get another tool

EDITS = pa.list_(
    pa.struct(
        [
            ("start", pa.int32()),
            ("end", pa.int32()),
            ("replacement", pa.string()),
            ("spinner", pa.string()),
            ("rule", pa.string()),
        ]
    )
)
EDIT_FIELDS = [field.name for field in EDITS.value_type]
SCHEMA = pa.schema(
    [
        ("article_id", pa.string()),
        ("paragraph", pa.int32()),
        ("sentence", pa.int32()),
        ("variant", pa.int32()),
        ("spun", pa.string()),
        ("original", pa.string()),
        ("edits", EDITS),
        ("strength", pa.float32()),
        ("recipe", pa.string()),
        ("seed", pa.int64()),
        ("split", pa.string()),
    ]
)
OLD_EDIT_FIELDS = {"engine": "spinner"}  # fields of an edit in data sets from before the rename -> today's

_NOT_PROSE = re.compile(r"\(\s*[,;)]|[][{}|\\<>=]|\bhttps?:|\.\.\.|�")


@dataclass(frozen=True, slots=True)
class Piece:
    """A clean sentence, or several joined by single spaces.

    `paragraph` and `sentence` say where the first stands in its article, counted from 0.
    """

    paragraph: int
    sentence: int
    text: str


@dataclass(frozen=True)
class Recipe:
    """All settings that decide what a row says. `name` is their hash; `BuildConfig` documents the others."""

    name: str
    seed: int
    spinners: dict[str, float]
    tools: Tools
    variants: int
    clean_share: float
    hard_negatives: bool
    min_words: int
    max_words: int
    max_passage_words: int


def upgrade_type(column: pa.DataType) -> pa.DataType:
    """The type of an `edits` column with today's field names; any other type is returned unchanged."""
    if not pa.types.is_list(column) or not pa.types.is_struct(column.value_type):
        return column
    return pa.list_(
        pa.struct([field.with_name(OLD_EDIT_FIELDS.get(field.name, field.name)) for field in column.value_type])
    )


def upgrade_batch(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Rows of a data set of any version with today's field names. Copies no values."""
    schema = pa.schema([field.with_type(upgrade_type(field.type)) for field in batch.schema])
    if schema.equals(batch.schema):
        return batch
    columns = [column.view(field.type) for column, field in zip(batch.columns, schema, strict=True)]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def split_of(article_id: str, holdout_share: float) -> str:
    """The split of an article, by the hash of its id: a share `holdout_share` for test and as much for validation."""
    place = hash_uniform("split", article_id)
    return "test" if place < holdout_share else "validation" if place < 2 * holdout_share else "train"


def clean_sentences(text: str, recipe: Recipe) -> Iterator[Piece]:
    """The sentences of an article that are fit to learn from, with runs of whitespace made single spaces.

    Sentences outside the recipe's word limits, with markup or an address, or with too few letters are skipped.
    """
    for p, paragraph in enumerate(paragraphs(text)):
        body = text[paragraph.start : paragraph.end]
        for s, span in enumerate(sentences(body)):
            sentence = re.sub(r"\s+", " ", body[span.start : span.end])
            if recipe.min_words <= len(words(sentence)) <= recipe.max_words and _is_prose(sentence):
                yield Piece(p, s, sentence)


def _is_prose(sentence: str) -> bool:
    letters = sum(c.isalpha() or c == " " for c in sentence)
    return not _NOT_PROSE.search(sentence) and letters > 0.85 * len(sentence)


def passages(pieces: Sequence[Piece], max_words: int, *key: object) -> Iterator[Piece]:
    """Join neighbouring sentences into passages; every sentence appears exactly once and in order.

    The length of each passage is drawn between one sentence and `max_words`; the draw depends on `key` and the
    passage's place.
    """
    passage: list[Piece] = []
    room = 0.0
    for piece in pieces:
        count = len(words(piece.text))
        if passage and room < count:
            yield _joined(passage)
            passage = []
        if not passage:
            room = max_words * hash_uniform("passage", *key, piece.paragraph, piece.sentence)
        room -= count
        passage.append(piece)
    if passage:
        yield _joined(passage)


def _joined(passage: Sequence[Piece]) -> Piece:
    return Piece(passage[0].paragraph, passage[0].sentence, " ".join(piece.text for piece in passage))


def typeset(text: str) -> str:
    """Turn straight quotation marks and apostrophes into curly ones, as most news sites print them."""
    opened = re.sub(r"(^|[\s(\[—–-])\"", r"\1“", text)
    return re.sub(r"(^|[\s(\[“—–])'(?=\w)", r"\1‘", opened.replace('"', "”")).replace("'", "’")


def spinner_word_ratio(text: str) -> float:
    """How often a clean text has words that spinners insert and never replace, relative to usual English.

    1 is usual; "They commenced to exit the apparatus" is far above. Such texts are hard negatives: they look spun.
    """
    lowers = [word.lower() for word in words(text)]
    count = sum(not spinner_only_words().isdisjoint((low, *(form.lemma for form in forms(low)))) for low in lowers)
    return count / max(len(lowers), 1) / SPINNER_WORD_SHARE


def article_rows(
    article_id: str, pieces: Sequence[Piece], split: str, recipe: Recipe, mixture: Mixture
) -> Iterator[dict[str, Any]]:
    """The rows of one article, by variant and then by place; validation and test articles have one variant."""
    joined = list(passages(pieces, recipe.max_passage_words, recipe.seed, article_id))
    for variant in range(recipe.variants if split == "train" else 1):
        curly = hash_uniform(recipe.seed, "typography", article_id, variant) < 0.5
        for number, piece in enumerate(joined):
            if number % ROWS_PER_TOOL == 0:
                seed = (recipe.seed, article_id, variant, number // ROWS_PER_TOOL)
                persona = Persona.sample(*seed, spinners=recipe.spinners, tools=recipe.tools)
            clean = _stays_clean(article_id, piece, variant, recipe)
            text = typeset(piece.text) if curly else piece.text
            spun = Spun(text, ()) if clean else mixture.spin(text, persona)
            yield {
                "article_id": article_id,
                "paragraph": piece.paragraph,
                "sentence": piece.sentence,
                "variant": variant,
                "spun": spun.text,
                "original": text,
                "edits": [{name: getattr(edit, name) for name in EDIT_FIELDS} for edit in spun.edits],
                "strength": 0.0 if clean else persona.strength,
                "recipe": recipe.name,
                "seed": recipe.seed,
                "split": split,
            }


def _stays_clean(article_id: str, piece: Piece, variant: int, recipe: Recipe) -> bool:
    share = recipe.clean_share * (spinner_word_ratio(piece.text) if recipe.hard_negatives else 1.0)
    return hash_uniform(recipe.seed, "clean", article_id, piece.paragraph, piece.sentence, variant) < share
