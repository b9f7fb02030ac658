"""Round trips by Apertium, rule-based and offline (Forcada et al., Machine Translation 25(2), 2011).

Its processes are kept running and flushed by a null character after each sentence, all but the tagger, which remembers earlier
sentences and is started anew each time, so that what a sentence becomes depends on the sentence alone. That takes 20 to 40 ms a sentence
once the second that loading takes is over, and some 30 small processes for each that spins.
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
from unspin.data.spinners.registry import EngineError

PATIENCE = 30.0  # seconds for one answer, loading included
TAGGER = "apertium-tagger"
# Debian's packages that translate both ways, by the language code in their mode names.
PACKAGES = {"cat": "apertium-eng-cat", "eo": "apertium-eo-en", "gl": "apertium-en-gl", "hbs": "apertium-hbs-eng", "spa": "apertium-eng-spa"}

_RESERVED = re.compile(r"([\\\[\]{}^$/<>@])")  # of the Apertium stream format, https://wiki.apertium.org/wiki/Apertium_stream_format
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_MARKED = re.compile(r"[*#@](\w[\w'’-]*)")


@dataclass(frozen=True, slots=True)
class Apertium:
    """There and back by two modes, such as eng-spa and spa-eng."""

    forward: str
    back: str

    @property
    def rule(self) -> str:
        return self.forward

    def round_trip(self, text: str) -> str:
        """On the way back unknown words keep their marks, which tells English that went through unseen from what was left in between."""
        home = _apertium_translate(self.back, "-g", _apertium_translate(self.forward, "-n", text))
        return _MARKED.sub(lambda m: m[1] if m[1] in text and m[0] not in text else m[0], home)


def apertium(language: str) -> Apertium:
    """The route from English to a language and back. Raises `EngineError` naming what to install."""
    english = "eng" if len(language.partition("_")[0]) == 3 else "en"
    route = Apertium(f"{english}-{language}", f"{language}-{english}")
    package = PACKAGES.get(language, f"apertium-{english}-{language}")
    for tool in ("apertium-wblank-mode", "bash"):
        if not shutil.which(tool):
            raise EngineError(f"engines: roundtrip:apertium:{language}: no {tool} here; apt-get install apertium {package} (Apertium 3.8 or later)")
    for mode in (route.forward, route.back):
        if not re.fullmatch(r"[\w-]+", mode) or not _mode_file(mode).is_file():
            advice = f"apt-get install apertium {package}" if language in PACKAGES else f"Debian has both ways for {', '.join(PACKAGES)}"
            raise EngineError(f"engines: roundtrip:apertium:{language}: Apertium has no mode {mode}; {advice}")
    return route


def _programs() -> Path:
    """The folder that Apertium's programs are in."""
    return Path(shutil.which("apertium-wblank-mode") or "/usr/bin/apertium-wblank-mode").parent


def _mode_file(mode: str) -> Path:
    return _programs().parent / "share" / "apertium" / "modes" / f"{mode}.mode"


def _environment() -> dict[str, str]:
    """What the programs run in: they read and write the locale's encoding."""
    return {"LC_ALL": "C.UTF-8", "PATH": os.pathsep.join([str(_programs()), os.defpath])}


