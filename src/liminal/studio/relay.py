"""The studio without a server: what a notebook's page asks is answered in this process, by the routes that a
server would ask.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from . import wire
from .guard import App
from .server import GONE, application, limits
from .session import Session


@dataclass(frozen=True)
class Answer:
    """What a route answers.

    Attributes:
        status: as in HTTP.
        headers: by their names in small letters.
        body: the bytes.
    """

    status: int
    headers: dict[str, str]
    body: bytes


class Relay:
    """A thread that puts requests to the app of a session, and hands on what it answers.

    Args:
        session: what is asked.
    """

    def __init__(self, session: Session) -> None:
        self.app: App = application(session)
        self._limits = limits(session)
        self._ready = threading.Event()
        self.thread = threading.Thread(
            target=lambda: asyncio.run(self._run()), name="liminal-relay", daemon=True
        )
        self.thread.start()
        self._ready.wait()

    async def _run(self) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        self._ready.set()
        await self._end.wait()

    def ask(
        self, method: str, address: str, body: bytes, kind: str, answered: Callable[[Answer], None]
    ) -> Callable[[], None]:
        """Put one request, from any thread.

        Args:
            method: GET or POST.
            address: path and query.
            body: at most what a server would take of this path.
            kind: the body's content type.
            answered: told the answer, in the relay's own thread; not where the request was dropped first.

        Returns:
            What drops the request.
        """
        path = unquote(address.partition("?")[0])
        if len(body) > (limit := self._limits.get(path, wire.TEXT)):
            failure = json.dumps(
                {"error": f"the request is larger than {limit:,} bytes", "at": None, "near": []}
            )
            self._soon(lambda: answered(Answer(413, {"content-type": "application/json"}, failure.encode())))
            return lambda: None
        gone = asyncio.Event()
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": address.partition("?")[2].encode(),
            "root_path": "",
            "headers": [(b"content-type", kind.encode()), (b"content-length", str(len(body)).encode())],
            "client": None,
            "server": None,
        }
        self._soon(lambda: self._loop.create_task(self._answer(scope, body, gone, answered)))
        return lambda: self._soon(gone.set)

    def close(self) -> None:
        """End the thread; what is under way stays without an answer."""
        self._soon(self._end.set)

    def _soon(self, act: Callable[[], object]) -> None:
        with contextlib.suppress(RuntimeError):  # it has ended
            self._loop.call_soon_threadsafe(act)

    async def _answer(
        self, scope: dict[str, Any], body: bytes, gone: asyncio.Event, answered: Callable[[Answer], None]
    ) -> None:
        """One request through the app, as ASGI has it."""
        left = [{"type": "http.request", "body": body, "more_body": False}]
        begun: dict[str, Any] = {}
        parts: list[bytes] = []

        async def receive() -> dict[str, Any]:
            if left:
                return left.pop()
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                begun.update(message)
                return
            parts.append(message.get("body", b""))
            if not message.get("more_body", False) and not gone.is_set() and begun["status"] != GONE:
                headers = {
                    name.decode("latin-1").lower(): value.decode("latin-1")
                    for name, value in begun["headers"]
                }
                answered(Answer(begun["status"], headers, b"".join(parts)))

        with contextlib.suppress(
            Exception
        ):  # the app has answered with what went wrong, and raises it once more for a server's log
            await self.app(scope, receive, send)
