"""How many pieces a shape is in, and the likeliest shape where each further piece is unlikely.

A decoder answers cell by cell. Half way through a leg of which it is unsure, all cells may be empty at once,
or one be full with empty ones around it, though hardly any shape that it has seen was in pieces. So the shape
that an answer p stands for is the one that maximises

    sum over solid cells of log p + sum over empty ones of log (1 - p) - c (pieces - 1),

c nats being what a further piece costs, learned from the items that are trained on: log of n items for each
one in pieces. Cell by cell the best is solid where p > 1/2. From there, as long as there are several
pieces, the smallest is taken off, which costs the sum of its logits, or joined to another by the cells that
cost the least (Dijkstra 1959), whichever is cheaper, and stays where both cost more than c. Cells that are
full or empty for sure stay so. An answer in more than `MANY` pieces, of a decoder that has hardly learned
anything, loses all at once that cost no more than c; what is still in as many then stays as it is.

Pieces are those of the surface, which is taken from logits on a grid twice as fine (`surface`): cells that
touch with a corner, or by a weak link, are apart there.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from .surface import logits, marched

FULL, EMPTY = 255, 64  # shares that cells get that join, and that are taken off
SURE = 1e-4  # how far from 0 and 1 a share is, that is stored as one of them
MOST = 9.0  # nats that a further piece may cost: below the logit of a cell that is sure
SEEN = 1000  # items that are looked at
MANY = 12
TIE = 1e-6  # of a nat, times 1 to 2 by where a cell lies, so that of ways that cost the same one is cheaper


def count(item: np.ndarray) -> int:
    """How many parts that do not touch the surface of an item has, cavities' walls not counted: solids that
    manifold3d decomposes it into."""
    import manifold3d

    if not item.any():
        return 0
    vertices, faces = marched(logits(_cut(item)[0].astype(np.float32) / 255))
    if not len(faces):
        return 0
    solid = manifold3d.Manifold(manifold3d.Mesh(vertices.astype(np.float32), faces.astype(np.uint32)))
    return sum(part.volume() > 0 for part in solid.decompose())


def cost(items: Sequence[np.ndarray] | np.ndarray) -> float:
    """Nats that a further piece costs, by how many of these items (s, s, s) are in several pieces."""
    some = items[:: max(1, len(items) // SEEN)]
    apart = sum(_labelled(_cut(item)[0])[1] > 1 for item in some if item.any())
    return min(math.log((len(some) + 1) / (apart + 1)), MOST)


def likeliest(item: np.ndarray, cost: float) -> np.ndarray:
    """The likeliest shape, in the place of shares: see the top of the file.

    Args:
        item: uint8 (s, s, s), shares of 255.
        cost: nats that a further piece costs.

    Returns:
        The item itself where its surface is in one piece.
    """
    if not item.any():
        return item
    first, at = _cut(item)
    part = first
    ties = TIE * (1 + np.arange(item.size) / item.size).reshape(item.shape)[at]
    labels, many = _labelled(part)
    if many > MANY:
        changed = _cleared(part, labels, many, cost)
        found, left = _labelled(changed)
        if left < many:
            part, labels, many = changed, found, left
    while 1 < many <= MANY:
        for changed in _changes(part, labels, many, cost, ties):
            found, left = _labelled(changed)
            if left < many:
                part, labels, many = changed, found, left
                break
        else:
            break
    if part is first:
        return item
    made = item.copy()
    made[at] = part
    return made


def _cut(item: np.ndarray) -> tuple[np.ndarray, tuple[slice, ...]]:
    """What is not empty, with a cell around it where there is room, and where it lies."""
    full = item > 0
    at = tuple(
        slice(max(seen[0] - 1, 0), seen[-1] + 2)
        for seen in (np.flatnonzero(full.any(axis=tuple({0, 1, 2} - {axis}))) for axis in range(3))
    )
    return item[at], at


def _labelled(part: np.ndarray) -> tuple[np.ndarray, int]:
    """The pieces on the fine grid, numbered from 1 for each of 2^3 samples in a cell: (..., 8)."""
    from scipy import ndimage

    labels, many = ndimage.label(logits(part.astype(np.float32) / 255) > 0)
    x, y, z = part.shape
    inner = labels[1:-1, 1:-1, 1:-1].reshape(x, 2, y, 2, z, 2)
    return inner.transpose(0, 2, 4, 1, 3, 5).reshape(x, y, z, 8), many


def _cleared(part: np.ndarray, labels: np.ndarray, many: int, cost: float) -> np.ndarray:
    """The part without all pieces but the largest that cost no more than `cost`."""
    logit, made = _logits(part), part.copy()
    sizes = np.bincount(labels.ravel(), minlength=many + 1)[1:]
    low = np.where(labels > 0, labels, many + 1).min(3)
    alone = (low <= many) & (low == labels.max(3))  # cells of one piece
    off = np.bincount(low[alone], np.maximum(logit[alone], 0), many + 2)
    for own in 1 + np.argsort(sizes, kind="stable")[:-1]:
        if off[own] <= cost:
            mine = alone & (low == own)
            made[mine] = np.minimum(made[mine], EMPTY)
    return made


def _logits(part: np.ndarray) -> np.ndarray:
    p = part / 255
    return np.asarray(np.log(np.clip(p, SURE, 1 - SURE) / np.clip(1 - p, SURE, 1 - SURE)))


def _changes(
    part: np.ndarray, labels: np.ndarray, many: int, cost: float, ties: np.ndarray
) -> Iterator[np.ndarray]:
    """The part without a piece, or with it joined to another, the smallest piece and the cheaper change
    first; those that cost more than `cost` are left out."""
    from skimage.graph import MCP

    logit = _logits(part)
    sizes = np.bincount(labels.ravel(), minlength=many + 1)[1:]
    for own in 1 + np.argsort(sizes, kind="stable")[:-1]:
        mine = (labels == own).any(3)
        others = ((labels > 0) & (labels != own)).any(3)
        alone = mine & ~others
        off = float(np.maximum(logit[alone], 0).sum())
        ways = MCP(np.maximum(-logit, 0) + ties, fully_connected=False)
        ends = others & ~mine
        found = ways.find_costs(np.argwhere(mine), np.argwhere(ends), find_all_ends=False, max_step_cost=cost)
        reached = np.where(ends, found[0], np.inf)
        end = np.unravel_index(int(reached.argmin()), reached.shape)
        for each in sorted((off, float(reached[end]))):
            if each > cost:
                break
            made = part.copy()
            if each == off:
                made[alone] = np.minimum(made[alone], EMPTY)
            else:
                made[tuple(np.transpose(ways.traceback(end)))] = FULL
            yield made
