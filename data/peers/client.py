"""The near side of a peer: a process in the peers' environment, asked and answering in JSON Lines.

Nothing of a peer is imported here, so neither its dependencies nor its licence touch this package. Starting costs what the peer's
imports cost (textattack: about ten seconds); `Peer` returns when that is over, so that what follows can be timed. The far side is `serve.py`.
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

from unspin.data.errors import UnspinError

PEERS = ("textattack", "nlpaug", "texthumanize")
ENVIRONMENT = Path("build/peers")  # under the folder of the repository, where make runs
SERVER = Path(__file__).with_name("serve.py")


class PeerError(UnspinError):
    """The peers' environment is missing, or a peer failed; the message says which and what to do."""


class Peer:
    """A peer by name, at its own defaults. The same seed and sentences in the same order give the same results.

    Raises `PeerError` where the name is unknown, the environment missing, or the peer does not start.
    """

    def __init__(self, name: str, seed: int = 0, environment: Path = ENVIRONMENT, server: Path = SERVER) -> None:
        if name not in PEERS:
            raise PeerError(f"peers: unknown {name!r}; there are {', '.join(PEERS)}")
        python = environment / "bin" / "python"
        if not python.exists():
            raise PeerError(f"{name}: no peers' environment at {environment}: run make peers")
        self.name = name
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - held as long as the process
        self._process = subprocess.Popen(
            [python, "-P", server, name, str(seed)],
            env=_surroundings(environment.absolute()),
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
        """The sentences spun, as many, in the same order. Raises `PeerError` where the peer fails or answers otherwise."""
        assert self._process.stdin
        try:
            self._process.stdin.write(json.dumps({"sentences": list(sentences)}).encode() + b"\n")
            self._process.stdin.flush()
        except OSError:
            raise self._failed("is gone") from None
        spun = self._read().get("sentences")
        if not isinstance(spun, list) or len(spun) != len(sentences) or not all(isinstance(it, str) for it in spun):
            raise self._failed(f"did not answer {len(sentences)} sentences with as many")
        return spun

    def close(self) -> None:
        """End the process; without effect the second time."""
        assert self._process.stdin and self._process.stdout
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()
        with contextlib.suppress(OSError):  # what was not flushed has nowhere to go
            self._process.stdin.close()
        self._log.close()

    def __enter__(self) -> Peer:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise self._failed("ended")
        try:
            answer = json.loads(line)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise self._failed(f"wrote {line[:200]!r}, no JSON object")
        if "error" in answer:
            raise self._failed(str(answer["error"]))
        return answer

    def _failed(self, what: str) -> PeerError:
        """The error, with the last that the process said on its standard error."""
        self._log.seek(0)
        said = self._log.read().decode(errors="replace").strip().splitlines()[-5:]
        return PeerError("\n".join([f"{self.name}: the peer {what}; if its environment is at fault, remove {ENVIRONMENT} and run make peers", *said]))


def _surroundings(environment: Path) -> dict[str, str]:
    """This process's variables with all data and caches inside the environment, no hub to ask, and sets in a fixed order."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    return kept | {
        "NLTK_DATA": str(environment / "nltk_data"),
        "TA_CACHE_DIR": str(environment / "cache"),
        "FLAIR_CACHE_ROOT": str(environment / "cache"),
        "HF_HUB_OFFLINE": "1",
        "PYTHONHASHSEED": "0",
    }
