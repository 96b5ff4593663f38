"""Distances between sets too large for an n x m table: in blocks of rows."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from .errors import LiminalError

BLOCK = 2**22  # distances in memory at once (32 MB)
WIDE = 256  # columns above which float32 is used


def blocks(a: Tensor, b: Tensor) -> Iterator[tuple[slice, Tensor]]:
    """Squared Euclidean distances of a (n, d) to b (m, d), some rows of a at a time.

    Exact zeros on the diagonal where `a` is `b`. |a|^2 + |b|^2 - 2ab about the mean of b, in one product, in float64
    (float32 beyond 256 columns, for memory's sake): between equal rows rounding may leave something just below or above 0.

    Yields:
        (rows, distances): a slice of a's rows and the (rows, m) tensor, which is yours to write into.
    """
    same, kind = a is b, torch.float64 if b.shape[1] <= WIDE else torch.float32
    centre = b.mean(0, dtype=torch.float64).to(kind)
    right = _beside(b.to(kind) - centre, 1.0, last=True).T
    size = max(1, BLOCK // max(len(b), 1))
    for i in range(0, len(a), size):
        rows = slice(i, min(i + size, len(a)))
        table = _beside(a[rows].to(kind) - centre, -2.0, last=False) @ right
        if same:
            table[:, rows].fill_diagonal_(0)
        yield rows, table


def _beside(x: Tensor, scale: float, last: bool) -> Tensor:
    """(n, d) -> (n, d + 2): scale * x, then |x|^2 and 1 (1 and |x|^2 if `last`): rows of one kind times rows of the other are distances."""
    square, one = x.square().sum(1, keepdim=True), x.new_ones(len(x), 1)
    return torch.cat([x * scale, *((one, square) if last else (square, one))], 1)


def nearest(index: Tensor, queries: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The k nearest rows of `index` (m, d) to each of `queries` (n, d); where both are the same tensor, a row is not its own neighbour.

    Returns:
        Distances (n, k), rising; rows of the index (n, k), int64.

    Raises:
        LiminalError: the index has fewer than k rows (other than the query itself).
    """
    same = queries is index
    if not 1 <= k <= len(index) - same:
        raise LiminalError(f"neighbours: wanted {k} of each item, but there are {len(index)} items; use more items or a smaller k")
    found = []
    for rows, table in blocks(queries, index):
        if same:
            table[:, rows].fill_diagonal_(torch.inf)
        found.append(table.topk(k, dim=1, largest=False))
    if not found:
        return torch.zeros(0, k, dtype=torch.float64), torch.zeros(0, k, dtype=torch.int64)
    return torch.cat([f.values for f in found]).clamp_min(0).sqrt(), torch.cat([f.indices for f in found])
