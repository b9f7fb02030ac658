"""The page's server under load: ``python -m benchmarks.load`` lets 50 clients send sound and hostile requests for two
minutes to an `unspin serve` of its own.

Each kind of request is first timed alone. The work queued before a request is the sum of its time alone, of those of
all requests that are unanswered when it is sent, and, since pieces of work alternate, of those that are sent while it
waits, each counted with no more than its own; and of a moment, which a request of milliseconds may wait for the
interpreter. The slowest sound request should take less than three times that, memory
should be level from the second quarter of the time to the last, no answer should be unexpected, and the server should
be idle soon after the last one and stop at once.
"""

from __future__ import annotations

import argparse
import json
import re
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from statistics import mean, median

import psutil

SERVE = "import sys; from unspin.cli import main; sys.argv[0] = 'unspin'; main()"
SIZE = 100_000  # parts of a hostile request
RAMP = 0.1  # share of the time in which the clients arrive, one after another
MOMENT = 0.05  # seconds: ten turns of a thread, which has the interpreter for 5 ms at a time
MAX_WAIT = 600  # seconds for an answer
MAX_REST = 60  # seconds until the server is idle
ARTICLE = "The overseas minister spoke about the warfare. He did not say when it will be over.\n\n" * 3


@dataclass(frozen=True)
class Kind:
    """A kind of request: its bytes, the statuses with which it may be answered, and when its client leaves."""

    name: str
    content: bytes
    statuses: tuple[int, ...] = (200,)
    patience: float = MAX_WAIT

    @property
    def is_sound(self) -> bool:
        """Whether the server has to do what it asks for."""
        return self.statuses == (200,)


@dataclass(frozen=True)
class Sample:
    """A request: when it was sent, how many seconds it took, and the status of its answer (0: there was none)."""

    kind: Kind
    sent: float
    seconds: float
    status: int


@dataclass(frozen=True)
class Report:
    """What a run has shown. Memory is in MB, the mean of each quarter; other figures are counts and seconds."""

    alone: dict[str, float]
    samples: list[Sample]
    memory: list[float]
    threads_before: int
    threads_after: int
    rest: float
    stop: float

    @property
    def unexpected(self) -> list[Sample]:
        """The requests with another answer than theirs."""
        return [sample for sample in self.samples if sample.status not in (*sample.kind.statuses, *_if_left(sample))]

    @property
    def slowest(self) -> float:
        """The greatest time of a sound request, in times of the work queued before it."""
        return max(sample.seconds / self.queued(sample) for sample in self.samples if sample.kind.is_sound)

    def queued(self, sample: Sample) -> float:
        """The work queued before a request."""
        own = self.alone[sample.kind.name]
        end = sample.sent + sample.seconds
        earlier = (other for other in self.samples if other.sent < sample.sent < other.sent + other.seconds)
        later = (other for other in self.samples if sample.sent < other.sent < end)
        return (
            MOMENT
            + own
            + sum(self.alone[other.kind.name] for other in earlier)
            + sum(min(self.alone[other.kind.name], own) for other in later)
        )


def _if_left(sample: Sample) -> tuple[int, ...]:
    return (0,) if sample.kind.patience < MAX_WAIT else ()


def _post(path: str, body: bytes | str, length: str | None = None) -> bytes:
    body = body.encode() if isinstance(body, str) else body
    size = f"Content-Length: {len(body)}" if length is None else length
    head = f"POST /api/{path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n"
    return f"{head}{size}\r\n\r\n".encode() + body


