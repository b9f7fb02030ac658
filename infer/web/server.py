"""The server behind the page: FastAPI on loopback, one model, requests in a fair queue.

The text of a request is never kept. Nothing is fetched from elsewhere: the page, its script and its style come from this folder under a content
security policy that allows nothing else. Restoring runs in a thread, a piece at a time, and whoever waits longest gets the next piece.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import asdict
from functools import partial
from importlib.metadata import version
from importlib.resources import files
from typing import Any, Literal

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.middleware.trustedhost import TrustedHostMiddleware
from unspin.data.edits import Edit
from unspin.data.segment import sentences
from unspin.infer.formats import FORMATS, FormatError
from unspin.infer.restoration import Restoration
from unspin.infer.restorer import Restorer

MOST_BYTES = 2_000_000
OFFERED = 4  # alternatives
POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
ASSETS = {"/": ("index.html", "text/html"), "/app.js": ("app.js", "text/javascript"), "/style.css": ("style.css", "text/css")}
LOOPBACK = ("127.0.0.1", "localhost", "::1")

Format = Literal["txt", "md", "html"]


class Article(BaseModel):
    """A text to restore."""

    model_config = ConfigDict(extra="forbid")
    text: str = Field(min_length=1, max_length=MOST_BYTES, description="the article, as it came")
    format: Format = Field("txt", description="what it is: plain text, Markdown or HTML")
    min_confidence: float | None = Field(None, ge=0, le=1, description="edits below it are not made; null: the checkpoint's own threshold")


class EditOut(BaseModel):
    """One change: characters (code points) start to end of the text."""

    start: int
    end: int
    spun: str
    restored: str
    kind: Literal["word", "phrase", "insertion", "deletion", "quotation"]
    confidence: float
    alternatives: list[str]
    group: int = Field(description="edits of one group, not 0, go together")


class RestorationOut(BaseModel):
    """A restored text and what was changed."""

    text: str
    edits: list[EditOut]
    spun_share: float = Field(description="estimated share of the words that a spinner garbled, 0 to 1")
    warnings: list[str]


class Problem(BaseModel):
    """Why a request was refused."""

    detail: str


class Place(BaseModel):
    """An edit in its paragraph, characters start to end of which became `restored`."""

    model_config = ConfigDict(extra="forbid")
    paragraph: str = Field(min_length=1, max_length=20_000)
    start: int = Field(ge=0)
    end: int = Field(ge=0)
    restored: str = Field(max_length=400)


class Alternatives(BaseModel):
    """Other restorations of a place, the likeliest first."""

    alternatives: list[str]


def make_app(restorer: Callable[[float | None], Restorer], threshold: float, hosts: tuple[str, ...] = LOOPBACK) -> FastAPI:
    """The application. `restorer` gives a restorer for a least confidence (None: the checkpoint's own, `threshold`); `hosts` may be asked for."""
    app = FastAPI(
        title="unspin",
        version=version("unspin"),
        description="Restores articles that an automatic article spinner garbled.",
        docs_url=None,
        redoc_url=None,
    )
    turn = asyncio.Lock()  # first come, first served

    async def in_turn(work: Callable[[], Any]) -> Any:
        async with turn:
            return await asyncio.to_thread(work)

    refusals: dict[int | str, dict[str, Any]] = {413: {"model": Problem}, 422: {"model": Problem}}

    @app.post("/api/restore", response_model=RestorationOut, responses=refusals, summary="Restore an article")
    async def restore(article: Article) -> Any:
        views = _views(article)
        done: Restoration = await in_turn(lambda: restorer(article.min_confidence).restore(article.text, views))
        return _told(done) | {"text": done.text}

    @app.post("/api/stream", responses=refusals | {200: {"content": {"application/x-ndjson": {}}}}, summary="Restore an article piece by piece")
    async def stream(article: Article) -> Response:
        """Lines of JSON, each with `done` (characters read) and, for the text up to there, `edits`, `spun_share` and `warnings`."""
        steps = restorer(article.min_confidence).stream(article.text, _views(article))

        async def lines() -> AsyncIterator[str]:
            while (step := await in_turn(lambda: next(steps, None))) is not None:
                yield json.dumps({"done": step[0], **_told(step[1])}, ensure_ascii=False) + "\n"

        return StreamingResponse(lines(), media_type="application/x-ndjson")

    @app.post("/api/alternatives", response_model=Alternatives, responses=refusals, summary="Other restorations of one place")
    async def alternatives(place: Place) -> Any:
        for span in sentences(place.paragraph):
            if span.start <= place.start <= place.end <= span.end:
                edit = Edit(place.start - span.start, place.end - span.start, place.restored)
                sentence = place.paragraph[span.start : span.end]
                return {"alternatives": await in_turn(partial(restorer(None).alternatives, sentence, edit, OFFERED))}
        return {"alternatives": []}

    @app.get("/api/settings", summary="The checkpoint's own threshold")
    async def settings() -> dict[str, float]:
        return {"threshold": threshold}

    for path, (name, kind) in ASSETS.items():
        app.add_api_route(path, _asset(name, kind), include_in_schema=False)

    @app.exception_handler(FormatError)
    async def not_of_its_format(_: Request, error: FormatError) -> Response:
        return JSONResponse({"detail": str(error)}, 422)

    @app.middleware("http")
    async def guard(request: Request, handle: Callable[[Request], Awaitable[Response]]) -> Response:
        length = request.headers.get("content-length", "")
        if request.method == "POST" and not (length.isdigit() and int(length) <= MOST_BYTES):
            response: Response = JSONResponse({"detail": f"a request may hold {MOST_BYTES:,} bytes, and says how many in Content-Length"}, 413)
        else:
            response = await handle(request)
        response.headers.update(
            {"Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store"}
        )
        return response

    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(hosts))  # a page elsewhere cannot reach a loopback server by a name of its own
    return app


def _views(article: Article) -> Any:
    return FORMATS[f".{article.format}"](article.text)


def _told(restoration: Restoration) -> dict[str, Any]:
    share = round(restoration.spun_share, 4)
    return {"edits": [asdict(edit) for edit in restoration.edits], "spun_share": share, "warnings": list(restoration.warnings)}


def _asset(name: str, kind: str) -> Callable[[], Awaitable[Response]]:
    async def send() -> Response:
        return Response((files("unspin.infer.web") / name).read_bytes(), media_type=kind)

    return send
