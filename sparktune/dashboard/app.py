"""The pages and data of a dashboard, and who may see them.

Everything is read: there is no request that changes anything. Only this machine reaches it, its
Host header has to name this machine, so that no other site's name leads here, and whoever asks has
a cookie that the address with the token was exchanged for.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Callable
from importlib.resources import files
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import (
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..exceptions import JournalError
from ..report import json_of, script, shell, style
from .watching import Watcher

__all__ = ["app_of"]

_HOSTS = ["127.0.0.1", "localhost"]
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_NO = (
    "This dashboard is not open to you: use the address that `sparktune dashboard` printed when it "
    "was started, with its token.\n"
)
_HEARTBEAT = 15.0  # seconds
_GLANCE = 0.25  # seconds between two looks whether the server ends


def app_of(watcher: Watcher, token: str, is_ending: Callable[[], bool]) -> Starlette:
    """An ASGI application that shows the runs of a watcher.

    Args:
        watcher: is started and closed with the application.
        token: that the first address has to have.
        is_ending: whether the server is about to end, so that no answer goes on.
    """

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        watcher.start()
        yield
        await run_in_threadpool(watcher.close)

    pages = _Pages(watcher, is_ending)
    return Starlette(
        routes=[
            Route("/", pages.page),
            Route("/static/page.js", pages.script),
            Route("/static/page.css", pages.style),
            Route("/api/runs", pages.runs),
            Route("/api/runs/{key}", pages.run),
            Route("/api/runs/{key}/course", pages.course),
            Route("/api/events", pages.events),
        ],
        middleware=[
            Middleware(_Headers),
            Middleware(TrustedHostMiddleware, allowed_hosts=_HOSTS, www_redirect=False),
            Middleware(_Door, token=token),
        ],
        lifespan=lifespan,
    )


class _Headers:
    """Gives every answer the headers that keep browsers from doing more with it than showing it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._headers = [(k.lower().encode(), v.encode()) for k, v in _HEADERS.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *self._headers]
            await send(message)

        await self._app(scope, receive, with_headers)


class _Door:
    """Lets those in who have the cookie, and gives it for the token.

    Cookies are of a host, whatever the port: the name of this one is of this server alone, and its
    value is not the token, which so leaves the address bar for good.
    """

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app, self._token = app, token
        self._name, self._secret = f"sparktune-{secrets.token_hex(4)}", secrets.token_urlsafe(32)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        answer = self._answer(request)
        await (self._app if answer is None else answer)(scope, receive, send)

    def _answer(self, request: Request) -> Response | None:
        """An answer in place of the application's; None to let the request through."""
        given = request.query_params.get("token")
        if given is not None and request.url.path == "/" and _same(given, self._token):
            found = RedirectResponse("/", status_code=303)
            found.set_cookie(self._name, self._secret, httponly=True, samesite="lax", path="/")
            return found
        if not _same(request.cookies.get(self._name, ""), self._secret):
            return PlainTextResponse(_NO, status_code=403)
        is_page = request.url.path == "/"
        if not is_page and request.headers.get("sec-fetch-site", "none") not in _OWN:
            return PlainTextResponse("This is for the dashboard's own page.\n", status_code=403)
        return None


_OWN = ("same-origin", "none")


def _same(given: str, wanted: str) -> bool:
    return secrets.compare_digest(given.encode("utf-8", "replace"), wanted.encode())


class _Pages:
    """What each path answers."""

    def __init__(self, watcher: Watcher, is_ending: Callable[[], bool]) -> None:
        self._watcher, self._is_ending = watcher, is_ending
        self._ours = {
            name: (files(__package__) / "static" / name).read_text("utf-8")
            for name in ("dashboard.js", "dashboard.css")
        }

    async def page(self, _: Request) -> Response:
        head = '<link rel="stylesheet" href="/static/page.css">'
        tail = '<script type="module" src="/static/page.js"></script>'
        return HTMLResponse(shell("sparktune", head, tail))

    async def script(self, _: Request) -> Response:
        text = f"{script()}\n{self._ours['dashboard.js']}"
        return Response(text, media_type="text/javascript")

    async def style(self, _: Request) -> Response:
        return Response(f"{style()}\n{self._ours['dashboard.css']}", media_type="text/css")

    async def runs(self, _: Request) -> Response:
        return JSONResponse(await run_in_threadpool(self._lines))

    async def run(self, request: Request) -> Response:
        return await self._packed(request, lambda run: run.document()[1])

    async def course(self, request: Request) -> Response:
        return await self._packed(request, lambda run: run.course())

    async def events(self, request: Request) -> Response:
        return StreamingResponse(self._told(request), media_type="text/event-stream")

    async def _packed(self, request: Request, made: Any) -> Response:
        try:
            with self._watcher.answering():
                run = await run_in_threadpool(self._watcher.run, request.path_params["key"])
                if run is None:
                    return JSONResponse({"error": "there is no such run"}, status_code=404)
                body = await run_in_threadpool(made, run)
        except JournalError as error:
            return JSONResponse({"error": str(error)}, status_code=503)
        return Response(body, media_type="application/json", headers={"Content-Encoding": "gzip"})

    def _lines(self) -> list[dict[str, Any]]:
        return [run.line() for run in self._watcher.runs()]

    async def _told(self, request: Request) -> AsyncIterator[str]:
        """Server-sent events: all lines at first, then those that have changed."""
        loop, changed = asyncio.get_running_loop(), asyncio.Event()

        def wake() -> None:
            loop.call_soon_threadsafe(changed.set)

        end = self._watcher.listen(wake)
        known: dict[str, str] = {}
        try:
            while not self._is_ending() and not await request.is_disconnected():
                changed.clear()
                lines = await run_in_threadpool(self._lines)
                fresh = [line for line in lines if known.get(line["key"]) != line["version"]]
                if fresh or not known:
                    known |= {line["key"]: line["version"] for line in fresh}
                    yield f"event: runs\ndata: {json_of({'runs': fresh})}\n\n"
                if not await self._waited(changed):
                    yield ": still here\n\n"
        finally:
            end()

    async def _waited(self, changed: asyncio.Event) -> bool:
        """Wait for a change or the server's end; whether either came within a heartbeat."""
        for _ in range(round(_HEARTBEAT / _GLANCE)):
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(changed.wait(), _GLANCE)
            if changed.is_set() or self._is_ending():
                return True
        return False
