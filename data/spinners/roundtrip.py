"""The `roundtrip` engine: what a sentence has become after translation into another language and back.

Apertium (Forcada et al., Machine Translation 25(2), 2011) is rule-based: its processes are kept running and flushed by a null character after
each sentence, all but the tagger, which remembers earlier sentences and is started anew each time. That takes 20 to 40 ms a sentence once the
second that loading takes is over, and some 30 small processes for each that spins. A sequence-to-sequence model takes seconds. What both do
depends on the sentence alone, so results are kept for the process, and strength is the mixture's matter. A trip that comes back empty, half or
twice as long, or with words left in the other language proposes nothing; no proposal changes digits, double quotation marks or addresses.
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
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import Any, Protocol

from unspin.data.edits import Edit, align
from unspin.data.spinners.persona import Persona
from unspin.data.spinners.protocol import Sentence, Substitution
from unspin.data.spinners.registry import EngineError

LONGEST = 8000  # characters; more could fill the pipes both ways at once
PATIENCE = 30.0  # seconds for one answer, loading included
TAGGER = "apertium-tagger"
USAGE = "write roundtrip:apertium:spa, roundtrip:marian:FORWARD,BACK or roundtrip:nllb:MODEL,deu_Latn"
# Debian's packages that translate both ways, by the language code in their mode names.
PACKAGES = {"cat": "apertium-eng-cat", "eo": "apertium-eo-en", "gl": "apertium-en-gl", "hbs": "apertium-hbs-eng", "spa": "apertium-eng-spa"}

_RESERVED = re.compile(r"([\\\[\]{}^$/<>@])")  # of the Apertium stream format, https://wiki.apertium.org/wiki/Apertium_stream_format
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_MARKED = re.compile(r"[*#@](\w[\w'’-]*)")
_MARKS = "*#@\\^$[]{}¿¡\ufffd"
_KEPT = re.compile(r"\d|[\"“”„«»]")
_ADDRESS = re.compile(r"\b(?:https?://|www\.)\S+|\S+@\S+\.\w+")


class RoundTrip:
    """Puts what differs after a round trip. `route` is ``apertium:LANGUAGE``, ``marian:FORWARD,BACK`` or ``nllb:MODEL,LANGUAGE``.

    FORWARD, BACK and MODEL are folders or hub names of transformers sequence-to-sequence models. Without a route, Apertium's Spanish.
    Holds names alone, so it is cheap to pickle; processes are started and weights loaded at the first sentence, once a process.
    Raises `EngineError` where Apertium, the language pair or a model is missing.
    """

    name = "roundtrip"

    def __init__(self, route: str = "") -> None:
        kind, _, argument = route.partition(":")
        first, _, second = argument.partition(",")
        if kind in ("", "apertium"):
            self._route: _Route = _apertium(argument or "spa")
        elif kind == "marian" and first and second:
            self._route = _marian(first, second)
        elif kind == "nllb" and first and second:
            self._route = _nllb(first, second)
        else:
            raise EngineError(f"engines: roundtrip:{route}: no such route; {USAGE}")

    def propose(self, sentence: Sentence, persona: Persona) -> Iterator[Substitution]:
        yield from _substitutions(self._route, sentence.text)


class _Route(Hashable, Protocol):
    """Where a sentence goes; small to pickle."""

    @property
    def rule(self) -> str: ...

    def round_trip(self, text: str) -> str:
        """`text`, or nothing where the translation failed; words that stayed in the other language marked by one of ``*#@``."""
        ...


@lru_cache(maxsize=1 << 14)
def _substitutions(route: _Route, text: str) -> tuple[Substitution, ...]:
    core = text.strip()
    if not core or len(core) > LONGEST or "\0" in core:
        return ()
    back = _tidy(route.round_trip(core))
    if not _is_sound(core, back):
        return ()
    lead = len(text) - len(text.lstrip())
    edits = (edit for edit in align(core, back) if _is_harmless(core, edit))
    return tuple(Substitution(lead + e.start, lead + e.end, e.replacement, RoundTrip.name, route.rule) for e in edits)


def _tidy(text: str) -> str:
    """Without the spaces that a pronoun or a quotation leaves behind when it moves."""
    text = re.sub(r" {2,}", " ", text.strip())
    text = re.sub(r" +([.,;:!?)”])", r"\1", text)
    text = re.sub(r"([(“]) +", r"\1", text)
    return re.sub(r'" *([^"]*?) *"', r'"\1"', text)


def _is_sound(source: str, back: str) -> bool:
    if not len(source) <= 2 * len(back) <= 4 * len(source):
        return False
    return all(back.count(mark) <= source.count(mark) for mark in _MARKS)


