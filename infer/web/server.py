"""The server behind `unspin serve`: the page, and the JSON endpoints around one model that it calls.

Documents are held in memory for the length of a request and never stored. The page and what it loads are served from
this folder under a content security policy that allows no other origin. The event loop only moves bytes. Two threads
parse requests, read documents and encode answers; one of them serves short requests only, so that these do not wait for
long documents. The model restores one piece of an article at a time, in a third thread. Waiting requests take turns in
order of arrival, so a short article does not wait for the whole of a long one, and an article that nobody waits for any
more ends with its piece.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from functools import partial
from importlib.metadata import version
from importlib.resources import files
from ipaddress import ip_address
from typing import Any, TypeVar
from urllib.parse import urlsplit

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, StreamingResponse
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError
from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from unspin.infer.documents.base import Document, DocumentError, View
from unspin.infer.documents.formats import FORMATS_BY_NAME, TEXT_FORMATS
from unspin.infer.fidelity.context import Context
from unspin.infer.restoration import Restoration
from unspin.infer.restorer import Restorer
from unspin.infer.web.connections import SECURITY_HEADERS
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

MAX_DETAIL = 1000  # characters of a refusal, which may quote the request
MAX_OTHER_WORDS = 5
MAX_PROBLEMS = 20  # of a request that are listed
SHORT_BYTES = 200_000  # a request of at most as many is short: reading it takes a second at most
LOOPBACK = ("127.0.0.1", "localhost", "::1")

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
_TOO_LONG = f"the limit is {MAX_REQUEST_BYTES:,} bytes a request; `unspin restore` takes files of any size"

Result = TypeVar("Result")


def make_app(restorer: Restorer, threshold: float, sample: str = "", hosts: tuple[str, ...] = LOOPBACK) -> ASGIApp:
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
        max_body_size=MAX_REQUEST_BYTES,  # counts the bytes that arrive, whatever the headers say
    )
    app.router.route_class = _Route
    app.state.short_requests, app.state.long_requests = Queue(), Queue()
    engine = Queue()
    _add_documents(app)
    _add_restoring(app, restorer, engine)
    _add_alternatives(app, restorer, engine)
    _add_page(app, threshold, sample)
    app.add_exception_handler(DocumentError, _refuse)
    app.add_exception_handler(EditError, _refuse)
    app.add_exception_handler(RequestValidationError, _refuse_request)
    app.add_exception_handler(413, _refuse_length)
    app.add_exception_handler(ClientDisconnect, _answer_nobody)
    app.add_exception_handler(Exception, _fail)
    return _Guard(app, hosts)


def hosts_of(address: str) -> tuple[str, ...]:
    """The host names that a server at an address answers for: those of loopback, or any if others can reach it."""
    try:
        is_loopback = ip_address(address).is_loopback
    except ValueError:
        is_loopback = address == "localhost"
    return (*LOOPBACK, address) if is_loopback else ("*",)


class Queue:
    """Runs work in threads, one piece at a time, first come, first served."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()  # wakes waiters in order of arrival

    async def run(self, work: Callable[[], Result], connection: Request | None = None) -> Result:
        """Run a piece of work when its turn comes.

        Raises `ClientDisconnect` if the client of the work's `connection` has gone by then. Work whose request is
        cancelled still ends before the next piece takes its place.
        """
        await self._turn.acquire()
        try:
            if connection is not None and await connection.is_disconnected():
                raise ClientDisconnect
            thread = asyncio.ensure_future(asyncio.to_thread(work))
        except BaseException:
            self._turn.release()
            raise
        thread.add_done_callback(lambda _: self._turn.release())
        return await asyncio.shield(thread)


