"""From one clean article to its rows: sentences fit to learn from, joined to passages, spun by one persona after the other.

A row depends on (recipe, article, sentence, variant) alone, never on the order of work. Applying a row's edits to `spun` gives
`original` exactly.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from unspin.data.lexicons import spinners_words
from unspin.data.morphology import forms
from unspin.data.segment import paragraphs, sentences, words
from unspin.data.spinners.mixture import Mixture, Spun
from unspin.data.spinners.persona import Persona, Tools, draw

SPLITS = ("train", "validation", "test")
USUAL = 0.06  # of the words of clean English are such as spinners put in: the training articles' originals
SECTION = 25  # rows: a longer text counts as several articles, each spun by a tool of its own
EDITS = pa.list_(
    pa.struct([("start", pa.int32()), ("end", pa.int32()), ("replacement", pa.string()), ("engine", pa.string()), ("rule", pa.string())])
)
EDIT_FIELDS = [field.name for field in EDITS.value_type]
SCHEMA = pa.schema(
    [
        ("article_id", pa.string()),
        ("paragraph", pa.int32()),
        ("sentence", pa.int32()),
        ("variant", pa.int32()),
        ("context", pa.string()),
        ("spun", pa.string()),
        ("original", pa.string()),
        ("edits", EDITS),
        ("strength", pa.float32()),
        ("recipe", pa.string()),
        ("seed", pa.int64()),
        ("split", pa.string()),
    ]
)
_ODD = re.compile(r"\(\s*[,;)]|[][{}|\\<>=]|\bhttps?:|\.\.\.|�")


@dataclass(frozen=True, slots=True)
class Piece:
    """A clean sentence, or several joined by single spaces, and where the first stands in its article."""

    paragraph: int
    sentence: int
    text: str


@dataclass(frozen=True)
class Recipe:
    """All that decides what a row says, apart from the article: see the fields of the same names in `BuildConfig`."""

    name: str
    seed: int
    engines: dict[str, float]
    tools: Tools
    variants: int
    clean_share: float
    hard_negatives: bool
    shortest: int
    longest: int
    passage: int
    context: bool


def split_of(article_id: str, held_back: float) -> str:
    place = draw("split", article_id)
    return "test" if place < held_back else "validation" if place < 2 * held_back else "train"


def clean_sentences(text: str, recipe: Recipe) -> Iterator[Piece]:
    """The sentences of an article that are fit to learn from, white space made single spaces."""
    for p, paragraph in enumerate(paragraphs(text)):
        body = text[paragraph.start : paragraph.end]
        for s, span in enumerate(sentences(body)):
            sentence = re.sub(r"\s+", " ", body[span.start : span.end])
            count = len(words(sentence))
            letters = sum(c.isalpha() or c == " " for c in sentence)
            if recipe.shortest <= count <= recipe.longest and not _ODD.search(sentence) and letters > 0.85 * len(sentence):
                yield Piece(p, s, sentence)


def passages(pieces: Sequence[Piece], longest: int, *key: object) -> Iterator[Piece]:
    """Neighbouring sentences joined, each passage up to a length drawn between one sentence and `longest` words; none is lost or doubled."""
    held: list[Piece] = []
    room = 0.0
    for piece in pieces:
        count = len(words(piece.text))
        if held and room < count:
            yield Piece(held[0].paragraph, held[0].sentence, " ".join(p.text for p in held))
            held = []
        room = (room if held else longest * draw("passage", *key, piece.paragraph, piece.sentence)) - count
        held.append(piece)
    if held:
        yield Piece(held[0].paragraph, held[0].sentence, " ".join(p.text for p in held))


def typeset(text: str) -> str:
    """Straight quotation marks and apostrophes made curly, as most news sites print them."""
    opened = re.sub(r"(^|[\s(\[—–-])\"", r"\1“", text)
    return re.sub(r"(^|[\s(\[“—–])'(?=\w)", r"\1‘", opened.replace('"', "”")).replace("'", "’")


def temptation(text: str) -> float:
    """How rich a clean text is in words that spinners put in and never take out; 1 is usual. "They commenced to exit the apparatus" has plenty."""
    lowers = [word.lower() for word in words(text)]
    loved = sum(not spinners_words().isdisjoint((low, *(form.lemma for form in forms(low)))) for low in lowers)
    return loved / max(len(lowers), 1) / USUAL


def article_rows(article_id: str, pieces: Sequence[Piece], split: str, recipe: Recipe, mixture: Mixture) -> Iterator[dict[str, Any]]:
    """The rows of one article in the order of variants and sentences; articles held back have one variant."""
    joined = list(passages(pieces, recipe.passage, recipe.seed, article_id))
    for variant in range(recipe.variants if split == "train" else 1):
        curly = draw(recipe.seed, "typography", article_id, variant) < 0.5
        context = ""
        for number, piece in enumerate(joined):
            if number % SECTION == 0:
                persona = Persona.sample(recipe.seed, article_id, variant, number // SECTION, engines=recipe.engines, tools=recipe.tools)
            clean_share = recipe.clean_share * (temptation(piece.text) if recipe.hard_negatives else 1.0)
            clean = draw(recipe.seed, "clean", article_id, piece.paragraph, piece.sentence, variant) < clean_share
            text = typeset(piece.text) if curly else piece.text
            spun = Spun(text, ()) if clean else mixture.spin(text, persona)
            yield {
                "article_id": article_id,
                "paragraph": piece.paragraph,
                "sentence": piece.sentence,
                "variant": variant,
                "context": context,
                "spun": spun.text,
                "original": text,
                "edits": [{name: getattr(edit, name) for name in EDIT_FIELDS} for edit in spun.edits],
                "strength": 0.0 if clean else persona.strength,
                "recipe": recipe.name,
                "seed": recipe.seed,
                "split": split,
            }
            context = spun.text if recipe.context else ""
