"""What names stand for in a space: ``"@12"``, files, typed items and formulas become items and latents."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from . import registry
from .collection import Collection, numbered
from .core import Core
from .datasets import paths
from .errors import LiminalError, unknown
from .ops.directions import directions, effects
from .ops.directions.directions import Direction
from .ops.formulas import formula
from .ops.formulas.parsing import FUNCTIONS
from .ops.ways import mixing
from .voice import Voice, speaking

Item = str | int | Path | Tensor | np.ndarray
CALL = re.compile(r"\s*[^\W\d]\w*\s*\(")  # how an item begins that is typed, or a formula


def stored(space: Collection, item: Item) -> np.ndarray | None:
    """The stored item (*modality.item_shape) that a name stands for: an item of the space (``"@12"``, 12), a
    file, one of the many in a file (``FILE#n``), one that is typed (``row(age=40)``), or a stored item.

    None for what stands for no item: a latent, or any other formula.

    Raises:
        LiminalError: there is no such item or file, or it cannot be read.
    """
    if isinstance(item, Tensor):
        return None
    if isinstance(item, np.ndarray):
        return checked(space, item[None])[0]
    if (id := numbered(item)) is not None:
        return np.asarray(space.items([id])[0])
    if file := paths.located(str(item)):
        return paths.item(*file, space.modality)
    named = paths.ENTRY.sub("", str(item))
    if isinstance(item, Path) or (
        re.search(r"[./\\]\w+$", named) and Path(named).suffix.lower() in space.modality.reads
    ):
        raise LiminalError(f"item {item}: there is no such file")
    tree = formula.parse(str(item))
    return typed(space, tree) if isinstance(tree, formula.Literal) else None


def typed(space: Collection, literal: formula.Literal) -> np.ndarray:
    """The stored item (*modality.item_shape) that is typed, such as ``row(age=40)``.

    Raises:
        LiminalError: it is of another kind of data, or is none.
    """
    modality, given = space.modality, literal.arguments
    if literal.name == modality.literal:
        return modality.parse(given if isinstance(given, str) else dict(given))
    for kind in registry.modalities().values():
        if kind.literal == literal.name:
            how = f"{modality.literal}(...), a file" if modality.literal else "a file"
            raise LiminalError(
                f"{formula.show(literal)[:80]}: that is a {kind.noun}, and this space holds "
                f"{modality.plural}; name {how} or an item such as @12"
            )
    raise unknown("function", literal.name, [*FUNCTIONS, *([modality.literal] if modality.literal else [])])


def checked(space: Collection, items: np.ndarray) -> np.ndarray:
    """Stored items (n, *modality.item_shape), as given.

    Raises:
        LiminalError: they have another shape or type.
    """
    wanted = np.dtype(space.modality.item_dtype), tuple(space.modality.item_shape)
    if items.dtype != wanted[0] or tuple(items.shape[1:]) != wanted[1]:
        raise LiminalError(
            f"encode: wanted items of {wanted[0]} {wanted[1]}, got {items.dtype} {tuple(items.shape[1:])}; a "
            "float tensor or a file works too"
        )
    return items


def all_stored(space: Collection, data: Any, voice: Voice | None = None) -> np.ndarray:
    """Stored items (n, *modality.item_shape) of a name or several: as `stored` takes them, and files, folders
    and datasets of many items; `voice` hears what could not be read.

    Raises:
        LiminalError: as `stored`, or a set cannot be read.
    """
    if isinstance(data, str | Path) or space.modality.adopt(data) is not None:
        data = [data]
    if isinstance(data, np.ndarray):
        return checked(space, data[None] if data.ndim == len(space.modality.item_shape) else data)
    voice = voice or speaking()
    return np.concatenate([_all_of(space, name, voice) for name in data])


def _all_of(space: Collection, name: Any, voice: Voice) -> np.ndarray:
    file = paths.located(name) if isinstance(name, str | Path) else None
    if file is not None:
        one = file[1] is not None or paths.holds_one(file[0], space.modality)
    else:
        one = isinstance(name, str) and (name.startswith("@") or CALL.match(name) is not None)
    if one:
        found = stored(space, name)
        if found is None:
            raise LiminalError(
                f"{name}: a formula leads to a place, which is no item that could be encoded; name an item "
                "such as @12 or a file"
            )
        return found[None]
    return np.asarray(registry.dataset(name, None, space.modality, voice).items)


def original(space: Core, item: Item) -> Tensor:
    """An item itself as a perfect decoder would give it, (*modality.soft_shape).

    It is one of the space (``"@12"``, 12), a file, one of the many in a file (``FILE#n``), one that is typed,
    or a stored item.

    Raises:
        LiminalError: it is a formula or a latent, which have no original.
    """
    found = stored(space, item)
    if found is None:
        raise LiminalError(
            f"item {item!r} has no original to keep the detail of; name an item such as @12, or a file"
        )
    return space.modality.soft(found[None])[0]


def latent(space: Core, item: Item) -> Tensor:
    """The latent (d,) of an item: ``"@12"`` or 12, a file or ``FILE#n``, one that is typed, a formula, a
    stored item, or a latent already.

    Raises:
        LiminalError: there is no such item, or the formula is wrong.
    """
    if isinstance(item, Tensor):
        return space.generator.check(item)[0].cpu()
    if (id := numbered(item)) is not None:
        return torch.from_numpy(np.array(space.catalogue.z(id), dtype=np.float32))
    found = stored(space, item)
    return space.encoded(found[None])[0] if found is not None else formula.point(str(item), names(space))


def direction(space: Core, name: str) -> Direction:
    """The direction of an attribute: ``"smile"``, ``"hair_colour=blond"``, ``"label='Ankle boot'"``.

    Raises:
        LiminalError: no attribute of that name, or a category without a value.
    """
    tree = formula.parse(name)
    if not isinstance(tree, formula.Named):
        raise LiminalError(f"direction {name!r}: wanted the name of an attribute, or attribute=value")
    return named_direction(space, tree.name, tree.value)


def named_direction(space: Core, name: str, value: str | None) -> Direction:
    """The direction that a formula's ``name`` or ``name=value`` means: of an attribute, or of what can be
    read without labels.

    Raises:
        LiminalError: as `directions.resolve`.
    """
    if name in space.readable:
        return directions.resolve(name, value, space.read_directions, space.readable)
    return directions.resolve(name, value, space.directions, space.catalogue.attributes, space.readable)


def names(space: Core, start: Tensor | None = None) -> Names:
    """What the names in a formula stand for here; `start` (d,) is the latent of the item that is edited."""
    return Names(space, start)


class Names:
    """What the names in a formula stand for in a space; see `ops.formulas.formula.Names`."""

    def __init__(self, space: Core, start: Tensor | None = None) -> None:
        self.space, self.start = space, start

    def item(self, id: int) -> Tensor:
        return latent(self.space, id)

    def mean(self, where: str) -> Tensor:
        _, z = self.space.catalogue.latents(where=where)
        if not len(z):
            raise self.space.empty(f"mean({where})", where)
        return mixing.mean(torch.from_numpy(z))

    def mix(self, points: list[Tensor]) -> Tensor:
        return self.space.mixer.blend(torch.stack(points))

    def random(self, seed: int) -> Tensor:
        return self.space.draw(1, seed=seed)[0]

    def direction(self, name: str, value: str | None) -> Tensor:
        numbers = self.space.card.attributes | dict.fromkeys(self.space.readable, "number")
        if value is not None and numbers.get(name) == "number":
            return self._setting(name, value)
        return self._along(name, value).vector

    def dimension(self, index: int) -> Tensor:
        if index >= self.space.dim:
            raise LiminalError(f"dim({index}): this space has dimensions 0 to {self.space.dim - 1}")
        return self.space.scale[index] * torch.eye(self.space.dim)[index]

    def file(self, path: str) -> Tensor:
        return latent(self.space, Path(path))

    def literal(self, literal: formula.Literal) -> Tensor:
        return self.space.encoded(typed(self.space, literal)[None])[0]

    def _along(self, name: str, value: str | None) -> Direction:
        return named_direction(self.space, name, value)

    def _setting(self, name: str, value: str) -> Tensor:
        """The way from the start to where the reader sees `value`, along the attribute's direction."""
        try:
            wanted = float(value)
        except ValueError:
            wanted = math.nan
        if not math.isfinite(wanted):
            raise LiminalError(f"{name}={value}: {name} is a number; wanted one, such as {name}=0.5")
        start, read, decode = self.start, self.space.seen([name])[0], self.space.generator.decode
        if start is None or read is None:
            raise LiminalError(
                f"{name}={value} sets a value and needs an item to start from: use it in an edit of that item"
            )
        found = self._along(name, None)
        return effects.reach(lambda z: read(decode(z))[name], start, found.vector, wanted, found.unit)