def kinds(size: int) -> list[Kind]:
    """Sound requests, and hostile ones with this many parts, where they have parts."""
    text = json.dumps(ARTICLE)
    place = {"paragraph": ARTICLE.strip(), "start": 4, "end": 12, "restored": "foreign"}
    edit = {"article": 0, "start": 4, "end": 12, "restored": "foreign"}
    marks, nested, lines = "*a **b _c [d](" * (size // 10), "<div>" * size, "One.\n\n" * size
    too_long = _chunked(21_000_000), "Transfer-Encoding: chunked\r\nContent-Length: 5"
    wrong, either = (422,), (200, 422)
    return [
        Kind("settings", b"GET /api/settings HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"),
        Kind("open", _post("open", f'{{"text": {text}}}')),
        Kind("restore", _post("restore", f'{{"text": {text}}}')),
        Kind("stream", _post("stream", f'{{"text": {text}}}')),
        Kind("other words", _post("alternatives", json.dumps(place))),
        Kind("export", _post("export", json.dumps({"text": ARTICLE, "edits": [edit]}))),
        Kind("Markdown marks", _post("open", json.dumps({"text": marks, "format": "md"})), either),
        Kind("nested HTML", _post("open", json.dumps({"text": nested, "format": "html"})), either),
        Kind("long text", _post("open", json.dumps({"text": lines, "format": "txt"})), either),
        Kind("left behind", _post("stream", json.dumps({"text": ARTICLE * (size // 1000)})), either, patience=0.5),
        Kind("half a body", _post("open", '{"text": ', "Content-Length: 99"), wrong, patience=0.5),
        Kind("half a header", b"GET / HTTP/1.1\r\nHost:", wrong, patience=0.5),
        Kind("no HTTP", b"\x16\x03\x01\x02\r\n\r\n", (400,)),
        Kind("too long", _post("open", *too_long), (413,)),
        Kind("deep", _post("open", '{"text": ' + "[" * size), wrong),
        Kind("wrong edits", _post("export", '{"text": "a", "edits": [' + "1," * (10 * size) + "1]}"), wrong),
        Kind("unknown keys", _post("open", "{" + ",".join(f'"k{i}":1' for i in range(size)) + "}"), wrong),
        Kind("long name", _post("open", json.dumps({"text": "a", "format": "x" * (10 * size)})), wrong),
        Kind("not a number", _post("restore", '{"text": "a", "min_confidence": NaN}'), wrong),
        Kind("half a pair", _post("restore", '{"text": "\\ud800"}'), wrong),
    ]


def _chunked(size: int) -> bytes:
    return b"10000\r\n%s\r\n" % (b" " * 65536) * (size // 65536) + b"0\r\n\r\n"


def load(checkpoint: str, clients: int, seconds: float, size: int = SIZE) -> Report:
    """Serve a checkpoint, and let clients send requests to it. Raises RuntimeError if the server does not start."""
    with _serving(checkpoint) as (server, port):
        offered = kinds(size)
        alone = {kind.name: median(_timed(port, kind)[0] for _ in range(3)) for kind in offered}
        process = psutil.Process(server.pid)
        threads_before = process.num_threads()
        groups = [[kind for kind in offered if kind.is_sound == is_sound] for is_sound in (True, False)]
        end = time.monotonic() + seconds

        def visit(number: int) -> list[Sample]:
            time.sleep(RAMP * seconds * number / clients)
            samples = []
            for turn in count(number):
                if time.monotonic() > end:
                    break
                group = groups[turn % 2]  # sound and hostile requests in turn
                kind = group[turn // 2 % len(group)]
                sent = time.monotonic()
                samples.append(Sample(kind, sent, *_timed(port, kind)))
            return samples

        with ThreadPoolExecutor(clients) as pool:
            visits = [pool.submit(visit, number) for number in range(clients)]
            memory = _memory(process, end)
        begin = time.monotonic()
        _wait_until_idle(process)
        rest, threads_after = time.monotonic() - begin, process.num_threads()
        begin = time.monotonic()
        server.terminate()
        server.wait(MAX_REST)
        stop = time.monotonic() - begin
    samples = [sample for visit in visits for sample in visit.result()]
    return Report(alone, samples, memory, threads_before, threads_after, rest, stop)


@contextmanager
def _serving(checkpoint: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    command = [sys.executable, "-c", SERVE, "serve", "--port", "0", "--checkpoint", checkpoint]
    # uvicorn logs each invalid request.
    with subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as server:
        try:
            assert server.stdout is not None
            line = server.stdout.readline()
            if not (found := re.search(r"open http://[^ ]+:(\d+)", line)):
                raise RuntimeError(f"unspin serve does not start: {line}")
            yield server, int(found[1])
        finally:
            server.kill()


def _timed(port: int, kind: Kind) -> tuple[float, int]:
    """Send a request and read its answer: the seconds it takes, and its status, which is 0 without an answer."""
    begin = time.monotonic()
    received = b""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=MAX_WAIT) as connection:
            connection.sendall(kind.content)
            while (rest := begin + kind.patience - time.monotonic()) > 0:
                connection.settimeout(rest)
                if not (piece := connection.recv(1 << 20)):
                    break
                received = received or piece
    except OSError:  # the client leaves, or the server cuts it off
        pass
    status = re.match(rb"HTTP/1.1 (\d+)", received)
    return time.monotonic() - begin, int(status[1]) if status else 0


def _memory(process: psutil.Process, end: float) -> list[float]:
    """The mean memory of a process in each quarter of the time until the end, in MB."""
    samples = []
    while time.monotonic() < end:
        samples.append(process.memory_info().rss / 1e6)
        time.sleep(0.2)
    return [mean(samples[i * len(samples) // 4 : (i + 1) * len(samples) // 4]) for i in range(4)]


def _wait_until_idle(process: psutil.Process) -> None:
    end = time.monotonic() + MAX_REST
    while process.cpu_percent(0.5) > 5 and time.monotonic() < end:
        pass


def show(report: Report) -> None:
    """Print a row for each kind of request, and the figures of the server."""
    from rich.console import Console
    from rich.table import Table

    table = Table("request", "answers", "alone, s", "median, s", "slowest, s", "slowest / queued")
    for kind in sorted({sample.kind for sample in report.samples}, key=lambda kind: (not kind.is_sound, kind.name)):
        samples = [sample for sample in report.samples if sample.kind == kind]
        times = [sample.seconds for sample in samples]
        share = max(sample.seconds / report.queued(sample) for sample in samples)
        figures = f"{report.alone[kind.name]:.3f}", f"{median(times):.3f}", f"{max(times):.3f}", f"{share:.2f}"
        table.add_row(kind.name if kind.is_sound else f"({kind.name})", f"{len(samples):,}", *figures)
    Console(soft_wrap=True).print(table)
    print(f"slowest sound request: {report.slowest:.2f} times the work queued before it")
    print(f"unexpected answers: {_counted(report.unexpected) or 'none'}")
    print(f"memory by quarter, MB: {', '.join(f'{megabytes:.0f}' for megabytes in report.memory)}")
    print(f"threads: {report.threads_before} before, {report.threads_after} after")
    print(f"idle after {report.rest:.1f} s, stopped within {report.stop:.1f} s")


def _counted(samples: Sequence[Sample]) -> str:
    counts = Counter(f"{sample.kind.name} {sample.status}" for sample in samples)
    return ", ".join(f"{count} x {name}" for name, count in counts.items())


def main() -> None:
    """Run the script."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.load",
        description="Send sound and hostile requests to the page's server from many clients at once.",
    )
    parser.add_argument("--checkpoint", default="default")
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=120)
    options = parser.parse_args()
    show(load(options.checkpoint, options.clients, options.seconds))


if __name__ == "__main__":
    main()
