"""The server answers a browser: with the files of the page, and with the frames of its session."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from typing import Any

from ..errors import require
from . import requests
from .ahead import Ahead
from .guard import Guard
from .session import Brought
from .sessions import Sessions

# A page that has said nothing for so many seconds is taken for closed.
IDLE = 3600.0
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}

Scope = MutableMapping[str, Any]
Application = Callable[[Scope, Any, Any], Awaitable[None]]


class Server:
    """The application, its sessions and the one thread in which they compute, turn by turn.

    A training takes a tenth of a second at a time, so that many pages share the machine.

    Parameters
    ----------
    guard : Guard
    brought : Brought
    """

    def __init__(self, guard: Guard, brought: Brought) -> None:
        self._ahead = Ahead()
        self.guard, self.sessions = guard, Sessions(brought, ahead=self._ahead)
        self._thread = ThreadPoolExecutor(1, "adjoint playground")
        self._page = {
            entry.name: entry.read_bytes()
            for entry in (files(__package__) / "page").iterdir()
            if entry.name[entry.name.rfind(".") :] in TYPES
        }

    def application(self) -> Application:
        """Return what a server of ASGI runs."""
        routing = require("starlette.routing", extra="play", purpose="the playground")
        applications = require("starlette.applications", extra="play", purpose="the playground")
        inner = applications.Starlette(
            routes=[
                routing.Route("/", self._file),
                routing.Route("/page/{name}", self._file),
                routing.WebSocketRoute("/session", self._talk),
            ]
        )
        return self._guarded(inner)

    def close(self) -> None:
        """End the thread when its turn is over."""
        self._thread.shutdown(wait=False, cancel_futures=True)
        self._ahead.close()

    def _guarded(self, inner: Application) -> Application:
        """Return an application that turns strangers away before anything else sees them."""

        async def guarded(scope: Scope, receive: Any, send: Any) -> None:
            if not self.guard.allows(scope):
                await _refuse(scope, send)
                return

            async def send_with_headers(message: dict[str, Any]) -> None:
                if message["type"] == "http.response.start":
                    message["headers"] = [*message["headers"], *self.guard.headers]
                await send(message)

            await inner(scope, receive, send_with_headers)

        return guarded

    async def _file(self, request: Any) -> Any:
        from starlette.responses import Response

        name = request.path_params.get("name", "index.html")
        content = self._page.get(name)
        if content is None:
            return Response("There is no such file.", 404, media_type="text/plain")
        return Response(content, headers={"content-type": TYPES[name[name.rfind(".") :]]})

    async def _talk(self, socket: Any) -> None:
        """Answer the requests of a page, one after another, until it leaves."""
        from starlette.websockets import WebSocketDisconnect

        if not self.guard.knows(socket.scope):
            # Accepted first, so that the page is told why.
            await socket.accept()
            await socket.close(4401, "the key is missing or wrong")
            return
        await socket.accept()
        try:
            asked = self.guard.asked(socket.scope).get("session", "")
            name, session = self.sessions.enter(asked)
        except PermissionError as error:
            await socket.close(4429, str(error))
            return
        loop = asyncio.get_running_loop()
        try:
            await socket.send_text(name)
            while True:
                message = await asyncio.wait_for(socket.receive_text(), IDLE)
                found = await loop.run_in_executor(self._thread, requests.answer, session, message)
                await socket.send_bytes(found)
        except TimeoutError:
            await socket.close(4408, "nothing was asked for an hour")
        except (WebSocketDisconnect, KeyError, RuntimeError):
            pass  # it left, or sent bytes, which no page of ours does
        finally:
            self.sessions.leave(name)


async def _refuse(scope: Scope, send: Any) -> None:
    """Answer a request that was not for this server, or from another's page."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
        return
    headers = [(b"content-type", b"text/plain")]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    text = b"This address serves its own pages on this machine only."
    await send({"type": "http.response.body", "body": text})
