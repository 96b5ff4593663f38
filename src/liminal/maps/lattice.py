"""The decoded lattice: a map covered with what the decoder makes of its places, where there is anything."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..errors import LiminalError
from ..generator import Generator
from ..modalities import Modality
from ..show import grid, tiled
from ..show.items import Picture
from .inverse import Inverse
from .project import Map

MOST = 64  # rows or columns


@dataclass(frozen=True, kw_only=True)
class Lattice:
    """Decoded items on a grid over a map.

    Attributes:
        cells: (c, 2) row (from the top) and column of each decoded cell; cells where the map has no items are
            left out.
        xy: (c, 2) the places that were decoded: a cell's centre or, where no items lie around that, the
            cell's item nearest to it.
        z: (c, d) their latents.
        items: (c, ...) the decoded items, as the modality stores them.
        error: (c,) expected distance of z from the latent of a real item there.
        evidence: ``cells`` of the whole grid, ``decoded``, ``moved`` (decoded at an item instead of the
            centre), ``error``, the mean one.
        shape: rows and columns.
        map: below.
        modality: draws the items.
    """

    cells: np.ndarray
    xy: np.ndarray
    z: np.ndarray
    items: np.ndarray = field(repr=False)
    error: np.ndarray = field(repr=False)
    evidence: dict[str, Any]
    shape: tuple[int, int]
    map: Map = field(repr=False)
    modality: Modality = field(repr=False)

    def __len__(self) -> int:
        return len(self.cells)

    def picture(self) -> Picture:
        """The map, paler, with a tile in every cell that was decoded, framed in the colour of the items near
        it.
        """
        low, step = _cells(self.map.xy, self.shape)
        rows, columns = self.cells[:, 0], self.cells[:, 1]
        centres = low + step * np.stack([columns + 0.5, self.shape[0] - rows - 0.5], 1)
        words = f"{self.map.words()}   ·   {len(self)} of {self.evidence['cells']} cells decoded"
        return tiled.tiled(self.map, words, centres, step, self.xy, self.items, self.modality)

    def save(self, path: str | Path) -> None:
        """Write the picture as png, jpg or webp by the ending, whole or not at all.

        Raises:
            LiminalError: another ending, or the file cannot be written.
        """
        grid.save(self.picture(), path)


def lattice(
    inverse: Inverse, generator: Generator, modality: Modality, drawn: Map, rows: int = 12, columns: int = 12
) -> Lattice:
    """Decode a grid of places over a map.

    Its cells are square and cover the longer side; those that hold no items are left out.

    Args:
        inverse: of the map.
        generator: decodes.
        modality: of what it decodes.
        drawn: the map.
        rows: of the grid, 1 to 64.
        columns: 1 to 64.

    Raises:
        LiminalError: rows or columns out of range.
    """
    for what, count in (("rows", rows), ("columns", columns)):
        if not 1 <= count <= MOST:
            raise LiminalError(f"lattice: {what} {count}; wanted 1 to {MOST}")
    low, step = _cells(drawn.xy, (rows, columns))
    centres = (
        np.stack(np.meshgrid(np.arange(columns) + 0.5, rows - np.arange(rows) - 0.5), -1).reshape(-1, 2)
        * step
        + low
    )
    at, moved = _inhabited(inverse, centres, step, drawn.xy.astype(np.float64))
    cells = np.flatnonzero(np.isfinite(at[:, 0]))
    found = inverse(at[cells])
    items = modality.items(generator.decode(torch.from_numpy(found.z)).cpu())
    error = float(found.error.mean()) if len(cells) else None
    evidence = {"cells": rows * columns, "decoded": len(cells), "moved": moved, "error": error}
    where = np.stack([cells // columns, cells % columns], 1)
    return Lattice(
        cells=where,
        xy=at[cells],
        z=found.z,
        items=items,
        error=found.error,
        evidence=evidence,
        shape=(rows, columns),
        map=drawn,
        modality=modality,
    )


def _cells(xy: np.ndarray, shape: tuple[int, int]) -> tuple[np.ndarray, float]:
    """Lower left corner (2,) and side of the square cells of a grid of rows and columns that covers the map,
    its middle on the map's.
    """
    low, high = xy.min(0).astype(np.float64), xy.max(0).astype(np.float64)
    columns_rows = np.array(shape[::-1])
    step = float(((high - low) / columns_rows).max()) or 1.0
    return (low + high - step * columns_rows) / 2, step


def _inhabited(inverse: Inverse, centres: np.ndarray, step: float, xy: np.ndarray) -> tuple[np.ndarray, int]:
    """Where to decode each cell (c, 2), NaN where nothing lies, and how many are not at their centre."""
    from scipy.spatial import cKDTree

    at = centres.copy()
    empty = np.flatnonzero(inverse(centres).outside)
    if not len(empty):
        return at, 0
    far, nearest = cKDTree(xy).query(
        centres[empty], p=np.inf
    )  # the nearest by the longer of the two legs is in the cell if any is
    holds = (far <= step / 2) & ~inverse(xy[nearest]).outside
    at[empty] = np.where(holds[:, None], xy[nearest], np.nan)
    return at, int(holds.sum())
