"""The studio inside a notebook, and what is selected in it as Python's own.

The notebook's page gets a frame with the studio's page in one piece, and nothing of that page outside it.
What the frame asks goes over the widget's own channel and is answered by the routes of the server, in this
process; there is no server, no port and no token.

Messages from the frame's side, each with the name ``view`` of the view that sends it:

    page                             the page, and what it is to show
    ask     id method address type   a request, its body in the buffer
    drop    id                       the request is not wanted any more
    shown   hash item z a b path     what a person has made
    call                             is anybody there? A request may take long, and a kernel may be dead
    gone                             the view is closed
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

from .errors import LiminalError
from .studio import pages, wire
from .studio.relay import Answer, Relay
from .studio.server import session_of

if TYPE_CHECKING:
    from .space import Space

# A frame without an origin of its own: it reaches neither the notebook nor the network, and speaks to what
# opened it alone.
POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src blob: data:; "
    "worker-src blob:; base-uri 'none'"
)
HEAD = (
    f'<meta http-equiv="Content-Security-Policy" content="{POLICY}"><meta name="liminal-host" '
    'content="notebook">'
    "<style>html body { overscroll-behavior: auto }</style>"  # the notebook scrolls on over the frame
)
KEYS = 16  # as many key frames as the page takes
SHOWN = ("item", "z", "a", "b", "path")


class Widget(anywidget.AnyWidget):
    """A space in a notebook.

    What a person selects can be read here, and what is set here the page shows. All of it can be observed:
    ``widget.observe(f, "item")``.

    Attributes:
        item: the id of the item that is selected; None where it is no item.
        z: the latent (d) of what is shown, a list: the item's, a place's on the map, or where sliders have
            moved it to; None where nothing is selected.
        a: the ids of group A, drawn around with a lasso.
        b: the ids of group B.
        path: the key frames of the path: ids, or latents as lists.
        state: all that the page shows, as one line of text, that brings it back when it is set.
        height: of the frame, in pixels.

    Args:
        space: an open space, its folder, or the name of a ready-made one.
        height: of the frame, in pixels.
        state: of a former widget, to begin with.
        threads: CPU threads, for a space that is opened here.
        device: where to compute, likewise.

    Raises:
        LiminalError: there is no such space; later, where something is set that the space does not have.

    Example:
        >>> widget = liminal.studio(space)  # in a notebook; or a bare `space` at the end of a cell
        >>> widget.item = 12
        >>> space.decode(torch.tensor([widget.z]))
    """

    _esm = Path(__file__).with_name("widget.js")
    item = traitlets.Any(None, allow_none=True)
    z = traitlets.Any(None, allow_none=True)
    a = traitlets.Any()
    b = traitlets.Any()
    path = traitlets.Any()
    state = traitlets.Unicode("").tag(
        sync=True
    )  # so that marimo runs the cells again that read from this widget
    height = traitlets.Int(640, min=240, max=4000).tag(sync=True)

    def __init__(
        self,
        space: Space | str | Path,
        *,
        height: int = 640,
        state: str = "",
        threads: int | None = None,
        device: str | None = None,
    ) -> None:
        self.session = session_of(space, threads, device)
        self._relay: Relay | None = Relay(self.session)
        self._asked: dict[tuple[str, int], Callable[[], None]] = {}
        self._since: dict[str, Any] = {}  # what was set in Python and no page has told of yet
        self._heeding = threading.local()  # whether this thread takes in what a page says
        super().__init__(height=height, state=state, a=[], b=[], path=[])
        self.on_msg(self._heard)
        self.observe(self._set, [*SHOWN, "state"])

    def __repr__(self) -> str:
        return f"The studio of {Path(self.session.name).name}: run this cell to see it"

    def close(self) -> None:
        """Take it off the page, and end its threads once they are done with what they are at."""
        relay, self._relay = self._relay, None
        if relay is not None:
            for space, widget in list(_OF.items()):
                if widget is self:
                    del _OF[space]
            relay.close()
            self.session.close(0.0)
        super().close()

    # -- what can be set

    @traitlets.validate("item")
    def _is_item(self, proposal: Any) -> int | None:
        return None if proposal["value"] is None else self._id(proposal["value"])

    @traitlets.validate("z")
    def _is_z(self, proposal: Any) -> list[float] | None:
        return None if proposal["value"] is None else self._latent(proposal["value"])

    @traitlets.validate("a", "b")
    def _are_items(self, proposal: Any) -> list[int]:
        return [
            self._id(value)
            for value in _listed(proposal["value"], f"widget.{proposal['trait'].name}: wanted ids of items")
        ]

    @traitlets.validate("path")
    def _is_path(self, proposal: Any) -> list[int | list[float]]:
        given = _listed(proposal["value"], "widget.path: wanted ids of items, or latents")
        if len(given) > KEYS:
            raise LiminalError(
                f"widget.path: a path has at most {KEYS} key frames in the studio, got {len(given)}"
            )
        return [
            self._latent(value) if isinstance(value, Iterable) else self._id(value) for value in _plain(given)
        ]

    def _id(self, value: Any) -> int:
        count = self.session.count
        if (
            isinstance(value, bool)
            or not hasattr(value, "__index__")
            or not 0 <= (found := int(value)) < count
        ):
            raise LiminalError(f"widget: wanted the id of an item, 0 to {count - 1}, got {value!r}")
        return found

    def _latent(self, value: Any) -> list[float]:
        found, dim = _listed(value, "widget: wanted a latent"), self.session.dim
        if len(found) == 1 and isinstance(found[0], Iterable):  # (1, d), as the space gives it
            found = _listed(found[0], "widget: wanted a latent")
        numbers = [float(v) if isinstance(v, int | float) else math.nan for v in _plain(found)]
        if len(numbers) != dim or not all(map(math.isfinite, numbers)):
            raise LiminalError(f"widget: wanted a latent of {dim} finite numbers, got {len(numbers)}")
        return numbers

    def _set(self, change: Any) -> None:
        """Something has been set: where it was set in Python, the pages are told."""
        if getattr(self._heeding, "now", False):
            return
        name, value = change["name"], change["new"]
        if name == "item":
            with self._heeded():
                self.z = None if value is None else self.session.catalogue.z(value).tolist()
        elif name == "z":
            with self._heeded():
                self.item = None
        if name == "state":
            self._since = {}
            self._tell({"kind": "show", "hash": value})
        else:
            if name in ("item", "z"):
                self._since = {key: kept for key, kept in self._since.items() if key not in ("item", "z")}
            self._since[name] = value
            self._tell({"kind": "show", name: value})

    @contextmanager
    def _heeded(self) -> Iterator[None]:
        """Within, what is set is not told to the pages."""
        before, self._heeding.now = getattr(self._heeding, "now", False), True
        try:
            yield
        finally:
            self._heeding.now = before

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """What a page has set: as of every widget, without telling the pages."""
        with self._heeded():
            super().set_state(sync_data)

    # -- what the pages say

    def _heard(self, _: Any, content: Any, buffers: list[Any]) -> None:
        """Act on one message; what is no message is left."""
        if self._relay is None or not isinstance(content, dict):
            return
        view, kind = content.get("view"), content.get("kind")
        if not isinstance(view, str):
            return
        if kind == "page":
            shown = {"hash": self.state, "a": self.a, "b": self.b, **self._since}
            name = Path(self.session.name).name
            self._tell(
                {"kind": "page", "view": view, "shown": shown, "name": name},
                [pages.single(head=HEAD).encode()],
            )
        elif kind == "ask":
            self._ask(view, content, bytes(buffers[0]) if buffers else b"")
        elif kind == "drop" and isinstance(content.get("id"), int):
            self._drop((view, content["id"]))
        elif kind == "call":
            self._tell({"kind": "here", "view": view})
        elif kind == "gone":
            for asked in list(self._asked):
                if asked[0] == view:
                    self._drop(asked)
        elif kind == "shown" and isinstance(content.get("shown"), dict):
            self._shown(view, content["shown"])

    def _ask(self, view: str, content: dict[str, Any], body: bytes) -> None:
        number, method, address, kind = (content.get(name) for name in ("id", "method", "address", "type"))
        if (
            not isinstance(number, int)
            or not all(isinstance(given, str) for given in (method, address, kind))
            or self._relay is None
        ):
            return
        asked = (view, number)

        def answered(answer: Answer) -> None:
            self._asked.pop(asked, None)
            said = {
                "status": answer.status,
                "type": answer.headers.get("content-type", ""),
                "after": answer.headers.get("retry-after"),
            }
            self._tell({"kind": "answer", "view": view, "id": number, **said}, [answer.body])

        self._asked[asked] = lambda: None  # before the answer can be there
        drop = self._relay.ask(str(method), str(address), body, str(kind), answered)
        if asked in self._asked:
            self._asked[asked] = drop

    def _drop(self, asked: tuple[str, int]) -> None:
        self._asked.pop(asked, lambda: None)()

    def _shown(self, view: str, shown: dict[str, Any]) -> None:
        """Take in what a person has made in one view, whole or not at all, and tell the others."""
        try:
            found = {
                name: getattr(type(self), name)._cross_validate(self, shown[name])
                for name in SHOWN
                if name in shown
            }
            if found.get("item") is not None and found.get("z") is None:
                found["z"] = self.session.catalogue.z(found["item"]).tolist()
        except LiminalError:
            return
        if isinstance(shown.get("hash"), str) and len(shown["hash"]) < wire.TEXT:
            found["state"] = shown["hash"]
        with (
            self._heeded(),
            self.hold_trait_notifications(),
        ):  # who observes one of them finds all of them new
            for name, value in found.items():
                setattr(self, name, value)
        self._since = {}
        self._tell({"kind": "show", "by": view, "hash": self.state, "a": self.a, "b": self.b})

    def _tell(self, content: dict[str, Any], buffers: list[bytes] | None = None) -> None:
        if self._relay is not None:
            self.send(content, buffers)


_OF: dict[Any, Widget] = {}


def of(space: Space) -> Widget:
    """The widget of an open space, one and the same however often it is shown, until it is closed."""
    if space not in _OF:
        _OF[space] = Widget(space)
    return _OF[space]


def _listed(value: Any, wanted: str) -> list[Any]:
    """A list of what can be gone through: a list, a tuple, an array, a tensor."""
    if isinstance(value, str | bytes | dict) or not isinstance(value, Iterable):
        raise LiminalError(f"{wanted}, got {value!r}")
    plain = value.tolist() if hasattr(value, "tolist") else list(value)
    if not isinstance(plain, list):
        raise LiminalError(f"{wanted}, got {value!r}")
    return plain


def _plain(values: list[Any]) -> list[Any]:
    """Python's own numbers for those of arrays."""
    return [value.tolist() if hasattr(value, "tolist") else value for value in values]
