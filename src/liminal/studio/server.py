"""The studio's server: the app with its routes and the page, and how it is started and stopped."""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
import time
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h11
import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from uvicorn.protocols.http.h11_impl import H11Protocol

from .. import __version__
from ..errors import LiminalError
from . import address, contents, notebook, pages, routes, wire
from .guard import Guard
from .handlers import GONE, GoneError, Handlers, as_json
from .packed import PACKED, Packed
from .session import NotYetError, Session

if TYPE_CHECKING:
    from ..space import Space

ASLEEP = 2.0  # seconds after which the model is loaded even if nobody has asked for the map
HEAD = 10.0  # seconds for the head of a request to come
ENDING = 10.0  # seconds that what is being computed may take to end


# -- the app


def application(session: Session) -> FastAPI:
    """The app without its guard."""
    app = FastAPI(
        title="Liminal studio", version=__version__, docs_url=None, redoc_url=None, openapi_url=None
    )
    handlers = Handlers(session)
    for route in routes.ROUTES:
        app.add_api_route(
            route.path,
            getattr(handlers, route.name),
            methods=[route.method],
            name=route.name,
            summary=route.about,
            response_class=Response,
            responses=_documented(route),
            openapi_extra=_body(route),
        )
    files = pages.read()

    async def page(request: Request) -> Response:
        found = files.get(request.url.path)
        if found is None:
            raise HTTPException(404, f"there is nothing at {request.url.path[:100]}")
        return Response(found[0], media_type=found[1])

    app.add_route("/{path:path}", page, methods=["GET"], include_in_schema=False)
    for kind, answer in {
        LiminalError: _wrong,
        NotYetError: _not_yet,
        GoneError: lambda request, error: Response(status_code=GONE),
        RequestValidationError: _unread,
        HTTPException: lambda request, error: as_json(
            contents.Failure(error=str(error.detail)), error.status_code, error.headers
        ),
        Exception: lambda request, error: as_json(
            contents.Failure(error=f"a fault in Liminal itself ({type(error).__name__}: {error})"), 500
        ),
    }.items():
        app.add_exception_handler(kind, answer)
    return app


def _documented(route: routes.Route) -> dict[int | str, dict[str, Any]]:
    """The answers of a route, for its description in OpenAPI."""
    if isinstance(route.gives, str):
        good: dict[str, Any] = {"content": {route.gives: {"schema": {"type": "string", "format": "binary"}}}}
    elif issubclass(route.gives, Packed):
        good = {"content": {PACKED: {"schema": {"type": "string", "format": "binary"}}}}
    else:
        good = {"model": route.gives}
    return {
        200: {**good, "description": route.about},
        **{status: {"model": contents.Failure} for status in (400, 401, 403, 413, 503)},
    }


def _body(route: routes.Route) -> dict[str, Any] | None:
    """The description of a body that is not JSON."""
    if not isinstance(route.takes, str):
        return None
    return {
        "requestBody": {
            "required": True,
            "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
        }
    }


def _wrong(request: Request, error: Exception) -> Response:
    near, at = getattr(error, "near", []), getattr(error, "at", None)
    return as_json(contents.Failure(error=" ".join(str(error).split()), at=at, near=near), 400)


def _not_yet(request: Request, error: Exception) -> Response:
    return as_json(contents.Failure(error=f"{error}; ask again in a second"), 503, {"retry-after": "1"})


