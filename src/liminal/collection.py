"""`Collection`: a space without its model, which is all that some questions need; it loads no torch."""

from __future__ import annotations

import re
import types
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin, get_type_hints

import numpy as np
import pyarrow as pa

from . import registry
from .card import Card, verify
from .catalogue import Catalogue
from .errors import LiminalError, unknown
from .kept import Arrays, Facts, Kept
from .modalities import Modality
from .ops.formulas import parsing
from .rows import rng_rows

if TYPE_CHECKING:
    from .maps.project import Map


def numbered(item: object) -> int | None:
    """The id of an item that is named by it, 12 or ``"@12"``; None for a file, a formula or anything else."""
    if isinstance(item, str) and (found := re.fullmatch(r"\s*@(\d+)\s*", item)) and not Path(item).is_file():
        return int(found[1])
    return int(item) if isinstance(item, int | np.integer) else None


class Collection:
    """The items of a space, and what its card says.

    Attributes:
        card: what is known about the space.
        folder: where it lives.
    """

    def __init__(self, card: Card, folder: Path) -> None:
        self.card, self.folder = card, folder

    @property
    def dim(self) -> int:
        """d, the number of latent dimensions."""
        return int(self.card.prior["dim"])

    @cached_property
    def modality(self) -> Modality:
        """How items look and how they are read and written.

        Raises:
            LiminalError: the card names an unknown one, or arguments that it does not take.
        """
        kind = registry.named("modality", self.card.modality["name"], registry.MODALITIES)
        return made(kind, self.card.modality["arguments"], self.folder)

    @cached_property
    def kept(self) -> Kept:
        """What was computed of the space as it is now, by this process or another."""
        return Kept(self.folder, self.card)

    @cached_property
    def catalogue(self) -> Catalogue:
        """The items' database, at the version that the card names."""
        return Catalogue.open(self.folder, self.card.parts["items.lance"]["version"], self.kept)

    def near(self, z: np.ndarray, k: int, where: str | None = None, metric: str = "euclidean") -> pa.Table:
        """The k items nearest to a latent (d,): id, distance, split, source, attributes; nearest first.

        Args:
            z: (d,).
            k: how many.
            where: a filter, ``"label = 'Bag' and smile > 0.5"``.
            metric: ``euclidean`` or ``cosine``.

        Raises:
            LiminalError: k is below 1, an unknown metric, or the filter is wrong.
        """
        if k < 1:
            raise LiminalError(f"neighbors: k = {k}; wanted 1 or more")
        return self.catalogue.nearest(z, k, parsing.where(where) if where else None, metric)

    def items(self, ids: Sequence[int]) -> np.ndarray:
        """Stored items (n, *modality.item_shape) of the catalogue, in the asked order.

        Raises:
            LiminalError: an id does not exist.
        """
        found = [self.modality.unpack(data) for data in self.catalogue.packed(list(ids))]
        return (
            np.stack(found) if found else np.zeros((0, *self.modality.item_shape), self.modality.item_dtype)
        )

    def map(self, method: str = "umap", color: str | None = None, most: int = 20_000, seed: int = 0) -> Map:
        """The items on a plane.

        Args:
            method: ``pca``, ``umap`` or ``tsne``.
            color: an attribute; None: the first category, or the first attribute.
            most: items drawn; a random choice where there are more.
            seed: of the choice and of the layout.
        """
        from .maps.project import Map, project

        names = list(self.card.attributes)
        if color is not None and color not in names:
            raise unknown(
                "attribute", color, names, "Colours come from attributes; `liminal label` adds some."
            )
        if color is None:
            kinds = [n for n in names if self.card.attributes[n] == "category"] or names
            color = kinds[0] if kinds else None
        table = self.chosen(None, most, seed)
        ids = np.array(table["id"])
        values = table[color].to_pylist() if color else None
        z, title = (
            np.array(table["z"].combine_chunks().flatten()).reshape(len(table), self.dim),
            self.card.data["name"],
        )

        def lay_out() -> tuple[Arrays, Facts]:
            made = project(z, method, seed, ids)
            return {"xy": made.xy, "ids": made.ids}, {"evidence": made.evidence, "words": made.words()}

        arrays, facts = self.kept.once(self._layout(method, most, seed), lay_out)
        return Map(
            arrays["xy"],
            ids,
            method,
            facts["evidence"],
            values=values,
            color=color or "",
            title=title,
            preview=self.previews(ids),
            z=z,
        )

    def laid(self, method: str = "umap", most: int = 20_000, seed: int = 0) -> bool:
        """Whether the layout of such a `map` is kept."""
        return self._layout(method, most, seed) in self.kept

    def _layout(self, method: str, most: int, seed: int) -> str:
        some = "" if len(self.catalogue) <= most else f" of {most}"
        return f"layout {method}{some}" + (f" by {seed}" if seed else "")

    def previews(self, ids: np.ndarray) -> Callable[[int], Any]:
        return lambda row: self.modality.preview(self.items([int(ids[row])])[0], 64)

    def chosen(self, split: str | None, most: int, seed: int) -> pa.Table:
        """At most so many items: id, z and attributes."""
        table = self.catalogue.table(split=split, columns=["id", "z", *self.card.attributes])
        return table.take(pa.array(rng_rows(np.arange(len(table)), most, seed)))

    def info(self) -> dict[str, Any]:
        """JSON-ready facts about the space; ``parameters`` of the model, None where the card does not
        tell.
        """
        parameters = self.card.model.get("parameters")
        return {"folder": str(self.folder), "dim": self.dim, "parameters": parameters, **asdict(self.card)}


