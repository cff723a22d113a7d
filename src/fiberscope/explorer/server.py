"""The web server: the page, its files, and a socket for each person. No other file knows of Starlette and uvicorn."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Callable
from importlib.resources import files
from typing import TYPE_CHECKING

import torch

from fiberscope.explorer.desk import Desk, Threads
from fiberscope.explorer.guard import HEADERS, Guard
from fiberscope.explorer.requests import message_bytes
from fiberscope.explorer.scene import Scene
from fiberscope.explorer.warm_up import warm_up
from fiberscope.explorer.welcome import welcome
from fiberscope.explorer.wire import Answer, encode
from fiberscope.gallery.theme import css_variables
from fiberscope.problem import FiberscopeError, MissingPackageError

try:
    import uvicorn
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import PlainTextResponse, RedirectResponse, Response
    from starlette.routing import Route, WebSocketRoute
    from starlette.websockets import WebSocket, WebSocketDisconnect
except ImportError as missing:
    raise MissingPackageError(
        f"the explorer needs packages that are not installed ({missing}): pip install 'fiberscope[explore]'"
    ) from missing

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST_DESKS = 64
IDLE_SECONDS = 30 * 60
_BACKLOG = 128
_FAREWELL_SECONDS = 5
_FRAME_TIMES = 4  # what is so many times as long as the longest message ends its connection before it is read
_MEDIA = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
# What Starlette and uvicorn raise when the other side is gone; anything else is a fault, and is told.
_GONE = (WebSocketDisconnect, RuntimeError, ConnectionError)
_GOING_AWAY, _REFUSED, _LATER = 1001, 1008, 1013


def serve(
    scene: Scene, *, host: str, port: int, token: str | None, on_ready: Callable[[str], None] = lambda _: None
) -> None:
    """Answer until interrupted; ``on_ready`` is told the address when everything is warm.

    Raises `FiberscopeError` where the address cannot be had.
    """
    listener = _listen(host, port)
    torch.set_num_threads(1)
    warm_up(scene)
    actual = listener.getsockname()[1]
    secret = f"?token={token}" if token else ""
    on_ready(f"http://{_name(host)}:{actual}/{secret}")
    config = uvicorn.Config(
        application(scene, Guard(host, actual, token)),
        log_level="warning",
        ws="websockets-sansio",
        ws_max_size=_FRAME_TIMES * message_bytes(scene),
        ws_per_message_deflate=False,  # numbers do not get shorter, and it costs a millisecond a frame
        server_header=False,
        timeout_graceful_shutdown=1,
    )
    with listener:
        uvicorn.Server(config).run(sockets=[listener])


def _name(host: str) -> str:
    """What others write to reach this address: an unspecified one is no name."""
    if host in ("", "0.0.0.0", "::"):
        return socket.gethostname()
    return f"[{host}]" if ":" in host else host


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With its protocol named, or asyncio leaves out TCP_NODELAY, and every second answer comes 40 ms late.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except (OSError, OverflowError) as error:
        listener.close()
        raise FiberscopeError(
            f"port: {host}:{port} cannot be had ({error}). Choose another by --port, or 0 for any that is free."
        ) from None
    return listener


def application(scene: Scene, guard: Guard) -> ASGIApp:
    """The page and its socket, behind the guard."""
    threads = Threads()
    desks: set[Desk] = set()

    async def session(websocket: WebSocket) -> None:
        if not guard.same_origin(websocket.headers):
            await websocket.close(_REFUSED)
            return
        await websocket.accept()
        if len(desks) >= MOST_DESKS:
            await websocket.send_bytes(_farewell(f"{MOST_DESKS} people are here already. Try again later."))
            await websocket.close(_LATER)
            return
        desk = Desk(scene, threads)
        desks.add(desk)
        try:
            await _attend(websocket, desk, scene)
        finally:
            desk.close()
            desks.discard(desk)

    page = _page_files()

    async def welcome_page(request: Request) -> Response:
        return _welcome_page(request, guard, page)

    async def file(request: Request) -> Response:
        return _file(page, request.path_params["name"])

    routes = [
        Route("/", welcome_page),
        Route("/page/{name}", file),
        WebSocketRoute("/session", session),
    ]
    return _guarded(Starlette(routes=routes, lifespan=lambda _: _serving(threads)), guard)


@contextlib.asynccontextmanager
async def _serving(threads: Threads) -> AsyncIterator[None]:
    """The computing threads give everybody their turns while the server runs."""
    serving = [asyncio.create_task(turns.run()) for turns in (threads.quick, threads.long)]
    yield
    for task in serving:
        task.cancel()


async def _attend(websocket: WebSocket, desk: Desk, scene: Scene) -> None:
    """Read and write until one of both ends: the tab is closed, or nobody has been there for long."""
    with contextlib.suppress(*_GONE):
        await websocket.send_bytes(encode(welcome(scene), None))
        tasks = [asyncio.create_task(task(websocket, desk)) for task in (_read, _write, _watch)]
        done, unfinished = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in unfinished:
            task.cancel()
        await asyncio.gather(*unfinished, return_exceptions=True)
        for task in done:
            task.result()


async def _read(websocket: WebSocket, desk: Desk) -> None:
    while True:
        message = await websocket.receive()
        if message["type"] == "websocket.disconnect":
            return
        desk.receive(message["text"] if message.get("text") is not None else message["bytes"])
        while desk.crowded:  # somebody who asks and does not listen is not read any more
            await desk.drained.wait()


async def _write(websocket: WebSocket, desk: Desk) -> None:
    while True:
        await websocket.send_bytes(await desk.take())


async def _watch(websocket: WebSocket, desk: Desk) -> None:
    while (quiet := time.monotonic() - desk.last_heard) < IDLE_SECONDS:
        await asyncio.sleep(IDLE_SECONDS - quiet + 1)
    # Who does not read gets no farewell.
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_FAREWELL_SECONDS):
            await websocket.send_bytes(_farewell("Nothing happened for half an hour. Reload the page to go on."))
            await websocket.close(_GOING_AWAY)


def _farewell(message: str) -> bytes:
    return encode(Answer("error", {"message": message}), None)


def _guarded(app: ASGIApp, guard: Guard) -> ASGIApp:
    """Refuse strangers before anything else, and send the headers that keep the page to itself."""

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await app(scope, receive, send)
            return
        headers = {key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]}
        query = scope["query_string"].decode("latin-1")
        allowed = guard.knows_host(headers) and guard.has_token(headers, query)
        if scope["type"] == "http":
            refusal = PlainTextResponse("Refused: open the address that fiberscope explore printed.", status_code=403)
            await (app if allowed else refusal)(scope, receive, _with_headers(send))
        elif allowed:
            await app(scope, receive, send)
        else:
            await WebSocket(scope, receive, send).close(_REFUSED)

    return guarded


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            extra = [(key.lower().encode(), value.encode()) for key, value in HEADERS.items()]
            message = {**message, "headers": [*message["headers"], *extra]}
        await send(message)

    return sending


def _welcome_page(request: Request, guard: Guard, page: dict[str, bytes]) -> Response:
    """The page; a token goes from the address into a cookie, so that it does not stay in view."""
    if guard.token is not None and "token" in request.query_params:
        moved = RedirectResponse("/", status_code=303)
        moved.set_cookie(guard.cookie, guard.token, httponly=True, samesite="strict")
        return moved
    return Response(page["index.html"], media_type=_MEDIA["html"])


def _file(page: dict[str, bytes], name: str) -> Response:
    """One of the page's own files, from memory: no path that a client sends reaches the file system."""
    kind = _MEDIA.get(name.rpartition(".")[2])
    if name not in page or kind is None:
        return PlainTextResponse("There is no such file.", status_code=404)
    return Response(page[name], media_type=kind)


def _page_files() -> dict[str, bytes]:
    folder = files("fiberscope.explorer") / "page"
    found = {item.name: item.read_bytes() for item in folder.iterdir() if item.is_file()}
    return {**found, "theme.css": css_variables().encode()}
