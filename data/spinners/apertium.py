"""Round trips by Apertium, a rule-based offline translator (Forcada et al., Machine Translation 25(2), 2011).

A translation depends on its sentence only. Apertium's programs keep running and are flushed by a null character after
each sentence; only the tagger, which remembers earlier sentences, is restarted every time. That costs 20 to 40 ms a
sentence after a second of loading, and some 30 small processes for each process that spins.
"""

from __future__ import annotations

import os
import re
import select
import shlex
import shutil
import signal
import subprocess
import time
import weakref
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import Any

from unspin.data.spinners.models import first_line
from unspin.data.spinners.registry import SpinnerError

TIMEOUT = 30.0  # seconds for one answer, loading included
TAGGER = "apertium-tagger"
# Debian's packages that translate in both directions, by the language code in their mode names.
PACKAGES = {
    "cat": "apertium-eng-cat",
    "eo": "apertium-eo-en",
    "gl": "apertium-en-gl",
    "hbs": "apertium-hbs-eng",
    "spa": "apertium-eng-spa",
}

# Reserved by the Apertium stream format, https://wiki.apertium.org/wiki/Apertium_stream_format
_RESERVED = re.compile(r"([\\\[\]{}^$/<>@])")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_UNKNOWN = re.compile(r"[*#@](\w[\w'’-]*)")


@dataclass(frozen=True, slots=True)
class ApertiumRoute:
    """Translates by one mode, such as eng-spa, and back by another, such as spa-eng."""

    forward: str
    back: str

    @property
    def rule(self) -> str:
        """The forward mode."""
        return self.forward

    def round_trip(self, text: str) -> str:
        """The text translated there and back, or "" if that failed.

        Unknown words are marked on the way back only. A marked word that also occurs in `text` passed through both ways
        as English and loses its mark. Any other marked word was left in the other language and keeps it.
        """
        back = _translate(self.back, "-g", _translate(self.forward, "-n", text))
        return _UNKNOWN.sub(lambda m: m[1] if m[1] in text and m[0] not in text else m[0], back)


def apertium(language: str) -> ApertiumRoute:
    """The route from English to a language and back. Raises `SpinnerError` naming the package to install."""
    english = "eng" if len(language.partition("_")[0]) == 3 else "en"
    route = ApertiumRoute(f"{english}-{language}", f"{language}-{english}")
    package = PACKAGES.get(language, f"apertium-{english}-{language}")
    where = f"spinners: roundtrip:apertium:{language}"
    install = f"apt-get install apertium {package}"
    for program in ("apertium-wblank-mode", "bash"):
        if not shutil.which(program):
            raise SpinnerError(f"{where}: {program} is not installed; {install} (Apertium 3.8 or later)")
    for mode in (route.forward, route.back):
        if not re.fullmatch(r"[\w-]+", mode) or not _mode_file(mode).is_file():
            advice = install if language in PACKAGES else f"Debian has both directions for {', '.join(PACKAGES)}"
            raise SpinnerError(f"{where}: Apertium has no mode {mode}; {advice}")
    return route


def _programs() -> Path:
    """The folder of Apertium's programs."""
    return Path(shutil.which("apertium-wblank-mode") or "/usr/bin/apertium-wblank-mode").parent


def _mode_file(mode: str) -> Path:
    return _programs().parent / "share" / "apertium" / "modes" / f"{mode}.mode"


def _environment() -> dict[str, str]:
    """The programs' environment; they read and write in the locale's encoding."""
    return {"LC_ALL": "C.UTF-8", "PATH": os.pathsep.join([str(_programs()), os.defpath])}


@lru_cache(maxsize=8)
def _stages(mode: str) -> tuple[str, ...]:
    """The mode's pipeline as shell commands, split before and after the tagger.

    Every program flushes at a null character. The `apertium` script could run all of it, but its gawk holds each
    answer back until the next one arrives.
    """
    command = ["apertium-wblank-mode", "-z", str(_mode_file(mode))]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        what = f"spinners: roundtrip: cannot read Apertium's mode {mode} ({first_line(error)})"
        raise SpinnerError(f"{what}; reinstall its package") from error
    programs = done.stdout.strip().split(" | ")
    return tuple(" | ".join(group) for _, group in groupby(programs, lambda program: program.startswith(TAGGER)))


