"""What the neighbours on a map say of a place: their latents averaged, averaged by nearness, or laid through
by a plane.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

RIDGE = 1e-3  # of the plane, in squares of the k-th distance, against neighbours on a line
NUMBERS = 2**24  # gathered at once (64 MB)


def near(tree: Any, points: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Distances and rows (m, k) of the nearest places; k at most all of them."""
    found = tree.query(points, np.arange(1, min(k, tree.n) + 1))
    return found[0], found[1]


def others(tree: Any, points: np.ndarray, own: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """As `near`, without the item that each place belongs to."""
    far, rows = near(tree, points, k + 1)
    other = rows != own[:, None]
    other[other.all(1), -1] = False  # its own is not among the nearest
    return far[other].reshape(-1, k), rows[other].reshape(-1, k)


def parts(n: int, numbers: int) -> Iterator[slice]:
    """Slices of n rows that gather `NUMBERS` numbers or fewer at `numbers` a row."""
    size = max(1, NUMBERS // max(numbers, 1))
    for i in range(0, n, size):
        yield slice(i, min(i + size, n))


def answer(
    method: str,
    points: np.ndarray,
    xy: np.ndarray,
    z: np.ndarray,
    far: np.ndarray,
    rows: np.ndarray,
    outside: np.ndarray,
) -> np.ndarray:
    """Latents (m, d) at places (m, 2) as weighted sums over their neighbours (m, k), whose distances are
    `far`.

    The plane's value at a place is such a sum too: v_i = w_i (1 - o' A^-1 (o_i - o)), with the offsets o_i of
    the neighbours, their weighted mean o and covariance A. Outside, where it would be followed into nowhere,
    the weighted average stands for it.
    """
    if method == "average":
        return z[rows].mean(1)
    scale = np.maximum(far[:, -1:], np.finfo(np.float32).tiny)
    weights = np.exp(-2 * (far / scale) ** 2)
    weights /= weights.sum(1, keepdims=True)
    if method == "plane":
        x, y = np.moveaxis((xy[rows] - points[:, None]) / scale[..., None], 2, 0)
        x_mean, y_mean = (weights * x).sum(1, keepdims=True), (weights * y).sum(1, keepdims=True)
        x, y = x - x_mean, y - y_mean
        xx, yy, xy_ = ((weights * a).sum(1, keepdims=True) for a in (x * x, y * y, x * y))
        xx, yy = xx + RIDGE, yy + RIDGE
        slope_x, slope_y = x_mean * yy - y_mean * xy_, y_mean * xx - x_mean * xy_
        weights *= np.where(outside[:, None], 1, 1 - (slope_x * x + slope_y * y) / (xx * yy - xy_**2))
    return (weights.astype(np.float32)[:, None] @ z[rows])[:, 0]
