"""What screening costs: ``python -m benchmarks.screening`` screens articles and restores them, clean and spun.

The articles are screened one by one, and joined into one document, such as a paper: a few sentences of each document
are restored, whatever its length. `timing` explains how the two are compared.
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

from unspin.data.spinners.mixture import Mixture, spin_article
from unspin.data.spinners.persona import Persona
from unspin.infer.restorer import Restorer

from benchmarks.timing import MIN_RUNS, interval, race, ratios

ARTICLES = Path(__file__).parents[1] / "data" / "articles"
SPINNERS = {"phrases": 1.0, "thesaurus": 0.8, "surface": 0.5}


def main() -> None:
    """Time both and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--articles", type=int, default=8, help="number of articles")
    parser.add_argument("--runs", type=int, default=MIN_RUNS)
    arguments = parser.parse_args()
    files = sorted(ARTICLES.rglob("*.txt"), key=lambda file: (file.name, file.parent.name))[: arguments.articles]
    clean = [file.read_text(encoding="utf-8") for file in files]
    mixture = Mixture(SPINNERS)
    spun = [
        spin_article(text, Persona.sample("screening", number, spinners=SPINNERS), mixture)
        for number, text in enumerate(clean)
    ]
    restorer = Restorer.from_pretrained("default")

    def screen(texts: list[str]) -> None:
        for text in texts:
            restorer.screen(text)

    for name, articles in (("clean", clean), ("spun", spun)):
        for texts in (articles, ["\n\n".join(articles)]):
            screening, restoring = race(partial(screen, texts), partial(restorer.restore, texts), arguments.runs)
            size = sum(len(text.split()) for text in texts) // len(texts)
            shares = interval(ratios(restoring, screening), ".2f")
            print(f"{name} documents of {size:,} words: screening takes {shares} of the time of restoring", flush=True)


if __name__ == "__main__":
    main()
