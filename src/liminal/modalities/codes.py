"""Rows of a table as the numbers of x and y, and back: cells (n, k) <-> (n, width), column by column; see
`table` for what stands where.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from .columns import NUMBERS, Column

if TYPE_CHECKING:
    import torch

MOST_VALUES = 10_000  # text with more different values describes single rows rather than sorts them, and so
ROWS_OF_ONE, FEW_VALUES = 3, 10  # does text of more than a few values with fewer rows of each than so many


def coded(columns: Sequence[Column], places: Sequence[slice], rows: np.ndarray) -> np.ndarray:
    """Cells (n, k) as x (n, width). One that is missing where none was in training counts as the middle: the
    code 0, all shares."""
    x = np.zeros((len(rows), places[-1].stop))
    for i, (column, place) in enumerate(zip(columns, places, strict=True)):
        cells, part = rows[:, i], x[:, place]
        gone = np.isnan(cells)
        if column.kind in NUMBERS:
            part[:, 0] = np.where(gone, 0.0, column.coded(cells))
            part[:, 1:] = ~gone[:, None]
        elif part.shape[1] == 1:
            part[:, 0] = np.where(gone, column.shares[-1], cells)
        elif column.missing or not gone.any():
            part[np.arange(len(cells)), column.symbol(cells)] = 1
        else:
            hot = np.eye(part.shape[1] + 1, part.shape[1])[column.symbol(cells)]
            part[:] = np.where(gone[:, None], column.shares, hot)
    return x


def cells(columns: Sequence[Column], places: Sequence[slice], y: np.ndarray) -> np.ndarray:
    """y (n, width) as cells (n, k): the likeliest of each."""
    rows = np.empty((len(y), len(columns)))
    for i, (column, place) in enumerate(zip(columns, places, strict=True)):
        part = y[:, place]
        if column.kind in NUMBERS:
            rows[:, i] = column.decoded(part[:, 0])
            if column.missing:
                rows[part[:, 1] <= 0.5, i] = np.nan
        elif part.shape[1] == 1:
            rows[:, i] = part[:, 0] > 0.5
        else:
            symbol = part.argmax(1)
            rows[:, i] = np.where(symbol < column.known, symbol, np.nan)
    return rows


def scattered(columns: Sequence[Column], rows: np.ndarray, generator: torch.Generator) -> np.ndarray:
    """Cells (n, k) in which the commonest rare value of a category, which stands for all of them, gives way
    to one of these by how often each came."""
    import torch

    for i, column in enumerate(columns):
        if column.rare:
            some = np.flatnonzero(rows[:, i] == column.known - 1)
            counts = torch.tensor(column.rare, dtype=torch.float64) + 1e-9
            chosen = torch.multinomial(counts, max(len(some), 1), True, generator=generator).numpy()
            rows[some, i] += chosen[: len(some)]
    return rows


def free(column: Column, count: int) -> bool:
    """Whether a column of so many rows is text that describes single ones rather than sorts them."""
    many = len(column.values)
    return many > MOST_VALUES or (many > FEW_VALUES and many * ROWS_OF_ONE > count)
