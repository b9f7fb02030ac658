"""Time the local page in Chromium: `python -m benchmarks.page`.

Prints the milliseconds until the first paint of the empty page, and for a text of the given length those until it is
shown, until it is restored (by an engine that changes one word and takes no time), and for one move of the threshold;
and the layout shift meanwhile. The figures are medians.
"""

from __future__ import annotations

import argparse
import shutil
import socket
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from statistics import median
from time import perf_counter

from playwright.sync_api import Page, sync_playwright
from unspin.infer.engines.base import Rewriting
from unspin.infer.restorer import Restorer
from unspin.infer.web.connections import make_server
from unspin.infer.web.server import make_app

FIRST_PAINT = "() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
WATCH_SHIFTS = """() => { window.shift = 0; new PerformanceObserver((list) => list.getEntries().forEach((entry) => {
    window.shift += entry.hadRecentInput ? 0 : entry.value; })).observe({ type: "layout-shift", buffered: true }); }"""
MOVE_THRESHOLD = """(level) => { const slider = document.getElementById("threshold"); const start = performance.now();
    slider.value = level; slider.dispatchEvent(new Event("input")); document.body.offsetHeight;
    return performance.now() - start; }"""


class Instant:
    """An engine that replaces one word and takes no time."""

    def rewrite(self, sentences: Sequence[str]) -> list[Rewriting]:
        """Replace "warfare" by "war"."""
        texts = [sentence.replace("warfare", "war") for sentence in sentences]
        return [Rewriting(text, tuple(range(1, len(text) + 1)), (0.0,) * (len(text) + 1)) for text in texts]

    def variants(self, sentence: str, opening: str, count: int) -> list[Rewriting]:
        """None."""
        return []

    def copies(self, sentences: Sequence[str]) -> list[Rewriting]:
        """Nothing is doubted."""
        return [Rewriting(text, tuple(range(1, len(text) + 1)), (0.0,) * (len(text) + 1)) for text in sentences]

    def log_ratios(self, sentences: Sequence[str], texts: Sequence[str]) -> list[float]:
        """No text is better than another one."""
        return [0.0] * len(texts)


def main() -> None:
    """Time the page and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--characters", type=int, default=100_000, help="length of the text")
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    chromium = shutil.which("chromium") or sys.exit("chromium is missing: apt-get install chromium")
    sentence = "In year {} the minister said in the capital that the warfare had ended and that all would go home. "
    text = ""
    while len(text) < arguments.characters:
        text += "".join(sentence.format(len(text) + i) for i in range(4)).strip() + "\n\n"
    times: dict[str, list[float]] = {}
    with _served() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for _ in range(arguments.runs):
            page = browser.new_page(viewport={"width": 1200, "height": 800})
            page.goto(address)
            for name, value in _times(page, text):
                times.setdefault(name, []).append(value)
            page.close()
        browser.close()
    for name, values in times.items():
        print(f"{name}: {median(values):.5g}")


def _times(page: Page, text: str) -> Iterator[tuple[str, float]]:
    yield "first paint, ms", page.wait_for_function(FIRST_PAINT).json_value()
    page.evaluate(WATCH_SHIFTS)
    page.get_by_label("Article", exact=True).fill(text)
    start = perf_counter()
    page.get_by_role("button", name="Restore", exact=True).click()
    page.locator("#rows .after").last.wait_for(timeout=120_000)
    yield f"{len(text):,} characters shown, ms", 1000 * (perf_counter() - start)
    page.get_by_role("status").filter(has_text="Done").wait_for(timeout=600_000)
    yield "restored, ms", 1000 * (perf_counter() - start)
    yield "threshold moved, ms", page.evaluate(MOVE_THRESHOLD, 0.4)
    yield "layout shift", page.evaluate("window.shift")


@contextmanager
def _served() -> Iterator[str]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        app = make_app(Restorer(Instant()), 0.3)
        server = make_server(app)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


if __name__ == "__main__":
    main()
