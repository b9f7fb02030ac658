"""The server behind `unspin serve`: the page, and the JSON endpoints around one model that it calls.

Documents are held in memory for the length of a request and never stored. The page and what it loads are served from
this folder under a content security policy that allows no other origin. The model restores one piece of an article at a
time, in a thread; waiting requests take turns in order of arrival, so a short article does not wait for the whole of a
long one, and an article that nobody waits for any more ends with its piece.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import asdict
from functools import partial
from importlib.metadata import version
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, StreamingResponse
from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from unspin.infer.documents.base import Document, DocumentError, View
from unspin.infer.documents.formats import FORMATS_BY_NAME, TEXT_FORMATS
from unspin.infer.fidelity.context import Context
from unspin.infer.restoration import Restoration
from unspin.infer.restorer import Restorer
from unspin.infer.web.export import EditError, export
from unspin.infer.web.layout import layout_of
from unspin.infer.web.schema import (
    MAX_FILE_BYTES,
    MAX_REQUEST_BYTES,
    Alternatives,
    AlternativesRequest,
    Article,
    ArticleOut,
    BlockOut,
    DocumentOut,
    ExportOut,
    ExportRequest,
    FormatOut,
    Problem,
    RestorationOut,
    RestoreRequest,
    Settings,
)

MAX_OTHER_WORDS = 5
LOOPBACK = ("127.0.0.1", "localhost", "::1")

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_MODULES = ("app", "article", "dialog", "gaps", "server", "view")
_ASSETS = {
    "/": ("index.html", "text/html"),
    "/style.css": ("style.css", "text/css"),
    **{f"/{name}.js": (f"{name}.js", "text/javascript") for name in _MODULES},
}
_REFUSALS: dict[int | str, dict[str, Any]] = {status: {"model": Problem} for status in (400, 403, 413, 422)}
_SURROGATE = re.compile("[\ud800-\udfff]")  # half a pair, which an escape in JSON may stand for
_NAMES = {  # what options of the command are called here: on the page, or in a request
    "--format": "“Format”",
    "--field": "“Column or key”",
    "--on-error skip": "`skip_faults`",
}

RunInTurn = Callable[..., Awaitable[Any]]


def make_app(restorer: Restorer, threshold: float, sample: str = "", hosts: tuple[str, ...] = LOOPBACK) -> FastAPI:
    """Build the application.

    `threshold` is the restorer's own minimum confidence, and `sample` an article to try the page with. Requests whose
    Host header is not among `hosts` are refused ("*" allows any), so that a web page elsewhere cannot reach a loopback
    server through a domain name that resolves to it (DNS rebinding).
    """
    app = FastAPI(
        title="unspin",
        version=version("unspin"),
        description="Restores articles that an automatic article spinner garbled.",
        docs_url=None,
        redoc_url=None,
    )
    run_in_turn = _make_queue()
    _add_documents(app)
    _add_restoring(app, restorer, run_in_turn)
    _add_alternatives(app, restorer, run_in_turn)
    _add_page(app, threshold, sample)
    app.add_exception_handler(DocumentError, _refuse)
    app.add_exception_handler(EditError, _refuse)
    app.add_exception_handler(RequestValidationError, _refuse_request)
    app.add_exception_handler(ClientDisconnect, _answer_nobody)
    app.add_middleware(_Guard, hosts=hosts)
    return app


def _make_queue() -> RunInTurn:
    """A function that runs work in a thread, one piece at a time, first come, first served.

    It raises `ClientDisconnect` if the client of the work's `connection` has gone before the turn has come. Work whose
    request is cancelled still ends before the next piece begins.
    """
    turn = asyncio.Lock()  # wakes waiters in order of arrival

    async def run_in_turn(work: Callable[[], Any], connection: Request | None = None) -> Any:
        await turn.acquire()
        try:
            if connection is not None and await connection.is_disconnected():
                raise ClientDisconnect
            thread = asyncio.ensure_future(asyncio.to_thread(work))
        except BaseException:
            turn.release()
            raise
        thread.add_done_callback(lambda _: turn.release())
        return await asyncio.shield(thread)

    return run_in_turn


def _add_documents(app: FastAPI) -> None:
    @app.post("/api/open", response_model=DocumentOut, responses=_REFUSALS, summary="Read a document")
    def read(article: Article) -> Any:
        """What a reader sees of a document: its readable text, and how it is laid out."""
        document, format_name = article.document()
        return DocumentOut(
            format=format_name,
            articles=[
                ArticleOut(name=view.name, text=_SURROGATE.sub("\ufffd", view.text), fixed=list(_fixed_spans(view)))
                for view in document.views
            ],
            blocks=[BlockOut(article=block.article, tree=block.tree) for block in layout_of(document, format_name)],
            warnings=list(document.warnings),
        )

    @app.post("/api/export", response_model=ExportOut, responses=_REFUSALS, summary="Make a file of a document")
    def make_file(request: ExportRequest) -> Any:
        return export(request)


def _fixed_spans(view: View) -> Iterator[tuple[int, int]]:
    return (match.span() for match in re.finditer(rb"[^\0]+", view.fixed))


def _add_restoring(app: FastAPI, restorer: Restorer, run_in_turn: RunInTurn) -> None:
    @app.post("/api/restore", response_model=RestorationOut, responses=_REFUSALS, summary="Restore a document")
    async def restore(request: RestoreRequest, connection: Request) -> Any:
        document, _ = await asyncio.to_thread(request.document)
        run = partial(run_in_turn, connection=connection)
        async for step in _steps(restorer, document, request.min_confidence, run):
            restoration = step[1]
        return _as_json(restoration, document) | {"text": restoration.text}

    @app.post(
        "/api/stream",
        responses=_REFUSALS | {200: {"content": {"application/x-ndjson": {}}}},
        summary="Restore a document piece by piece",
    )
    async def stream(request: RestoreRequest) -> Response:
        """Each line is a JSON object: `done`, the share of the document that is restored, and, if they have changed,
        its `edits`, `spun_share` and `warnings`.

        A line replaces the one before it, since later text may change earlier edits.
        """
        document, _ = await asyncio.to_thread(request.document)
        steps = _steps(restorer, document, request.min_confidence, run_in_turn)
        return StreamingResponse(_lines(steps, document), media_type="application/x-ndjson")


async def _steps(
    restorer: Restorer, document: Document, min_confidence: float | None, run_in_turn: RunInTurn
) -> AsyncIterator[tuple[int, Restoration]]:
    """The steps of `Restorer.stream`, each in its turn. The last one has read all of the document."""
    steps = restorer.stream(document, min_confidence=min_confidence)
    done = -1
    while done < len(document.text):
        done, restoration = await run_in_turn(partial(next, steps))
        yield done, restoration


async def _lines(steps: AsyncIterator[tuple[int, Restoration]], document: Document) -> AsyncIterator[str]:
    last = None
    async for done, restoration in steps:
        line: dict[str, Any] = {"done": round(done / max(len(document.text), 1), 4)}
        if restoration is not last:
            line |= _as_json(restoration, document)
        last = restoration
        yield json.dumps(line) + "\n"  # in ASCII, since a text may hold half a surrogate pair


def _as_json(restoration: Restoration, document: Document) -> dict[str, Any]:
    """A restoration without its two texts: the page has the source and builds the restored text from the edits."""
    return {
        "edits": [asdict(edit) for edit in restoration.edits],
        "spun_share": round(restoration.spun_share, 4),
        "warnings": [*document.warnings, *restoration.warnings],
    }


def _add_alternatives(app: FastAPI, restorer: Restorer, run_in_turn: RunInTurn) -> None:
    @app.post(
        "/api/alternatives",
        response_model=Alternatives,
        responses=_REFUSALS,
        summary="List other words for a place in a text",
    )
    async def alternatives(request: AlternativesRequest, connection: Request) -> Any:
        located = request.sentence_edit()
        if located is None:
            return {"alternatives": []}
        context = Context(request.paragraph)
        work = partial(restorer.alternatives, *located, MAX_OTHER_WORDS, context=context)
        return {"alternatives": await run_in_turn(work, connection)}


def _add_page(app: FastAPI, threshold: float, sample: str) -> None:
    formats = [
        FormatOut(name=name, label=format.label, suffixes=list(format.suffixes), is_text=name in TEXT_FORMATS)
        for name, format in FORMATS_BY_NAME.items()
    ]

    @app.get("/api/settings", response_model=Settings, summary="The checkpoint's threshold and the document formats")
    async def settings() -> Any:
        return Settings(threshold=threshold, max_file_bytes=MAX_FILE_BYTES, formats=formats, sample=sample)

    for path, (name, media_type) in _ASSETS.items():
        app.add_api_route(path, _asset(name, media_type), include_in_schema=False)


def _asset(name: str, media_type: str) -> Callable[[], Awaitable[Response]]:
    async def send() -> Response:
        return Response((files("unspin.infer.web") / name).read_bytes(), media_type=media_type)

    return send


async def _refuse(request: Request, error: Exception) -> Response:
    """Say why a document is refused. Options of the command in the message get the names that they have here."""
    detail = str(error)
    for option, name in _NAMES.items():
        detail = detail.replace(option, name)
    return JSONResponse({"detail": detail}, 422)


async def _refuse_request(request: Request, error: Exception) -> Response:
    """Say what is wrong with a request, in the form of every other refusal, and without the request's own text."""
    assert isinstance(error, RequestValidationError)
    if "json" not in request.headers.get("content-type", ""):
        return JSONResponse({"detail": "send JSON, with the header Content-Type: application/json"}, 422)
    problems = [
        f"{'.'.join(str(part) for part in item['loc'][1:])}: {item['msg'].removeprefix('Value error, ')}"
        for item in error.errors()
    ]
    return JSONResponse({"detail": "; ".join(problem.removeprefix(": ") for problem in problems)}, 422)


