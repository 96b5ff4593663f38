"""A function for each of the studio's routes: it waits for what the session makes, and answers."""

from __future__ import annotations

import asyncio
import mimetypes
from collections.abc import Callable
from concurrent.futures import Future
from typing import Annotated, Any, Literal

import numpy as np
from fastapi import Query, Request, Response
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.types import Receive

from ..errors import LiminalError
from . import contents, wire
from .packed import PACKED, Packed
from .session import NotYetError, Session

# seconds after which what hovering over a map needs is begun: torch, once begun, slows the answers that the
# map waits for
DRAWN = 0.1
GONE = 499  # of an answer that nobody waits for any more

Id = Annotated[int, Query(ge=0, lt=2**31)]
Word = Annotated[str, Query(max_length=400)]
Condition = Annotated[str, Query(max_length=2_000)]


class GoneError(Exception):
    """The client went away."""


class Handlers:
    """What answers, by the names of `routes.ROUTES`."""

    def __init__(self, session: Session) -> None:
        self._first = session

    @property
    def session(self) -> Session:
        return self._first.now

    async def space(self) -> Response:
        s = self.session
        return as_json(await run_in_threadpool(lambda: s.about(s.ready, s.broken)))

    async def progress(self) -> Response:
        s = self.session
        told = list(s.tasks.values())
        newer = await run_in_threadpool(s.newer)
        return as_json(contents.Progress(ready=s.ready, broken=s.broken, newer=newer, tasks=told))

    async def reload(self) -> Response:
        await run_in_threadpool(self.session.reload)
        return await self.space()

    async def map_(self, request: Request, method: contents.Method = "umap") -> Response:
        found = await run_in_threadpool(self.session.layout, method)
        if found is None:
            found = await self._shared(request, self.session.chart(method))
        asyncio.get_running_loop().call_later(
            DRAWN, self.session.chart, method
        )  # what hovering over it needs
        return as_packed(found)

    async def column(self, request: Request, name: Word) -> Response:
        if name == "cluster" and name not in self.session.card.attributes:
            return as_packed(await self._shared(request, self.session.clusters()))
        return as_packed(await run_in_threadpool(self.session.column, name))

    async def thumbnails(self, page: Id = 0) -> Response:
        return Response(await run_in_threadpool(self.session.thumbnails, page), media_type="image/png")

    async def decode(self, request: Request) -> Response:
        return as_packed(wire.Decoded(**await self._rows(request, ("decode", ""), self.session.dim)))

    async def at(self, request: Request, method: contents.Method = "umap") -> Response:
        return as_packed(wire.At(**await self._rows(request, ("at", method), 2)))

    async def look(self, request: Request, method: contents.Method = "umap") -> Response:
        return as_packed(wire.Look(**await self._rows(request, ("look", method), self.session.dim)))

    async def item(self, request: Request, id: Id) -> Response:
        return as_json(await self._soon(request, lambda: self._answers.item(self.session, id)))

    async def unusual(self, request: Request, id: Id) -> Response:
        return as_json(await self._soon(request, lambda: self._answers.unusual(self.session, id)))

    async def picture(
        self, request: Request, id: Id, of: Literal["original", "reconstruction"] = "original"
    ) -> Response:
        found = await self._soon(request, lambda: self._answers.picture(self.session, id, of))
        return Response(found.data, media_type=found.type)

    async def stored(self, request: Request, id: Id) -> Response:
        return as_packed(await self._soon(request, lambda: self._answers.stored(self.session, id)))

    async def encode(self, request: Request, method: contents.Method = "umap", name: Word = "") -> Response:
        data = await request.body()
        return as_packed(
            await self._soon(request, lambda: self._answers.encode(self.session, data, method, name))
        )

    async def where(self, request: Request, text: Condition) -> Response:
        return as_packed(await self._soon(request, lambda: self._answers.where(self.session, text)))

    async def lonely(self, request: Request) -> Response:
        self.session.space  # noqa: B018  or say that it is being loaded
        found = self.session.long("lonely", lambda _: self._answers.lonely(self.session))
        return as_packed(await self._shared(request, found))

    async def sources(self, asked: wire.SourcesRequest) -> Response:
        return as_json(await run_in_threadpool(self.session.sources, asked.rows))

    async def formula(self, request: Request, asked: wire.FormulaRequest) -> Response:
        return as_packed(await self._soon(request, lambda: self._answers.of_formula(self.session, asked)))

    async def names(self, request: Request, prefix: Word = "") -> Response:
        return as_json(
            await self._soon(
                request, lambda: wire.Names(completions=self._spoken.completions(self.session, prefix))
            )
        )

    async def directions(
        self, request: Request, source: contents.Found = "attributes", id: Id | None = None
    ) -> Response:
        return as_packed(await self._soon(request, lambda: self._moves.directions(self.session, source, id)))

    async def between(self, request: Request, asked: wire.BetweenRequest) -> Response:
        return as_packed(await self._soon(request, lambda: self._moves.between(self.session, asked)))

    async def slide(self, request: Request, asked: wire.SlideRequest) -> Response:
        return as_packed(await self._soon(request, lambda: self._moves.slide(self.session, asked)))

    async def strip(
        self, request: Request, kind: Literal["direction", "dimension"], name: Word, id: Id | None = None
    ) -> Response:
        return as_packed(await self._soon(request, lambda: self._moves.strip(self.session, kind, name, id)))

    async def dimensions(self, request: Request) -> Response:
        self.session.space  # noqa: B018  or say that it is being loaded
        return as_json(
            await self._shared(
                request, self.session.long("dimensions", lambda _: self._moves.dimensions(self.session))
            )
        )

    async def path(self, request: Request, asked: wire.PathRequest) -> Response:
        return as_packed(await self._soon(request, lambda: self._moves.path(self.session, asked)))

    async def compose(self, request: Request, asked: wire.ComposeRequest) -> Response:
        return as_packed(await self._soon(request, lambda: self._moves.compose(self.session, asked)))

    async def export(self, request: Request, asked: wire.ExportRequest) -> Response:
        data = await self._soon(request, lambda: self._moves.export(self.session, asked))
        file = f"path.{asked.format}"
        name = {"content-disposition": f'attachment; filename="{file}"'}
        kind = mimetypes.guess_type(file)[0] or "application/octet-stream"
        return Response(data, media_type=kind, headers=name)

    async def sample(self, request: Request, asked: wire.SampleRequest) -> Response:
        return as_packed(await self._soon(request, lambda: self._answers.sample(self.session, asked)))

    async def transfer(self, request: Request, asked: wire.TransferRequest) -> Response:
        return as_packed(await self._soon(request, lambda: self._answers.transfer(self.session, asked)))

    async def complete(self, request: Request, asked: wire.CompleteRequest) -> Response:
        return as_packed(await self._soon(request, lambda: self._answers.complete(self.session, asked)))

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
    if waiting.cancelled():
        gone.cancel()
        raise NotYetError("the space is being loaded anew")
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


def as_json(model: BaseModel, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(model.model_dump_json(), status, headers, "application/json")


def as_packed(model: Packed) -> Response:
    return Response(model.pack(), media_type=PACKED)
