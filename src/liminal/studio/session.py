"""What a studio holds of its space once the model is there: maps with their way back, support, long work and
its progress.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..card import Card
from ..errors import LiminalError
from ..kept import Facts
from ..voice import Voice
from . import contents, wire
from .known import Known
from .worker import Arrays, Lane, Rows, Worker

if TYPE_CHECKING:
    from torch import Tensor

    from ..distances import Index
    from ..maps.inverse import Inverse
    from ..maps.project import Map
    from ..ops.directions.directions import Direction
    from ..ops.support import Support
    from ..space import Space

# items among which latents are placed on a map: 12 ms of CPU for one, and twice as much for twice as many
PLACED = 5_000


class NotYetError(Exception):
    """What was asked for is being made; ask again."""


@dataclass(frozen=True)
class Chart:
    """A map of all items, in the order of their rows.

    Attributes:
        map: all items in the plane.
        among: a part of it, that new latents are placed among.
        inverse: the way back to latents; None while it is being made.
    """

    map: Map
    among: Map
    inverse: Inverse | None = None


class Told(Voice):
    """Hears long work and keeps what it says last."""

    def __init__(self, tasks: dict[str, contents.Task], what: str) -> None:
        self._tasks, self._what = tasks, what

    def progress(self, phase: str, done: float, text: str = "") -> None:
        self._tasks[self._what] = contents.Task(
            what=self._what, done=min(max(done, 0.0), 1.0), text=f"{phase} {text}".strip()
        )


class Session(Known):
    """One space in a studio.

    Args:
        name: what the user called it.
        folder: where it lives.
        load: opens it, in a thread of its own once `wake` was called; may take seconds.
        space: an open space instead.
    """

    def __init__(
        self, name: str, folder: Path, load: Callable[[], Space] | None = None, space: Space | None = None
    ) -> None:
        super().__init__(name, folder, space.card if space is not None else Card.read(folder))
        self.broken: str | None = None
        self.support: Support | None = None
        self.remembered: dict[str, Direction] = {}
        self.tasks: dict[str, contents.Task] = {}
        self.worker = Worker(self._compute)
        self.soon, self.later = Lane("soon", 2), Lane("later")
        self._space = space
        self._load = load
        self._awake = False
        self._once = threading.RLock()
        self._charts: dict[str, Chart] = {}
        self._asked: dict[str, Future[Any]] = {}
        self._after: Session | None = None
        if space is not None:
            self.wake()

    # -- a space that was changed on disk

    @property
    def now(self) -> Session:
        """The session that has taken this one's place by `reload`; itself where none has."""
        return self if self._after is None else self._after.now

    @property
    def reloads(self) -> bool:
        return self._load is not None

    def reload(self) -> None:
        """Open the folder as it is now: another session takes this one's place, and what waits here is asked
        again.

        Raises:
            LiminalError: the space was not opened from its folder by this session, or its latents have
                another width now.
        """
        again = "close the studio and start it again"
        if self._load is None:
            raise LiminalError(f"reload: this studio shows a space that Python holds; {again}")
        with self._once:
            if self._after is not None:
                return
            after = Session(self.name, self.folder, self._load)
            if after.dim != self.dim:
                after.close(0.0)
                raise LiminalError(
                    f"reload: the space has {after.dim} dimensions now and had {self.dim}; {again}"
                )
            self._after = after
        after.wake()
        for lane in (self.worker, self.soon, self.later):
            lane.close()

    # -- the model

    def wake(self) -> None:
        """Begin to load the model, and then its support; without waiting for it."""
        with self._once:
            if self._awake:
                return
            self._awake = True
            self.long("model", lambda _: self._open())

    @property
    def ready(self) -> bool:
        """Whether the model is loaded."""
        return self._space is not None

    @property
    def space(self) -> Space:
        """The open space.

        Raises:
            NotYetError: it is being loaded.
            LiminalError: it cannot be loaded.
        """
        if self.broken is not None:
            raise LiminalError(self.broken)
        if self._space is None:
            self.wake()
            raise NotYetError("the model is being loaded")
        return self._space

    def _open(self) -> None:
        try:
            if self._space is None and self._load is not None:
                space = self._load()
                space.decode(space.latents[:1])  # the first call of a network is slow
                self._space = space
        except Exception as error:
            self.broken = (
                str(error) if isinstance(error, LiminalError) else f"the model cannot be loaded ({error})"
            )
            raise
        self.long("support", lambda _: self._trust())  # after the map, where that was asked for meanwhile

    def settle(self, method: str) -> Chart:
        """Wait until the map by a method, the way back from it and support are there.

        Raises:
            LiminalError: one of them cannot be made.
        """
        self.wake()
        self.long("model", lambda _: self._open()).result()
        for made in (
            self.chart(method),
            self.long(f"way back from the map by {method}", lambda _: self._way_back(method)),
        ):
            made.result()
        self.long("support", lambda _: self._trust()).result()
        return self._charts[method]

    def long(self, what: str, work: Callable[[Voice], Any]) -> Future[Any]:
        """Do something long, once, in its turn; what goes wrong is tried again when it is asked for again."""
        with self._once:
            found = self._asked.get(what)
            if found is None or (found.done() and (found.cancelled() or found.exception() is not None)):
                found = self._asked[what] = self.later.submit(lambda: self._named(what, work))
            return found

    def _named(self, what: str, work: Callable[[Voice], Any]) -> Any:
        """Do work that shows among the tasks while it goes on."""
        self.tasks[what] = contents.Task(what=what, done=None, text="")
        try:
            return work(Told(self.tasks, what))
        finally:
            self.tasks.pop(what, None)

    def close(self, seconds: float) -> bool:
        """Begin nothing more, and wait so long for what is being computed; whether it ended."""
        if self._after is not None:
            return self._after.close(seconds)
        lanes = (self.worker, self.soon, self.later)
        for lane in lanes:
            lane.close()
        end = time.monotonic() + seconds
        threads = [thread for lane in lanes for thread in lane.threads]
        for thread in threads:
            thread.join(max(0.0, end - time.monotonic()))
        return not any(thread.is_alive() for thread in threads)

    # -- clusters and maps

    def clusters(self) -> Future[contents.Column]:
        """The cluster of each item, as a column, when it is found; found once."""

        def column(found: tuple[Arrays, Facts]) -> contents.Column:
            return contents.Column(name="cluster", data=found[0]["data"], **found[1])

        return self._made("clusters", column, lambda _: self._cluster())

    def report(self) -> Future[bytes]:
        """The page of the measures, when it is made; made once."""

        def make(voice: Voice) -> tuple[Arrays, Facts]:
            last = Path(self.name).name or self.name
            called = last[:1].upper() + last[1:].replace("-", " ").replace(
                "_", " "
            )  # as the page's head has it
            page = self.space.measure(voice=voice).page(f"What {called} is worth")
            return {"page": np.frombuffer(page.encode(), np.uint8)}, {}

        return self._made("report", lambda found: found[0]["page"].tobytes(), make)

    def _made(
        self,
        what: str,
        show: Callable[[tuple[Arrays, Facts]], Any],
        make: Callable[[Voice], tuple[Arrays, Facts]],
    ) -> Future[Any]:
        """What is kept, at once; else what will be made, and kept."""
        found = self.kept.get(what)
        if found is None:
            self.wake()
            return self.long(what, lambda voice: show(self.kept.once(what, lambda: make(voice))))
        done: Future[Any] = Future()
        done.set_result(show(found))
        return done

    def _cluster(self) -> tuple[Arrays, Facts]:
        found = self.space.clusters()
        codes = np.where(found.labels < 0, wire.UNKNOWN, found.labels)
        facts = {"kind": "category", "values": [c.name for c in found.clusters], "low": None, "high": None}
        return {"data": codes.astype(np.uint16)}, facts

    def layout(self, method: str) -> contents.Layout | None:
        """The places of all items where they are kept; None: they have yet to be laid out, by `chart`."""
        found = self.kept.get(f"layout {method}")
        return None if found is None else self._layout(method, *found)

    def _layout(self, method: str, arrays: Arrays, facts: Facts) -> contents.Layout:
        evidence = facts["evidence"]
        return contents.Layout(
            xy=arrays["xy"],
            id=arrays["ids"],
            method=method,  # type: ignore[arg-type]
            words=facts["words"],
            trustworthiness=evidence.get("trustworthiness"),
            fitted_on=evidence.get("fitted_on", len(arrays["xy"])),
        )

    def chart(self, method: str) -> Future[Any]:
        """The layout by a method, when it is made; made once. The way back follows."""
        self.wake()
        with self._once:
            made = self.long(f"map by {method}", lambda _: self._chart(method))
            self.long(f"way back from the map by {method}", lambda _: self._way_back(method))
        return made

    def _chart(self, method: str) -> contents.Layout:
        from ..maps.project import Map

        space = self.space
        z = space.latents.numpy()

        def lay_out() -> tuple[Arrays, Facts]:
            made = space.map(method, most=self.count)
            return {"xy": made.xy, "ids": made.ids}, {"evidence": made.evidence, "words": made.words()}

        arrays, facts = self.kept.once(f"layout {method}", lay_out)
        drawn = Map(
            arrays["xy"], arrays["ids"], method, facts["evidence"], title=space.card.data["name"], z=z
        )
        part = np.sort(np.random.default_rng(0).permutation(len(z))[:PLACED])
        few = method == "pca" or len(part) == len(z)  # main axes are those of all items
        among = drawn if few else Map(drawn.xy[part], drawn.ids[part], method, {}, z=z[part])
        self._charts[method] = Chart(drawn, among)
        return self._layout(method, arrays, facts)

    def _way_back(self, method: str) -> None:
        """The way back from a map, kept without what the map holds."""
        from scipy.spatial import cKDTree

        from ..maps.inverse import Inverse

        chart = self._charts[method]
        drawn, name = chart.map, f"inverse {method}"
        places = np.ascontiguousarray(drawn.xy, np.float64)
        held = {"xy": places, "z": drawn.z, "tree": cKDTree(places)}
        inverse = self.kept.thing(name, Inverse, drawn.inverse, without=tuple(held), **held)
        self._charts[method] = replace(chart, inverse=inverse)

    def _trust(self) -> None:
        """Calibrate support, or take it as it was kept."""
        self.support = self.space.trust

    def way_back(self, method: str) -> Inverse:
        """From places on a map to latents.

        Raises:
            NotYetError: it is being made.
            LiminalError: it cannot be made.
        """
        chart = self._charts.get(method)
        if chart is None or chart.inverse is None:
            for made in (
                self._asked.get(f"map by {method}"),
                self._asked.get(f"way back from the map by {method}"),
            ):
                if made is not None and made.done() and isinstance(error := made.exception(), LiminalError):
                    raise error
            self.chart(method)
            raise NotYetError("the way back from the map is being made")
        return chart.inverse

    # -- what is answered at once

    def _compute(self, key: Hashable, rows: Rows) -> Arrays:
        """The arrays of `wire.Decoded`, `wire.At` or `wire.Look` for rows; the key is its kind and, for the
        last two, the method.
        """
        assert isinstance(key, tuple)
        kind, method = key
        if kind == "decode":
            return {"items": self.space.decode(rows)}
        return self.at(rows, method) if kind == "at" else self.look(rows, method)

    def at(self, places: np.ndarray, method: str) -> Arrays:
        """What lies at places (n, 2) of a map, as `wire.At`."""
        found = self.way_back(method)(places)
        rows, distance = self.nearest(found.z, 1)
        return {
            "items": self.space.decode(found.z),
            "z": found.z,
            "inside": ~found.outside,
            "error": found.error,
            "support": self.trusted(found.z),
            "nearest": rows[:, 0],
            "distance": distance[:, 0],
        }

    def look(self, z: np.ndarray | Tensor, method: str) -> Arrays:
        """What latents (n, d) are, as `wire.Look`."""
        from ..generator import FAR

        z = np.asarray(z, np.float32)
        if not (np.abs(z) < FAR).all():
            raise LiminalError(
                f"a latent with numbers beyond {FAR:,.0f} cannot be looked at; items have numbers of a few "
                "units"
            )
        rows, distance = self.nearest(z, 3)
        chart = self._charts.get(method)
        xy = np.full((len(z), 2), np.nan, np.float32)
        if chart is not None:
            xy = chart.among.place(z)
            own = distance[:, 0] == 0  # an item of the map lies where it is
            xy[own] = chart.map.xy[rows[own, 0]]
        return {
            "items": self.space.decode(z),
            "z": z,
            "support": self.trusted(z),
            "nearest": rows,
            "distance": distance,
            "xy": xy,
        }

    @cached_property
    def _items(self) -> Index:
        """The items' latents, prepared for being asked one place after the other."""
        from ..distances import Index

        return Index(self.space.latents)

    def nearest(self, z: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Rows and distances (n, k) of the items nearest to latents (n, d)."""
        import torch

        from ..distances import nearest

        distance, rows = nearest(self._items, torch.from_numpy(np.ascontiguousarray(z, np.float32)), k)
        return rows.numpy(), distance.numpy()

    def trusted(self, z: np.ndarray) -> np.ndarray:
        """Support (n,) of latents (n, d); NaN while it is being calibrated, or where too few items are held
        out.
        """
        import torch

        if self.support is None:
            return np.full(len(z), np.nan, np.float32)
        return self.support(torch.from_numpy(np.ascontiguousarray(z, np.float32))).numpy()