async def _answer_nobody(request: Request, error: Exception) -> Response:
    return Response(status_code=499)


class _Guard:
    """Refuses some requests, and adds the security headers to every response.

    It is no `BaseHTTPMiddleware`, behind which a request cannot tell that its client has gone.
    """

    def __init__(self, app: ASGIApp, hosts: tuple[str, ...]) -> None:
        self._app, self._hosts = app, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        refusal = _refusal(Request(scope), self._hosts) if scope["type"] == "http" else None
        await (refusal or self._app)(scope, receive, send_with_headers)


def _refusal(request: Request, hosts: tuple[str, ...]) -> Response | None:
    """Why a request is refused: it is for another host, by another site, too long, or does not say how long it is."""
    length = request.headers.get("content-length", "")
    is_post = request.method == "POST"
    if hosts != ("*",) and _host_of(request) not in hosts:
        return JSONResponse({"detail": "this server answers for other host names only"}, 400)
    if is_post and request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        return JSONResponse({"detail": "requests of other sites are refused"}, 403)
    if is_post and not (length.isdigit() and int(length) <= MAX_REQUEST_BYTES):
        detail = (
            f"the limit is {MAX_REQUEST_BYTES:,} bytes a request, with their number in a Content-Length header; "
            "`unspin restore` takes files of any size"
        )
        return JSONResponse({"detail": detail}, 413)
    return None


def _host_of(request: Request) -> str | None:
    """The host name that a request is for, without the port; Starlette's own check cannot read IPv6 addresses."""
    try:
        return urlsplit(f"//{request.headers.get('host', '')}").hostname
    except ValueError:
        return None
