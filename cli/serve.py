"""`unspin serve`: loads the model, then serves the page until it is interrupted."""

from __future__ import annotations

import signal
import socket
from errno import EADDRNOTAVAIL
from importlib.resources import files
from typing import Annotated

import typer
from unspin.cli.options import CheckpointName, EngineName, OptionError, PhrasesFile, ProtectFile
from unspin.errors import UnspinError


def serve(
    port: Annotated[int, typer.Option(min=0, max=65535, help="port to listen on; 0 picks a free one")] = 8000,
    host: Annotated[
        str, typer.Option(help="address to listen on; any address but a loopback one lets other machines connect")
    ] = "127.0.0.1",
    checkpoint: CheckpointName = "default",
    engine: EngineName = "draft",
    phrases: PhrasesFile = None,
    protect: ProtectFile = None,
) -> None:
    """Serve a local web page: open articles, review each edit, undo it or use other words, and download the result.

    Examples:

    `unspin serve`

    `unspin serve --port 9000`

    `unspin serve --phrases phrases.tsv --protect names.txt`
    """
    from unspin.infer.engines import ENGINES, load_engine
    from unspin.infer.models.checkpoint import Checkpoint
    from unspin.infer.phrase_table import PhraseTable
    from unspin.infer.restorer import Restorer
    from unspin.infer.web.connections import make_server
    from unspin.infer.web.server import hosts_of, make_app
    from unspin.phrase_lists import read_terms

    if engine not in ENGINES:
        raise OptionError(f"--engine {engine}: choose one of {', '.join(ENGINES)}")
    table = None if phrases is None else PhraseTable.from_file(phrases)
    terms = () if protect is None else read_terms(protect)
    opened = Checkpoint.open(checkpoint)
    listener = _listen(host, port)  # before the model is loaded, so that a port in use is reported at once
    loaded = load_engine(engine, opened)
    restorer = Restorer(
        loaded, opened.calibration, max_passage_words=opened.max_passage_words, phrases=table, protect=terms
    )
    sample = (files("unspin.data") / "samples" / "ferry.spun.txt").read_text(encoding="utf-8")
    app = make_app(restorer, opened.calibration.threshold, sample, hosts_of(host))
    listener.listen()  # from now on, whoever connects is answered
    shown = f"[{host}]" if ":" in host else host
    print(f"open http://{shown}:{listener.getsockname()[1]} (stop with Ctrl-C)", flush=True)
    # Once the server has stopped, the process ends on either signal without waiting for threads at work.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    make_server(app).run(sockets=[listener])


def _listen(host: str, port: int) -> socket.socket:
    """A socket that is bound to an address. Raises `OptionError` for a wrong host, `UnspinError` for a port in use."""
    if not host:  # to the system, it means every address
        raise OptionError("--host is empty: leave it out, or give an address (0.0.0.0 for every one of this machine)")
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except (OSError, TypeError, ValueError) as error:  # the last two: the name cannot be encoded
        listener.close()
        reason = error.strerror if isinstance(error, OSError) else "not a name"
        if not isinstance(error, OSError) or isinstance(error, socket.gaierror) or error.errno == EADDRNOTAVAIL:
            what = f"--host {host!r} is no address of this machine ({reason})"
            raise OptionError(f"{what}: give one, such as 127.0.0.1, without a port") from None
        raise UnspinError(
            f"cannot listen on {host}:{port} ({reason}): choose another --port, or 0 for a free one"
        ) from None
    return listener
