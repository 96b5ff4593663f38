"""Decoded items in number: what sampling, decoding and reconstructing return."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import csv
from torch import Tensor

from ..errors import LiminalError
from ..export import latents
from ..files import atomic
from ..modalities import Modality
from ..show import grid
from ..show import items as show
from ..show.items import Picture

MOST_IN_GRID = 1024
LONG_SIDE = 2048  # pixels a grid aims to stay within


@dataclass(frozen=True)
class Samples:
    """Items and the latents that they were decoded from.

    Attributes:
        z: (n, d).
        items: stored items, (n, *modality.item_shape).
        modality: how they look.
        source: where the latents came from: ``prior``, ``mixture``, ``flow``, ``latents``,
            ``reconstruction``.
        originals: the stored items that were reconstructed, else None; a grid shows them above their
            reconstructions.
        names: of the files in a folder, without ending; None: numbers.
        table: n rows of evidence: ``support``, ``nearest`` (the id of the nearest real item), ``distance``
            (to it, in z); None: not asked.
        note: a sentence about where they came from, or empty.
    """

    z: Tensor
    items: np.ndarray
    modality: Modality
    source: str
    _: KW_ONLY
    originals: np.ndarray | None = None
    names: Sequence[str] | None = None
    table: pa.Table | None = None
    note: str = ""

    def __len__(self) -> int:
        return len(self.items)

    def picture(self, columns: int | None = None) -> Picture:
        """All items as one grid; reconstructions stand below their originals.

        Raises:
            LiminalError: there are none, or more than 1,024.
        """
        n = len(self)
        if not 1 <= n <= MOST_IN_GRID:
            raise LiminalError(
                f"a grid shows 1 to {MOST_IN_GRID} items, not {n}; give a folder instead of a .png"
            )
        columns = columns or max(1, round(n**0.5) if self.originals is None else min(n, 12))
        tile = int(np.clip(LONG_SIDE // columns, 32, 128))
        if self.originals is None:
            return show.drawn(self.items, self.modality, tile, columns)
        return show.paired(self.originals, self.items, self.modality, tile, columns)

    def save(self, path: str | Path) -> None:
        """A name that ends in .png becomes one grid, one of the kind's `gathers` one file, one without ending
        a folder of files.

        Where there is a table, the folder also holds ``table.csv`` (file and evidence) and
        ``latents.parquet`` (the same with z).

        Raises:
            LiminalError: another ending, or the place cannot be written.
        """
        path = Path(path)
        if path.suffix.lower() == ".png":
            grid.save(self.picture(), path)
        elif path.suffix.lower() in self.modality.gathers:
            show.save_items(self.items, self.modality, path)
        elif path.suffix:
            known = " ".join((".png", *self.modality.gathers))
            raise LiminalError(
                f"save {path}: wanted a name that ends in {known}, or one without ending for a folder of "
                "files"
            )
        else:
            self._folder(path)

    def _folder(self, path: Path) -> None:
        digits = max(4, len(str(len(self) - 1)))
        with atomic(path) as part:
            part.mkdir()
            stems = self.names or [f"{i:0{digits}d}" for i in range(len(self))]
            names = [f"{stem}{self.modality.writes[0]}" for stem in stems]
            for name, item in zip(names, self.items, strict=True):
                self.modality.write(item, part / name)
            if self.table is not None:
                table = self.table.add_column(0, "file", pa.array(names, pa.string()))
                csv.write_csv(table, part / "table.csv")
                latents.write(part / "latents.parquet", self.z.cpu().numpy(), table)
