"""The server behind `unspin serve`: the page, and the JSON endpoints around one model that it calls.

Articles are held in memory for the length of a request and never stored. The page, its script and its style are
served from this folder under a content security policy that allows no other origin. The model restores one piece of
an article at a time, in a thread; waiting requests take turns in order of arrival, so a short article does not wait
for the whole of a long one.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import asdict
from functools import partial
from importlib.metadata import version
from importlib.resources import files
from typing import Annotated, Any, Literal

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema
from starlette.middleware.trustedhost import TrustedHostMiddleware
from unspin.edits import Edit
from unspin.infer.documents.base import TEXT_FIELD, Contents, DocumentOptions, FormatError
from unspin.infer.documents.formats import TEXT_FORMATS
from unspin.infer.restoration import Restoration
from unspin.infer.restorer import Restorer
from unspin.segment import sentences

MAX_REQUEST_BYTES = 2_000_000
MAX_ALTERNATIVES = 4
LOOPBACK = ("127.0.0.1", "localhost", "::1")

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_ASSETS = {
    "/": ("index.html", "text/html"),
    "/app.js": ("app.js", "text/javascript"),
    "/style.css": ("style.css", "text/css"),
}

MakeRestorer = Callable[[float | None], Restorer]
RunInTurn = Callable[[Callable[[], Any]], Awaitable[Any]]


def _known_format(name: str) -> str:
    if name not in TEXT_FORMATS:
        raise ValueError(f"unknown format {name!r}: give one of {', '.join(TEXT_FORMATS)}")
    return name


FormatName = Annotated[
    str, AfterValidator(_known_format), WithJsonSchema({"type": "string", "enum": list(TEXT_FORMATS)})
]


class Article(BaseModel):
    """A text to restore."""

    model_config = ConfigDict(extra="forbid")
    text: str = Field(min_length=1, max_length=MAX_REQUEST_BYTES, description="the spun article")
    format: FormatName = Field("txt", description="document format of the text")
    field: str = Field(TEXT_FIELD, description="key that holds the article in JSON Lines; other formats ignore it")
    min_confidence: float | None = Field(
        None, ge=0, le=1, description="minimum confidence of an edit; null takes the checkpoint's threshold"
    )

    def contents(self) -> Contents:
        """The readable text. Raises `FormatError` if the text is not valid in its format."""
        return TEXT_FORMATS[self.format].views(self.text, DocumentOptions(field=self.field)).checked()


class EditOut(BaseModel):
    """One edit of the text. Offsets count characters (Unicode code points) of the source."""

    start: int
    end: int
    spun: str = Field(description="the words that change, as a reader sees them")
    restored: str = Field(description="the words that replace them")
    replacement: str = Field(description="what replaces characters start to end of the source: `restored` with markup")
    kind: Literal["word", "phrase", "insertion", "deletion", "quotation"]
    confidence: float
    alternatives: list[str]
    group: int = Field(description="edits with the same group, unless it is 0, must be applied together or not at all")
    article: int = Field(description="number of the article that the edit is in, from 0: that of the row in a table")
    offset: int = Field(description="index of the first changed character in the article's readable text")


class RestorationOut(BaseModel):
    """A restored text and its edits."""

    text: str
    edits: list[EditOut]
    spun_share: float = Field(description="estimated share of the words that a spinner garbled, 0 to 1")
    warnings: list[str]


class Problem(BaseModel):
    """Why a request was refused."""

    detail: str


class AlternativesRequest(BaseModel):
    """An edit for which other replacements are wanted: characters start to end of the paragraph became `restored`."""

    model_config = ConfigDict(extra="forbid")
    paragraph: str = Field(min_length=1, max_length=20_000)
    start: int = Field(ge=0)
    end: int = Field(ge=0)
    restored: str = Field(max_length=400)

    def sentence_edit(self) -> tuple[str, Edit] | None:
        """The sentence that the edit lies in, and the edit with offsets in it; None if it does not lie in one
        sentence."""
        for span in sentences(self.paragraph):
            if span.start <= self.start <= self.end <= span.end:
                edit = Edit(self.start - span.start, self.end - span.start, self.restored)
                return self.paragraph[span.start : span.end], edit
        return None


class Alternatives(BaseModel):
    """Other replacements for an edit, most likely first."""

    alternatives: list[str]


class FormatOut(BaseModel):
    """A document format that the page offers."""

    name: str
    label: str
    suffixes: list[str]


class Settings(BaseModel):
    """What the page needs to know before it restores anything."""

    threshold: float = Field(description="the checkpoint's own minimum confidence")
    formats: list[FormatOut]


_REFUSALS: dict[int | str, dict[str, Any]] = {413: {"model": Problem}, 422: {"model": Problem}}


def make_app(make_restorer: MakeRestorer, threshold: float, hosts: tuple[str, ...] = LOOPBACK) -> FastAPI:
    """Build the application.

    `make_restorer` returns a restorer with the given minimum confidence; None stands for the checkpoint's own, which is
    `threshold`. Requests whose Host header is not among `hosts` are refused ("*" allows any), so that a web page
    elsewhere cannot reach a loopback server through a domain name that resolves to it (DNS rebinding).
    """
    app = FastAPI(
        title="unspin",
        version=version("unspin"),
        description="Restores articles that an automatic article spinner garbled.",
        docs_url=None,
        redoc_url=None,
    )
    run_in_turn = _make_queue()
    _add_restoring(app, make_restorer, run_in_turn)
    _add_alternatives(app, make_restorer, run_in_turn)
    _add_page(app, threshold)
    app.add_exception_handler(FormatError, _refuse_format)
    app.middleware("http")(_guard)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(hosts))
    return app


def _make_queue() -> RunInTurn:
    """A function that runs work in a thread, one piece at a time, first come, first served."""
    turn = asyncio.Lock()  # wakes waiters in order of arrival

    async def run_in_turn(work: Callable[[], Any]) -> Any:
        async with turn:
            return await asyncio.to_thread(work)

    return run_in_turn


def _add_restoring(app: FastAPI, make_restorer: MakeRestorer, run_in_turn: RunInTurn) -> None:
    @app.post("/api/restore", response_model=RestorationOut, responses=_REFUSALS, summary="Restore an article")
    async def restore(article: Article) -> Any:
        contents, restorer = article.contents(), make_restorer(article.min_confidence)
        restoration: Restoration = await run_in_turn(partial(restorer.restore, article.text, contents.views))
        return _as_json(restoration, contents) | {"text": restoration.text}

    @app.post(
        "/api/stream",
        responses=_REFUSALS | {200: {"content": {"application/x-ndjson": {}}}},
        summary="Restore an article piece by piece",
    )
    async def stream(article: Article) -> Response:
        """Each line is a JSON object: `done` (characters read so far) and their `edits`, `spun_share` and `warnings`.

        A line replaces the one before it, since later text may change earlier edits.
        """
        contents = article.contents()
        steps = make_restorer(article.min_confidence).stream(article.text, contents.views)
        return StreamingResponse(_lines(steps, contents, run_in_turn), media_type="application/x-ndjson")


async def _lines(
    steps: Iterator[tuple[int, Restoration]], contents: Contents, run_in_turn: RunInTurn
) -> AsyncIterator[str]:
    while (step := await run_in_turn(partial(next, steps, None))) is not None:
        done, restoration = step
        yield json.dumps({"done": done, **_as_json(restoration, contents)}, ensure_ascii=False) + "\n"


def _as_json(restoration: Restoration, contents: Contents) -> dict[str, Any]:
    """A restoration without its two texts: the page has the source and builds the restored text from the edits."""
    return {
        "edits": [asdict(edit) for edit in restoration.edits],
        "spun_share": round(restoration.spun_share, 4),
        "warnings": [*contents.warnings, *restoration.warnings],
    }


def _add_alternatives(app: FastAPI, make_restorer: MakeRestorer, run_in_turn: RunInTurn) -> None:
    @app.post(
        "/api/alternatives",
        response_model=Alternatives,
        responses=_REFUSALS,
        summary="List other replacements for an edit",
    )
    async def alternatives(request: AlternativesRequest) -> Any:
        located = request.sentence_edit()
        if located is None:
            return {"alternatives": []}
        work = partial(make_restorer(None).alternatives, *located, MAX_ALTERNATIVES)
        return {"alternatives": await run_in_turn(work)}


def _add_page(app: FastAPI, threshold: float) -> None:
    @app.get("/api/settings", response_model=Settings, summary="The checkpoint's threshold and the document formats")
    async def settings() -> Any:
        formats = [FormatOut(name=f.name, label=f.label, suffixes=list(f.suffixes)) for f in TEXT_FORMATS.values()]
        return Settings(threshold=threshold, formats=formats)

    for path, (name, media_type) in _ASSETS.items():
        app.add_api_route(path, _asset(name, media_type), include_in_schema=False)


def _asset(name: str, media_type: str) -> Callable[[], Awaitable[Response]]:
    async def send() -> Response:
        return Response((files("unspin.infer.web") / name).read_bytes(), media_type=media_type)

    return send


async def _refuse_format(request: Request, error: Exception) -> Response:
    return JSONResponse({"detail": str(error)}, 422)


async def _guard(request: Request, handle: Callable[[Request], Awaitable[Response]]) -> Response:
    """Refuse requests that are too long or do not say how long they are, and add the security headers to every
    response."""
    length = request.headers.get("content-length", "")
    if request.method == "POST" and not (length.isdigit() and int(length) <= MAX_REQUEST_BYTES):
        detail = f"send at most {MAX_REQUEST_BYTES:,} bytes, with their number in a Content-Length header"
        response: Response = JSONResponse({"detail": detail}, 413)
    else:
        response = await handle(request)
    response.headers.update(_HEADERS)
    return response
