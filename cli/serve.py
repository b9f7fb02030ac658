"""`unspin serve`: loads the model, then listens."""

from __future__ import annotations

import socket

import uvicorn
from unspin.data.errors import UnspinError
from unspin.infer.checkpoint import Checkpoint
from unspin.infer.engines import ENGINES, load_engine
from unspin.infer.restorer import Restorer
from unspin.infer.web.server import LOOPBACK, make_app


def serve(host: str, port: int, checkpoint_name: str, engine_name: str) -> None:
    """Serve the page until interrupted. Raises `UnspinError` where the port is taken."""
    if engine_name not in ENGINES:
        raise UnspinError(f"--engine {engine_name}: there are {', '.join(ENGINES)}")
    checkpoint = Checkpoint.open(checkpoint_name)
    listener = _listen(host, port)
    engine = load_engine(engine_name, checkpoint, print)

    def restorer(min_confidence: float | None) -> Restorer:
        return Restorer(engine, checkpoint.calibration, min_confidence, passage=checkpoint.passage)

    app = make_app(restorer, checkpoint.calibration.threshold, LOOPBACK if host in LOOPBACK else ("*",))
    print(f"open http://{host}:{listener.getsockname()[1]} (stop with Ctrl-C)", flush=True)
    uvicorn.Server(uvicorn.Config(app, log_level="warning", server_header=False)).run(sockets=[listener])


def _listen(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise UnspinError(f"cannot listen on {host}:{port} ({error.strerror}): give another --port, or 0 for a free one") from None
    return listener
