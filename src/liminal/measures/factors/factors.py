"""Known factors of variation (attributes, or what an item was drawn from) as arrays that measures of
disentanglement work on.

A number is cut into bins of equal frequency, so that only its order counts; yes/no and category columns keep
their values. What is not known is left out, factor by factor.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

from ...errors import LiminalError
from ..eyes.columns import describe, targets

BINS = 10  # of equal frequency
LEAST = 10  # known items of a class; rarer classes count as not known
FEWEST = 50  # known items of a factor


@dataclass(frozen=True)
class Factor:
    """One factor.

    Attributes:
        name: its column.
        kind: ``number``, ``bool`` or ``category``.
        values: (n,) float64, standardised numbers or class numbers; NaN unknown.
        codes: (n,) int64, bins of numbers or class numbers 0, 1, ...; -1 unknown.
    """

    name: str
    kind: str
    values: np.ndarray
    codes: np.ndarray

    @property
    def size(self) -> int:
        """Number of bins or classes."""
        return int(self.codes.max()) + 1

    def take(self, rows: np.ndarray) -> Factor:
        """The same for some of the items."""
        return Factor(self.name, self.kind, self.values[rows], self.codes[rows])


def equal_frequency(values: np.ndarray, bins: int = BINS) -> np.ndarray:
    """Bin numbers 0 ..

    bins - 1 by rank, -1 for NaN: about as many values in each, equal values always together.

    Where there are no more than `bins` distinct values, each is its own bin. Rising functions of the values
    change nothing.

    Args:
        values: (n,) float64.
        bins: at most so many.

    Returns:
        (n,) int64; every number from 0 to the largest occurs.
    """
    codes = np.full(len(values), -1, dtype=np.int64)
    known = np.flatnonzero(~np.isnan(values))
    distinct, which, counts = np.unique(values[known], return_inverse=True, return_counts=True)
    if len(distinct) > bins:
        middle = np.cumsum(counts) - counts / 2  # mean rank of each distinct value, less one half
        which = np.unique(np.floor(middle * bins / len(known)).astype(np.int64), return_inverse=True)[1][
            which
        ]
    codes[known] = which
    return codes


def ranked(z: Tensor) -> np.ndarray:
    """Columns (n, d) as ranks in (-1, 1), equal values at their mean rank: float64, unchanged by rising
    functions of a column.
    """
    from scipy.stats import rankdata

    return (2 * rankdata(np.asarray(z, dtype=np.float64), axis=0) - 1) / len(z) - 1


def as_table(given: pa.Table | Mapping[str, Any], rows: int) -> pa.Table:
    """A table, or arrays by name, as a table of `rows` rows.

    Raises:
        LiminalError: it has another number of rows, or columns of different lengths.
    """
    if not isinstance(given, pa.Table):
        columns = {name: pa.array(v.numpy() if isinstance(v, Tensor) else v) for name, v in given.items()}
        if uneven := [f"{name} has {len(c)}" for name, c in columns.items() if len(c) != rows]:
            raise LiminalError(f"factors: {rows} latents, but {uneven[0]} values; wanted one each")
        given = pa.table(columns)
    if len(given) != rows:
        raise LiminalError(f"factors: {rows} latents but {len(given)} rows of factors; wanted one each")
    return given


def read_factors(table: pa.Table, bins: int = BINS) -> tuple[list[Factor], list[str]]:
    """Columns as factors, and what was left out and why.

    Args:
        table: numbers, yes/no or categories (text); null, and NaN in numbers, are unknown.
        bins: for numbers.

    Raises:
        LiminalError: no column can be used.
    """
    spec = describe(table)
    notes = [f"{name}: nothing to tell apart." for name in table.column_names if name not in spec]
    found = []
    for name, column in targets(table, spec).items():
        values, kind = column.double().numpy(), spec[name]["kind"]
        values = np.where(values < 0, np.nan, values) if kind == "category" else values
        factor = _factor(name, kind, values, bins)
        known = int((factor.codes >= 0).sum())
        if known < FEWEST or factor.size < 2:
            notes.append(
                f"{name}: {known} items known, in {factor.size} groups of {LEAST} or more; wanted {FEWEST} "
                "in two or more."
            )
        else:
            found.append(factor)
    if not found:
        raise LiminalError(
            f"factors: none of {', '.join(table.column_names) or 'no columns'} has {FEWEST} known items and "
            "two values"
        )
    return found, notes


def _factor(name: str, kind: str, values: np.ndarray, bins: int) -> Factor:
    if kind == "number":
        return Factor(name, kind, values, equal_frequency(values, bins))
    classes, counts = np.unique(values[~np.isnan(values)], return_counts=True)
    values = np.where(np.isin(values, classes[counts >= LEAST]), values, np.nan)
    codes = equal_frequency(values, len(classes))
    return Factor(name, kind, np.where(codes < 0, np.nan, codes), codes)


def checked(z: Tensor | np.ndarray, what: str) -> Tensor:
    """z as float64 (n, d).

    Raises:
        LiminalError: it is no table of numbers, holds NaN or infinity, or has fewer than `FEWEST` rows.
    """
    z = torch.as_tensor(z).detach().cpu().double()
    if z.ndim != 2 or len(z) < FEWEST or not torch.isfinite(z).all():
        raise LiminalError(
            f"{what}: wanted latents (n, d), n at least {FEWEST} and finite, got shape {tuple(z.shape)} or "
            "NaN in it"
        )
    return z
