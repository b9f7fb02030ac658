"""The HTTP server: slow clients are cut off, connections bounded, and every answer has the security headers."""

import contextlib
import json
import socket
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from unspin.infer.web import connections
from unspin.infer.web.connections import SECURITY_HEADERS
from unspin.infer.web.schema import MAX_REQUEST_BYTES

BODY = b'{"text": "The overseas man."}'
CHUNKED = b"Transfer-Encoding: chunked\r\n"


@contextlib.contextmanager
def _connected(address: str) -> Iterator[socket.socket]:
    url = urlsplit(address)
    with socket.create_connection((url.hostname or "", url.port or 0), timeout=30) as connection:
        yield connection


def _answer(address: str, request: bytes) -> tuple[int, dict[str, str], bytes]:
    """The status, headers and body of the answer to a request after which the server closes the connection."""
    with _connected(address) as connection:
        connection.sendall(request)
        received = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, body = received.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    return int(status.split()[1]), dict(line.lower().split(": ", 1) for line in lines), body


def _post(body: bytes, headers: bytes) -> bytes:
    start = b"POST /api/open HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Type: application/json\r\n"
    return start + headers + b"\r\n" + body


def _in_chunks(body: bytes) -> bytes:
    pieces = [body[i : i + 65536] for i in range(0, len(body), 65536)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"hello\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n", 200),
        (b"HEAD / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n", 405),
        (b"OPTIONS /api/open HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n", 405),
        (b"GET /none HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n", 404),
        (_post(BODY, b"Content-Length: %d\r\n" % len(BODY)), 200),
        (_post(BODY, b"Content-Length: %d\r\n" % len(BODY)).replace(b"open", b"stream"), 200),
        (_post(BODY, b"Content-Length: 0\r\n"), 422),
        (_post(_in_chunks(BODY), CHUNKED), 200),
        (_post(_in_chunks(BODY), CHUNKED + b"Content-Length: 5\r\n"), 200),
        (_post(b"zz\r\n", CHUNKED), 400),
        (_post(BODY, b"Content-Length: 5\r\nContent-Length: 6\r\n"), 400),
        (_post(BODY, b"Content-Length: -5\r\n"), 400),
        (_post(BODY, b"Content-Length: +5\r\n"), 400),
        (_post(BODY, b"Content-Length: " + b"9" * 30 + b"\r\n"), 400),
        (_post(BODY, b"Content-Length: " + b"9" * 15 + b"\r\n"), 413),
    ],
)
def test_every_answer_has_the_security_headers(address: str, request_: bytes, status: int) -> None:
    found, headers, body = _answer(address, request_)
    assert found == status
    assert {name: headers[name.lower()] for name in SECURITY_HEADERS} == {
        name: value.lower() for name, value in SECURITY_HEADERS.items()
    }
    assert status == 200 or request_.startswith(b"HEAD") or isinstance(json.loads(body)["detail"], str)


@pytest.mark.parametrize("headers", [CHUNKED, CHUNKED + b"Content-Length: 5\r\n"])
def test_the_limit_counts_the_bytes_that_arrive(address: str, headers: bytes) -> None:
    status, _, body = _answer(address, _post(_in_chunks(b" " * (MAX_REQUEST_BYTES + 1)), headers))
    assert status == 413 and "the limit is 20,000,000 bytes" in json.loads(body)["detail"]
    status, _, body = _answer(address, _post(_in_chunks(BODY + b" " * (MAX_REQUEST_BYTES - len(BODY))), headers))
    assert status == 200


@pytest.mark.parametrize(
    "start", [b"", b"GET / HTTP/1.1\r\nHost:", _post(BODY, b"Content-Length: 99\r\n"), _post(b"5\r\nab", CHUNKED)]
)
def test_a_request_that_does_not_come_is_not_waited_for(
    address: str, monkeypatch: pytest.MonkeyPatch, start: bytes
) -> None:
    monkeypatch.setattr(connections, "CLIENT_SECONDS", 0.5)
    begun = time.monotonic()
    with _connected(address) as connection, contextlib.suppress(ConnectionResetError):
        connection.sendall(start)
        assert connection.recv(100) == b""
    assert 0.4 < time.monotonic() - begun < 15


def test_a_request_may_not_come_in_drops(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "CLIENT_SECONDS", 0.5)
    begun = time.monotonic()
    with _connected(address) as connection, contextlib.suppress(ConnectionError):
        connection.sendall(b"GET / HTTP/1.1\r\nX: ")
        while time.monotonic() - begun < 15:
            connection.sendall(b"x")
            time.sleep(0.05)
    assert time.monotonic() - begun < 15


def test_an_answer_that_is_not_read_is_given_up(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "CLIENT_SECONDS", 1)
    body = json.dumps({"text": "The overseas man went home.\n\n" * 100_000, "format": "txt"}).encode()
    with _connected(address) as connection:
        connection.sendall(_post(body, b"Content-Length: %d\r\n" % len(body)))
        assert connection.recv(12) == b"HTTP/1.1 200"
        time.sleep(3)
        received = 0
        with contextlib.suppress(ConnectionResetError):
            while data := connection.recv(1 << 20):
                received += len(data)
    assert received < 2 * len(body)


def test_connections_are_not_kept_beyond_a_number(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "MAX_CONNECTIONS", 5)
    with contextlib.ExitStack() as open_connections:
        for _ in range(5):
            open_connections.enter_context(_connected(address))
        time.sleep(0.3)
        status, headers, body = _answer(address, b"")
        assert status == 503 and headers["referrer-policy"] == "no-referrer"
        assert json.loads(body)["detail"] == "too many connections are open: try again later"
    time.sleep(0.3)
    assert _answer(address, b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")[0] == 200
