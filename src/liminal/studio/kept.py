"""What a studio has computed of a space and keeps in the user's cache folder, so that the next start shows it at once.

Layouts, the way back from them, support, columns and sheets of thumbnails, each a file of arrays and facts below a folder whose name is the
space's state: another version of its items or weights, or another place, is another folder. What cannot be read is computed anew.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import LiminalError
from ..files import atomic_bytes, cache_folder

if TYPE_CHECKING:
    from ..card import Card

FORM = 1  # of what is kept; raised by every change that would be misread

Arrays = dict[str, np.ndarray]
Facts = dict[str, Any]


class Kept:
    """The files kept of one space.

    Args:
        folder: of the space.
        card: its card.
    """

    def __init__(self, folder: Path, card: Card) -> None:
        state = [
            FORM,
            str(folder.resolve()),
            card.created,
            card.liminal,
            card.data,
            card.attributes,
            card.parts,
        ]
        name = hashlib.sha256(json.dumps(state, sort_keys=True, default=str).encode()).hexdigest()[:20]
        self._folder = cache_folder("studio", name)

    def get(self, name: str) -> tuple[Arrays, Facts] | None:
        """Arrays and facts kept under a name; None where there are none that can be read."""
        try:
            with np.load(io.BytesIO(self._path(name).read_bytes()), allow_pickle=False) as found:
                arrays = {key: found[key] for key in found.files if key != "facts"}
                return arrays, json.loads(str(found["facts"]))
        except (OSError, ValueError, KeyError, zipfile.BadZipFile):
            return None

    def __contains__(self, name: str) -> bool:
        return self._path(name).is_file()

    def put(self, name: str, arrays: Arrays, facts: Facts) -> None:
        """Keep arrays and JSON-ready facts under a name; a cache that cannot be written is no reason to fail."""
        held = io.BytesIO()
        np.savez(held, allow_pickle=False, facts=np.array(json.dumps(facts)), **arrays)  # type: ignore[arg-type]
        try:
            atomic_bytes(self._path(name), held.getvalue())
        except LiminalError:
            return

    def once(self, name: str, make: Callable[[], tuple[Arrays, Facts]]) -> tuple[Arrays, Facts]:
        """What is kept under a name, or what `make` gives, which then is kept."""
        found = self.get(name)
        if found is None:
            found = make()
            self.put(name, *found)
        return found

    def _path(self, name: str) -> Path:
        plain = "".join(c if c.isalnum() or c in "-_" else "." for c in name)[:60]
        return self._folder / f"{plain}-{hashlib.sha256(name.encode()).hexdigest()[:8]}.npz"


def apart(thing: Any, without: tuple[str, ...] = ()) -> tuple[Arrays, Facts]:
    """A dataclass as arrays (its arrays and tensors) and facts (the rest), but for the fields `without`."""
    assert is_dataclass(thing)
    arrays, facts = {}, {}
    for field in fields(thing):
        value = getattr(thing, field.name)
        if field.name in without:
            continue
        if hasattr(value, "numpy"):
            arrays[field.name] = value.numpy()
        elif isinstance(value, np.ndarray):
            arrays[field.name] = value
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
    given: dict[str, Any] = dict(arrays)
    if tensors:
        import torch

        given = {name: torch.from_numpy(value) for name, value in arrays.items()}
    told = {name: tuple(value) if isinstance(value, list) else value for name, value in facts.items()}
    try:
        return kind(**given, **told, **more)
    except TypeError:
        return None
