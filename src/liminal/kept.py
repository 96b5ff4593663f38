"""What was computed of a space once and is kept in the user's cache folder, so that no later command computes
it anew.

The columns of its items, support, layouts and the way back from them, clusters, styles, sheets of thumbnails:
each a file of arrays and facts below a folder whose name is the space's state. Another version of its items
or weights, or another place, is another folder, and takes the place of the one before. What cannot be read is
computed anew. Nothing is unpickled: arrays and JSON, with checksums.
"""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import zipfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints

import numpy as np

from . import __version__
from .errors import LiminalError
from .files import atomic_bytes, cache_folder

if TYPE_CHECKING:
    from .card import Card

FORM = 2  # of what is kept; raised by every change that would be misread

Arrays = dict[str, np.ndarray]
Facts = dict[str, Any]


class Kept:
    """The files kept of one space.

    Of a wrapped model, whose code no card names, all is held in memory instead.

    Args:
        folder: of the space.
        card: its card.
    """

    def __init__(self, folder: Path, card: Card) -> None:
        place = str(folder.resolve())
        files = sorted(
            path.name for path in (folder / "items.lance" / "data").glob("*")
        )  # each unlike any other
        told = [card.created, card.liminal, card.data, card.attributes, card.parts]
        state = [FORM, __version__, place, files, *told]
        self._held: dict[str, tuple[Arrays, Facts]] = {}
        self._folder: Path | None = None
        if card.model["class"] != "wrapped":
            name = _digest(json.dumps(state, sort_keys=True, default=str))
            with suppress(LiminalError):  # a cache that cannot be written is no reason to fail
                self._folder = cache_folder("kept", _digest(place)) / name

    def get(self, name: str) -> tuple[Arrays, Facts] | None:
        """Arrays and facts kept under a name; None where there are none that can be read."""
        if self._folder is None:
            return self._held.get(name)
        try:
            with np.load(io.BytesIO(self._path(name).read_bytes()), allow_pickle=False) as found:
                arrays = {key: found[key] for key in found.files if key != "facts"}
                return arrays, json.loads(str(found["facts"]))
        except (OSError, ValueError, KeyError, zipfile.BadZipFile):
            return None

    def __contains__(self, name: str) -> bool:
        return name in self._held if self._folder is None else self._path(name).is_file()

    def put(self, name: str, arrays: Arrays, facts: Facts) -> None:
        """Keep arrays and JSON-ready facts under a name; what was kept of former states of the space goes."""
        if self._folder is None:
            self._held[name] = arrays, facts
            return
        held = io.BytesIO()
        np.savez(held, allow_pickle=False, facts=np.array(json.dumps(facts)), **arrays)  # type: ignore[arg-type]
        try:
            if not self._folder.exists():
                for former in self._folder.parent.iterdir():
                    shutil.rmtree(former, ignore_errors=True)
                self._folder.mkdir(parents=True, exist_ok=True)
            atomic_bytes(self._path(name), held.getvalue())
        except (LiminalError, OSError):  # nor is one that is full
            return

    def once(self, name: str, make: Callable[[], tuple[Arrays, Facts]]) -> tuple[Arrays, Facts]:
        """What is kept under a name, or what `make` gives, which then is kept."""
        found = self.get(name)
        if found is None:
            found = make()
            self.put(name, *found)
        return found

    def thing(
        self,
        name: str,
        kind: type,
        make: Callable[[], Any],
        without: tuple[str, ...] = (),
        tensors: bool = False,
        **more: Any,
    ) -> Any:
        """The dataclass kept under a name, or the one that `make` gives, which then is kept; as `apart` and
        `together`.
        """
        found = self.get(name)
        thing = None if found is None else together(kind, *found, tensors, **more)
        if thing is None:
            thing = make()
            self.put(name, *apart(thing, without))
        return thing

    def _path(self, name: str) -> Path:
        assert self._folder is not None
        plain = "".join(c if c.isalnum() or c in "-_" else "." for c in name)[:60]
        return self._folder / f"{plain}-{_digest(name)}.npz"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:20]  # paths may hold any byte


def apart(thing: Any, without: tuple[str, ...] = ()) -> tuple[Arrays, Facts]:
    """A dataclass as arrays (its arrays and tensors, and those of dataclasses in it) and facts (the rest),
    but for the fields `without`.
    """
    assert is_dataclass(thing)
    arrays: Arrays = {}
    facts: Facts = {}
    for field in fields(thing):
        value = getattr(thing, field.name)
        if field.name in without:
            continue
        if hasattr(value, "numpy"):
            arrays[field.name] = value.numpy()
        elif isinstance(value, np.ndarray):
            arrays[field.name] = value
        elif is_dataclass(value):
            inner, facts[field.name] = apart(value)
            arrays |= {f"{field.name}.{name}": array for name, array in inner.items()}
        else:
            facts[field.name] = value
    return arrays, facts


def together(kind: type, arrays: Arrays, facts: Facts, tensors: bool = False, **more: Any) -> Any:
    """The inverse of `apart`; None where the two do not fit, as after a change of the class.

    Args:
        kind: the dataclass.
        arrays: its arrays.
        facts: its other fields; lists come back as tuples.
        tensors: make the arrays tensors.
        more: the fields that were left out.
    """
    given: dict[str, Any] = {name: value for name, value in arrays.items() if "." not in name}
    if tensors:
        import torch

        given = {name: torch.from_numpy(value) for name, value in given.items()}
    for name, value in facts.items():
        given[name] = _tuples(value)
    for name in {name.partition(".")[0] for name in arrays if "." in name}:
        inner = {key.partition(".")[2]: a for key, a in arrays.items() if key.startswith(f"{name}.")}
        given[name] = together(get_type_hints(kind)[name], inner, facts.get(name, {}), tensors)
    try:
        return kind(**given, **more)
    except TypeError:
        return None


def _tuples(value: Any) -> Any:
    return tuple(_tuples(inner) for inner in value) if isinstance(value, list) else value
