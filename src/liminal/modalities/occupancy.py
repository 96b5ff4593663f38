"""Which cells of a grid a shape fills, of meshes that need not be watertight, of points, and of voxels.

One rule for all meshes: **solid is what cannot be reached from outside**. The surface is laid into a grid of
`FINE` cells along each side as walls. Cells that a walk over faces of cells, from outside, does not reach are
inside. So orientation and crossings of faces, several parts, doubled faces and missing inner ones do not
matter; a closed cavity is filled; through a hole wider than a fine cell the inside is reached, and a shell is
left. Walls count half where they bound an inside, for their middle is the surface.

What would be thinner than `THIN` fine cells, such as a sheet or a wire, is thickened to about that, or
nothing of it would be left at a level of a half.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from ..errors import LiminalError

SIDE = 32  # cells along each side of an item
FINER = 4  # fine cells for each of these
FINE = FINER * SIDE
PAD = 3  # fine cells around the grid, so that there is an outside
THIN = 5
FLOOR = 1 / SIDE  # where shapes stand, of the grid's height
FULL = 1 - 2 / SIDE  # of the grid's side, that the longest side of a shape fills
CHUNK = 1 << 20  # points at once
MOST = 100_000_000  # points that a surface is laid out with, at most


def framed(points: np.ndarray) -> tuple[np.ndarray, float]:
    """Where shapes stand in the grid: (offset, scale) for ``points * scale + offset`` in [0, 1].

    The middle of the bounding box is in the middle from left to right and from front to back, the lowest
    point on the floor, the longest side fills 30 of 32 cells. Units do not matter.

    Args:
        points: (n, 3), y up.

    Raises:
        LiminalError: it has no extent, or coordinates are no finite numbers.
    """
    if not len(points) or not np.isfinite(points).all():
        raise LiminalError("it has no points" if not len(points) else "coordinates are no finite numbers")
    low, high = points.min(0).astype(float), points.max(0).astype(float)
    longest = float((high - low).max())
    if not longest > 0 or not np.isfinite(longest):
        raise LiminalError("it has no extent")
    scale = FULL / longest
    middle = (low + high) / 2 * scale
    return np.array([0.5 - middle[0], FLOOR - low[1] * scale, 0.5 - middle[2]]), scale


def of_mesh(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """The shape that a surface bounds: uint8 (32, 32, 32) by x, y and z.

    Args:
        vertices: (n, 3) within [0, 1], the grid.
        faces: (m, 3), triangles.

    Raises:
        LiminalError: nothing of it lies in the grid.
    """
    walls = np.zeros((FINE + 2 * PAD,) * 3, bool)
    for points in _laid(vertices, faces):
        _mark(walls, points)
    return _filled(walls)


def of_points(points: np.ndarray) -> np.ndarray:
    """The shape whose surface points lie on: balls about the points close it, and are taken off again.

    Their radius is 1.5 times the distance from a point to its third neighbour, that of 95 % of the points.

    Args:
        points: (n, 3) within [0, 1].
    """
    from scipy import ndimage
    from scipy.spatial import cKDTree

    seen = points[:: max(1, len(points) // 20_000)]
    dense = cKDTree(points).query(seen, k=min(4, len(points)))[0][:, -1]
    radius = float(np.clip(1.5 * np.quantile(dense, 0.95) * FINE, 1.5, FINE / 5))
    walls = np.zeros((FINE + 2 * PAD,) * 3, bool)
    for i in range(0, len(points), CHUNK):
        _mark(walls, points[i : i + CHUNK])
    if not walls.any():
        raise LiminalError("nothing of it lies in the grid")
    room = math.ceil(radius) + 1  # or balls about points at the edge leave no outside
    walls = np.pad(walls, room)
    closed = ndimage.distance_transform_edt(~walls) <= radius
    inside = ~_outside(closed) & ~closed
    held = closed.astype(np.float32)
    if inside.any():  # what the balls took of it is given back
        held = np.clip(radius + 0.5 - ndimage.distance_transform_edt(~inside), 0, 1).astype(np.float32)
    return _shares(held[(slice(room, -room),) * 3])


def _laid(vertices: np.ndarray, faces: np.ndarray) -> Iterator[np.ndarray]:
    """Points on triangles, at most half a fine cell apart, some at a time: (k, 3) each."""
    at = np.asarray(vertices, np.float32)
    count = np.empty(len(faces), np.int64)
    for i in range(0, len(faces), CHUNK):
        corners = at[faces[i : i + CHUNK]]
        longest = np.sqrt(np.square(corners - np.roll(corners, 1, 1)).sum(2).max(1))
        count[i : i + CHUNK] = np.maximum(np.ceil(longest * FINE * 2), 1)
    total = int(((count + 1) * (count + 2) // 2).sum())
    if total > MOST:
        raise LiminalError(f"its faces overlap too often to be laid out ({total:,} points)")
    order = np.argsort(count, kind="stable")
    for n in np.unique(count):
        low, high = np.searchsorted(count[order], (n, n + 1))
        u, v = np.mgrid[: n + 1, : n + 1].reshape(2, -1)
        keep = u + v <= n
        weights = np.stack([u, v, n - u - v], 1)[keep].astype(np.float32) / np.float32(n)
        step = max(1, CHUNK // len(weights))
        for i in range(low, high, step):
            yield np.matmul(weights, at[faces[order[i : min(i + step, high)]]]).reshape(-1, 3)


def _mark(walls: np.ndarray, points: np.ndarray) -> None:
    cells = np.floor(points * FINE).astype(np.int64) + PAD
    cells = cells[((cells >= 0) & (cells < len(walls))).all(1)]
    walls.reshape(-1)[np.ravel_multi_index(tuple(cells.T), walls.shape)] = True


def _outside(walls: np.ndarray) -> np.ndarray:
    """Cells that a walk from the corner of the grid reaches, over faces of cells."""
    from scipy import ndimage

    labels, _ = ndimage.label(~walls)
    return labels == labels[0, 0, 0]


def _filled(walls: np.ndarray) -> np.ndarray:
    if not walls.any():
        raise LiminalError("nothing of it lies in the grid")
    spans = []  # where there is something, with room for an outside and for what is thickened
    for axis in range(3):
        found = np.flatnonzero(walls.any(axis=tuple({0, 1, 2} - {axis})))
        spans.append(slice(max(found[0] - PAD, 0), found[-1] + 1 + PAD))
    held = np.zeros(walls.shape, np.float32)
    walls = walls[tuple(spans)]
    outside = _outside(walls)
    solid = ~outside
    inside = solid & ~walls
    bounding = walls & _grown(inside, 1)
    held[tuple(spans)] = np.maximum(solid - np.float32(0.5) * bounding, _thin(solid))
    return _shares(held)


def _grown(cells: np.ndarray, by: int) -> np.ndarray:
    """Cells and all that lie within a cube of 2 by + 1 about one of them."""
    out = cells
    for axis in range(3):
        before = np.moveaxis(out, axis, 0)
        out = out.copy()
        after = np.moveaxis(out, axis, 0)
        for step in range(1, by + 1):
            after[step:] |= before[:-step]
            after[:-step] |= before[step:]
    return out


def _shrunk(cells: np.ndarray, by: int) -> np.ndarray:
    return ~_grown(~cells, by)


def _thin(solid: np.ndarray) -> np.ndarray:
    """What is added to parts that are thinner than `THIN` cells, float32: these, grown by half of it.

    Edges and corners of thick parts are no thin parts.
    """
    by = THIN // 2
    thick = _grown(_shrunk(solid, by), 2 * by)
    return _grown(solid & ~thick, by).astype(np.float32)


def _shares(fine: np.ndarray) -> np.ndarray:
    """Fine cells with their padding, as shares of the cells of an item."""
    inner = fine[PAD:-PAD, PAD:-PAD, PAD:-PAD].reshape(SIDE, FINER, SIDE, FINER, SIDE, FINER)
    return np.round(inner.mean((1, 3, 5)) * 255).astype(np.uint8)


def of_voxels(voxels: np.ndarray) -> np.ndarray:
    """Voxels of any size as an item: uint8 (32, 32, 32).

    Those of 32^3 are taken as they are; others stand on the floor of a cube as wide as their longest side,
    which is resampled: means of what falls into a cell, or between cells where there are fewer.

    Args:
        voxels: (a, b, c) by x, y and z: bool, 0 and 1, shares in [0, 1], or uint8 up to 255.

    Raises:
        LiminalError: they are no three-dimensional shares, or none of them is solid.
    """
    if voxels.ndim != 3 or min(voxels.shape) < 2 or max(voxels.shape) > 1024:
        raise LiminalError(f"voxels of shape {voxels.shape}: wanted three sides of 2 to 1,024")
    if voxels.dtype.kind not in "buif":
        raise LiminalError(f"voxels of {voxels.dtype}: wanted yes/no, or numbers from 0 to 1")
    share = voxels.astype(np.float32)
    if not np.isfinite(share).all() or share.min() < 0:
        raise LiminalError("voxels that are negative or no finite numbers: wanted 0 to 1")
    share /= 255 if voxels.dtype.kind in "ui" and share.max() > 1 else 1
    if share.max() > 1 + 1e-6:
        raise LiminalError(f"voxels up to {share.max():g}: wanted 0 to 1, or bytes up to 255")
    if not (share >= 0.5).any():
        raise LiminalError("nothing in it is solid: wanted shares of a half or more, or bytes from 128 on")
    if share.shape != (SIDE,) * 3:
        share = _resampled(share)
    return np.round(np.clip(share, 0, 1) * 255).astype(np.uint8)


def _resampled(share: np.ndarray) -> np.ndarray:
    import torch
    from torch.nn import functional as F

    side = max(share.shape)
    cube = np.zeros((side,) * 3, np.float32)
    x, z = ((side - n) // 2 for n in (share.shape[0], share.shape[2]))
    cube[x : x + share.shape[0], : share.shape[1], z : z + share.shape[2]] = share
    how = {"mode": "area"} if side > SIDE else {"mode": "trilinear", "align_corners": False}
    return F.interpolate(torch.from_numpy(cube)[None, None], size=(SIDE,) * 3, **how)[0, 0].numpy()