@lru_cache(maxsize=8)
def _stages(mode: str) -> tuple[str, ...]:
    """The mode's pipeline as shell text, parted before and behind the tagger, every part told to flush on a null character.

    The `apertium` script would run it whole, but its gawk holds an answer back until the next one comes.
    """
    try:
        made = subprocess.run(["apertium-wblank-mode", "-z", str(_mode_file(mode))], capture_output=True, text=True, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        raise EngineError(f"engines: roundtrip: cannot read Apertium's mode {mode} ({first_line(error)}); reinstall its package") from error
    return tuple(" | ".join(group) for _, group in groupby(made.stdout.strip().split(" | "), lambda part: part.startswith(TAGGER)))


def _apertium_translate(mode: str, marks: str, text: str) -> str:
    """The translation, or nothing where it failed; `marks` is the generator's option."""
    stream = _RESERVED.sub(r"\\\1", text)
    for stage in _stages(mode):
        if not stream.strip():
            return ""
        stream = _tag(stage, stream) if stage.startswith(TAGGER) else _pipe(mode, stage, marks).ask(stream)
    return _ESCAPED.sub(r"\1", stream)


def _tag(stage: str, stream: str) -> str:
    """The tagger's output. A tagger that runs on gives one sentence in 25 another reading after other sentences."""
    command = shlex.split(stage.replace("$1", "").replace("$2", ""))
    given = f"{stream}[]\0".encode(errors="replace")
    try:
        made = subprocess.run(command, input=given, env=_environment(), capture_output=True, check=True, timeout=PATIENCE)
    except (OSError, subprocess.SubprocessError):
        return ""
    return made.stdout.decode(errors="replace").rstrip("\0").removesuffix("[]")


class _Pipe:
    """A part of a direction, kept running: started when first asked, started afresh when it dies, hangs or answers out of turn."""

    def __init__(self, mode: str, stage: str, marks: str) -> None:
        self._mode = mode
        self._command = ["bash", "-c", stage, "apertium", marks, ""]
        self._asked = 0
        self._has_answered = False
        self._process: subprocess.Popen[bytes] | None = None
        self._end: Any = None

    def ask(self, stream: str) -> str:
        """What becomes of `stream`, or nothing if it fails twice. Raises `EngineError` where nothing ever came back."""
        for _ in range(2):
            answer = self._try(stream)
            if answer is not None:
                self._has_answered = True
                return answer
        if not self._has_answered:
            raise EngineError(f"engines: roundtrip: Apertium's {self._mode} does not answer; see what `echo House | apertium {self._mode}` says")
        return ""

    def close(self) -> None:
        if self._end:
            self._end()
        self._process = self._end = None

    def _try(self, stream: str) -> str | None:
        """Numbered in a blank, which comes through as it is and proves that the answer belongs to the question."""
        self._asked += 1
        number = f"[{self._asked}]"
        reply = b""
        try:
            process = self._process or self._start()
            _write(process, stream + number)
            reply = _read(process)
        except OSError:
            pass
        finally:  # an interrupt leaves an answer on its way, too
            if not reply.endswith(f"{number}\0".encode()):
                self.close()
        return reply.decode(errors="replace").removesuffix(f"{number}\0") if self._process else None

    def _start(self) -> subprocess.Popen[bytes]:
        """In a session of its own, so that all its parts can be ended at once, and without buffers, which a fork would copy."""
        pipe, environment = subprocess.PIPE, _environment()
        process = subprocess.Popen(
            self._command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, bufsize=0, start_new_session=True, env=environment
        )
        self._process, self._end = process, weakref.finalize(self, _stop, process, os.getpid())
        return process


def _write(process: subprocess.Popen[bytes], text: str) -> None:
    assert process.stdin
    left = text.encode(errors="replace") + b"\0"
    while left:
        left = left[process.stdin.write(left) :]


def _read(process: subprocess.Popen[bytes]) -> bytes:
    """All up to a null character. Raises OSError at the end of the stream and when `PATIENCE` is over."""
    assert process.stdout
    deadline = time.monotonic() + PATIENCE
    reply = b""
    while not reply.endswith(b"\0"):
        if not select.select([process.stdout], [], [], max(0.0, deadline - time.monotonic()))[0]:
            raise TimeoutError
        piece = os.read(process.stdout.fileno(), 1 << 16)
        if not piece:
            raise BrokenPipeError
        reply += piece
    return reply


def _stop(process: subprocess.Popen[bytes], owner: int) -> None:
    """Close the pipes, and end the pipeline if it is this process's own and not the one it was forked from."""
    for stream in (process.stdin, process.stdout):
        if stream:
            stream.close()
    if os.getpid() == owner:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@lru_cache(maxsize=16)
def _pipe(mode: str, stage: str, marks: str) -> _Pipe:
    return _Pipe(mode, stage, marks)


if hasattr(os, "register_at_fork"):  # two processes at one pipe would read each other's answers
    os.register_at_fork(after_in_child=_pipe.cache_clear)
