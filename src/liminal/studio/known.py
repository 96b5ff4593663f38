"""What is known of a space before its model is loaded: its card, its columns, its thumbnails.

Nothing here needs torch once it is kept.
"""

from __future__ import annotations

import io
from collections import Counter
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from .. import __version__
from ..card import FILE, Card
from ..errors import LiminalError, unknown
from ..kept import Arrays, Facts, Kept
from . import contents, wire

if TYPE_CHECKING:
    from PIL.Image import Image

    from ..catalogue import Catalogue
    from ..modalities import Modality

METHODS: tuple[contents.Method, ...] = ("umap", "pca", "tsne")  # of maps, the default first
MOST_VALUES = 10_000  # of a category that is told with its values
LEAST_HELD = 20  # as `ops.support` has it, which needs torch
FILMS = (".gif", ".mp4", ".png")  # that a path of any items can be saved as


def state(card: Card) -> tuple[Any, ...]:
    """What tells one state of a space from another: its parts on disk."""
    told = ("file", "sha256", "version")
    parts = {name: [entry.get(key) for key in told] for name, entry in card.parts.items()}
    return card.created, size(card), parts


def size(card: Card) -> int:
    """n, the number of items."""
    return int(card.data.get("n_train", 0)) + int(card.data.get("n_held", 0))


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
        self._state, self._size = state(card), size(card)
        self._seen, self._newer, self._more = 0, False, 0

    @cached_property
    def catalogue(self) -> Catalogue:
        """The items' database."""
        from ..catalogue import Catalogue

        return Catalogue.open(self.folder, self.card.parts["items.lance"]["version"], self.kept)

    @cached_property
    def modality(self) -> Modality:
        """The kind of data, without torch."""
        from .. import registry

        told = self.card.modality
        made: Modality = registry.named("modality", told["name"], registry.MODALITIES)(**told["arguments"])
        return made

    @property
    def reloads(self) -> bool:
        """Whether the folder can be opened anew in this one's place."""
        return False

    def newer(self) -> str | None:
        """What has become of the space on disk since it was opened, in a line; None: nothing.

        It costs a look at the card's date; the card is read where that has changed.
        """
        try:
            seen = (self.folder / FILE).stat().st_mtime_ns
            if seen != self._seen:
                now = Card.read(self.folder)
                self._more = size(now) - self._size
                self._newer, self._seen = state(now) != self._state, seen
        except (OSError, LiminalError):
            return None  # it is being moved or removed: that is said where something is asked of it
        if not self._newer:
            return None
        if self._more > 0:
            return f"the space has {self._more:,} more item{'s' if self._more > 1 else ''} now"
        return "the space was changed on disk"

    @property
    def dim(self) -> int:
        """d, the number of latent dimensions."""
        return int(self.card.prior["dim"])

    @property
    def count(self) -> int:
        """n, the number of items."""
        return int(self.card.data["n_train"] + self.card.data["n_held"])

    def about(self, ready: bool, broken: str | None) -> contents.Space:
        """What there is; whether the model is loaded, or why it cannot be."""
        card = self.card
        default = card.sampler.get("default", "prior")
        known = [*(["prior"] if card.prior["name"] != "mixture" else []), *card.sampler.get("fitted", {})]
        supported = card.data["n_held"] >= LEAST_HELD
        kind = self._kind()
        from .. import modalities

        reads = type(self.modality).readings is not modalities.Modality.readings
        states = type(self.modality).stated is not modalities.Modality.stated
        learned = {"attributes": "directions.safetensors" in card.parts, "readings": reads}
        has = {
            "bend": learned["attributes"],
            "support": supported,
            "reload": self.reloads,
            "compose": kind.measure is not None,
            "begin": "begin" in kind.parts,
            "unusual": states,
        }
        lacks = [what for what, there in has.items() if not there]
        able = [what for what in get_args(contents.Able) if what not in lacks]
        return contents.Space(
            name=self.name,
            title=str(card.data.get("name", self.name)),
            dim=self.dim,
            items=self.count,
            able=able,
            found=[source for source in get_args(contents.Found) if learned.get(source, True)],
            modality=kind,
            attributes=self.attributes,
            sources=[default, *(name for name in known if name != default)],
            maps=list(METHODS),
            laid=[method for method in METHODS if f"layout {method}" in self.kept],
            alongs=[way for way in get_args(contents.Along) if way != "conditional" or "bend" in able],
            tile=self.tile,
            pages=-(-self.count // wire.PAGE),
            ready=ready,
            broken=broken,
            notes=card.notes,
            licence=str(card.data.get("licence", "")),
            data=str(card.data.get("source", "")),
            version=__version__,
        )

    def _kind(self) -> contents.Modality:
        """What the page has to know of the kind of data."""
        kind = self.modality
        plain = lambda endings: [ending.lstrip(".") for ending in endings]
        return contents.Modality(
            name=kind.name,
            noun=kind.noun,
            plural=kind.plural,
            reads=plain(sorted(kind.reads)),
            writes=plain(kind.writes),
            films=plain(dict.fromkeys((*FILMS, *kind.films))),
            drawn=plain(ending for ending in FILMS if ending not in kind.films),
            parts=kind.parts,
            measure=None if kind.measure[0] == kind.plural else kind.measure,
            config=kind.config(),
        )

    @cached_property
    def attributes(self) -> list[contents.Attribute]:
        """What is known of the items, in the order of the catalogue."""
        found = []
        for name in self.card.attributes:
            column = self.column(name)
            values = None if column.values is None else column.values[:MOST_VALUES]
            limits = {"low": column.low, "high": column.high}
            found.append(contents.Attribute(name=name, kind=column.kind, values=values, **limits))
        return found

    def column(self, name: str) -> contents.Column:
        """One attribute of all items, or ``split``.

        Raises:
            LiminalError: there is no such attribute.
        """
        if name in self.card.attributes or name == "split":
            arrays, facts = self.kept.once(f"column {name}", lambda: self._column(name))
        else:
            raise unknown("attribute", name, [*self.card.attributes, "split"])
        return contents.Column(name=name, data=arrays["data"], **facts)

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

    def sources(self, rows: list[int]) -> wire.Sources:
        """Where items come from, and what they are in a few words.

        Raises:
            LiminalError: there is no such row.
        """
        for bad in [row for row in rows if not 0 <= row < self.count][:1]:
            raise LiminalError(f"row {bad}: this space has rows 0 to {self.count - 1}")
        found = self.catalogue.rows(rows, ["source"])["source"] if rows else []
        m = self.modality
        captions = [m.caption(m.unpack(packed)) for packed in self.catalogue.packed(np.array(rows, np.int64))]
        return wire.Sources(sources=[str(source) for source in found], captions=captions)

    # -- thumbnails

    @cached_property
    def tile(self) -> tuple[int, int]:
        """Width and height of a thumbnail, at most `wire.TILE`: those of a preview of a blank item."""
        blank = np.zeros(self.modality.item_shape, self.modality.item_dtype)
        return self.modality.preview(blank, min(self.modality.side, wire.TILE)).size

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

        width, height = self.tile
        sheet = PIL.new("RGB", (wire.ACROSS * width, -(-len(rows) // wire.ACROSS) * height), "white")
        for i, packed in enumerate(self.catalogue.packed(rows)):
            preview = self.modality.preview(self.modality.unpack(packed), max(width, height))
            preview.thumbnail((width, height))
            at = (
                i % wire.ACROSS * width + (width - preview.width) // 2,
                i // wire.ACROSS * height + (height - preview.height) // 2,
            )
            sheet.paste(preview, at)
        pixels = np.asarray(sheet)
        grey = (pixels == pixels[..., :1]).all()  # then a third of the bytes will do
        return sheet.convert("L") if grey else sheet
