"""Decoded items in number: what sampling, decoding and reconstructing return; and one item as a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from pyarrow import csv
from torch import Tensor

from ..errors import LiminalError
from ..export import grid, latents
from ..files import atomic
from ..modalities import Modality

if TYPE_CHECKING:
    from PIL import Image as PIL

MOST_IN_GRID = 1024
LONG_SIDE = 2048  # pixels a grid aims to stay within


@dataclass(frozen=True)
class Samples:
    """Items and the latents that they were decoded from.

    Attributes:
        z: (n, d).
        items: stored items, (n, *modality.item_shape).
        modality: how they look.
        source: where the latents came from: ``prior``, ``mixture``, ``flow``, ``latents``, ``reconstruction``.
        originals: the stored items that were reconstructed, else None; a grid shows them above their reconstructions.
        names: of the files in a folder, without ending; None: numbers.
        table: n rows of evidence: ``support``, ``nearest`` (the id of the nearest real item), ``distance`` (to it, in z); None: not asked.
        note: a sentence about where they came from, or empty.
    """

    z: Tensor
    items: np.ndarray
    modality: Modality
    source: str
    originals: np.ndarray | None = None
    names: Sequence[str] | None = None
    table: pa.Table | None = None
    note: str = ""

    def __len__(self) -> int:
        return len(self.items)

    def picture(self, columns: int | None = None) -> PIL.Image:
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
        shown = [self.modality.preview(item, tile) for item in self.items]
        if self.originals is not None:
            above = [self.modality.preview(item, tile) for item in self.originals]
            shown = [
                x for i in range(0, n, columns) for x in (above[i : i + columns] + shown[i : i + columns])
            ]
            columns = min(columns, n)
            if (
                n % columns and n > columns
            ):  # the last pair of rows is short: fill it up so that columns stay in line
                shown = self._filled(shown, n, columns)
        return grid.grid(shown, columns=columns)

    def _filled(self, shown: list[PIL.Image], n: int, columns: int) -> list[PIL.Image]:
        from PIL import Image

        last = n % columns
        whole = len(shown) - 2 * last
        blank = [Image.new("RGB", shown[0].size, "white")] * (columns - last)
        return shown[:whole] + shown[whole : whole + last] + blank + shown[whole + last :] + blank

    def save(self, path: str | Path) -> None:
        """A name that ends in .png becomes one grid; a name without ending becomes a folder with a file for each item.

        Where there is a table, the folder also holds ``table.csv`` (file and evidence) and ``latents.parquet`` (the same with z).

        Raises:
            LiminalError: another ending, or the place cannot be written.
        """
        path = Path(path)
        if path.suffix.lower() == ".png":
            grid.save(self.picture(), path)
        elif path.suffix:
            raise LiminalError(
                f"save {path}: wanted a name ending in .png for a grid, or one without ending for a folder of files"
            )
        else:
            digits = max(4, len(str(len(self) - 1)))
            with atomic(path) as part:
                part.mkdir()
                names = [
                    f"{self.names[i] if self.names else f'{i:0{digits}d}'}{self.modality.writes[0]}"
                    for i in range(len(self))
                ]
                for name, item in zip(names, self.items, strict=True):
                    self.modality.write(item, part / name)
                if self.table is not None:
                    table = self.table.add_column(0, "file", pa.array(names, pa.string()))
                    csv.write_csv(table, part / "table.csv")
                    latents.write(part / "latents.parquet", self.z.cpu().numpy(), table)


def save(item: np.ndarray, modality: Modality, path: str | Path) -> None:
    """Write one stored item in the format that the file's ending names, whole or not at all.

    Raises:
        LiminalError: the modality does not write that format, or the file cannot be written.
    """
    ending = Path(path).suffix.lower()
    if ending not in modality.writes:
        known = " ".join(modality.writes)
        raise LiminalError(
            f"save {path}: wanted a name that ends in one of {known}; got {ending or 'no ending'}"
        )
    with atomic(path) as part:
        modality.write(item, part)
