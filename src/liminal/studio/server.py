"""The studio's server: a function for each row of `wire.ROUTES`, the page, and how it is started and
stopped.
"""

from __future__ import annotations

import asyncio
import atexit
import mimetypes
import os
import threading
import time
from collections.abc import Callable, Collection
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import h11
import numpy as np
import uvicorn
from fastapi import FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.types import Receive
from uvicorn.protocols.http.h11_impl import H11Protocol

from .. import __version__
from ..errors import LiminalError
from . import address, notebook, pages, wire
from .guard import Guard
from .session import NotYetError, Session

if TYPE_CHECKING:
    from ..space import Space

# seconds after which what hovering over a map needs is begun: torch, once begun, slows the answers that the
# map waits for
DRAWN = 0.1
ASLEEP = 2.0  # seconds after which the model is loaded even if nobody has asked for the map
HEAD = 10.0  # seconds for the head of a request to come
ENDING = 10.0  # seconds that what is being computed may take to end
GONE = 499  # of an answer that nobody waits for any more

Id = Annotated[int, Query(ge=0, lt=2**31)]
Word = Annotated[str, Query(max_length=400)]


class GoneError(Exception):
    """The client went away."""


class Routes:
    """What answers, by the names of `wire.ROUTES`."""

    def __init__(self, session: Session) -> None:
        self.session = session

    async def space(self) -> Response:
        return _json(
            await run_in_threadpool(lambda: self.session.about(self.session.ready, self.session.broken))
        )

    async def progress(self) -> Response:
        told = list(self.session.tasks.values())
        return _json(wire.Progress(ready=self.session.ready, broken=self.session.broken, tasks=told))

    async def map_(self, request: Request, method: wire.Method = "umap") -> Response:
        found = await run_in_threadpool(self.session.layout, method)
        if found is None:
            found = await self._shared(request, self.session.chart(method))
        asyncio.get_running_loop().call_later(
            DRAWN, self.session.chart, method
        )  # what hovering over it needs
        return _packed(found)

    async def column(self, request: Request, name: Word) -> Response:
        if name == "cluster" and name not in self.session.card.attributes:
            return _packed(await self._shared(request, self.session.clusters()))
        return _packed(await run_in_threadpool(self.session.column, name))

    async def thumbnails(self, page: Id = 0) -> Response:
        return Response(await run_in_threadpool(self.session.thumbnails, page), media_type="image/png")

    async def decode(self, request: Request) -> Response:
        return _packed(wire.Decoded(**await self._rows(request, ("decode", ""), self.session.dim)))

    async def at(self, request: Request, method: wire.Method = "umap") -> Response:
        return _packed(wire.At(**await self._rows(request, ("at", method), 2)))

    async def look(self, request: Request, method: wire.Method = "umap") -> Response:
        return _packed(wire.Look(**await self._rows(request, ("look", method), self.session.dim)))

    async def item(self, request: Request, id: Id) -> Response:
        return _json(await self._soon(request, lambda: self._answers.item(self.session, id)))

    async def picture(
        self, request: Request, id: Id, of: Literal["original", "reconstruction"] = "original"
    ) -> Response:
        found = await self._soon(request, lambda: self._answers.picture(self.session, id, of))
        return Response(found.data, media_type=found.type)

    async def stored(self, request: Request, id: Id) -> Response:
        return _packed(await self._soon(request, lambda: self._answers.stored(self.session, id)))

    async def encode(self, request: Request, method: wire.Method = "umap") -> Response:
        data = await request.body()
        return _packed(await self._soon(request, lambda: self._answers.encode(self.session, data, method)))

    async def formula(self, request: Request, asked: wire.FormulaRequest) -> Response:
        return _packed(await self._soon(request, lambda: self._answers.of_formula(self.session, asked)))

    async def names(self, request: Request, prefix: Word = "") -> Response:
        return _json(
            await self._soon(
                request, lambda: wire.Names(completions=self._spoken.completions(self.session, prefix))
            )
        )

    async def directions(
        self, request: Request, source: wire.Found = "attributes", id: Id | None = None
    ) -> Response:
        return _packed(await self._soon(request, lambda: self._moves.directions(self.session, source, id)))

    async def between(self, request: Request, asked: wire.BetweenRequest) -> Response:
        return _packed(await self._soon(request, lambda: self._moves.between(self.session, asked)))

    async def slide(self, request: Request, asked: wire.SlideRequest) -> Response:
        return _packed(await self._soon(request, lambda: self._moves.slide(self.session, asked)))

    async def strip(
        self, request: Request, kind: Literal["direction", "dimension"], name: Word, id: Id | None = None
    ) -> Response:
        return _packed(await self._soon(request, lambda: self._moves.strip(self.session, kind, name, id)))

    async def dimensions(self, request: Request) -> Response:
        self.session.space  # noqa: B018  or say that it is being loaded
        return _json(
            await self._shared(
                request, self.session.long("dimensions", lambda _: self._moves.dimensions(self.session))
            )
        )

    async def path(self, request: Request, asked: wire.PathRequest) -> Response:
        return _packed(await self._soon(request, lambda: self._moves.path(self.session, asked)))

    async def export(self, request: Request, asked: wire.ExportRequest) -> Response:
        data = await self._soon(request, lambda: self._moves.export(self.session, asked))
        file = f"path.{asked.format}"
        name = {"content-disposition": f'attachment; filename="{file}"'}
        kind = mimetypes.guess_type(file)[0] or "application/octet-stream"
        return Response(data, media_type=kind, headers=name)

    async def sample(self, request: Request, asked: wire.SampleRequest) -> Response:
        return _packed(await self._soon(request, lambda: self._answers.sample(self.session, asked)))

    async def transfer(self, request: Request, asked: wire.TransferRequest) -> Response:
        return _packed(await self._soon(request, lambda: self._answers.transfer(self.session, asked)))

    async def report(self) -> Response:
        made = self.session.report()
        if not made.done():
            raise NotYetError("the report is being made")
        return Response(made.result(), media_type="text/html; charset=utf-8")

    # These load torch: only once the model is there.

    @property
    def _answers(self) -> Any:
        from . import answers

        return answers

    @property
    def _moves(self) -> Any:
        from . import moves

        return moves

    @property
    def _spoken(self) -> Any:
        from . import spoken

        return spoken

    # -- waiting

    async def _rows(self, request: Request, key: tuple[str, str], width: int) -> dict[str, np.ndarray]:
        """What the worker makes of the rows in a request's body."""
        rows = floats(await request.body(), width)
        return await _answered(request, self.session.worker.ask(key, rows))  # type: ignore[no-any-return]

    async def _soon(self, request: Request, work: Callable[[], Any]) -> Any:
        """What takes up to some seconds; not begun where the client has gone before its turn."""
        self.session.space  # noqa: B018  or say that it is being loaded
        return await _answered(request, self.session.soon.submit(work))

    async def _shared(self, request: Request, made: Future[Any]) -> Any:
        """What is made once for all who ask."""
        return await _answered(request, made, shared=True)