def collection(name: str | Path) -> Collection:
    """The collection of a space: a folder, or the name of a ready-made space.

    Raises:
        LiminalError: there is no such space; it is damaged, unfinished or of a newer format.
    """
    folder = registry.space_folder(name)
    card = Card.read(folder)
    verify(folder, card)
    for part in ("weights.safetensors", "items.lance"):
        if part not in card.parts:
            raise cut(folder, part)
    for what, section, key in (
        ("data", card.data, "name"),
        ("data", card.data, "n_train"),
        ("data", card.data, "n_held"),
        ("sampler", card.sampler, "default"),
    ):
        if key not in section:
            raise cut(folder, f"{what}.{key}")
    return Collection(card, folder)


def cut(folder: Path, name: str) -> LiminalError:
    """The error for a card that lacks something."""
    return LiminalError(
        f"space {folder}: card.json names no {name}, so it is cut or changed; copy the whole folder again"
    )


def made(kind: Callable[..., Any], arguments: dict[str, Any], folder: Path) -> Any:
    """What the card's arguments make; arguments that do not fit say that the card was cut or changed."""
    try:
        constructor: Any = kind.func if isinstance(kind, partial) else kind
        hints = get_type_hints(constructor.__init__)
        for name, value in arguments.items():
            if not _fits(value, hints.get(name, Any)):
                raise TypeError(f"{name}: {value!r}"[:100])
        return kind(**arguments)
    except LiminalError:
        raise
    except Exception as error:  # whatever a constructor or torch makes of it
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise LiminalError(
            f"space {folder}: card.json holds arguments that do not fit ({first}); copy the space again"
        ) from error


def _fits(value: object, hint: Any) -> bool:
    """Whether a value from JSON is of the type that an argument is annotated with."""
    if get_origin(hint) in (Union, types.UnionType):
        return any(_fits(value, one) for one in get_args(hint))
    if get_origin(hint) in (tuple, list, Sequence):
        return isinstance(value, list) and all(_fits(one, get_args(hint)[0]) for one in value)
    if hint is float:
        return type(value) in (int, float)
    return type(value) is hint if hint in (int, str, bool) else True
