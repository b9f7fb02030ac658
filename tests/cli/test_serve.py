"""`unspin serve`: what it refuses before it loads the model, where it listens and how it ends."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner
from unspin.cli.app import app
from unspin.cli.options import OptionError


def test_a_port_in_use_is_reported(tiny_adapter: Path, refused: Callable[..., str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        message = refused("serve", "--port", port, "--checkpoint", tiny_adapter)
    assert f"cannot listen on 127.0.0.1:{port}" in message and "choose another --port" in message


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        (os.fsdecode(b"\xff"), r"'\udcff' is no address of this machine (not a name)"),
        ("x" * 300, "'xxx"),  # too long to be looked up
        ("192.0.2.1", "'192.0.2.1' is no address of this machine (Cannot assign requested address)"),
        ("", "is empty: leave it out"),
    ],
)
def test_a_host_that_is_none_is_reported(host: str, shown: str, tiny_adapter: Path) -> None:
    result = CliRunner().invoke(app, ["serve", "--host", host, "--checkpoint", str(tiny_adapter)])
    assert isinstance(result.exception, OptionError) and f"--host {shown}" in str(result.exception)


def test_an_unknown_engine_is_reported(refused: Callable[..., str]) -> None:
    assert "--engine steam: choose one of draft, ctranslate2, transformers" in refused(
        "serve", "--engine", "steam", code=2
    )


def test_a_wrong_list_is_reported_before_a_model_is_loaded(refused: Callable[..., str]) -> None:
    assert "none.tsv: cannot be read" in refused("serve", "--checkpoint", "none", "--phrases", "none.tsv")
    assert "none.txt: cannot be read" in refused("serve", "--checkpoint", "none", "--protect", "none.txt")


@contextmanager
def _serving(checkpoint: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The command in a process of its own, and the address that it prints."""
    code = "import sys; from unspin.cli import main; sys.argv[0] = 'unspin'; main()"
    command = [sys.executable, "-c", code, "serve", "--port", "0", "--checkpoint", str(checkpoint), *options]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as server:
        assert server.stdout is not None
        try:
            found = re.search(r"open http://(\S+)", server.stdout.readline())
            assert found is not None
            yield server, found[1]
        finally:
            server.kill()


def _has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


@pytest.mark.skipif(not _has_ipv6(), reason="this machine has no IPv6")
def test_it_answers_at_an_ipv6_address(tiny_adapter: Path) -> None:
    with _serving(tiny_adapter, "--host", "::1") as (_, address):
        assert address.startswith("[::1]:")
        connection = http.client.HTTPConnection("::1", int(address.rpartition(":")[2]), timeout=60)
        connection.request("GET", "/", headers={"Host": address})
        assert connection.getresponse().status == 200


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_within_seconds_while_it_restores(tiny_adapter: Path, kind: signal.Signals) -> None:
    text = " ".join(f"The council met {number} times last year." for number in range(20_000))
    with _serving(tiny_adapter) as (server, address):
        connection = http.client.HTTPConnection(address, timeout=60)
        body = json.dumps({"text": text, "format": "txt"})
        connection.request("POST", "/api/restore", body, {"Content-Type": "application/json"})
        time.sleep(1)  # it reads the article, or restores it
        ending = time.monotonic()
        server.send_signal(kind)
        answer = connection.getresponse()
        assert answer.status == 503 and json.load(answer) == {"detail": "the server was stopped"}
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert server.wait(60) == -kind
        assert time.monotonic() - ending < 20