def floats(data: bytes, width: int) -> np.ndarray:
    """Rows (n, width) of the raw float32 in a body.

    Raises:
        LiminalError: none, too many, no whole number of rows, or not finite.
    """
    if not data or len(data) % (4 * width):
        raise LiminalError(
            f"wanted rows of {width} float32 numbers, {4 * width} bytes each, got {len(data)} bytes"
        )
    # of our own: torch wants to be able to write
    rows = np.frombuffer(data, "<f4").reshape(-1, width).astype(np.float32)
    if len(rows) > wire.ROWS:
        raise LiminalError(f"wanted at most {wire.ROWS:,} rows at once, got {len(rows):,}")
    wrong = np.flatnonzero(~np.isfinite(rows).all(1))
    if len(wrong):
        raise LiminalError(f"row {wrong[0]} holds NaN or infinity; wanted finite numbers")
    return rows


async def _answered(request: Request, future: Future[Any], shared: bool = False) -> Any:
    """The result of a future; where the client goes away first, a future that is its own is cancelled."""
    waiting = asyncio.wrap_future(future)
    gone = asyncio.ensure_future(_disconnected(request.receive))
    await asyncio.wait({waiting, gone}, return_when=asyncio.FIRST_COMPLETED)
    if waiting.done():
        gone.cancel()
        return waiting.result()
    if shared:
        waiting.add_done_callback(
            lambda done: done.cancelled() or done.exception()
        )  # or asyncio would complain that nobody looked
    else:
        waiting.cancel()
    raise GoneError


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _json(model: BaseModel, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(model.model_dump_json(), status, headers, "application/json")


def _packed(model: wire.Packed) -> Response:
    return Response(model.pack(), media_type=wire.PACKED)


# -- the app


def application(session: Session) -> FastAPI:
    """The app without its guard."""
    app = FastAPI(
        title="Liminal studio", version=__version__, docs_url=None, redoc_url=None, openapi_url=None
    )
    routes = Routes(session)
    for route in wire.ROUTES:
        app.add_api_route(
            route.path,
            getattr(routes, route.name),
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
        HTTPException: lambda request, error: _json(
            wire.Failure(error=str(error.detail)), error.status_code, error.headers
        ),
        Exception: lambda request, error: _json(
            wire.Failure(error=f"a fault in Liminal itself ({type(error).__name__}: {error})"), 500
        ),
    }.items():
        app.add_exception_handler(kind, answer)
    return app


def _documented(route: wire.Route) -> dict[int | str, dict[str, Any]]:
    """The answers of a route, for its description in OpenAPI."""
    if isinstance(route.gives, str):
        good: dict[str, Any] = {"content": {route.gives: {"schema": {"type": "string", "format": "binary"}}}}
    elif issubclass(route.gives, wire.Packed):
        good = {"content": {wire.PACKED: {"schema": {"type": "string", "format": "binary"}}}}
    else:
        good = {"model": route.gives}
    return {
        200: {**good, "description": route.about},
        **{status: {"model": wire.Failure} for status in (400, 401, 403, 413, 503)},
    }


def _body(route: wire.Route) -> dict[str, Any] | None:
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
    return _json(wire.Failure(error=" ".join(str(error).split()), at=at, near=near), 400)


def _not_yet(request: Request, error: Exception) -> Response:
    return _json(wire.Failure(error=f"{error}; ask again in a second"), 503, {"retry-after": "1"})


def _unread(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"][1:])[:100]
    return _json(wire.Failure(error=f"{where or 'the request'}: {first['msg'][:200]}"), 400)


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