class _Route(APIRoute):
    """A route whose request is parsed in a thread; FastAPI itself would do so in the event loop."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        if self.body_field is None:
            return handle
        model: Any = self.body_field.field_info.annotation

        async def handle_parsed(request: Request) -> Response:
            return await handle(_ParsedRequest(request, model))

        return handle_parsed


class _ParsedRequest(Request):
    """A request whose JSON is an object of a model. FastAPI, which would make one of it, takes it as it is."""

    def __init__(self, request: Request, model: type[BaseModel]) -> None:
        super().__init__(request.scope, request.receive)
        self._model = model

    async def json(self) -> BaseModel:
        """Parse the body. Raises HTTPException if it is wrong."""
        return await self.read(partial(_parsed, self._model, await self.body()))

    async def read(self, work: Callable[[], Result]) -> Result:
        """Let a reader do a piece of work. Raises `ClientDisconnect` if the client has gone before."""
        state = self.app.state
        readers: Queue = state.short_requests if len(await self.body()) <= SHORT_BYTES else state.long_requests
        return await readers.run(work, self)


def _parsed(model: type[BaseModel], body: bytes) -> BaseModel:
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise HTTPException(422, _shortened(_described(error))) from None


def _described(error: ValidationError) -> str:
    """What is wrong with a request."""
    if error.error_count() > MAX_PROBLEMS:  # listing millions would take minutes
        return f"{error.error_count():,} values of the request are wrong"
    problems = (
        f"{'.'.join(map(str, item['loc']))}: {item['msg'].removeprefix('Value error, ')}"
        for item in error.errors(include_url=False, include_context=False, include_input=False)
    )
    return "; ".join(problem.removeprefix(": ") for problem in problems)


def _add_documents(app: FastAPI) -> None:
    @app.post("/api/open", response_model=DocumentOut, responses=_REFUSALS, summary="Read a document")
    async def read(article: Article, connection: _ParsedRequest) -> Response:
        """What a reader sees of a document: its readable text, and how it is laid out."""
        return await connection.read(partial(_opened, article))

    @app.post("/api/export", response_model=ExportOut, responses=_REFUSALS, summary="Make a file of a document")
    async def make_file(request: ExportRequest, connection: _ParsedRequest) -> Response:
        return await connection.read(lambda: _json_response(export(request)))


def _opened(article: Article) -> Response:
    document, format_name = article.document()
    answer = DocumentOut(
        format=format_name,
        articles=[
            ArticleOut(name=view.name, text=_SURROGATE.sub("\ufffd", view.text), fixed=list(_fixed_spans(view)))
            for view in document.views
        ],
        blocks=[BlockOut(article=block.article, tree=block.tree) for block in layout_of(document, format_name)],
        warnings=list(document.warnings),
    )
    return _json_response(answer)


def _json_response(answer: BaseModel) -> Response:
    """An answer that is encoded here, in a reader's thread."""
    return Response(answer.model_dump_json(), media_type="application/json")


def _fixed_spans(view: View) -> Iterator[tuple[int, int]]:
    return (match.span() for match in re.finditer(rb"[^\0]+", view.fixed))


def _add_restoring(app: FastAPI, restorer: Restorer, engine: Queue) -> None:
    @app.post("/api/restore", response_model=RestorationOut, responses=_REFUSALS, summary="Restore a document")
    async def restore(request: RestoreRequest, connection: _ParsedRequest) -> Response:
        document, _ = await connection.read(request.document)
        steps = await connection.read(partial(restorer.stream, document, min_confidence=request.min_confidence))
        async for step in _in_turns(steps, document, engine, connection):
            restoration = step
        return await connection.read(partial(_restored, restoration, document))

    @app.post(
        "/api/stream",
        responses=_REFUSALS | {200: {"content": {"application/x-ndjson": {}}}},
        summary="Restore a document piece by piece",
    )
    async def stream(request: RestoreRequest, connection: _ParsedRequest) -> Response:
        """Each line is a JSON object: `done`, the share of the document that is restored, and, if they have changed,
        its `edits`, `spun_share` and `warnings`.

        A line replaces the one before it, since later text may change earlier edits.
        """
        document, _ = await connection.read(request.document)
        steps = await connection.read(partial(restorer.stream, document, min_confidence=request.min_confidence))
        return StreamingResponse(
            _in_turns(_lines(steps, document), document, engine), media_type="application/x-ndjson"
        )


async def _in_turns(
    steps: Iterator[tuple[int, Result]], document: Document, engine: Queue, connection: Request | None = None
) -> AsyncIterator[Result]:
    """What the steps of restoring a document yield, each in its turn, until one has read all of it.

    Only the thread of a turn is ever inside `steps`: if the request is cancelled meanwhile, nobody takes another step.
    """
    done = -1
    while done < len(document.text):
        done, result = await engine.run(partial(next, steps), connection)
        yield result