def _translate(mode: str, unknown_words: str, text: str) -> str:
    """The translation, or "" if it failed. `unknown_words` is the generator's option: -g marks them, -n does not."""
    stream = _RESERVED.sub(r"\\\1", text)
    for stage in _stages(mode):
        if not stream.strip():
            return ""
        stream = _tag(stage, stream) if stage.startswith(TAGGER) else _pipe(mode, stage, unknown_words).send(stream)
    return _ESCAPED.sub(r"\1", stream)


def _tag(stage: str, stream: str) -> str:
    """The output of a fresh tagger, or "" if it failed.

    A tagger that keeps running remembers earlier sentences and tags one sentence in 25 differently.
    """
    command = shlex.split(stage.replace("$1", "").replace("$2", ""))
    text = f"{stream}[]\0".encode(errors="replace")
    try:
        done = subprocess.run(command, input=text, env=_environment(), capture_output=True, check=True, timeout=TIMEOUT)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.decode(errors="replace").rstrip("\0").removesuffix("[]")


class _Pipe:
    """A running part of a pipeline. It starts at the first use, and again after a crash, timeout or wrong answer."""

    def __init__(self, mode: str, stage: str, unknown_words: str) -> None:
        self._mode = mode
        self._command = ["bash", "-c", stage, "apertium", unknown_words, ""]
        self._requests = 0
        self._has_answered = False
        self._process: subprocess.Popen[bytes] | None = None
        self._finalizer: Any = None

    def send(self, stream: str) -> str:
        """The answer to `stream`, or "" after two failures. Raises `SpinnerError` if there was never an answer."""
        for _ in range(2):
            answer = self._try(stream)
            if answer is not None:
                self._has_answered = True
                return answer
        if not self._has_answered:
            what = f"spinners: roundtrip: Apertium's {self._mode} does not answer"
            raise SpinnerError(f"{what}; see what `echo House | apertium {self._mode}` says")
        return ""

    def close(self) -> None:
        """End the processes; the next `send` starts new ones."""
        if self._finalizer:
            self._finalizer()
        self._process = self._finalizer = None

    def _try(self, stream: str) -> str | None:
        """One attempt; None if no answer or the wrong one came.

        The text ends with a number in blanks, which Apertium passes through unchanged: it proves which request is
        answered.
        """
        self._requests += 1
        number = f"[{self._requests}]"
        reply = b""
        try:
            process = self._process or self._start()
            _write(process, stream + number)
            reply = _read(process)
        except OSError:
            pass
        finally:  # also after an interrupt, which leaves an answer in the pipe
            if not reply.endswith(f"{number}\0".encode()):
                self.close()
        return reply.decode(errors="replace").removesuffix(f"{number}\0") if self._process else None

    def _start(self) -> subprocess.Popen[bytes]:
        """Start the pipeline in its own session, to kill all parts at once, and unbuffered: forks copy buffers."""
        process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            start_new_session=True,
            env=_environment(),
        )
        self._process, self._finalizer = process, weakref.finalize(self, _stop, process, os.getpid())
        return process


def _write(process: subprocess.Popen[bytes], text: str) -> None:
    assert process.stdin
    rest = text.encode(errors="replace") + b"\0"
    while rest:
        rest = rest[process.stdin.write(rest) :]


def _read(process: subprocess.Popen[bytes]) -> bytes:
    """Read up to a null character. Raises OSError at the end of the stream or after `TIMEOUT` seconds."""
    assert process.stdout
    deadline = time.monotonic() + TIMEOUT
    reply = b""
    while not reply.endswith(b"\0"):
        if not select.select([process.stdout], [], [], max(0.0, deadline - time.monotonic()))[0]:
            raise TimeoutError
        chunk = os.read(process.stdout.fileno(), 1 << 16)
        if not chunk:
            raise BrokenPipeError
        reply += chunk
    return reply


def _stop(process: subprocess.Popen[bytes], owner: int) -> None:
    """Close the pipes, and kill the pipeline unless this process inherited it by a fork."""
    for stream in (process.stdin, process.stdout):
        if stream:
            stream.close()
    if os.getpid() == owner:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@lru_cache(maxsize=16)
def _pipe(mode: str, stage: str, unknown_words: str) -> _Pipe:
    return _Pipe(mode, stage, unknown_words)


if hasattr(os, "register_at_fork"):  # two processes that share a pipe would read each other's answers
    os.register_at_fork(after_in_child=_pipe.cache_clear)
