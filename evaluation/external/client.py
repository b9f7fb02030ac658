"""Starts a peer as a process in the peers' environment and talks to it in JSON Lines; `serve.py` is the other end.

Nothing of a peer is imported here, so neither its dependencies nor its licence affect this package. Starting takes
as long as the peer's imports (about ten seconds for textattack). `Peer` returns when the peer is ready, so that
only spinning is timed afterwards.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from unspin.errors import UnspinError
from unspin.logs import counted

PEERS = ("textattack", "nlpaug", "texthumanize")
ENVIRONMENT = Path("build/peers")  # below the root of the repository, where make runs
SERVER = Path(__file__).with_name("serve.py")


class PeerError(UnspinError):
    """The peers' environment is missing or a peer failed; the message says which, and what to do."""


class Peer:
    """A running peer with its default settings; a context manager that ends its process.

    The same seed and the same sentences in the same order give the same results. Raises `PeerError` if the name is
    unknown, the environment is missing or the peer does not start.
    """

    def __init__(self, name: str, seed: int = 0, environment: Path = ENVIRONMENT, server: Path = SERVER) -> None:
        if name not in PEERS:
            raise PeerError(f"unknown peer {name!r}: choose from {', '.join(PEERS)}")
        python = environment / "bin" / "python"
        if not python.exists():
            raise PeerError(f"peer {name}: there is no environment at {environment}: run make peers")
        self.name = name
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process
        self._process = subprocess.Popen(
            [python, "-P", server, name, str(seed)],
            env=_environment_variables(environment.absolute()),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
        )
        try:
            self.version = str(self._read().get("ready"))
        except PeerError:
            self.close()
            raise

    def spin(self, sentences: Sequence[str]) -> list[str]:
        """Spin the sentences: one result each, in order.

        Raises `PeerError` if the peer fails or its answer is malformed.
        """
        assert self._process.stdin
        try:
            self._process.stdin.write(json.dumps({"sentences": list(sentences)}).encode() + b"\n")
            self._process.stdin.flush()
        except OSError:
            raise self._error("has ended") from None
        spun = self._read().get("sentences")
        if not isinstance(spun, list) or len(spun) != len(sentences) or not all(isinstance(it, str) for it in spun):
            raise self._error(f"did not return one text for each of {counted(len(sentences), 'sentence')}")
        return spun

    def close(self) -> None:
        """End the process. Calling it again has no effect."""
        assert self._process.stdin and self._process.stdout
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()
        with contextlib.suppress(OSError):  # data that was not flushed is lost with the process
            self._process.stdin.close()
        self._log.close()

    def __enter__(self) -> Peer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise self._error("has ended")
        try:
            answer = json.loads(line)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise self._error(f"wrote {line[:200]!r} instead of a JSON object")
        if "error" in answer:
            raise self._error(str(answer["error"]))
        return answer

    def _error(self, problem: str) -> PeerError:
        """An error that quotes the last lines the process wrote to its standard error."""
        self._log.seek(0)
        last_lines = self._log.read().decode(errors="replace").strip().splitlines()[-5:]
        advice = f"if its environment is broken, remove {ENVIRONMENT} and run make peers"
        return PeerError("\n".join([f"peer {self.name} {problem}; {advice}", *last_lines]))


def _environment_variables(environment: Path) -> dict[str, str]:
    """This process's variables except PYTHON…, with data and caches in `environment`, no hub and a fixed hash seed."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    return inherited | {
        "NLTK_DATA": str(environment / "nltk_data"),
        "TA_CACHE_DIR": str(environment / "cache"),
        "FLAIR_CACHE_ROOT": str(environment / "cache"),
        "HF_HUB_OFFLINE": "1",
        "PYTHONHASHSEED": "0",
    }
