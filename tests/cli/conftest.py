"""Fixtures that run the command: `unspin` in a process of its own, in the test's folder."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Command = Callable[..., "subprocess.CompletedProcess[str]"]
MAIN = "from unspin.cli import main; main()"
# Worker processes import this file too, so that the engine is replaced in each of them.
WITH_WORD_ENGINE = '''
import os
import re
import signal

from unspin.infer.engines.base import Rewriting
from unspin.infer.restorer import Restorer


def doubts(text):
    starts = {match.start() - 1 for match in re.finditer("warfare|overseas", text)}  # the spaces before the words
    return [-4.0 if i in starts else 0.0 for i in range(len(text) + 1)]


def suffer(text):
    """Fail, be killed or wait at a pipe, as a text asks for."""
    if "unforeseen" in text:
        raise ValueError("list index\\nout of range")
    if "killed" in text:
        os.kill(os.getpid(), signal.SIGKILL)
    if "gate" in text:
        open("gate").read()


class WordEngine:
    """Restores two garbled words, with full confidence, a character per token, and likes all that is listed."""

    def rewrite(self, sentences):
        suffer("".join(sentences))
        texts = [sentence.replace("warfare", "war").replace("overseas", "foreign") for sentence in sentences]
        return [Rewriting(text, tuple(range(1, len(text) + 1)), (0.0,) * (len(text) + 1)) for text in texts]

    def copies(self, sentences):
        """Doubts nothing but the two garbled words."""
        suffer("".join(sentences))
        return [Rewriting(text, tuple(range(1, len(text) + 1)), tuple(doubts(text))) for text in sentences]

    def log_ratios(self, sentences, texts):
        return [20.0 for _ in texts]


def from_pretrained(name="default", *, engine="", device="", **options):
    return Restorer(WordEngine(), **options)


Restorer.from_pretrained = from_pretrained
if __name__ == "__main__":
    from unspin.cli import main

    main()
'''


@pytest.fixture
def unspin(tmp_path: Path) -> Command:
    """Runs `unspin` with some arguments and text on stdin; returns the finished process."""

    def run(*arguments: object, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return _run(["-c", MAIN], arguments, tmp_path, stdin)

    return run


@pytest.fixture
def word_script(tmp_path: Path) -> Path:
    """A script that is `unspin` with an engine that restores "warfare" and "overseas", in place of a model."""
    script = tmp_path / "script" / "with_word_engine.py"
    script.parent.mkdir()
    script.write_text(WITH_WORD_ENGINE)
    return script


@pytest.fixture
def unspin_words(tmp_path: Path, word_script: Path) -> Command:
    """Runs `word_script` as `unspin` is run."""

    def run(*arguments: object, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return _run([str(word_script)], arguments, tmp_path, stdin)

    return run


@pytest.fixture
def refused(unspin: Command) -> Callable[..., str]:
    """Runs `unspin`, asserts that it fails with one line on stderr and nothing on stdout, and returns that line."""

    def run(*arguments: object, code: int = 1) -> str:
        done = unspin(*arguments)
        assert done.returncode == code and done.stdout == "", done
        assert done.stderr.startswith("unspin: ") and done.stderr.count("\n") == 1, done.stderr
        return done.stderr

    return run


def _run(
    command: list[str], arguments: tuple[object, ...], folder: Path, stdin: str
) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"XDG_CACHE_HOME": str(folder / "cache")}
    line = [sys.executable, *command, *map(str, arguments)]
    return subprocess.run(line, capture_output=True, text=True, cwd=folder, input=stdin, env=environment)
