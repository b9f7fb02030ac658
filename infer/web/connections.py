"""The HTTP server under the local page: uvicorn, with bounds on what a client can keep occupied.

A client has `CLIENT_SECONDS` to send a request and as long to take an answer; then its connection is cut. At most
`MAX_CONNECTIONS` are open. When the server is stopped, requests have `STOP_SECONDS` to end.
"""

from __future__ import annotations

import asyncio
import json

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import STATUS_PHRASES, H11Protocol

CLIENT_SECONDS = 60
MAX_CONNECTIONS = 100
STOP_SECONDS = 2

SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def make_server(app: ASGIApp) -> uvicorn.Server:
    """The server of an application; give its `run` a bound socket."""
    config = uvicorn.Config(
        app,
        http=Connection,
        ws="none",
        log_level="warning",
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=STOP_SECONDS,
    )
    return uvicorn.Server(config)


class Connection(H11Protocol):
    """One connection. uvicorn itself waits forever for a request to be complete, and for an answer to be read."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Accept a connection, unless there are too many."""
        super().connection_made(transport)
        if len(self.connections) > MAX_CONNECTIONS:
            self._refuse(503, "too many connections are open: try again later")
        else:
            self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the deadline."""
        super().connection_lost(exc)
        self._stop_watching()

    def data_received(self, data: bytes) -> None:
        """Take a part of a request."""
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        super().on_response_complete()
        self._watch()

    def pause_writing(self) -> None:
        """Wait until the client has read more."""
        super().pause_writing()
        self._watch()

    def resume_writing(self) -> None:
        """Go on, since the client has read most of what was written."""
        super().resume_writing()
        self._watch()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is not HTTP, in the form of every other refusal."""
        self._refuse(400, msg)

    def _watch(self) -> None:
        """Start the client's time if it has to do something, and stop it if it has done so."""
        if not self.flow.write_paused and self.conn.their_state not in (h11.IDLE, h11.SEND_BODY):
            self._stop_watching()
        elif self._deadline is None and not self.transport.is_closing():
            self._deadline = self.loop.call_later(CLIENT_SECONDS, self.transport.abort)

    def _stop_watching(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _refuse(self, status: int, detail: str) -> None:
        """Answer without asking the application, and close the connection."""
        if self.cycle is not None:
            self.cycle.disconnected = True  # whatever the application answers now is dropped
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            body = json.dumps({"detail": detail}).encode()
            headers = SECURITY_HEADERS | {
                "Content-Type": "application/json",
                "Content-Length": str(len(body)),
                "Connection": "close",
            }
            response = h11.Response(status_code=status, headers=[*headers.items()], reason=STATUS_PHRASES[status])
            for event in (response, h11.Data(data=body), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()