def _is_harmless(source: str, edit: Edit) -> bool:
    """Whether an edit changes words and leaves what no spinner may lose."""
    old, new = source[edit.start : edit.end], edit.replacement
    if old.split() == new.split() or _KEPT.findall(old) != _KEPT.findall(new):
        return False
    return not any(m.start() < edit.end and edit.start < m.end() for m in _ADDRESS.finditer(source))


# Apertium


@dataclass(frozen=True, slots=True)
class _Apertium:
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


def _apertium(language: str) -> _Apertium:
    english = "eng" if len(language.partition("_")[0]) == 3 else "en"
    route = _Apertium(f"{english}-{language}", f"{language}-{english}")
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
        raise EngineError(f"engines: roundtrip: cannot read Apertium's mode {mode} ({_first(error)}); reinstall its package") from error
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


# Models


@dataclass(frozen=True, slots=True)
class _Neural:
    """There by one model and back by another, or by the same one told the language of its input and output."""

    rule: str
    forward: str
    back: str
    english: str = ""
    other: str = ""

    def round_trip(self, text: str) -> str:
        abroad = _translate(self.forward, text, self.english, self.other)
        return _translate(self.back, abroad, self.other, self.english) if abroad.strip() else ""


def _marian(forward: str, back: str) -> _Neural:
    for model in (forward, back):
        _check(model)
    return _Neural(Path(forward).name, forward, back)


def _nllb(model: str, language: str) -> _Neural:
    """Languages as FLORES-200 codes (NLLB Team, 2022, table 1)."""
    _check(model)
    return _Neural(f"eng-{language.partition('_')[0]}", model, model, "eng_Latn", language)


@lru_cache(maxsize=8)
def _check(model: str) -> None:
    from transformers import AutoConfig

    try:
        config = AutoConfig.from_pretrained(model, trust_remote_code=False)
    except (OSError, ValueError, KeyError) as error:
        raise EngineError(f"engines: roundtrip:{model}: no model there; name a transformers folder or a hub model ({_first(error)})") from error
    if not config.is_encoder_decoder:
        raise EngineError(f"engines: roundtrip:{model}: a {config.model_type} model does not translate; name a Marian, NLLB or BART of some kind")


@lru_cache(maxsize=2)
def _load(model: str) -> tuple[Any, Any]:
    """Tokenizer and network."""
    from transformers import AutoTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()
    try:
        tokenizer = AutoTokenizer.from_pretrained(model, trust_remote_code=False)
        return tokenizer, _network(model)
    except ImportError as error:
        raise EngineError(f"engines: roundtrip:{model}: its tokenizer lacks a package; pip install sentencepiece ({_first(error)})") from error
    except (OSError, ValueError, KeyError) as error:
        raise EngineError(f"engines: roundtrip:{model}: needs weights and a tokenizer ({_first(error)})") from error


def _network(model: str) -> Any:
    """Weights from safetensors, or where there are none, as with many an OPUS-MT model, from what torch reads without running code."""
    import torch
    from transformers import AutoModelForSeq2SeqLM

    plain = {"trust_remote_code": False, "dtype": torch.float32}
    try:
        network = AutoModelForSeq2SeqLM.from_pretrained(model, use_safetensors=True, **plain)
    except OSError:
        network = AutoModelForSeq2SeqLM.from_pretrained(model, use_safetensors=False, weights_only=True, **plain)
    return network.eval()


def _first(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]


def _translate(model: str, text: str, source: str, target: str) -> str:
    """The likeliest translation, word by word; nothing for a text longer than the model can read."""
    import torch

    tokenizer, network = _load(model)
    if source:
        tokenizer.src_lang = source
    rows = tokenizer(text, return_tensors="pt")
    length, longest = rows["input_ids"].shape[1], _longest(tokenizer, network)
    if length > longest:
        return ""
    opening = {"forced_bos_token_id": _language(model, tokenizer, target)} if target else {}
    room = min(2 * length + 8, longest - 2)
    wanted = {"do_sample": False, "num_beams": 1, "max_new_tokens": room, **opening}
    with torch.inference_mode():
        made = network.generate(input_ids=rows["input_ids"], attention_mask=rows["attention_mask"], **wanted)
    return tokenizer.decode(made[0], skip_special_tokens=True)


def _longest(tokenizer: Any, network: Any) -> int:
    """How many tokens the model can read."""
    return min(tokenizer.model_max_length, getattr(network.config, "max_position_embeddings", None) or tokenizer.model_max_length)


def _language(model: str, tokenizer: Any, code: str) -> int:
    token = tokenizer.convert_tokens_to_ids(code)
    if token is None or token == tokenizer.unk_token_id:
        raise EngineError(f"engines: roundtrip:nllb:{model}: does not know the language {code!r}; name one by its FLORES-200 code, such as deu_Latn")
    return token
