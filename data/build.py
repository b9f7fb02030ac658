"""Builds a data set of spun/original pairs: read, segment, filter, split, spin, write, card.

A row depends on (config, article, sentence, variant) alone, so the same config gives the same bytes. The split is by
article and made before spinning; sentences of the training articles that share twelve words in a row with a held-back article are dropped. The
output folder appears whole, by one rename, or not at all. Cost: one process, memory bounded by one split's shingles.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import Field
from unspin.data.card import write_card
from unspin.data.config import Config
from unspin.data.corpora import Article, CorpusError, Source
from unspin.data.segment import paragraphs, sentences, words
from unspin.data.spinners.mixture import HeldOut, Mixture, Spun
from unspin.data.spinners.persona import Persona, draw
from unspin.data.spinners.registry import engine_names, is_held_out

Place = tuple[int, int, str]  # paragraph, sentence, text
SPLITS = ("train", "validation", "test")
SHINGLE = 12
SECTION = 25  # sentences: a longer text counts as several articles, each spun by a tool of its own
CACHE = Path.home() / ".cache" / "unspin" / "packages"
_EDITS = pa.list_(
    pa.struct([("start", pa.int32()), ("end", pa.int32()), ("replacement", pa.string()), ("engine", pa.string()), ("rule", pa.string())])
)
SCHEMA = pa.schema(
    [
        ("article_id", pa.string()),
        ("paragraph", pa.int32()),
        ("sentence", pa.int32()),
        ("variant", pa.int32()),
        ("spun", pa.string()),
        ("original", pa.string()),
        ("edits", _EDITS),
        ("strength", pa.float32()),
        ("recipe", pa.string()),
        ("seed", pa.int64()),
        ("split", pa.string()),
    ]
)
_ODD = re.compile(r"\(\s*[,;)]|[][{}|\\<>=]|\bhttps?:|\.\.\.|�")


class BuildConfig(Config):
    """What `unspin build` makes."""

    output: Path = Field(description="folder to write, relative to where the command runs; it must not exist")
    seed: int = 20
    variants: int = Field(4, ge=1, description="how many times each training sentence is spun, anew each time")
    clean_share: float = Field(0.25, ge=0, lt=1, description="share of rows left clean, so that clean text stays clean")
    held_back: float = Field(0.03, gt=0, le=0.5, description="share of articles in validation, and again in test; 0.5 leaves none for training")
    shortest: int = Field(4, ge=1, description="sentences of fewer words are left out")
    longest: int = Field(60, ge=2, description="sentences of more words are left out")
    passage: int = Field(0, ge=0, description="rows join neighbouring sentences up to so many words, so that a model sees context; 0: one sentence a row")
    engines: dict[str, float] = Field(description="engine name -> weight in the mixture of personas")
    held_out_heads: HeldOut = Field("exclude", description="lexicon heads kept from every model: 'exclude' to train, 'only' to measure unseen ones")
    sources: list[Source] = Field(min_length=1)

    def model_post_init(self, _: Any) -> None:
        known = engine_names()
        unknown = sorted(name for name in self.engines if name.partition(":")[0] not in known)
        if unknown or not self.engines:
            raise ValueError(f"engines: unknown {', '.join(unknown) or 'mixture'}; there are {', '.join(known)}")
        measuring = [name for name in self.engines if is_held_out(name)] + [f"held_out_heads={self.held_out_heads}"] * (self.held_out_heads != "exclude")
        if measuring and self.held_back < 0.5:
            raise ValueError(f"{measuring[0]} is kept from every model, to measure unseen spinners: set held_back=0.5, so that no row is for training")

    @property
    def recipe(self) -> str:
        """A short hash of all that decides what a row says."""
        fields = json.dumps(self.model_dump(mode="json", exclude={"output", "sources"}), sort_keys=True)
        return hashlib.sha256(fields.encode()).hexdigest()[:12]


def split_of(article_id: str, held_back: float) -> str:
    place = draw("split", article_id)
    return "test" if place < held_back else "validation" if place < 2 * held_back else "train"


def read_articles(config: BuildConfig, cache: Path = CACHE) -> list[tuple[Article, str]]:
    """Every article with its split, exact repeats of a text dropped. Raises `CorpusError` if there is none."""
    seen: set[bytes] = set()
    found = []
    for source in config.sources:
        for article in source.articles(cache):
            digest = hashlib.sha256(" ".join(article.text.split()).encode()).digest()
            if article.text.strip() and digest not in seen and draw("share", article.id) < source.share:
                found.append((article, split_of(article.id, config.held_back)))
            seen.add(digest)
    if not found:
        raise CorpusError(f"no article in any of the sources: {', '.join(s.name for s in config.sources)}")
    return found


def clean_sentences(article: Article, config: BuildConfig) -> Iterator[Place]:
    """(paragraph, sentence, text) of the sentences fit to learn from."""
    for p, paragraph in enumerate(paragraphs(article.text)):
        body = article.text[paragraph.start : paragraph.end]
        for s, span in enumerate(sentences(body)):
            text = re.sub(r"\s+", " ", body[span.start : span.end])
            count = len(words(text))
            letters = sum(c.isalpha() or c == " " for c in text)
            if config.shortest <= count <= config.longest and not _ODD.search(text) and letters > 0.85 * len(text):
                yield p, s, text


def typeset(text: str) -> str:
    """Straight quotation marks and apostrophes made curly, as most news sites print them."""
    opened = re.sub(r"(^|[\s(\[—–-])\"", r"\1“", text)
    return re.sub(r"(^|[\s(\[“—–])'(?=\w)", r"\1‘", opened.replace('"', "”")).replace("'", "’")


def passages(sentences: Sequence[Place], longest: int, *key: object) -> Iterator[Place]:
    """Neighbouring sentences joined into rows whose lengths are drawn between one sentence and `longest` words; none is lost or doubled."""
    held: list[Place] = []
    room = 0.0
    for place in sentences:
        count = len(words(place[2]))
        if held and room < count:
            yield (*held[0][:2], " ".join(text for *_, text in held))
            held = []
        room = longest * draw("passage", *key, *place[:2]) - count if not held else room - count
        held.append(place)
    if held:
        yield (*held[0][:2], " ".join(text for *_, text in held))


def shingles(text: str) -> Iterator[str]:
    lowers = [word.lower() for word in words(text)]
    for i in range(len(lowers) - SHINGLE + 1):
        yield " ".join(lowers[i : i + SHINGLE])


def rows(articles: Iterable[tuple[Article, str]], config: BuildConfig) -> Iterator[dict[str, Any]]:
    """The pairs, in the order of articles, variants and sentences."""
    articles = list(articles)
    held_back = {
        shingle for article, split in articles if split != "train" for _, _, text in clean_sentences(article, config) for shingle in shingles(text)
    }
    mixture = Mixture(config.engines, config.held_out_heads)
    for article, split in articles:
        kept = [(p, s, text) for p, s, text in clean_sentences(article, config) if split != "train" or held_back.isdisjoint(shingles(text))]
        for variant in range(config.variants if split == "train" else 1):
            curly = draw(config.seed, "typography", article.id, variant) < 0.5
            rows_of = list(passages(kept, config.passage, config.seed, article.id))
            for number, (p, s, plain) in enumerate(rows_of):
                text = typeset(plain) if curly else plain
                if number % SECTION == 0:
                    persona = Persona.sample(config.seed, article.id, variant, number // SECTION, engines=config.engines)
                yield _row(config, article.id, (p, s, variant), text, mixture, persona, split)


def _row(
    config: BuildConfig, article_id: str, place: tuple[int, int, int], text: str, mixture: Mixture, persona: Persona, split: str
) -> dict[str, Any]:
    clean = draw(config.seed, "clean", article_id, *place) < config.clean_share
    spun = Spun(text, ()) if clean else mixture.spin(text, persona)
    return {
        "article_id": article_id,
        "paragraph": place[0],
        "sentence": place[1],
        "variant": place[2],
        "spun": spun.text,
        "original": text,
        "edits": [asdict(edit) for edit in spun.edits],
        "strength": 0.0 if clean else persona.strength,
        "recipe": config.recipe,
        "seed": config.seed,
        "split": split,
    }


def build(config: BuildConfig, command: str, cache: Path = CACHE) -> Counter[str]:
    """Write the data set and its card; returns the rows of each split. Raises FileExistsError, `CorpusError`, OSError."""
    if config.output.exists():
        raise FileExistsError(f"{config.output} exists: remove it, or set output=… to another folder")
    partial = config.output.with_name(config.output.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    counts: Counter[str] = Counter()
    try:
        writers = {split: pq.ParquetWriter(partial / f"{split}.parquet", SCHEMA) for split in SPLITS}
        batches: dict[str, list[dict[str, Any]]] = {split: [] for split in SPLITS}
        samples: list[dict[str, Any]] = []
        for row in rows(_progress(read_articles(config, cache)), config):
            counts[row["split"]] += 1
            batches[row["split"]].append(row)
            if len(samples) < 20 and row["edits"] and draw("sample", row["article_id"], row["sentence"]) < 0.02:
                samples.append(row)
            if len(batches[row["split"]]) == 5000:
                _flush(writers[row["split"]], batches[row["split"]])
        for split in SPLITS:
            _flush(writers[split], batches[split])
            writers[split].close()
        write_card(partial, config, command, counts, samples)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    partial.rename(config.output)
    return counts


def show(config: BuildConfig, count: int, cache: Path = CACHE) -> None:
    """Print pairs, one an article: what spinning put there in red and struck out, what stood there before in green."""
    from rich.console import Console
    from rich.text import Text

    console = Console(soft_wrap=True, highlight=False)
    articles = sorted(read_articles(config, cache), key=lambda it: draw(config.seed, "preview", it[0].id))
    samples = (next((row for row in rows([article], config) if row["edits"]), None) for article in articles)
    for row in islice(filter(None, samples), count):
        text, position = Text(f"{row['article_id']} ", "dim"), 0
        for edit in row["edits"]:
            text.append(row["spun"][position : edit["start"]], "default not dim")
            text.append(row["spun"][edit["start"] : edit["end"]], "red strike not dim").append(" ")
            text.append(edit["replacement"], "bold green not dim").append(f" [{edit['engine']}]")
            position = edit["end"]
        console.print(text.append(row["spun"][position:], "default not dim"))


def _flush(writer: pq.ParquetWriter, batch: list[dict[str, Any]]) -> None:
    if batch:
        writer.write_table(pa.Table.from_pylist(batch, schema=SCHEMA))
    batch.clear()


def _progress(articles: list[tuple[Article, str]]) -> Iterator[tuple[Article, str]]:
    from rich.console import Console
    from rich.progress import track

    yield from track(articles, description="spinning", console=Console(stderr=True))