def _lines(steps: Iterator[tuple[int, Restoration]], document: Document) -> Iterator[tuple[int, bytes]]:
    last = None
    for done, restoration in steps:
        line: dict[str, Any] = {"done": round(done / max(len(document.text), 1), 4)}
        if restoration is not last:
            line |= _as_json(restoration, document)
        last = restoration
        yield done, json.dumps(line).encode() + b"\n"  # in ASCII, since a text may hold half a surrogate pair


def _restored(restoration: Restoration, document: Document) -> Response:
    return JSONResponse(_as_json(restoration, document) | {"text": restoration.text})


def _as_json(restoration: Restoration, document: Document) -> dict[str, Any]:
    """A restoration without its two texts: the page has the source and builds the restored text from the edits."""
    return {
        "edits": [vars(edit) for edit in restoration.edits],
        "spun_share": round(restoration.spun_share, 4),
        "warnings": [*document.warnings, *restoration.warnings],
    }


def _add_alternatives(app: FastAPI, restorer: Restorer, engine: Queue) -> None:
    @app.post(
        "/api/alternatives",
        response_model=Alternatives,
        responses=_REFUSALS,
        summary="List other words for a place in a text",
    )
    async def alternatives(request: AlternativesRequest, connection: _ParsedRequest) -> Any:
        return {"alternatives": await engine.run(partial(_alternatives, restorer, request), connection)}


def _alternatives(restorer: Restorer, request: AlternativesRequest) -> tuple[str, ...]:
    located = request.sentence_edit()
    if located is None:
        return ()
    return restorer.alternatives(*located, MAX_OTHER_WORDS, context=Context(request.paragraph))


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
    return _problem(detail)


async def _refuse_request(request: Request, error: Exception) -> Response:
    """Say what is wrong with a request that no reader has parsed: it is empty, or not JSON."""
    is_json = "json" in request.headers.get("content-type", "")
    return _problem("the request is empty" if is_json else "send JSON, with the header Content-Type: application/json")


async def _refuse_length(request: Request, error: Exception) -> Response:
    return _problem(_TOO_LONG, 413)


async def _fail(request: Request, error: Exception) -> Response:
    """Admit an error of the program, whose traceback uvicorn logs."""
    return _problem("an unexpected error, which the output of unspin serve describes", 500)


def _problem(detail: str, status: int = 422) -> Response:
    return JSONResponse({"detail": _shortened(detail)}, status)


def _shortened(detail: str) -> str:
    """The reason of a refusal, which may quote much of a request, without half surrogate pairs."""
    short = detail if len(detail) <= MAX_DETAIL else f"{detail[:MAX_DETAIL]} …"
    return short.encode(errors="replace").decode()


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
        has_begun = False

        async def send_with_headers(message: Message) -> None:
            nonlocal has_begun
            if message["type"] == "http.response.start":
                has_begun = True
                MutableHeaders(scope=message).update(SECURITY_HEADERS)
            await send(message)

        refusal = _refusal(Request(scope), self._hosts) if scope["type"] == "http" else None
        try:
            await (refusal or self._app)(scope, receive, send_with_headers)
        except asyncio.CancelledError:  # by uvicorn, which is stopping
            if scope["type"] == "http" and not has_begun:
                await _problem("the server was stopped", 503)(scope, receive, send_with_headers)


def _refusal(request: Request, hosts: tuple[str, ...]) -> Response | None:
    """Why a request is refused before it is read: it is for another host, by another site, or too long."""
    length = request.headers.get("content-length", "")
    is_post = request.method == "POST"
    if hosts != ("*",) and _host_of(request) not in hosts:
        return _problem("this server answers for other host names only", 400)
    if is_post and request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        return _problem("requests of other sites are refused", 403)
    if length.isdigit() and int(length) > MAX_REQUEST_BYTES:
        return _problem(_TOO_LONG, 413)
    return None


def _host_of(request: Request) -> str | None:
    """The host name that a request is for, without the port; Starlette's own check cannot read IPv6 addresses."""
    try:
        return urlsplit(f"//{request.headers.get('host', '')}").hostname
    except ValueError:
        return None
