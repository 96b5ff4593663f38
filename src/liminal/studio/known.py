"""What is known of a space before its model is loaded: its card, its columns, its thumbnails. Nothing here needs torch once it is kept."""

from __future__ import annotations

import io
from collections import Counter
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import numpy as np

from .. import __version__
from ..card import Card
from ..errors import LiminalError, unknown
from ..kept import Arrays, Facts, Kept
from . import wire

if TYPE_CHECKING:
    from PIL.Image import Image

    from ..catalogue import Catalogue

METHODS: tuple[wire.Method, ...] = ("umap", "pca", "tsne")  # of maps, the default first
MOST_VALUES = 10_000  # of a category that is told with its values


class Known:
    """A space without its model.

    Args:
        name: what the user called it.
        folder: where it lives.
        card: its card.
    """

    def __init__(self, name: str, folder: Path, card: Card) -> None:
        self.name, self.folder, self.card = name, folder, card
        self.kept = Kept(folder, card)

    @cached_property
    def catalogue(self) -> Catalogue:
        """The items' database."""
        from ..catalogue import Catalogue

        return Catalogue.open(self.folder, self.card.parts["items.lance"]["version"], self.kept)

    @property
    def dim(self) -> int:
        """d, the number of latent dimensions."""
        return int(self.card.prior["dim"])

    @property
    def count(self) -> int:
        """n, the number of items."""
        return int(self.card.data["n_train"] + self.card.data["n_held"])

    def about(self, ready: bool, broken: str | None) -> wire.Space:
        """What there is; whether the model is loaded, or why it cannot be."""
        card, shape = self.card, self.card.modality["arguments"]
        default = card.sampler.get("default", "prior")
        known = [*(["prior"] if card.prior["name"] != "mixture" else []), *card.sampler.get("fitted", {})]
        return wire.Space(
            name=self.name,
            title=str(card.data.get("name", self.name)),
            dim=self.dim,
            items=self.count,
            able=list(get_args(wire.Able)),
            found=list(get_args(wire.Found)),
            films=list(get_args(wire.Film)),
            modality=wire.Modality(
                name=card.modality["name"], **{k: shape.get(k) for k in ("height", "width", "channels")}
            ),
            attributes=self.attributes,
            sources=[default, *(name for name in known if name != default)],
            maps=list(METHODS),
            laid=[method for method in METHODS if f"layout {method}" in self.kept],
            alongs=["slerp", "linear", "mix", "smooth", "geodesic"],
            tile=self.tile,
            pages=-(-self.count // wire.PAGE),
            ready=ready,
            broken=broken,
            notes=card.notes,
            licence=str(card.data.get("licence", "")),
            data=str(card.data.get("source", "")),
            version=__version__,
        )

    @cached_property
    def attributes(self) -> list[wire.Attribute]:
        """What is known of the items, in the order of the catalogue."""
        found = []
        for name in self.card.attributes:
            column = self.column(name)
            values = None if column.values is None else column.values[:MOST_VALUES]
            found.append(
                wire.Attribute(name=name, kind=column.kind, values=values, low=column.low, high=column.high)
            )
        return found

    def column(self, name: str) -> wire.Column:
        """One attribute of all items, or ``split``.

        Raises:
            LiminalError: there is no such attribute.
        """
        if name in self.card.attributes or name == "split":
            arrays, facts = self.kept.once(f"column {name}", lambda: self._column(name))
        else:
            raise unknown("attribute", name, [*self.card.attributes, "split"])
        return wire.Column(name=name, data=arrays["data"], **facts)

    def _column(self, name: str) -> tuple[Arrays, Facts]:
        import pyarrow as pa
        import pyarrow.compute as pc

        column = self.catalogue.table(columns=[name])[name].combine_chunks()
        kind = "category" if name == "split" else self.catalogue.attributes[name]
        facts: Facts = {"kind": kind, "values": None, "low": None, "high": None}
        if kind == "category":
            counts = Counter(column.drop_null().to_pylist())
            values = sorted(value for value, _ in counts.most_common(wire.UNKNOWN))
            codes = pc.index_in(column, value_set=pa.array(values, pa.string()))
            return {
                "data": pc.fill_null(codes, wire.UNKNOWN).to_numpy(zero_copy_only=False).astype(np.uint16)
            }, {**facts, "values": values}
        if kind == "bool":
            return {
                "data": pc.fill_null(column.cast("uint8"), wire.NEITHER).to_numpy(zero_copy_only=False)
            }, facts
        limits = pc.min_max(column).as_py()
        numbers = column.to_numpy(zero_copy_only=False).astype(np.float32)
        return {"data": numbers}, {**facts, "low": limits["min"], "high": limits["max"]}

    # -- thumbnails

    @cached_property
    def tile(self) -> tuple[int, int]:
        """Width and height of a thumbnail: the item's own, at most `wire.TILE`."""
        size = self.card.modality["arguments"]
        height, width = size.get("height") or wire.TILE, size.get("width") or wire.TILE
        scale = min(1.0, wire.TILE / max(height, width))
        return max(1, round(width * scale)), max(1, round(height * scale))

    def thumbnails(self, page: int) -> bytes:
        """A sheet of items as PNG, `wire.ACROSS` in a row.

        Raises:
            LiminalError: there is no such page.
        """
        pages = -(-self.count // wire.PAGE)
        if not 0 <= page < pages:
            raise LiminalError(f"thumbnails: page {page}; there are pages 0 to {pages - 1}")
        arrays, _ = self.kept.once(
            f"thumbnails {page}", lambda: ({"png": np.frombuffer(self._sheet(page), np.uint8)}, {})
        )
        return arrays["png"].tobytes()

    def _sheet(self, page: int) -> bytes:
        held = io.BytesIO()
        rows = np.arange(page * wire.PAGE, min((page + 1) * wire.PAGE, self.count))
        self.sheet(rows).save(held, "PNG", compress_level=4)
        return held.getvalue()

    def sheet(self, rows: np.ndarray) -> Image:
        """The thumbnails of items, `wire.ACROSS` in a row, as one picture."""
        from PIL import Image as PIL

        from .. import registry

        modality = registry.named("modality", self.card.modality["name"], registry.MODALITIES)(
            **self.card.modality["arguments"]
        )
        width, height = self.tile
        sheet = PIL.new("RGB", (wire.ACROSS * width, -(-len(rows) // wire.ACROSS) * height), "white")
        for i, packed in enumerate(self.catalogue.packed(rows)):
            picture = modality.preview(modality.unpack(packed), max(width, height))
            at = (
                i % wire.ACROSS * width + (width - picture.width) // 2,
                i // wire.ACROSS * height + (height - picture.height) // 2,
            )
            sheet.paste(picture, at)
        return sheet.convert("L") if self.card.modality["arguments"].get("channels") == 1 else sheet