def _unread(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"][1:])[:100]
    return as_json(contents.Failure(error=f"{where or 'the request'}: {first['msg'][:200]}"), 400)


# -- running


@dataclass(frozen=True)
class Studio:
    """A studio that is running.

    Attributes:
        url: to open in the browser.
        session: what it holds.
    """

    url: str
    session: Session = field(repr=False)
    _server: uvicorn.Server = field(repr=False)
    _thread: threading.Thread = field(repr=False)

    def __str__(self) -> str:
        return self.url

    def _repr_html_(self) -> str:
        link = f'<a href="{self.url}" target="_blank" rel="noopener">{self.url.partition("?")[0]}</a>'
        return (
            f"{link}<br><small>{notebook.HINT}</small>"
            if notebook.running() and not notebook.able()
            else link
        )

    def close(self) -> None:
        """Stop it; its address is free again. What is being computed may go on for a while, and is lost."""
        atexit.unregister(self.close)
        self._server.should_exit = True
        self._thread.join()
        self.session.close(ENDING)


def limits(session: Session) -> dict[str, int]:
    """Bytes that a body may have, by path, where that is not `wire.TEXT`."""
    found = {"/api/encode": wire.UPLOAD, "/api/at": 8 * wire.ROWS}
    return found | dict.fromkeys(("/api/decode", "/api/look"), 4 * session.dim * wire.ROWS)


class Patient(H11Protocol):
    """HTTP with a limit to how long a head may take: a connection that says nothing or half a line is
    closed.
    """

    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._wait()

    def _wait(self) -> None:
        """Begin to wait where a head begins, and end where it is whole; bytes that drip begin nothing
        anew.
        """
        coming = self.conn.their_state is h11.IDLE
        if coming and self._late is None:
            self._late = self.loop.call_later(HEAD, self._give_up)
        elif not coming and self._late is not None:
            self._late.cancel()
            self._late = None

    def _give_up(self) -> None:
        self._late = None
        if self.conn.their_state is h11.IDLE and not self.transport.is_closing():
            self.transport.close()


def guarded(session: Session, port: int, token: str, allow: Collection[str] = ()) -> Guard:
    """The app as it is served."""
    return Guard(application(session), port, token, limits(session), wire.TEXT, allow)


def server(session: Session, here: address.Address, allow: Collection[str] = ()) -> uvicorn.Server:
    """A server of a session at an address, and at other hosts that are allowed; `run` it."""
    level = "info" if os.environ.get("LIMINAL_DEBUG") else "critical"
    return uvicorn.Server(
        uvicorn.Config(
            guarded(session, here.port, here.token, allow),
            loop="asyncio",
            http=Patient,
            ws="none",
            lifespan="off",
            log_level=level,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=1,
        )
    )


def open_session(name: str, folder: Path, threads: int | None = None, device: str | None = None) -> Session:
    """A session of a space on disk, whose model is loaded when it is needed, or after a moment."""

    def load() -> Space:
        from .. import opening
        from ..tensors import set_threads

        set_threads(threads)
        return opening.open(folder, device=device)

    session = Session(name, folder, load)
    timer = threading.Timer(ASLEEP, session.wake)
    timer.daemon = True
    timer.start()
    return session


def session_of(space: Space | str | Path, threads: int | None = None, device: str | None = None) -> Session:
    """A session of an open space, of its folder, or of the name of a ready-made one."""
    if isinstance(space, str | Path):
        return open_session(str(space), address.space_folder(space), threads, device)
    return Session(str(space.folder), space.folder, space=space)


def start(
    space: Space | str | Path,
    port: int | None = None,
    *,
    threads: int | None = None,
    device: str | None = None,
) -> Studio:
    """Serve a space from a thread of this process.

    Args:
        space: an open space, its folder, or the name of a ready-made one.
        port: of the address; None: 8765, or the next one that is free.
        threads: CPU threads, for a space that is opened here.
        device: where to compute, likewise.

    Returns:
        The running studio; its ``url`` is to be opened in the browser.

    Raises:
        LiminalError: there is no such space, or the port is taken.
    """
    session = session_of(space, threads, device)
    here = address.listen(port)
    running = server(session, here)
    thread = threading.Thread(
        target=running.run, kwargs={"sockets": [here.socket]}, name="liminal-studio", daemon=True
    )
    thread.start()
    while not running.started and thread.is_alive():
        time.sleep(0.01)
    studio = Studio(here.url, session, running, thread)
    atexit.register(studio.close)
    return studio
