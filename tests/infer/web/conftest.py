"""The page's server around an engine that replaces some words."""

import shutil
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from starlette.testclient import TestClient
from unspin.infer.engines.base import Rewriting
from unspin.infer.phrase_table import PhraseTable
from unspin.infer.restorer import Restorer
from unspin.infer.web.connections import make_server
from unspin.infer.web.server import LOOPBACK, make_app
from unspin.phrase_lists import PhrasePair

PAIRS = {
    "overseas": "foreign",
    "Overseas": "Foreign",
    "warfare": "war",
    "not always say that he will go": "always say that he will not go",
    "spoke": "talked",
}
SAMPLE = "The overseas minister spoke.\n\nThe warfare is over."


class Replacing:
    """An engine that replaces some words, unsure only of "talked", and that knows alternatives for "overseas"."""

    def rewrite(self, sentences: Sequence[str]) -> list[Rewriting]:
        return [self._output(sentence, PAIRS) for sentence in sentences]

    def variants(self, sentence: str, opening: str, count: int) -> list[Rewriting]:
        return [self._output(sentence, {"overseas": word}) for word in ("foreign", "alien", "external")]

    def _output(self, sentence: str, pairs: dict[str, str]) -> Rewriting:
        for spun, restored in pairs.items():
            sentence = sentence.replace(spun, restored)
        unsure = sentence.find("talked")
        scores = [-0.3 if unsure <= i < unsure + 6 and unsure >= 0 else 0.0 for i in range(len(sentence) + 1)]
        return Rewriting(sentence, tuple(range(1, len(sentence) + 1)), tuple(scores))


class Listing(Replacing):
    """An engine that finds any text better with a listed phrase."""

    def log_ratios(self, sentences: Sequence[str], texts: Sequence[str]) -> list[float]:
        return [20.0 for _ in texts]


class Slow(Replacing):
    """An engine that takes a moment for each sentence, and fails if two threads use it at once."""

    def __init__(self) -> None:
        self.sentences = 0  # that it has read
        self.asked = 0  # for other words
        self.resumed = threading.Event()  # else it waits
        self.resumed.set()
        self._running = threading.Lock()

    def rewrite(self, sentences: Sequence[str]) -> list[Rewriting]:
        assert self._running.acquire(blocking=False), "two pieces run at once"
        self.sentences += len(sentences)
        time.sleep(0.02 * len(sentences))
        self.resumed.wait(60)
        self._running.release()
        return super().rewrite(sentences)

    def variants(self, sentence: str, opening: str, count: int) -> list[Rewriting]:
        self.asked += 1
        return super().variants(sentence, opening, count)


def _app(engine: Replacing) -> Any:
    return make_app(Restorer(engine, min_confidence=0.5), 0.5, SAMPLE, (*LOOPBACK, "testserver"))


@pytest.fixture(scope="session")
def app() -> Any:
    """The application."""
    return _app(Replacing())


@pytest.fixture
def client(app: Any) -> Iterator[TestClient]:
    """A client of the application, without a browser."""
    with TestClient(app) as client:
        yield client


@pytest.fixture
def listing_client() -> Iterator[TestClient]:
    """A client of the application with a list of phrases, in which "haze" is listed with two replacements."""
    table = PhraseTable([PhrasePair("haze machine", ("fog computer", "mist computer"))])
    restorer = Restorer(Listing(), min_confidence=0.5, phrases=table, protect=["warfare"])
    with TestClient(make_app(restorer, 0.5, SAMPLE, (*LOOPBACK, "testserver"))) as client:
        yield client


@pytest.fixture
def slow_engine() -> Slow:
    """A slow engine."""
    return Slow()


@pytest.fixture
def slow_client(slow_engine: Slow) -> Iterator[TestClient]:
    """A client of the application with a slow engine."""
    with TestClient(_app(slow_engine)) as client:
        yield client


@pytest.fixture(scope="session")
def address(app: Any) -> Iterator[str]:
    """Where the page is served."""
    with _served(app) as address:
        yield address


@pytest.fixture
def slow_address(slow_engine: Slow) -> Iterator[str]:
    """Where the page is served with a slow engine."""
    with _served(_app(slow_engine)) as address:
        yield address


@contextmanager
def _served(app: Any) -> Iterator[str]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        server = make_server(app)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")  # as long as it is open, an event loop runs in this thread
def browser() -> Iterator[Any]:
    """Debian's chromium; tests that need it are skipped if it is not installed."""
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("no chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()
