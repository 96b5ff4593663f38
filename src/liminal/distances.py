"""Distances between sets too large for an n x m table: in blocks of rows.

Where a decision is asked for (which rows are nearest, which lie inside a ball), it is that of float64 at
about the price of float32: a table L in float32 with L <= d^2 <= L + c (|a|^2 + |b|^2), c from the rounding
of the product, leaves few pairs open, and those are computed one by one, as the sum of squared differences.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator

import torch
from torch import Tensor

from .errors import LiminalError

BLOCK = 2**22  # distances in memory at once (32 MB)
PIECE = 2**18  # numbers of a set held in float64 at once
WIDE = 256  # columns above which `blocks` uses float32
WIDEST = 2**17  # columns above which float32 leaves nearly everything open
SPARE = (
    4  # rows beyond the k-th nearest that are computed exactly, so that rounding does not hide one of the k
)
GROUP = 64  # columns whose least is looked at first
OPEN = 0.02  # share of a block's pairs left open by float32 from which on float64 is the cheaper table
TINY = 1e-35  # what float32 may lose below its smallest normal number


def blocks(a: Tensor, b: Tensor) -> Iterator[tuple[slice, Tensor]]:
    """Squared Euclidean distances of a (n, d) to b (m, d), some rows of a at a time.

    Exact zeros on the diagonal where `a` is `b`. |a|^2 + |b|^2 - 2ab about the mean of b, in one product, in
    float64 (float32 beyond 256 columns, for memory's sake): between equal rows rounding may leave something
    just below or above 0.

    Yields:
        (rows, distances): a slice of a's rows and the (rows, m) tensor, which is yours to write into.
    """
    same, kind = a is b, torch.float64 if b.shape[1] <= WIDE else torch.float32
    centre = b.mean(0, dtype=torch.float64)
    right = _beside(b, centre, kind, 1.0, last=True).T
    for rows in _slices(len(a), BLOCK // max(len(b), 1)):
        table = _beside(a[rows], centre, kind, -2.0, last=False) @ right
        if same:
            table[:, rows].fill_diagonal_(0)
        yield rows, table


class Index:
    """Rows (m, d) that are asked for their neighbours again and again: what `nearest` needs of them is
    computed once.

    They must not be written to meanwhile. Threads may ask at the same time.
    """

    def __init__(self, rows: Tensor) -> None:
        self.rows = rows
        self.centre = rows.detach().mean(0, dtype=torch.float64)
        self._reach = _reach(rows.detach(), self.centre)
        self._screens: dict[bool, _Screen] = {}

    def screen(self, queries: Tensor, fine: bool = False) -> _Screen:
        """The distances from below that are good for these queries; `fine`: in float64 whether or not float32
        would do.

        Raises:
            LiminalError: an item holds NaN or infinity.
        """
        reaches = self._reach, _reach(queries, self.centre)
        largest = max(reaches)
        if not all(map(math.isfinite, reaches)):
            raise LiminalError("neighbours: the items hold NaN or infinity; leave those out")
        # float32 products are exact to float32 here, and no square leaves its range
        bears = (
            torch.get_float32_matmul_precision() == "highest"
            and self.rows.shape[1] <= WIDEST
            and 1e-12 < largest < 1e15
        )
        fine = fine or not bears
        if fine not in self._screens:
            self._screens[fine] = _Screen(self.rows.detach(), self.centre, fine)
        return copy.copy(self._screens[fine])  # with a table of its own


def _reach(x: Tensor, centre: Tensor) -> float:
    """How far the outermost coordinate lies from the centre's; NaN where one is NaN."""
    return float((torch.stack(x.aminmax(dim=0)).double() - centre).abs().amax()) if x.numel() else 0.0


def nearest(index: Tensor | Index, queries: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The k nearest rows of `index` (m, d) to each of `queries` (n, d); where both are the same tensor, a row
    is not its own neighbour.

    Distances are exact in float64 (differences squared and summed: a copy is at 0), whatever the width.

    Returns:
        Distances (n, k), rising, float64; rows of the index (n, k), int64.

    Raises:
        LiminalError: the index has fewer than k rows (other than the query itself), or an item holds NaN or
        infinity.
    """
    prepared = index if isinstance(index, Index) else Index(index)
    same = queries is prepared.rows
    index, queries = prepared.rows.detach(), queries.detach()
    if not 1 <= k <= len(index) - same:
        raise LiminalError(
            f"neighbours: wanted {k} of each item, but there are {len(index)} items; use more items or a "
            "smaller k"
        )
    squared = torch.empty(len(queries), k, dtype=torch.float64, device=index.device)
    found = torch.empty(len(queries), k, dtype=torch.int64, device=index.device)
    screen = prepared.screen(queries)
    for rows in _slices(len(queries), BLOCK // len(index)):
        own = torch.arange(rows.start, rows.stop, device=index.device) if same else None
        squared[rows], found[rows], sure = _chosen(screen, index, queries[rows], own, k)
        if not sure.all():
            doubtful = rows.start + (~sure).nonzero()[:, 0]
            screen64 = prepared.screen(queries, fine=True)
            again = _chosen(screen64, index, queries[doubtful], doubtful if same else None, k)
            squared[doubtful], found[doubtful] = again[0], again[1]
            if len(doubtful) > len(sure) // 4:
                screen = screen64
    return squared.sqrt(), found


def _chosen(
    screen: _Screen, index: Tensor, queries: Tensor, own: Tensor | None, k: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Squared distances and rows (n, k) of the nearest, and whether they are surely those; `own`: the row of
    each query, left out.
    """
    low, _ = screen.below(queries)
    if own is not None:
        low[torch.arange(len(own), device=own.device), own] = torch.inf
    take = min(k + SPARE, len(index) - (own is not None))
    least, columns = _least(low, take)
    at = torch.arange(len(queries), device=index.device).repeat_interleave(take)
    exact = squared_pairs(queries, index, at, columns.flatten()).view(-1, take)
    order = exact.sort(dim=1, stable=True)
    values = order.values[:, :k]
    sure = (values[:, -1] <= least.amax(1)) | (values[:, -1] == 0) | (take == len(index) - (own is not None))
    return values, columns.gather(1, order.indices[:, :k]), sure | screen.is_fine


def _least(table: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The `count` least of each row and their columns, which rise: they lie in the `count` groups whose own
    least is least.
    """
    groups = table.view(len(table), -1, GROUP)
    if groups.shape[1] <= count:
        best = table.topk(count, dim=1, largest=False, sorted=False)
        columns, order = best.indices.sort(dim=1)
        return best.values.gather(1, order), columns
    chosen = groups.amin(2).topk(count, dim=1, largest=False, sorted=False).indices.sort(dim=1).values
    values = groups.gather(1, chosen[:, :, None].expand(-1, -1, GROUP)).flatten(1)
    best = values.topk(count, dim=1, largest=False, sorted=False)
    at, order = best.indices.sort(dim=1)
    return best.values.gather(1, order), chosen.gather(1, at // GROUP) * GROUP + at % GROUP


def ball_counts(centres: Tensor, radii: Tensor, points: Tensor) -> tuple[Tensor, Tensor]:
    """How many points lie strictly inside each ball, and inside how many balls each point lies.

    Decisions are those of distances in float64, d < radius; with radii from `nearest`, a point exactly as far
    as the neighbour that set the radius is outside.

    Args:
        centres: (n, d).
        radii: (n,), float64.
        points: (m, d).

    Returns:
        Counts (n,) and (m,), int64.

    Raises:
        LiminalError: an item holds NaN or infinity.
    """
    centres, points, radii = centres.detach(), points.detach(), radii.detach().double()
    held = torch.zeros(len(centres), dtype=torch.int64, device=centres.device)
    inside = torch.zeros(len(points), dtype=torch.int64, device=centres.device)
    if not len(points):
        return held, inside
    index = Index(points)
    screen = index.screen(centres)
    for rows in _slices(len(centres), BLOCK // len(points)):
        found = _counted(screen, points, centres[rows], radii[rows], OPEN)
        if found is None:
            screen = index.screen(centres, fine=True)
            found = _counted(screen, points, centres[rows], radii[rows], math.inf)
            assert found is not None
        held[rows] = found[0]
        inside += found[1]
    return held, inside


def _counted(
    screen: _Screen, points: Tensor, centres: Tensor, radii: Tensor, most: float
) -> tuple[Tensor, Tensor] | None:
    """`ball_counts` of some balls; None where more than the share `most` of all pairs is open."""
    low, slack = screen.below(centres)
    reach = radii.square()
    limit = reach.to(low.dtype)
    limit = torch.nextafter(
        limit, torch.full_like(limit, torch.inf)
    )  # not below the radius, whichever way it was rounded
    groups = low.view(len(low), -1, GROUP)
    row, group = (groups.amin(2) < limit[:, None]).nonzero(as_tuple=True)
    held, inside = (
        radii.new_zeros(len(centres), dtype=torch.int64),
        radii.new_zeros(len(points), dtype=torch.int64),
    )
    opened = 0
    for part in _slices(len(row), PIECE // GROUP):
        values = groups[row[part], group[part]]
        at, column = (values < limit[row[part], None]).nonzero(as_tuple=True)
        i, j = row[part][at], group[part][at] * GROUP + column
        unsure = (values[at, column].double() + slack[i] + screen.slack[j] >= reach[i]).nonzero()[:, 0]
        opened += len(unsure)
        if opened > most * low.numel():
            return None
        within = torch.ones(len(i), dtype=torch.bool, device=i.device)
        within[unsure] = squared_pairs(centres, points, i[unsure], j[unsure]).sqrt() < radii[i[unsure]]
        held += i[within].bincount(minlength=len(held))
        inside += j[within].bincount(minlength=len(inside))
    return held, inside


def squared_pairs(a: Tensor, b: Tensor, i: Tensor, j: Tensor) -> Tensor:
    """Squared distances (p,) of rows i (p,) of a to rows j (p,) of b, float64: the same number for the same
    pair, wherever asked.
    """
    out = torch.empty(len(i), dtype=torch.float64, device=a.device)
    for part in _slices(len(i), PIECE // max(a.shape[1], 1)):
        out[part] = (a[i[part]].double() - b[j[part]].double()).square_().sum(1)
    return out


class _Screen:
    """Squared distances to b from below, in one product: L <= d^2 <= L + slack of a's row + slack of b's row.

    Attributes:
        slack: (m,) of b's rows.
        is_fine: float64 is used.
    """

    def __init__(self, b: Tensor, centre: Tensor, fine: bool) -> None:
        self.centre, self.is_fine = centre, fine
        self.kind, unit = (torch.float64, 2.0**-53) if fine else (torch.float32, 2.0**-24)
        # of d products and 2 sums each rounds by `unit` of the absolute total, at most 2 (|a|^2 + |b|^2); so
        # do the operands
        self.rounding = (2 * b.shape[1] + 32) * unit
        right = _beside(b, centre, self.kind, 1.0, last=True, shrink=self.rounding, beyond=-len(b) % GROUP)
        self.slack = right[: len(b), -1].double() * (2.1 * self.rounding) + TINY
        self.right = right.T
        self.table = self.right.new_empty(
            0
        )  # one for all blocks: fresh memory would cost as much as the product

    def below(self, a: Tensor) -> tuple[Tensor, Tensor]:
        """L (n, m or more to a multiple of GROUP, infinite there), good until the next call, and the slack
        (n,) of these rows of a.
        """
        left = _beside(a, self.centre, self.kind, -2.0, last=False, shrink=self.rounding)
        if len(self.table) < len(a):
            self.table = self.right.new_empty(len(a), self.right.shape[1])
        table = torch.mm(left, self.right, out=self.table[: len(a)])
        return table, left[:, -2].double() * (2.1 * self.rounding) + TINY


def _beside(
    x: Tensor,
    centre: Tensor,
    kind: torch.dtype,
    scale: float,
    last: bool,
    shrink: float = 0.0,
    beyond: int = 0,
) -> Tensor:
    """(n, d) -> (n, d + 2): scale * y, then |y|^2 and 1 (1 and |y|^2 if `last`) for y = x - centre, |y|^2
    less its share `shrink`.

    Rows with scale -2 times rows with 1 and `last` are squared distances; `beyond` more rows of the latter
    lie at infinity.
    """
    out = torch.empty(len(x) + beyond, x.shape[1] + 2, dtype=kind, device=x.device)
    out[len(x) :] = 0
    out[len(x) :, -1] = torch.inf
    for rows in _slices(len(x), PIECE // max(x.shape[1], 1)):
        y = x[rows].double() - centre
        out[rows, :-2] = (y * scale).to(kind)
        square = (y.square_().sum(1) * (1 - shrink)).to(kind)
        out[rows, -1 if last else -2] = square
        out[rows, -2 if last else -1] = 1
    return out


def _slices(count: int, size: int) -> Iterator[slice]:
    """Pieces of `size` rows, 1 at least."""
    size = max(size, 1)
    for i in range(0, count, size):
        yield slice(i, min(i + size, count))
